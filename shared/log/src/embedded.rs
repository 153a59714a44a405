//! The embedded log: one process, one directory, no server. Records stand in
//! sled, in chunks; an append is acknowledged after sled's flush *and* an fsync
//! of its file, because on Linux the flush alone is none.
//!
//! Beside the store stands a small *witness* file that knows how long the log
//! was. sled can lose the end of a damaged file without a word; the witness is
//! what notices.

mod feed;
mod open;
mod scratch;
mod store;
mod witness;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use foldgate_proto::{Encoded, LogId, Revision};
use tokio::sync::watch;
use uuid::Uuid;

use crate::follow::{self, Poke};
use crate::{AppendError, Appended, Error, EventLog, Follow, Position, Stop, Stored, chain};
use open::Opened;
use scratch::Scratch;
use store::Store;
use witness::Witness;

/// A log in a directory.
#[derive(Debug, Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    log_id: LogId,
    writer: Mutex<Writer>,
    head: watch::Sender<Position>,
    /// How long the log was when it was last written, if that is longer than it is.
    lost: Option<Revision>,
    /// The copy it reads, if it is only looked at; removed once the store is closed.
    _scratch: Option<Scratch>,
    /// Held for its lock on the directory; released last.
    _lock: std::fs::File,
}

#[derive(Debug)]
enum Writer {
    /// May write.
    Open(Witness),
    /// May not, and why.
    Closed(String),
}

impl Embedded {
    /// Opens the log in a directory, or creates it there, and reads it whole.
    ///
    /// # Errors
    /// When another process holds it, and when any record is damaged or missing:
    /// a damaged log is never opened for writing.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        Self::create(dir, LogId(Uuid::new_v4())).await
    }

    /// Opens the log in a directory, or creates it there with this id (an import
    /// keeps the id of its origin).
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub async fn create(dir: &Path, log_id: LogId) -> Result<Self, Error> {
        let dir = dir.to_owned();
        blocking(move || {
            let opened = open::open(&dir, log_id)?;
            let head = opened.store.verify(opened.log_id)?;
            let mut witness = Witness::open(&dir)?;
            if let Some(lost) = witness.beyond(head) {
                return Err(open::lost(head, lost));
            }
            witness.note(head)?;
            Ok(Self::from_parts(opened, head, Writer::Open(witness), None))
        })
        .await
    }

    /// Opens a copy of a log only to read it, damaged or not: nothing in its folder
    /// is changed.
    ///
    /// # Errors
    /// When there is none, or so little of it that it cannot be opened at all.
    pub async fn inspect(dir: &Path) -> Result<Self, Error> {
        let dir = dir.to_owned();
        blocking(move || {
            let opened = open::inspect(&dir)?;
            // If its end cannot be found, reading finds where it breaks off.
            let unknown = Position {
                revision: Revision(1),
                hash: foldgate_proto::RecordHash([0; 32]),
            };
            let head = opened.store.last(opened.log_id).unwrap_or(unknown);
            let lost = Witness::peek(&dir).and_then(|witness| witness.beyond(head));
            let writer = Writer::Closed("it is open for inspection only".to_owned());
            Ok(Self::from_parts(opened, head, writer, lost))
        })
        .await
    }

    fn from_parts(opened: Opened, head: Position, writer: Writer, lost: Option<Revision>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store: opened.store,
                log_id: opened.log_id,
                writer: Mutex::new(writer),
                head: watch::Sender::new(head),
                lost,
                _scratch: opened.scratch,
                _lock: opened.lock,
            }),
        }
    }

    /// How many bytes it takes on disk.
    pub fn size_on_disk(&self) -> u64 {
        self.inner.store.size_on_disk()
    }
}

impl Inner {
    fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError> {
        let stopped = |stop| AppendError { written: 0, stop };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let head = *self.head.borrow();
        let witness = match &mut *writer {
            Writer::Open(witness) => witness,
            Writer::Closed(reason) => return Err(stopped(Stop::Unavailable(reason.clone()))),
        };
        if head.revision != expected {
            return Err(stopped(Stop::Conflict { head }));
        }
        chain::admit(head.hash, group).map_err(|reason| stopped(Stop::Refused(reason)))?;
        let written = match self.store.write(expected, group) {
            Ok(written) => written,
            // After a failed sync nobody knows what the disk holds: the log is
            // read anew before anything is written behind it.
            Err(error) => {
                *writer = Writer::Closed(format!("an earlier write failed ({error}); restart"));
                return Err(stopped(match group.first() {
                    Some(record) => Stop::Unknown { id: record.id },
                    None => Stop::Unavailable(error.to_string()),
                }));
            }
        };
        if let Err(error) = witness.note(written) {
            tracing::warn!(%error, "the embedded log's witness cannot be written");
        }
        self.head.send_replace(written);
        Ok(Appended { head: written })
    }

    fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        let chunk = self.store.read(from, max)?;
        match self.lost {
            Some(lost) if chunk.is_empty() && from <= lost => Err(Error::Damaged {
                revision: from,
                reason: format!("it is missing, the log once reached {lost}"),
            }),
            _ => Ok(chunk),
        }
    }
}

#[async_trait]
impl EventLog for Embedded {
    async fn log_id(&self) -> Result<LogId, Error> {
        Ok(self.inner.log_id)
    }

    async fn head(&self) -> Result<Position, Error> {
        Ok(*self.inner.head.borrow())
    }

    async fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError> {
        let (inner, group) = (self.inner.clone(), group.to_vec());
        let id = group.first().map(|record| record.id);
        // The task runs to its end even if the caller goes away.
        let task = tokio::task::spawn_blocking(move || inner.append(expected, &group));
        task.await.unwrap_or_else(|error| {
            let stop = match id {
                Some(id) => Stop::Unknown { id },
                None => Stop::Unavailable(error.to_string()),
            };
            Err(AppendError { written: 0, stop })
        })
    }

    async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        let inner = self.inner.clone();
        blocking(move || inner.read(from, max)).await
    }

    fn follow(&self, from: Position) -> Follow {
        let poke = Poke::default();
        let feed = feed::Feed::new(self.clone(), poke.clone());
        follow::spawn(feed, from, poke)
    }
}

/// Runs disk work off the async workers. A panic in the store is an error here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::Io("the embedded store gave up".to_owned())))
}
