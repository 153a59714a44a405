//! How the journal lies on disk: two rings in one sled tree, numbered together,
//! so that what they hold can be told in order.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use foldgate_proto::OwnerId;
use serde::{Deserialize, Serialize};

use super::{Page, Refused};
use crate::history::store::{Fault, guarded};

/// The most refusals kept of each sort: together some 30 MB.
const MAX_OF_EACH: usize = 50_000;

/// How long what was written may wait for the disk.
const FLUSH_EVERY_MS: u64 = 500;

const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// Refusals of people who are known.
const KNOWN: u8 = b'k';
/// Refusals of strangers.
const STRANGERS: u8 = b'u';
/// An owner's part of the known ones.
const OF_OWNER: u8 = b'o';

/// The opened rings.
#[derive(Debug)]
pub(super) struct Ring {
    db: sled::Db,
    /// Only one writes at a time.
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    next: u64,
    known: usize,
    strangers: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    owner: Option<OwnerId>,
    refused: Refused,
}

impl Ring {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let path = path.to_owned();
        guarded("access-log-open", move || {
            let config = sled::Config::new()
                .path(path)
                .flush_every_ms(Some(FLUSH_EVERY_MS))
                .cache_capacity(CACHE_BYTES);
            let db = config.open()?;
            let counts = Mutex::new(Counts::of(&db)?);
            Ok(Self { db, counts })
        })
    }

    pub(super) fn flush(&self) -> Result<(), Fault> {
        self.db.flush()?;
        Ok(())
    }

    /// Adds refusals, and lets go of as many of the oldest as there are too many.
    pub(super) fn write(&self, group: Vec<(Option<OwnerId>, Refused)>) -> Result<(), Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = sled::Batch::default();
        for (owner, refused) in group {
            let number = counts.next;
            counts.next += 1;
            let kept = Kept { owner, refused };
            let value = rmp_serde::to_vec(&kept).map_err(|e| Fault::Disk(e.to_string()))?;
            if let Some(owner) = owner {
                counts.known += 1;
                batch.insert(place(&of_owner(owner), number), &[]);
                batch.insert(place(&[KNOWN], number), value);
            } else {
                counts.strangers += 1;
                batch.insert(place(&[STRANGERS], number), value);
            }
        }
        self.db.apply_batch(batch)?;
        counts.known -= self.trim(KNOWN, counts.known)?;
        counts.strangers -= self.trim(STRANGERS, counts.strangers)?;
        Ok(())
    }

    fn trim(&self, ring: u8, count: usize) -> Result<usize, Fault> {
        let surplus = count.saturating_sub(MAX_OF_EACH);
        if surplus == 0 {
            return Ok(0);
        }
        let mut batch = sled::Batch::default();
        let mut gone = 0;
        for entry in self.db.scan_prefix([ring]).take(surplus) {
            let (key, value) = entry?;
            let kept = rmp_serde::from_slice::<Kept>(&value).ok();
            if let Some(owner) = kept.and_then(|kept| kept.owner) {
                batch.remove(place(&of_owner(owner), number(&key)?));
            }
            batch.remove(key);
            gone += 1;
        }
        self.db.apply_batch(batch)?;
        Ok(gone)
    }

    /// See [`super::Journal::page`].
    pub(super) fn page(
        &self,
        (owner, strangers): (OwnerId, bool),
        (from, limit): (Option<u64>, usize),
    ) -> Result<Page, Fault> {
        let mine = of_owner(owner);
        let mut at = Some(from.unwrap_or(u64::MAX));
        let mut found = Vec::new();
        while let Some(newest) = at {
            let own = self.at_or_before(&mine, newest)?.map(|n| (n, KNOWN));
            let other = if strangers {
                self.at_or_before(&[STRANGERS], newest)?
            } else {
                None
            };
            let other = other.map(|number| (number, STRANGERS));
            let Some((number, ring)) = own.max(other) else {
                break;
            };
            if found.len() >= limit {
                return Ok((found, Some(number)));
            }
            // Gone meanwhile, if it was the oldest.
            if let Some(value) = self.db.get(place(&[ring], number))? {
                let kept: Kept = rmp_serde::from_slice(&value)
                    .map_err(|_| Fault::Damaged(format!("entry {number} cannot be read")))?;
                found.push((number, kept.refused));
            }
            at = number.checked_sub(1);
        }
        Ok((found, None))
    }

    fn at_or_before(&self, list: &[u8], newest: u64) -> Result<Option<u64>, Fault> {
        let mut places = self.db.range(place(list, 0)..=place(list, newest));
        match places.next_back() {
            None => Ok(None),
            Some(entry) => number(&entry?.0).map(Some),
        }
    }
}

impl Counts {
    fn of(db: &sled::Db) -> Result<Self, Fault> {
        let mut counts = Self {
            next: 0,
            known: 0,
            strangers: 0,
        };
        for (ring, count) in [
            (KNOWN, &mut counts.known),
            (STRANGERS, &mut counts.strangers),
        ] {
            for entry in db.scan_prefix([ring]).keys() {
                counts.next = counts.next.max(number(&entry?)? + 1);
                *count += 1;
            }
        }
        Ok(counts)
    }
}

fn of_owner(owner: OwnerId) -> Vec<u8> {
    let mut list = vec![OF_OWNER];
    list.extend_from_slice(owner.0.as_bytes());
    list
}

fn place(list: &[u8], number: u64) -> Vec<u8> {
    let mut key = list.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn number(key: &[u8]) -> Result<u64, Fault> {
    let (_, bytes) = key
        .split_last_chunk::<8>()
        .ok_or_else(|| Fault::Damaged("one of its keys cannot be read".to_owned()))?;
    Ok(u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
