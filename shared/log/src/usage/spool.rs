//! The spool: what a node has served and not yet handed on, in files of its own
//! directory. A call is written down before it goes upstream and again when its
//! answer ends; what was written survives `kill -9` of the process, since it is with
//! the kernel by then, and a loss of power as far as the sender has synced: every
//! batch before it is sent, so about the last 200 ms are at risk.
//!
//! Entries of requests that arrive together are written with one `write(2)`: the
//! first takes the pen, those behind it find their entry written. No request waits
//! for a disk.
//!
//! Segments are deleted when all their records have arrived and all their calls have
//! ended; calls that last longer are copied on. A spool that is full refuses new
//! calls: what cannot be written down cannot be billed. Calls that were let in are
//! written also beyond the limit.

mod files;
mod frame;
mod outbox;
mod scan;
mod segment;
#[cfg(test)]
pub(super) mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldgate_proto::UsageRecord;
use foldgate_proto::usage::MAX_BATCH_RECORDS;
use serde::Serialize;
use tokio::sync::Notify;
use uuid::Uuid;

use self::files::{Files, Item};
use self::frame::Frame;
use self::scan::{Cut, Scan};
use self::segment::Standing;
use super::{Intent, codec};
use crate::{Error, private};

pub use outbox::{Numbered, Outbox};

/// How long a segment gets before the next one begins.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Of how many segments a full spool has at least.
const SEGMENTS: u64 = 8;

/// How many records make a batch full.
const FULL_RECORDS: u64 = MAX_BATCH_RECORDS as u64;

/// What is kept free for the record of each call that has not ended.
const RECORD_BYTES: u64 = 1024;

/// How a spool is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub dir: PathBuf,
    /// How many bytes it may take before it refuses new calls.
    pub max_bytes: u64,
}

/// Why a call cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was handed on for too long.
    #[error("the usage spool is full: {bytes} of {max_bytes} bytes wait to be handed on")]
    Full {
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        max_bytes: u64,
    },
    /// The disk refuses.
    #[error("the usage spool cannot be written: {0}")]
    Disk(String),
}

/// Makes the record of a call whose end nobody saw. [`Intent::unsettled`] is one.
pub type Estimate = Box<dyn Fn(&Intent) -> UsageRecord + Send + Sync>;

/// A handle on the spool. Cheap to clone.
#[derive(Clone)]
pub struct Spool(Arc<Inner>);

struct Inner {
    max_bytes: u64,
    dir: PathBuf,
    estimate: Estimate,
    queue: Mutex<Queue>,
    files: Mutex<Files>,
    /// As the files have it, for those who do not hold them.
    bytes: AtomicU64,
    open: AtomicU64,
    waiting: AtomicU64,
    failed: AtomicBool,
    /// That a record waits is told once until the outbox looks.
    told: AtomicBool,
    settled: Notify,
    /// As many wait as make a batch.
    full: Notify,
    outbox: Mutex<Option<VecDeque<Cut>>>,
}

#[derive(Default)]
struct Queue {
    items: Vec<Item>,
    last: u64,
}

impl Spool {
    /// Opens the spool in a folder, and makes it if there is none. Calls that an
    /// earlier run did not end are settled by `estimate`. Blocks.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn open(options: Options, estimate: Estimate) -> Result<Self, Error> {
        let Options { dir, max_bytes } = options;
        let io = |error: std::io::Error| Error::io(dir.display(), &error);
        private::folder(&dir).map_err(io)?;
        let found = Scan::of(&dir).map_err(io)?;
        let standing = found
            .standing
            .unwrap_or_else(|| Standing::new(Uuid::new_v4()));
        let left: Vec<Vec<u8>> = found.open.values().map(|open| open.frame.clone()).collect();
        let segment_bytes = (max_bytes / SEGMENTS).min(SEGMENT_BYTES);
        let files = Files::begin(&dir, segment_bytes, standing, (found.segments, found.open));
        let spool = Self(Arc::new(Inner {
            max_bytes,
            estimate,
            queue: Mutex::default(),
            files: Mutex::new(files.map_err(io)?),
            bytes: AtomicU64::new(0),
            open: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            told: AtomicBool::new(false),
            settled: Notify::new(),
            full: Notify::new(),
            outbox: Mutex::new(Some(found.cuts)),
            dir,
        }));
        spool.0.count(&spool.0.files());
        for frame in left {
            spool.0.unsettled(&frame);
        }
        Ok(spool)
    }

    /// Writes down that a call goes upstream. Its bytes are with the kernel when
    /// this returns; it takes a few microseconds and waits for no disk.
    ///
    /// # Errors
    /// The spool is full, or the disk refuses. Then the call must not be made.
    pub fn intend(&self, intent: &Intent) -> Result<Ticket, Refused> {
        self.0.admit()?;
        self.0.intend(intent)?;
        Ok(Ticket {
            spool: self.0.clone(),
            id: Some(intent.id),
        })
    }

    /// Hands out what there is to hand on. There is one outbox.
    pub fn outbox(&self) -> Option<Outbox> {
        let mut cuts = self.0.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.take().map(|cuts| Outbox::new(self.0.clone(), cuts))
    }

    /// Which spool it is.
    pub fn id(&self) -> Uuid {
        self.0.files().standing.spool
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// How many records it holds that did not arrive yet.
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Whether the disk refused the last time.
    pub fn fails(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("dir", &self.0.dir)
            .finish_non_exhaustive()
    }
}

/// A call that was written down. One that is dropped is settled by the estimate.
pub struct Ticket {
    spool: Arc<Inner>,
    id: Option<Uuid>,
}

impl Ticket {
    /// Writes the intent anew, for another key or model is tried.
    ///
    /// # Errors
    /// The disk refuses; what was written before stands.
    pub fn again(&self, intent: &Intent) -> Result<(), Refused> {
        let intent = Intent {
            id: self.id.unwrap_or(intent.id),
            ..intent.clone()
        };
        self.spool.intend(&intent)
    }

    /// Writes what the call used. The record's bytes are with the kernel when this
    /// returns; while the disk refuses they are kept in memory and tried again.
    pub fn settle(mut self, record: UsageRecord) {
        if let Some(id) = self.id.take() {
            self.spool.settle(UsageRecord { id, ..record });
        }
    }

    /// Writes that there is nothing to bill: nothing went upstream, or it was refused.
    pub fn free(mut self) {
        if let Some(id) = self.id.take() {
            self.spool.push(&Frame::Free(id));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else {
            return;
        };
        let frame = self
            .spool
            .files()
            .open
            .get(&id)
            .map(|open| open.frame.clone());
        if let Some(frame) = frame {
            self.spool.unsettled(&frame);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.id).finish()
    }
}

impl Inner {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for one more, and a disk that takes it.
    fn admit(&self) -> Result<(), Refused> {
        let reserved = self
            .open
            .load(Ordering::Relaxed)
            .saturating_mul(RECORD_BYTES);
        let bytes = self.bytes.load(Ordering::Relaxed).saturating_add(reserved);
        if bytes >= self.max_bytes {
            let max_bytes = self.max_bytes;
            return Err(Refused::Full { bytes, max_bytes });
        }
        if self.failed.load(Ordering::Relaxed) {
            // Nothing more is put behind what is waiting already.
            self.commit(0)?;
        }
        Ok(())
    }

    fn intend(&self, intent: &Intent) -> Result<(), Refused> {
        let body = if intent.fits() {
            encode(intent)?
        } else {
            let mut intent = intent.clone();
            intent.clip();
            encode(&intent)?
        };
        if let Err(refused) = self.write(&Frame::Intent(intent.id, &body)) {
            // It is written later nevertheless; so is that it came to nothing.
            self.queue(&Frame::Free(intent.id));
            return Err(refused);
        }
        Ok(())
    }

    fn settle(&self, mut record: UsageRecord) {
        codec::clip_record(&mut record);
        match encode(&record) {
            Ok(body) => self.push(&Frame::Settled(record.id, &body)),
            Err(error) => tracing::error!(%error, id = %record.id, "a usage record is lost"),
        }
        if !self.told.swap(true, Ordering::AcqRel) {
            self.settled.notify_one();
        } else if self.waiting.load(Ordering::Relaxed) >= FULL_RECORDS {
            self.full.notify_one();
        }
    }

    /// Settles a call by what is known from before it.
    fn unsettled(&self, frame: &[u8]) {
        let Some((Frame::Intent(id, body), _)) = Frame::read(frame) else {
            return;
        };
        match rmp_serde::from_slice::<Intent>(body) {
            Ok(intent) => {
                metrics::counter!("foldgate_usage_unsettled_total").increment(1);
                let record = (self.estimate)(&intent);
                self.settle(UsageRecord { id, ..record });
            }
            Err(error) => {
                tracing::error!(%error, %id, "a call that did not end cannot be billed");
                self.push(&Frame::Free(id));
            }
        }
    }

    /// Writes, and leaves what the disk refuses to be tried again.
    fn push(&self, frame: &Frame<'_>) {
        if let Err(refused) = self.write(frame) {
            tracing::error!(%refused, "usage is kept in memory");
        }
    }

    fn write(&self, frame: &Frame<'_>) -> Result<(), Refused> {
        self.commit(self.queue(frame))
    }

    fn queue(&self, frame: &Frame<'_>) -> u64 {
        let item = Item::from(*frame);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.items.push(item);
        queue.last += 1;
        queue.last
    }

    /// Sees to it that the queue's items are written up to this one. Whoever holds
    /// the files writes for all.
    fn commit(&self, up_to: u64) -> Result<(), Refused> {
        let mut files = self.files();
        if up_to > 0 && files.written >= up_to {
            return Ok(());
        }
        let (items, last) = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            (std::mem::take(&mut queue.items), queue.last)
        };
        let written = files.write(items);
        self.failed.store(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(()) => {
                files.written = last;
                self.count(&files);
                Ok(())
            }
            Err(error) => {
                metrics::counter!("foldgate_usage_spool_failures_total").increment(1);
                Err(Refused::Disk(error.to_string()))
            }
        }
    }

    fn count(&self, files: &Files) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let standing = &files.standing;
        let waiting = standing.settled.saturating_sub(standing.arrived);
        self.bytes.store(files.bytes(), Ordering::Relaxed);
        self.open.store(number(files.open.len()), Ordering::Relaxed);
        self.waiting.store(waiting, Ordering::Relaxed);
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Refused> {
    rmp_serde::to_vec_named(value).map_err(|error| Refused::Disk(error.to_string()))
}
