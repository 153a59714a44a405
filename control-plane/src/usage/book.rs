//! The sums on disk: one sled tree that a batch per group of usage batches takes on,
//! sums and positions together.

mod key;
mod page;
mod read;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use foldgate_domain::zone::Zone;
use foldgate_log::usage::Position;
use foldgate_log::usage::streams::Positions;
use foldgate_proto::{AccountNumber, CallerKeyNumber, Timestamp, UsageBatch};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Sums;
use crate::history::store::{Fault, guarded};
use crate::purses::Spends;
use page::Page;

/// The layout's version.
const FORMAT: u32 = 1;

/// How long what was written may wait for the disk: what is lost is folded again.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Pages held in memory, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The most lines of one bill.
pub(super) const MAX_LINES: usize = 100_000;

/// How far everything is folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    format: u32,
    /// By stream.
    pub(super) positions: Positions,
    /// Since when everything is in it, where not from the beginning.
    pub(super) since: Option<Timestamp>,
    /// The zone of its days and months; UTC where it does not say.
    #[serde(default)]
    zone: Option<String>,
}

/// What an account used of one model on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who.
    pub account: AccountNumber,
    /// The day, counted from 1970.
    pub day: u32,
    /// The model behind all mappings.
    pub model: String,
    /// What.
    pub sums: Sums,
}

/// What an account used with one of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// The key; `None` is the account's own.
    pub key: Option<CallerKeyNumber>,
    /// What.
    pub sums: Sums,
}

/// Batches of one stream, to be folded.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) origin: &'a str,
    /// Whether batches before them had gone before they were read.
    pub(super) missed: bool,
    /// Each with where it stands; `None` cannot be read.
    pub(super) batches: Vec<(Position, Option<UsageBatch>)>,
}

/// What folding a group came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) batches: u64,
    pub(super) duplicates: u64,
    pub(super) records: u64,
    /// Ends of jobs that were counted before.
    pub(super) repeated: u64,
    /// How many batches of the spools that it was about are missing.
    pub(super) missing: u64,
    /// What accounts spent by it.
    pub(super) spent: Spends,
}

/// See the module.
pub(super) struct Book {
    db: sled::Db,
    path: PathBuf,
    /// By which it tells days and months apart.
    zone: Zone,
    /// Held to write while sums change, so that a bill is of one moment.
    pen: RwLock<()>,
}

impl Book {
    /// Opens the book in a folder, or begins one; its days are those of UTC.
    pub(super) fn open(dir: &Path) -> Result<Self, Fault> {
        let path = dir.join("sled");
        let open = {
            let path = path.clone();
            move || {
                let flush = u64::try_from(FLUSH_EVERY.as_millis()).ok();
                let config = sled::Config::new().path(path).flush_every_ms(flush);
                config
                    .cache_capacity(CACHE_BYTES)
                    .open()
                    .map_err(Fault::from)
            }
        };
        let db = guarded("usage-open", open)?;
        let book = Self {
            db,
            path,
            zone: Zone::UTC,
            pen: RwLock::new(()),
        };
        if book.read::<Meta>(key::META)?.is_none() {
            if !book.db.is_empty() {
                return Err(Fault::Damaged("it does not say how far it is".to_owned()));
            }
            let mut first = sled::Batch::default();
            first.insert(key::META, encoded(&Meta::default())?);
            book.db.apply_batch(first)?;
            book.sync()?;
        }
        if book.meta()?.format != FORMAT {
            return Err(Fault::Damaged("it was made by another version".to_owned()));
        }
        Ok(book)
    }

    /// Tells days and months apart by a zone from now on. What is billed already stays
    /// where it is: each call is in one day of the bills, whatever changes.
    pub(super) fn in_zone(mut self, zone: Zone) -> Result<Self, Fault> {
        self.zone = zone;
        let meta = self.meta()?;
        let before = meta.zone.as_deref().unwrap_or(Zone::UTC.name());
        if before == zone.name() {
            return Ok(self);
        }
        if !meta.positions.is_empty() {
            tracing::warn!(
                before,
                now = zone.name(),
                "days and months of bills begin in another time zone from now on; \
                 what is billed already stays in the days it is in"
            );
        }
        let meta = Meta {
            zone: Some(zone.name().to_owned()),
            ..meta
        };
        self.db.insert(key::META, encoded(&meta)?)?;
        self.sync()?;
        Ok(self)
    }

    /// How far it is.
    pub(super) fn meta(&self) -> Result<Meta, Fault> {
        let meta = self.read(key::META)?;
        meta.ok_or_else(|| Fault::Damaged("it does not say how far it is".to_owned()))
    }

    /// Adds a group, all or nothing.
    pub(super) fn fold(&self, group: &Group<'_>) -> Result<Outcome, Fault> {
        let mut meta = self.meta()?;
        let mut page = Page::on(self);
        let mut outcome = Outcome {
            spent: Spends::new(self.zone),
            ..Outcome::default()
        };
        for (position, batch) in &group.batches {
            meta.positions.insert(group.origin.to_owned(), *position);
            let Some(batch) = batch else { continue };
            let (new, skips) = page.admit(batch.spool, batch.number)?;
            if group.missed || skips {
                let first = batch.records.iter().map(|record| record.at).min();
                meta.since = meta.since.max(first);
            }
            if !new {
                outcome.duplicates += 1;
                continue;
            }
            outcome.batches += 1;
            for record in &batch.records {
                if !page.counts(record)? {
                    outcome.repeated += 1;
                    continue;
                }
                page.add(record)?;
                let of = (record.owner, record.account);
                outcome.spent.add(of, record.at, record.cost);
                outcome.records += 1;
            }
        }
        outcome.missing = page.missing();
        let mut written = page.close()?;
        written.insert(key::META, encoded(&meta)?);
        let pen = self.pen.write().unwrap_or_else(PoisonError::into_inner);
        self.db.apply_batch(written)?;
        drop(pen);
        Ok(outcome)
    }

    /// Puts on disk what was folded: sled alone would leave that to the kernel.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        self.db.flush()?;
        let file = File::open(self.path.join("db"));
        let synced = file.and_then(|file| file.sync_all());
        synced.map_err(|error| Fault::Disk(error.to_string()))
    }

    /// Whether its files are still there.
    pub(super) fn stands(&self) -> bool {
        self.path.join("db").is_file()
    }

    /// Nothing changes while this is held.
    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.pen.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        let found = self.db.get(key)?;
        found.map(|bytes| decoded(&bytes)).transpose()
    }
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            format: FORMAT,
            positions: Positions::new(),
            since: None,
            zone: None,
        }
    }
}

fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    rmp_serde::to_vec_named(value).map_err(|error| Fault::Disk(error.to_string()))
}

fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    rmp_serde::from_slice(bytes).map_err(|_| unreadable())
}

fn unreadable() -> Fault {
    Fault::Damaged("one of its entries cannot be read".to_owned())
}
