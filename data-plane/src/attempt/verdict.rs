//! What the client is told when no key answered.

use foldgate_domain::failure::FailureClass;
use foldgate_proto::{SleepCause, Timestamp};

use crate::error::Problem;
use crate::pools::now;

/// What was learnt while trying.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// When the first key wakes.
    earliest: Option<Timestamp>,
    /// Whether anything but rate limits stands in the way.
    unlimited: bool,
    /// Whether anything but "no such model" does.
    elsewhere: bool,
    /// What the last attempt would tell.
    last: Option<Problem>,
}

impl Verdict {
    /// A Level had no key awake.
    pub(super) fn asleep(&mut self, until: Timestamp, cause: SleepCause) {
        self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
        self.unlimited |= cause != SleepCause::RateLimit;
        self.elsewhere |= cause != SleepCause::NotHere;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, class: FailureClass, problem: Problem) {
        self.elsewhere |= class != FailureClass::NotHere;
        self.last = Some(problem);
    }

    /// The answer. `stopped` when a limit ended the search, not the lack of keys.
    pub(super) fn problem(self, requested: &str, stopped: bool) -> Problem {
        match (self.earliest, self.last) {
            (None, None) => Problem::no_key(),
            (_, Some(last)) if stopped || !self.elsewhere => last,
            (Some(_), None) if !self.elsewhere => Problem::no_model(requested),
            (Some(earliest), _) => Problem::asleep(!self.unlimited, earliest.since(now())),
            (None, Some(last)) => last,
        }
    }
}

#[cfg(test)]
mod tests;
