//! What an earlier run left in a spool's folder.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::files::{Open, Segment};
use super::frame::Frame;
use super::segment::{self, Found, Standing};

/// A batch whose number is given away: these records and no others are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) number: u64,
    /// Behind its last record.
    pub(super) end: u64,
}

/// See the module.
pub(super) struct Scan {
    pub(super) standing: Option<Standing>,
    pub(super) segments: Vec<Segment>,
    /// Calls that have not ended.
    pub(super) open: HashMap<Uuid, Open>,
    /// Batches that did not arrive, as far as is known.
    pub(super) cuts: VecDeque<Cut>,
}

impl Scan {
    /// Reads a folder. A segment without a head is set aside.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let mut scan = Self {
            standing: None,
            segments: Vec::new(),
            open: HashMap::new(),
            cuts: VecDeque::new(),
        };
        for (sequence, path) in segment::list(dir)? {
            let found = segment::read(sequence, &path)?;
            let other = |found: &Found| {
                let known = scan.standing.as_ref();
                known.is_some_and(|known| known.spool != found.standing.spool)
            };
            match found.filter(|found| !other(found)) {
                Some(found) => scan.add(&found),
                // Nothing was ever written behind it.
                None if std::fs::metadata(&path)?.len() == 0 => std::fs::remove_file(&path)?,
                None => {
                    let aside = path.with_extension("damaged");
                    tracing::error!(file = %aside.display(), "a part of the usage spool is damaged");
                    metrics::counter!("foldgate_usage_spool_damaged_total").increment(1);
                    std::fs::rename(&path, &aside)?;
                }
            }
        }
        if let Some(standing) = &mut scan.standing {
            // Records of a batch may be lost, but no other takes their place.
            standing.settled = standing.settled.max(standing.batched);
            let arrived = standing.arrived;
            scan.cuts.retain(|cut| cut.end > arrived);
        }
        for open in scan.open.values() {
            let mut segments = scan.segments.iter_mut();
            if let Some(segment) = segments.find(|one| one.sequence == open.segment) {
                segment.open += 1;
            }
        }
        Ok(scan)
    }

    fn add(&mut self, found: &Found) {
        let counted = self
            .standing
            .map_or(found.standing.settled, |standing| standing.settled);
        if let Some(lost) = found
            .standing
            .settled
            .checked_sub(counted)
            .filter(|lost| *lost > 0)
        {
            tracing::error!(lost, before = %found.path.display(), "usage records are lost");
            metrics::counter!("foldgate_usage_spool_lost_total").increment(lost);
        }
        // The head counts: it was written by one who knew.
        let mut standing = found.standing;
        let base = standing.settled;
        let mut bytes = found.start;
        let (open, cuts, segment) = (&mut self.open, &mut self.cuts, found.sequence);
        let whole = found.frames(|frame, raw| {
            bytes += raw.len();
            match frame {
                Frame::Intent(id, _) => {
                    let frame = raw.to_vec();
                    open.insert(id, Open { segment, frame });
                }
                Frame::Settled(id, _) => {
                    standing.settled += 1;
                    open.remove(&id);
                }
                Frame::Free(id) => {
                    open.remove(&id);
                }
                Frame::Cut { number, count } => {
                    standing.number = number;
                    standing.batched += count;
                    let end = standing.batched;
                    cuts.push_back(Cut { number, end });
                }
                Frame::Acknowledged { number, end } => {
                    standing.acknowledged = number;
                    standing.arrived = end;
                }
            }
        });
        if !whole {
            tracing::info!(file = %found.path.display(), "a usage spool ends in the midst of an entry");
        }
        self.segments.push(Segment {
            sequence: found.sequence,
            base,
            start: u64::try_from(found.start).unwrap_or(0),
            bytes: u64::try_from(bytes).unwrap_or(0),
            open: 0,
        });
        self.standing = Some(standing);
    }
}
