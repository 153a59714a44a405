//! How long a target takes to answer, lately.

use std::time::Duration;

use foldgate_proto::Timestamp;

/// After so long without an answer an average says nothing any more. Else a target
/// that was slow once would never be asked again, and never be known to be quick.
pub const STALE_AFTER: Duration = Duration::from_mins(1);

/// How much of what was known each answer leaves: seven eighths.
const KEPT: u64 = 7;
const PARTS: u64 = KEPT + 1;

/// A moving average, in microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// The average, and when it last heard of an answer.
    known: Option<(u64, Timestamp)>,
}

impl Average {
    /// Takes up one answer.
    pub fn add(&mut self, took: Duration, now: Timestamp) {
        let sample = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let next = match self.get(now) {
            None => sample,
            Some(before) => {
                let (before, sample) = (u128::from(before), u128::from(sample));
                let sum = before * u128::from(KEPT) + sample;
                u64::try_from(sum / u128::from(PARTS)).unwrap_or(u64::MAX)
            }
        };
        self.known = Some((next, now));
    }

    /// The average in microseconds; `None` where nothing is known, or no more.
    pub fn get(&self, now: Timestamp) -> Option<u64> {
        let (average, at) = self.known?;
        (now < at.after(STALE_AFTER)).then_some(average)
    }
}
