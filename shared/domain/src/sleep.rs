//! When a key sleeps, for how long, and how nodes agree on it. Pure: time and
//! chance are arguments.
//!
//! A sleep is told by a [`SleepReport`] and ranked by `(generation, until)`: the
//! greater wins, so a late or doubled report never shortens a sleep. A wake (an
//! operator's, or a success after half-open) begins a new generation, and so
//! does a new secret; older sleeps no longer count then.
//!
//! A generation's `wake` is the greater of the last one plus one and the time
//! in milliseconds: a node that has forgotten (or never heard) how far a key
//! has come still draws a number that outranks what others remember.

mod book;
mod machine;
mod policy;
#[cfg(test)]
mod tests;

use std::time::Duration;

use foldgate_proto::{Generation, KeyId, OwnerId, Revision, SleepCause, SleepReport, Timestamp};

pub use book::{MAX_BOOK_ENTRIES, SleepBook};
pub(crate) use machine::Waits;
pub use machine::{KeySleep, Standing, TRIAL_LIFETIME, Ticket};
pub use policy::{LONGEST_SLEEP, duration};

/// A failure as the sleep machine needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Why the key is to sleep.
    pub cause: SleepCause,
    /// The upstream's status, if there was an answer.
    pub status: Option<u16>,
    /// What the upstream said, scrubbed.
    pub detail: String,
    /// How long the upstream asked to be left alone.
    pub hint: Option<Duration>,
    /// Chance, from 0 to 1: how far the sleep is stretched (by 10 % at most).
    pub jitter: f64,
    /// How long the sleep is to be, where that is settled; else the table says.
    pub length: Option<Duration>,
}

impl Fault {
    /// How long the sleep is, after so many failures in a row.
    pub(crate) fn lasts(&self, failures: u32) -> Duration {
        self.length.map_or_else(
            || duration(self.cause, failures, self.hint, self.jitter),
            |length| length.min(LONGEST_SLEEP),
        )
    }
}

/// Where a report is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// Whose key it is.
    pub owner: OwnerId,
    /// The reporting node.
    pub node: &'p str,
    /// Its region.
    pub region: &'p str,
}

/// A report that still lacks where it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SleepDraft {
    /// Which key.
    pub key: KeyId,
    /// For this upstream model only; `None` is for all.
    pub model: Option<String>,
    /// Which life of the key.
    pub generation: Generation,
    /// Asleep until then; zero for a wake.
    pub until: Timestamp,
    /// Why.
    pub cause: SleepCause,
    /// The upstream's status, if there was an answer.
    pub status: Option<u16>,
    /// What the upstream said.
    pub detail: String,
    /// Failures in a row that led here.
    pub failures: u32,
    /// A trial after a sleep for the same cause failed the same way.
    pub confirmed: bool,
    /// When it was seen.
    pub at: Timestamp,
}

impl SleepDraft {
    /// The report, made here.
    pub fn report(self, place: Place<'_>) -> SleepReport {
        SleepReport {
            owner: place.owner,
            key: self.key,
            model: self.model,
            generation: self.generation,
            until: self.until,
            cause: self.cause,
            status: self.status,
            detail: self.detail,
            failures: self.failures,
            confirmed: self.confirmed,
            at: self.at,
            node: place.node.to_owned(),
            region: place.region.to_owned(),
        }
    }

    /// A wake in a generation above `last`.
    pub(crate) fn wake(
        key: KeyId,
        model: Option<String>,
        last: Generation,
        now: Timestamp,
    ) -> Self {
        Self {
            key,
            model,
            generation: woken(last, now),
            until: Timestamp(0),
            cause: SleepCause::Awake,
            status: None,
            detail: String::new(),
            failures: 0,
            confirmed: false,
            at: now,
        }
    }
}

/// The generation that a wake begins.
pub(crate) fn woken(last: Generation, now: Timestamp) -> Generation {
    let clock = u64::try_from(now.0).unwrap_or(0);
    Generation {
        secret: last.secret,
        wake: last.wake.saturating_add(1).max(clock),
    }
}

/// What a report is ranked by; a wake lies below every sleep of its generation.
pub(crate) fn rank(report: &SleepReport) -> (Generation, Timestamp) {
    let until = match report.cause {
        SleepCause::Awake => Timestamp(0),
        _ => report.until.max(Timestamp(0)),
    };
    (report.generation, until)
}

/// The first generation of a key with this secret.
pub(crate) const fn first_generation(secret: Revision) -> Generation {
    Generation { secret, wake: 0 }
}
