//! The reading end of a spool: batches in order, each with a number of its own that
//! is on disk before the batch goes anywhere. A run that dies sends the same records
//! under the same number again.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use foldgate_proto::UsageRecord;
use foldgate_proto::usage::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS};
use uuid::Uuid;

use super::files::Segment;
use super::frame::{Frame, MAX_BODY};
use super::scan::Cut;
use super::{FULL_RECORDS, Inner, segment};
use crate::Error;

/// How much of a segment is read at once: room for some frames of the greatest length.
const CHUNK: usize = 16 * MAX_BODY;

/// How many bytes of records make a batch full; the rest of the greatest batch is for
/// its own fields.
const FULL_BYTES: usize = MAX_BATCH_BYTES - MAX_BODY;

/// Records under a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The spool they stood in.
    pub spool: Uuid,
    /// Which of its batches, from 1.
    pub number: u64,
    /// The records. There may be none: they were lost, and the number is used up.
    pub records: Vec<UsageRecord>,
}

/// See the module. Its calls block.
pub struct Outbox {
    spool: Arc<Inner>,
    /// Batches that an earlier run made.
    cuts: VecDeque<Cut>,
    at: Cursor,
    /// The batch that is on its way.
    sent: Option<Cut>,
    /// The last batch ended where it was full, or where an earlier run had cut it.
    cut_short: bool,
}

/// A place between two frames.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    sequence: u64,
    offset: u64,
    /// The next record, counted through.
    record: u64,
}

/// Where reading ends.
struct Reading {
    /// Before this record, if it is known.
    end: Option<u64>,
    bytes: usize,
    records: Vec<UsageRecord>,
}

impl Outbox {
    pub(super) fn new(spool: Arc<Inner>, cuts: VecDeque<Cut>) -> Self {
        let files = spool.files();
        let arrived = files.standing.arrived;
        let before = files.segments.iter().rev();
        let first = before.copied().find(|segment| segment.base <= arrived);
        let first = first.or_else(|| files.segments.front().copied());
        let at = Cursor {
            sequence: first.map_or(0, |first| first.sequence),
            offset: first.map_or(0, |first| first.start),
            record: first.map_or(0, |first| first.base),
        };
        drop(files);
        Self {
            spool,
            cuts,
            at,
            sent: None,
            cut_short: false,
        }
    }

    /// The next batch, if any record waits. The one before it must have arrived.
    /// Its number and its records are on disk when this returns.
    ///
    /// # Errors
    /// The disk refuses; nothing is lost by asking again.
    pub fn next_batch(&mut self) -> Result<Option<Numbered>, Error> {
        // Whatever is settled from here on is told of again.
        self.spool.told.store(false, Ordering::Release);
        // What the disk refused before is tried again now and then.
        self.spool
            .commit(0)
            .map_err(|refused| Error::Io(refused.to_string()))?;
        let standing = self.spool.files().standing;
        let known = self.cuts.front().copied();
        let (records, at, full) = self.read(known.map(|cut| cut.end))?;
        let cut = match known {
            Some(cut) => cut,
            None if at.record <= standing.batched => return Ok(None),
            None => {
                let (number, count) = (standing.number + 1, at.record - standing.batched);
                let written = self.spool.write(&Frame::Cut { number, count });
                written.map_err(|refused| Error::Io(refused.to_string()))?;
                let end = at.record;
                self.cuts.push_back(Cut { number, end });
                Cut { number, end }
            }
        };
        self.sync()?;
        self.cuts.pop_front();
        self.at = at;
        self.sent = Some(cut);
        self.cut_short = full || known.is_some();
        Ok(Some(Numbered {
            spool: standing.spool,
            number: cut.number,
            records,
        }))
    }

    /// The last batch has arrived: what only it was kept for is deleted.
    ///
    /// # Errors
    /// The disk refuses; the batch counts as arrived for this run.
    pub fn arrived(&mut self) -> Result<(), Error> {
        let Some(Cut { number, end }) = self.sent.take() else {
            return Ok(());
        };
        let written = self.spool.write(&Frame::Acknowledged { number, end });
        written.map_err(|refused| Error::Io(refused.to_string()))?;
        let disk = |error: io::Error| Error::io("the usage spool", &error);
        let carried = self.spool.files().carry().map_err(disk)?;
        if carried {
            self.sync()?;
        }
        let mut files = self.spool.files();
        files.release().map_err(disk)?;
        self.spool.count(&files);
        Ok(())
    }

    /// Whether the last batch was not all that waited when it was made.
    pub const fn has_more(&self) -> bool {
        self.cut_short
    }

    /// Resolves when a record was settled since the last look for a batch.
    pub async fn settled(&self) {
        self.spool.settled.notified().await;
    }

    /// Resolves when as many records wait as make a batch.
    pub async fn full(&self) {
        while self.spool.waiting.load(Ordering::Relaxed) < FULL_RECORDS {
            self.spool.full.notified().await;
        }
    }

    fn sync(&self) -> Result<(), Error> {
        let unsynced = self.spool.files().unsynced();
        let done = unsynced
            .0
            .iter()
            .try_for_each(|file| file.sync_data())
            .and_then(|()| {
                if unsynced.1 {
                    File::open(&self.spool.dir)?.sync_all()?;
                }
                Ok(())
            });
        done.map_err(|error| {
            self.spool.files().still_unsynced(unsynced);
            Error::io(self.spool.dir.display(), &error)
        })
    }

    /// Reads the records up to a known end, or as many as make a batch; and whether it
    /// got so far.
    fn read(&self, end: Option<u64>) -> Result<(Vec<UsageRecord>, Cursor, bool), Error> {
        let (segments, first) = {
            let files = self.spool.files();
            let segments: Vec<Segment> = files.segments.iter().copied().collect();
            (segments, files.standing.arrived.max(self.at.record))
        };
        let mut reading = Reading {
            end,
            bytes: 0,
            records: Vec::new(),
        };
        let (mut at, mut full) = (self.at, false);
        let mut from = segments.iter().position(|one| one.sequence == at.sequence);
        while let Some(index) = from {
            let next = segments.get(index + 1);
            let limit = next.map_or(u64::MAX, |next| next.base);
            full = self.segment(&segments[index], limit, (&mut at, first), &mut reading)?;
            let Some(next) = next.filter(|_| !full) else {
                break;
            };
            // Records that are missing before it are lost; the count goes on.
            at = Cursor {
                sequence: next.sequence,
                offset: next.start,
                record: next.base,
            };
            from = Some(index + 1);
        }
        Ok((reading.records, at, full))
    }

    /// Reads on in one segment. Answers whether that is enough.
    fn segment(
        &self,
        segment: &Segment,
        limit: u64,
        (at, first): (&mut Cursor, u64),
        reading: &mut Reading,
    ) -> Result<bool, Error> {
        let path = segment::path(&self.spool.dir, segment.sequence);
        let disk = |error: io::Error| Error::io(path.display(), &error);
        let file = File::open(&path).map_err(disk)?;
        while at.offset < segment.bytes {
            let left = usize::try_from(segment.bytes - at.offset).unwrap_or(usize::MAX);
            let mut chunk = vec![0; left.min(CHUNK)];
            file.read_exact_at(&mut chunk, at.offset).map_err(disk)?;
            let mut done = 0;
            while let Some((frame, length)) = Frame::read(&chunk[done..]) {
                if let Frame::Settled(_, body) = frame {
                    if reading.is_full(at.record, body.len()) {
                        return Ok(true);
                    }
                    if at.record >= limit {
                        return Ok(false);
                    }
                    if at.record >= first {
                        reading.add(body);
                    }
                    at.record += 1;
                }
                done += length;
                at.offset += u64::try_from(length).unwrap_or(0);
            }
            if done == 0 {
                tracing::error!(file = %path.display(), at = at.offset, "a usage spool is damaged");
                return Ok(false);
            }
        }
        Ok(false)
    }
}

impl Reading {
    /// Whether a record of this length is too much.
    fn is_full(&self, record: u64, length: usize) -> bool {
        match self.end {
            Some(end) => record >= end,
            None => self.records.len() >= MAX_BATCH_RECORDS || self.bytes + length > FULL_BYTES,
        }
    }

    fn add(&mut self, body: &[u8]) {
        match rmp_serde::from_slice(body) {
            Ok(record) => {
                self.bytes += body.len();
                self.records.push(record);
            }
            Err(error) => {
                metrics::counter!("foldgate_usage_spool_lost_total").increment(1);
                tracing::error!(%error, "a usage record cannot be read");
            }
        }
    }
}
