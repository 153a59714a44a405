//! The table of one process, in sled.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sled::transaction::{ConflictableTransactionError, TransactionError};

use super::{Entry, MAX_ENTRIES, Put};
use crate::{Error, private};

/// How long an entry stays, as in the fleet's table.
const KEPT: Duration = Duration::from_hours(24);

/// Version and time stand before each value, eight bytes each.
const HEAD: usize = 16;

pub(super) struct Table {
    tree: sled::Tree,
    _db: sled::Db,
}

impl Table {
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        private::folder(dir).map_err(|error| Error::io(dir.display(), &error))?;
        let db = sled::Config::new()
            .path(dir.join("sled"))
            .cache_capacity(1024 * 1024)
            .open()
            .map_err(|error| Error::Io(error.to_string()))?;
        private::close(dir).map_err(|error| Error::io(dir.display(), &error))?;
        let tree = db.open_tree("board").map_err(unreadable)?;
        Ok(Self { tree, _db: db })
    }

    pub(super) fn all(&self) -> Result<Vec<Entry>, Error> {
        let now = now();
        let mut all = Vec::new();
        for stored in &self.tree {
            let (key, stored) = stored.map_err(unreadable)?;
            match (entry(&key, &stored), is_kept(&stored, now)) {
                (Some(entry), true) if all.len() < MAX_ENTRIES => all.push(entry),
                (Some(_), true) => break,
                _ => {
                    self.tree.remove(key).map_err(unreadable)?;
                }
            }
        }
        Ok(all)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        let stored = self.tree.get(key).map_err(unreadable)?;
        let stored = stored.filter(|stored| is_kept(stored, now()));
        Ok(stored.and_then(|stored| entry(key.as_bytes(), &stored)))
    }

    pub(super) fn put(&self, key: &str, seen: Option<u64>, value: &[u8]) -> Result<Put, Error> {
        let now = now();
        let changed = self.tree.transaction(|tree| {
            let last = tree.get(key)?;
            let last = last.filter(|stored| is_kept(stored, now));
            let last = last.and_then(|stored| number(&stored, 0));
            if last != seen {
                return Err(ConflictableTransactionError::Abort(()));
            }
            // Never a version that was there before, also of an entry long gone.
            let version = last.unwrap_or(0).max(now).saturating_add(1);
            let mut stored = Vec::with_capacity(HEAD + value.len());
            stored.extend_from_slice(&version.to_be_bytes());
            stored.extend_from_slice(&now.to_be_bytes());
            stored.extend_from_slice(value);
            tree.insert(key, stored)?;
            Ok(version)
        });
        match changed {
            Ok(version) => {
                self.tree.flush().map_err(unreadable)?;
                Ok(Put::Done { version })
            }
            Err(TransactionError::Abort(())) => Ok(Put::Overtaken),
            Err(TransactionError::Storage(error)) => Err(unreadable(error)),
        }
    }
}

fn entry(key: &[u8], stored: &[u8]) -> Option<Entry> {
    Some(Entry {
        key: std::str::from_utf8(key).ok()?.to_owned(),
        version: number(stored, 0)?,
        value: Bytes::copy_from_slice(stored.get(HEAD..)?),
    })
}

fn is_kept(stored: &[u8], now: u64) -> bool {
    let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
    number(stored, 8).is_some_and(|at| now.saturating_sub(at) < kept)
}

fn number(stored: &[u8], from: usize) -> Option<u64> {
    let bytes = stored.get(from..from + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn unreadable(error: sled::Error) -> Error {
    Error::Io(error.to_string())
}
