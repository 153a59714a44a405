//! The one writer of a spool's segments, and the account of what stands in them.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::frame::Frame;
use super::segment::{self, Standing};

/// A segment, as far as the account needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) sequence: u64,
    /// The first record in it, counted through; the next segment's is behind its last.
    pub(super) base: u64,
    /// Where its frames begin.
    pub(super) start: u64,
    /// How long it is, as far as it counts.
    pub(super) bytes: u64,
    /// How many calls stand in it that have not ended.
    pub(super) open: u64,
}

/// A call that has not ended.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) segment: u64,
    /// What was written of it.
    pub(super) frame: Vec<u8>,
}

/// Something to be written.
pub(super) struct Item {
    frame: Vec<u8>,
    change: Change,
}

enum Change {
    Intent(Uuid),
    Settled(Uuid),
    Free(Uuid),
    Cut { number: u64, count: u64 },
    Acknowledged { number: u64, end: u64 },
}

impl From<Frame<'_>> for Item {
    fn from(frame: Frame<'_>) -> Self {
        Self {
            frame: frame.encode(),
            change: match frame {
                Frame::Intent(id, _) => Change::Intent(id),
                Frame::Settled(id, _) => Change::Settled(id),
                Frame::Free(id) => Change::Free(id),
                Frame::Cut { number, count } => Change::Cut { number, count },
                Frame::Acknowledged { number, end } => Change::Acknowledged { number, end },
            },
        }
    }
}

/// See the module.
pub(super) struct Files {
    dir: PathBuf,
    segment_bytes: u64,
    pub(super) standing: Standing,
    /// The oldest first; the last is written to.
    pub(super) segments: VecDeque<Segment>,
    current: Arc<File>,
    /// The last segment holds the beginning of what could not be written.
    spoilt: bool,
    pub(super) open: HashMap<Uuid, Open>,
    /// What is to be written: more than nothing only while the disk refuses.
    waiting: Vec<Item>,
    unsynced: Vec<Arc<File>>,
    folder_changed: bool,
    /// Up to which of the queue's items all is written.
    pub(super) written: u64,
}

impl Files {
    /// Begins a new segment behind those that were found.
    pub(super) fn begin(
        dir: &Path,
        segment_bytes: u64,
        standing: Standing,
        (segments, open): (Vec<Segment>, HashMap<Uuid, Open>),
    ) -> io::Result<Self> {
        let sequence = segments.last().map_or(0, |last| last.sequence) + 1;
        let (current, start) = segment::create(dir, sequence, &standing)?;
        let mut files = Self {
            dir: dir.to_owned(),
            segment_bytes,
            standing,
            segments: segments.into(),
            current: current.clone(),
            spoilt: false,
            open,
            waiting: Vec::new(),
            unsynced: vec![current],
            folder_changed: true,
            written: 0,
        };
        files.segments.push_back(files.empty(sequence, start));
        Ok(files)
    }

    /// Writes what was waiting and these, all or nothing.
    pub(super) fn write(&mut self, items: Vec<Item>) -> io::Result<()> {
        self.waiting.extend(items);
        let Some(last) = self
            .segments
            .back()
            .copied()
            .filter(|_| !self.waiting.is_empty())
        else {
            return Ok(());
        };
        if self.spoilt || last.bytes >= self.segment_bytes {
            self.rotate(last.sequence + 1)?;
        }
        let joined: Vec<u8>;
        let bytes = if let [item] = self.waiting.as_slice() {
            item.frame.as_slice()
        } else {
            let frames: Vec<&[u8]> = self.waiting.iter().map(|item| &*item.frame).collect();
            joined = frames.concat();
            &joined
        };
        let count = length(bytes.len());
        if let Err(error) = (&*self.current).write_all(bytes) {
            let good = self.segments.back().map_or(0, |last| last.bytes);
            self.spoilt = self.current.set_len(good).is_err();
            return Err(error);
        }
        if let Some(last) = self.segments.back_mut() {
            last.bytes += count;
        }
        for item in std::mem::take(&mut self.waiting) {
            self.account(item);
        }
        Ok(())
    }

    fn rotate(&mut self, sequence: u64) -> io::Result<()> {
        let (current, start) = segment::create(&self.dir, sequence, &self.standing)?;
        self.current = current.clone();
        self.spoilt = false;
        self.unsynced.push(current);
        self.folder_changed = true;
        let empty = self.empty(sequence, start);
        self.segments.push_back(empty);
        Ok(())
    }

    const fn empty(&self, sequence: u64, start: u64) -> Segment {
        Segment {
            sequence,
            base: self.standing.settled,
            start,
            bytes: start,
            open: 0,
        }
    }

    fn account(&mut self, Item { frame, change }: Item) {
        match change {
            Change::Intent(id) => {
                let Some(last) = self.segments.back_mut() else {
                    return;
                };
                last.open += 1;
                let segment = last.sequence;
                if let Some(before) = self.open.insert(id, Open { segment, frame }) {
                    self.closed(&before);
                }
            }
            Change::Settled(id) => {
                self.standing.settled += 1;
                self.ended(id);
            }
            Change::Free(id) => self.ended(id),
            Change::Cut { number, count } => {
                self.standing.number = number;
                self.standing.batched += count;
            }
            Change::Acknowledged { number, end } => {
                self.standing.acknowledged = number;
                self.standing.arrived = end;
            }
        }
    }

    fn ended(&mut self, id: Uuid) {
        if let Some(open) = self.open.remove(&id) {
            self.closed(&open);
        }
    }

    fn closed(&mut self, open: &Open) {
        let mut segments = self.segments.iter_mut();
        if let Some(segment) = segments.find(|one| one.sequence == open.segment) {
            segment.open = segment.open.saturating_sub(1);
        }
    }

    /// How long all segments are.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// What has to be put on disk, for somebody who does not hold the lock.
    pub(super) fn unsynced(&mut self) -> (Vec<Arc<File>>, bool) {
        let mut files = std::mem::take(&mut self.unsynced);
        if !files.iter().any(|file| Arc::ptr_eq(file, &self.current)) {
            files.push(self.current.clone());
        }
        (files, std::mem::take(&mut self.folder_changed))
    }

    /// That it was not put there.
    pub(super) fn still_unsynced(&mut self, (files, folder): (Vec<Arc<File>>, bool)) {
        self.unsynced.extend(files);
        self.folder_changed |= folder;
    }

    /// The oldest segment, if all of its records arrived and it is not written to.
    fn spent(&self) -> Option<Segment> {
        let next = self.segments.get(1)?;
        let arrived = next.base <= self.standing.arrived;
        self.segments.front().copied().filter(|_| arrived)
    }

    /// Writes the calls that have not ended, of a segment that could go without
    /// them, once more. Answers whether there were any.
    pub(super) fn carry(&mut self) -> io::Result<bool> {
        let Some(spent) = self.spent().filter(|spent| spent.open > 0) else {
            return Ok(false);
        };
        let left = self
            .open
            .iter()
            .filter(|(_, open)| open.segment == spent.sequence);
        let left = left.map(|(id, open)| Item {
            frame: open.frame.clone(),
            change: Change::Intent(*id),
        });
        let left = left.collect();
        self.write(left)?;
        Ok(true)
    }

    /// Deletes the segments that nobody needs any more.
    pub(super) fn release(&mut self) -> io::Result<()> {
        while let Some(spent) = self.spent().filter(|spent| spent.open == 0) {
            match std::fs::remove_file(segment::path(&self.dir, spent.sequence)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.segments.pop_front();
            self.folder_changed = true;
        }
        Ok(())
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
