//! One mail on its way. Pure: told the time, it says what may be done.

use std::time::Duration;

use foldgate_proto::{OwnerId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cause::Cause;

/// How long who claims a letter has to send it; then another may.
const CLAIM: Duration = Duration::from_mins(2);

/// The pause after the first failure; doubles up to the greatest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// How long sending is tried.
const PATIENCE: Duration = Duration::from_hours(23);

/// The longest reason of a failure that is kept, in characters.
const MAX_REASON_CHARS: usize = 300;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) owner: OwnerId,
    pub(super) cause: Cause,
    /// When it was told.
    pub(super) told: Timestamp,
    /// Attempts to send it that failed.
    pub(super) failures: u32,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum State {
    /// To be sent, from then on.
    Due { at: Timestamp, why: Option<String> },
    /// Somebody is about to send it, until then.
    Claimed { by: Uuid, until: Timestamp },
    /// The mail server took it.
    Sent { at: Timestamp },
    /// It could not be sent for too long.
    GivenUp { at: Timestamp, why: String },
}

impl Letter {
    /// A letter that may be sent now.
    pub(super) const fn new(owner: OwnerId, cause: Cause, now: Timestamp) -> Self {
        Self {
            owner,
            cause,
            told: now,
            failures: 0,
            state: State::Due { at: now, why: None },
        }
    }

    /// Whether its cause may be told once more.
    pub(super) fn may_be_told_again(&self, now: Timestamp) -> bool {
        let again = self.cause.again();
        again.is_some_and(|again| now.since(self.told) >= again)
    }

    /// Whether it may be claimed now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        match self.state {
            State::Due { at, .. } => at <= now,
            State::Claimed { until, .. } => until <= now,
            State::Sent { .. } | State::GivenUp { .. } => false,
        }
    }

    /// The letter, claimed.
    pub(super) fn claimed(mut self, by: Uuid, now: Timestamp) -> Self {
        let until = now.after(CLAIM);
        self.state = State::Claimed { by, until };
        self
    }

    /// The letter, sent.
    pub(super) fn sent(mut self, now: Timestamp) -> Self {
        self.state = State::Sent { at: now };
        self
    }

    /// The letter after a failure. What the server refused for good is tried again
    /// rarely: the settings may be mended meanwhile.
    pub(super) fn failed(mut self, why: &str, for_good: bool, now: Timestamp) -> Self {
        let why: String = why.chars().take(MAX_REASON_CHARS).collect();
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE);
        let pause = if for_good { MAX_PAUSE } else { pause };
        let at = now.after(pause);
        self.state = if at.since(self.told) > PATIENCE {
            State::GivenUp { at: now, why }
        } else {
            let why = Some(why);
            State::Due { at, why }
        };
        self
    }

    /// Whether it was given up.
    pub(super) const fn is_given_up(&self) -> bool {
        matches!(self.state, State::GivenUp { .. })
    }
}

#[cfg(test)]
mod tests;
