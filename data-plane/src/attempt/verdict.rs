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
    /// Whether a Model had as many calls under way as it may.
    full: bool,
    /// What the last attempt would tell.
    last: Option<Problem>,
    /// What the last attempt would tell that found the request at fault.
    fault: Option<Problem>,
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
        if class == FailureClass::ClientFault {
            self.fault = Some(problem.clone());
        }
        self.last = Some(problem);
    }

    /// A Model had no room.
    pub(super) fn full(&mut self) {
        self.full = true;
    }

    /// The answer. `stopped` when a limit ended the search, not the lack of keys.
    pub(super) fn problem(self, requested: &str, stopped: bool) -> Problem {
        if let Some(fault) = self.fault {
            return fault;
        }
        match (self.earliest, self.last) {
            (_, None) if self.full => Problem::too_many_at_once("this model"),
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
