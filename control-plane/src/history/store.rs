//! How the index lies on disk: one sled tree that a batch per group of records
//! takes from one revision to another. It holds nothing that the log does not
//! say, so whatever is wrong with it, it is thrown away and made anew.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use foldgate_log::Position;
use foldgate_proto::{LogId, OwnerId, RecordHash, Revision, Timestamp};
use serde::{Deserialize, Serialize};

use super::row::{Entry, Row};
use super::term::{self, META, Term};

/// The layout's version; another one is made anew.
const FORMAT: u32 = 2;

/// How long a store may take to open; see the embedded log's own.
const OPEN_LIMIT: Duration = Duration::from_mins(1);

/// How long what was written may wait for the disk: losing it costs reading
/// those records once more.
const FLUSH_EVERY_MS: u64 = 1000;

/// Pages held in memory, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Why a store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is not what was written: it has to go.
    #[error("{0}")]
    Damaged(String),
    /// The disk refused, or somebody else has it open; later may be better.
    #[error("{0}")]
    Disk(String),
}

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Disk(words(&error)),
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// An I/O error in words: of one that it repeats, sled keeps the kind and, as its
/// text, what only a programmer reads.
fn words(error: &std::io::Error) -> String {
    use std::io::ErrorKind;

    match error.kind() {
        ErrorKind::Other if error.to_string().contains("lock") => {
            "its folder is still open elsewhere".to_owned()
        }
        ErrorKind::Other => "the disk refused".to_owned(),
        kind => format!("the disk refused: {kind}"),
    }
}

/// Up to where it goes, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    format: u32,
    /// The version of the fold its states and differences were made by.
    fold_version: u32,
    /// The log.
    pub(super) log: LogId,
    revision: Revision,
    hash: RecordHash,
}

impl Meta {
    pub(super) fn new(log: LogId, at: Position) -> Self {
        Self {
            format: FORMAT,
            fold_version: foldgate_domain::FOLD_VERSION,
            log,
            revision: at.revision,
            hash: at.hash,
        }
    }

    /// The last record in it.
    pub(super) const fn position(&self) -> Position {
        Position {
            revision: self.revision,
            hash: self.hash,
        }
    }
}

/// What is kept of one record.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its line.
    pub(super) row: Row,
    /// Its changed fields in JSON, unless they were too long.
    pub(super) changes: Option<Vec<u8>>,
}

/// The opened store.
#[derive(Debug)]
pub(super) struct Store {
    db: sled::Db,
}

impl Store {
    /// Opens what is in a folder, or makes it. sled can panic and could hang on a
    /// damaged file, so it does that on a thread of its own.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let path = path.to_owned();
        let open = move || {
            let config = sled::Config::new()
                .path(path)
                .flush_every_ms(Some(FLUSH_EVERY_MS))
                .cache_capacity(CACHE_BYTES);
            config.open().map_err(Fault::from)
        };
        let db = guarded("history-open", open)?;
        Ok(Self { db })
    }

    /// How far it is; `None` is new.
    pub(super) fn meta(&self) -> Result<Option<Meta>, Fault> {
        let Some(bytes) = self.db.get(META)? else {
            if self.db.is_empty() {
                return Ok(None);
            }
            return Err(Fault::Damaged("it does not say how far it is".to_owned()));
        };
        let unreadable = || Fault::Damaged("it was made by another version".to_owned());
        let meta: Meta = rmp_serde::from_slice(&bytes).map_err(|_| unreadable())?;
        let known = (FORMAT, foldgate_domain::FOLD_VERSION);
        if (meta.format, meta.fold_version) != known {
            return Err(unreadable());
        }
        Ok(Some(meta))
    }

    /// Adds what is kept of a group of records, with how far that goes.
    pub(super) fn write(
        &self,
        entries: &[(OwnerId, Entry)],
        moments: &[(Timestamp, Revision)],
        meta: &Meta,
    ) -> Result<(), Fault> {
        let broken = |error: rmp_serde::encode::Error| Fault::Disk(error.to_string());
        let mut batch = sled::Batch::default();
        for (at, revision) in moments {
            batch.insert(term::place(&term::moment(*at), *revision), &[]);
        }
        for (owner, entry) in entries {
            let row = rmp_serde::to_vec(&entry.row).map_err(broken)?;
            for found_by in &entry.terms {
                let key = term::place(&found_by.list(*owner), entry.row.revision);
                if *found_by == Term::rows() {
                    batch.insert(key, framed(&row, entry.changes.as_deref()));
                } else {
                    batch.insert(key, &[]);
                }
            }
        }
        batch.insert(META, rmp_serde::to_vec(meta).map_err(broken)?);
        self.db.apply_batch(batch)?;
        Ok(())
    }

    /// Puts on disk what was written.
    pub(super) fn flush(&self) -> Result<(), Fault> {
        self.db.flush()?;
        Ok(())
    }

    /// How many bytes it takes on disk.
    pub(super) fn size_on_disk(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }

    /// The first place in a list at or behind a revision.
    pub(super) fn at_or_after(
        &self,
        list: &[u8],
        from: Revision,
    ) -> Result<Option<Revision>, Fault> {
        let end = term::place(list, Revision(u64::MAX));
        let mut places = self.db.range(term::place(list, from)..=end);
        places.next().map_or(Ok(None), |place| read(&place?.0))
    }

    /// The last place in a list at or before a revision.
    pub(super) fn at_or_before(
        &self,
        list: &[u8],
        to: Revision,
    ) -> Result<Option<Revision>, Fault> {
        let first = term::place(list, Revision::ZERO);
        let mut places = self.db.range(first..=term::place(list, to));
        places.next_back().map_or(Ok(None), |place| read(&place?.0))
    }

    /// The first record at or behind a moment.
    pub(super) fn first_from(&self, at: Timestamp) -> Result<Option<Revision>, Fault> {
        let first = term::place(&term::moment(at), Revision::ZERO);
        let last = term::place(&term::moment(Timestamp(i64::MAX)), Revision(u64::MAX));
        let mut places = self.db.range(first..=last);
        places.next().map_or(Ok(None), |place| read(&place?.0))
    }

    /// The last record at or before a moment.
    pub(super) fn last_until(&self, at: Timestamp) -> Result<Option<Revision>, Fault> {
        let first = term::place(&term::moment(Timestamp(i64::MIN)), Revision::ZERO);
        let last = term::place(&term::moment(at), Revision(u64::MAX));
        let mut places = self.db.range(first..=last);
        places.next_back().map_or(Ok(None), |place| read(&place?.0))
    }

    /// What is kept of one record of an owner.
    pub(super) fn row(&self, owner: OwnerId, revision: Revision) -> Result<Option<Kept>, Fault> {
        let key = term::place(&Term::rows().list(owner), revision);
        let Some(value) = self.db.get(key)? else {
            return Ok(None);
        };
        let unreadable = || Fault::Damaged(format!("its row {revision} cannot be read"));
        let (length, rest) = value.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (row, rest) = rest.split_at_checked(length).ok_or_else(unreadable)?;
        let row: Row = rmp_serde::from_slice(row).map_err(|_| unreadable())?;
        let (kept, changes) = rest.split_first().ok_or_else(unreadable)?;
        let changes = (*kept == 1).then(|| changes.to_vec());
        Ok(Some(Kept { row, changes }))
    }
}

fn read(key: &sled::IVec) -> Result<Option<Revision>, Fault> {
    let revision = term::revision(key);
    let unreadable = || Fault::Damaged("one of its keys cannot be read".to_owned());
    revision.map(Some).ok_or_else(unreadable)
}

/// A line with the changed fields behind it, so that lists need not read those.
fn framed(row: &[u8], changes: Option<&[u8]>) -> Vec<u8> {
    let length = u32::try_from(row.len()).unwrap_or(u32::MAX);
    let mut value = Vec::with_capacity(5 + row.len() + changes.map_or(0, <[u8]>::len));
    value.extend_from_slice(&length.to_be_bytes());
    value.extend_from_slice(row);
    value.push(u8::from(changes.is_some()));
    value.extend_from_slice(changes.unwrap_or_default());
    value
}

/// Runs what may panic or hang on a damaged file. A thread that hangs is left
/// behind.
pub(crate) fn guarded<T: Send + 'static>(
    name: &str,
    open: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (tx, rx) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
            // Nobody waits any longer if the time limit has passed.
            let _ = tx.send(opened);
        })
        .map_err(|error| Fault::Disk(error.to_string()))?;
    match rx.recv_timeout(OPEN_LIMIT) {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) => Err(Fault::Damaged("sled gave up on its file".to_owned())),
        Err(_) => Err(Fault::Damaged("it could not be opened in time".to_owned())),
    }
}
