//! The sleep of one key, or of one key for one model, as one node sees it.
//!
//! ```text
//!            failure                    time
//!   awake ------------->  asleep  ------------->  half-open --(one trial)--+
//!     ^                     ^                                              |
//!     |                     +------------------ trial fails ---------------+
//!     +-------- trial's first byte, an operator, a new secret -------------+
//! ```
//!
//! Each sleep is an epoch; a ticket remembers the one it was given in. A failure
//! with a ticket of an older epoch began before the current sleep and does not
//! count: twenty in flight that fail together are one failure.

use std::time::Duration;

use foldgate_proto::{Generation, KeyId, Revision, SleepCause, SleepReport, Timestamp};

use super::policy::{LONGEST_SLEEP, heeds_hint, of_a_kind, severity, wake_delay};
use super::{Fault, SleepDraft, first_generation, rank, woken};

/// How long a trial may hold its slot: longer than any request lives, so that a
/// trial nobody settled cannot keep a key out for good.
pub const TRIAL_LIFETIME: Duration = Duration::from_mins(15);

/// By how much a failure in flight must exceed the sleep it fell into to
/// lengthen it; otherwise twenty of them would send twenty reports.
const EXTENSION_STEP: Duration = Duration::from_secs(1);

/// The sleep of one key, or of one key for one model.
#[derive(Debug, Clone)]
pub struct KeySleep {
    generation: Generation,
    /// `until` as it was claimed, before the clamp: what reports are ranked by.
    claimed: Timestamp,
    epoch: u64,
    trials: u64,
    phase: Phase,
    told: Option<Box<Told>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Awake,
    Asleep { wake: Timestamp },
    HalfOpen { trial: Option<Trial> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trial {
    number: u64,
    ends: Timestamp,
}

/// What is known of the current sleep.
#[derive(Debug, Clone)]
struct Told {
    until: Timestamp,
    cause: SleepCause,
    status: Option<u16>,
    detail: String,
    failures: u32,
    confirmed: bool,
    at: Timestamp,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Takes full load.
    Awake,
    /// Takes one trial.
    HalfOpen,
    /// Its trial is under way.
    Trying,
    /// Takes nothing.
    Asleep {
        /// Until then, on this node.
        until: Timestamp,
        /// Why.
        cause: SleepCause,
    },
}

/// Leave to use a key once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    generation: Generation,
    epoch: u64,
    /// The trial's number; 0 is none.
    trial: u64,
}

impl Ticket {
    /// Whether it is the one trial of a half-open key.
    pub const fn is_trial(&self) -> bool {
        self.trial != 0
    }

    /// The life of the key it was given in.
    pub const fn generation(&self) -> Generation {
        self.generation
    }
}

/// Where a key waits, whatever the time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// For nothing.
    No,
    /// To wake.
    ToWake(Timestamp),
    /// For its trial.
    ForTrial(Timestamp),
}

impl KeySleep {
    /// A key that is awake, with the secret set at this revision.
    pub const fn new(secret: Revision) -> Self {
        Self::in_generation(first_generation(secret))
    }

    /// Awake in a generation already reached.
    pub(crate) const fn in_generation(generation: Generation) -> Self {
        Self {
            generation,
            claimed: Timestamp(0),
            epoch: 0,
            trials: 0,
            phase: Phase::Awake,
            told: None,
        }
    }

    /// Which life of the key this is.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Where the key stands.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.settled(now) {
            Phase::Awake => Standing::Awake,
            Phase::HalfOpen { trial: None } => Standing::HalfOpen,
            Phase::HalfOpen { trial: Some(_) } => Standing::Trying,
            Phase::Asleep { wake } => Standing::Asleep {
                until: wake,
                cause: self.cause(),
            },
        }
    }

    /// Leave to use the key; none while it sleeps or its trial is under way.
    pub fn begin(&mut self, now: Timestamp) -> Option<Ticket> {
        self.settle(now);
        let trial = match self.phase {
            Phase::Awake => 0,
            Phase::HalfOpen { trial: None } => {
                self.trials += 1;
                self.phase = Phase::HalfOpen {
                    trial: Some(Trial {
                        number: self.trials,
                        ends: now.after(TRIAL_LIFETIME),
                    }),
                };
                self.trials
            }
            Phase::HalfOpen { trial: Some(_) } | Phase::Asleep { .. } => return None,
        };
        Some(Ticket {
            generation: self.generation,
            epoch: self.epoch,
            trial,
        })
    }

    /// Leave to use the key whatever it does. How that ends counts for nothing, but
    /// that the upstream may ask for a longer sleep.
    pub(crate) const fn out_of_turn(&self) -> Ticket {
        Ticket {
            generation: self.generation,
            epoch: u64::MAX,
            trial: 0,
        }
    }

    /// The first byte of an answer. Whether it woke the key (a report is due).
    pub fn succeed(&mut self, ticket: &Ticket, now: Timestamp) -> bool {
        let counts = ticket.epoch == self.epoch;
        match self.phase {
            Phase::HalfOpen { .. } if counts => {
                self.wake(now);
                true
            }
            _ => false,
        }
    }

    /// The attempt ended without a verdict on the key; a trial gives its slot back.
    pub fn release(&mut self, ticket: &Ticket) {
        if let Phase::HalfOpen { trial: Some(trial) } = self.phase
            && trial.number == ticket.trial
            && ticket.epoch == self.epoch
        {
            self.phase = Phase::HalfOpen { trial: None };
        }
    }

    /// A failure. `spread` is this node's wake delay, 0 to 1. Whether the key
    /// fell asleep, or sleeps longer (a report is due).
    pub fn fail(&mut self, ticket: &Ticket, fault: &Fault, now: Timestamp, spread: f64) -> bool {
        if fault.cause == SleepCause::Awake {
            self.release(ticket);
            return false;
        }
        if ticket.epoch != self.epoch {
            return self.extend(ticket, fault, now, spread);
        }
        let before = self.told.as_deref();
        let row = before.filter(|told| of_a_kind(told.cause, fault.cause));
        let failures = row.map_or(0, |told| told.failures).saturating_add(1);
        let confirmed = fault.cause == SleepCause::Dead
            && ticket.is_trial()
            && before.is_some_and(|told| told.cause == SleepCause::Dead);
        let length = fault.lasts(failures);
        let until = now.after(length);
        if until <= self.claimed {
            // Somebody's clock ran ahead of ours; a new life outranks its claim.
            self.generation = woken(self.generation, now);
        }
        self.epoch += 1;
        let told = Told::of(fault, until, now);
        self.sleep(
            Told {
                failures,
                confirmed,
                ..told
            },
            until,
            now,
            spread,
        );
        true
    }

    /// Takes over what a node reported, if it outranks what is known. `spread`
    /// as in [`Self::fail`].
    pub fn fold(&mut self, report: &SleepReport, now: Timestamp, spread: f64) -> bool {
        let (generation, claimed) = rank(report);
        if (generation, claimed) <= (self.generation, self.claimed) {
            return false;
        }
        self.generation = generation;
        if report.cause == SleepCause::Awake {
            self.rest();
            return true;
        }
        self.epoch += 1;
        let told = Told {
            until: claimed.min(now.after(LONGEST_SLEEP)),
            cause: report.cause,
            status: report.status,
            detail: report.detail.clone(),
            failures: report.failures,
            confirmed: report.confirmed,
            at: report.at,
        };
        self.sleep(told, claimed, now, spread);
        true
    }

    /// Wakes the key in a new generation, whatever it did.
    pub fn wake(&mut self, now: Timestamp) {
        self.generation = woken(self.generation, now);
        self.rest();
    }

    /// Takes a new secret: what was known of the old one no longer counts.
    pub fn renew(&mut self, secret: Revision) -> bool {
        let newer = secret > self.generation.secret;
        if newer {
            self.generation = first_generation(secret);
            self.epoch += 1;
            self.rest();
        }
        newer
    }

    /// What to report of it.
    pub fn draft(&self, key: KeyId, model: Option<&str>, now: Timestamp) -> SleepDraft {
        let told = self.told.as_deref();
        SleepDraft {
            key,
            model: model.map(str::to_owned),
            generation: self.generation,
            until: told.map_or(Timestamp(0), |told| told.until),
            cause: self.cause(),
            status: told.and_then(|told| told.status),
            detail: told.map(|told| told.detail.clone()).unwrap_or_default(),
            failures: told.map_or(0, |told| told.failures),
            confirmed: told.is_some_and(|told| told.confirmed),
            at: told.map_or(now, |told| told.at),
        }
    }

    /// Lets time pass: a sleep that is over ends, a lost trial is given up.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.phase = self.settled(now);
    }

    /// What it waits for, as of when it was last settled.
    pub(crate) const fn waits(&self) -> Waits {
        match self.phase {
            Phase::Awake | Phase::HalfOpen { trial: None } => Waits::No,
            Phase::Asleep { wake } => Waits::ToWake(wake),
            Phase::HalfOpen { trial: Some(trial) } => Waits::ForTrial(trial.ends),
        }
    }

    /// Why it sleeps.
    pub(crate) fn cause(&self) -> SleepCause {
        self.told
            .as_deref()
            .map_or(SleepCause::Awake, |told| told.cause)
    }

    /// A failure of an attempt begun before the current sleep: no failure more,
    /// but a longer hint or a graver cause lengthens the sleep it fell into.
    fn extend(&mut self, ticket: &Ticket, fault: &Fault, now: Timestamp, spread: f64) -> bool {
        self.settle(now);
        let asleep = matches!(self.phase, Phase::Asleep { .. });
        let Some(told) = self.told.as_deref() else {
            return false;
        };
        let graver = severity(fault.cause) > severity(told.cause);
        let asked = fault.hint.is_some() && heeds_hint(fault.cause);
        let length = fault.lasts(told.failures.max(1));
        let until = now.after(length);
        let longer = until > told.until.after(EXTENSION_STEP) && until > self.claimed;
        if !asleep || ticket.generation != self.generation || !longer || !(graver || asked) {
            return false;
        }
        let mut lengthened = Told {
            failures: told.failures,
            confirmed: told.confirmed,
            ..Told::of(fault, until, now)
        };
        if severity(fault.cause) < severity(told.cause) {
            lengthened = Told {
                until,
                ..told.clone()
            };
        }
        self.sleep(lengthened, until, now, spread);
        true
    }

    fn sleep(&mut self, told: Told, claimed: Timestamp, now: Timestamp, spread: f64) {
        let delay = wake_delay(told.until.since(now), spread);
        self.claimed = claimed;
        self.phase = Phase::Asleep {
            wake: told.until.after(delay),
        };
        self.told = Some(Box::new(told));
    }

    fn rest(&mut self) {
        self.claimed = Timestamp(0);
        self.phase = Phase::Awake;
        self.told = None;
    }

    fn settled(&self, now: Timestamp) -> Phase {
        match self.phase {
            Phase::Asleep { wake } if wake <= now => Phase::HalfOpen { trial: None },
            Phase::HalfOpen { trial: Some(trial) } if trial.ends <= now => {
                Phase::HalfOpen { trial: None }
            }
            phase => phase,
        }
    }
}

impl Told {
    fn of(fault: &Fault, until: Timestamp, now: Timestamp) -> Self {
        Self {
            until,
            cause: fault.cause,
            status: fault.status,
            detail: fault.detail.clone(),
            failures: 1,
            confirmed: false,
            at: now,
        }
    }
}
