//! What the pool remembers of single models: a key that does not serve one
//! model serves others. Bounded, because model names come from callers.

use std::time::Duration;

use foldgate_proto::{SleepReport, Timestamp};

use super::Pool;
use crate::sleep::{Fault, KeySleep, LONGEST_SLEEP, Ticket, Waits};

/// The most pairs of key and model remembered: every key of the largest pool
/// once. At the limit the pair that may be forgotten first is.
pub const MAX_MODEL_SLEEPS: usize = 100_000;

/// The longest model name remembered; no vendor has longer ones, and a failure
/// with one costs its caller an attempt and nobody else anything.
pub const MAX_MODEL_BYTES: usize = 256;

/// How long after its sleep a pair is remembered, so that the next failure is
/// known to be one in a row.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The sleep of one key for one model.
pub(super) struct ModelSleep {
    pub(super) sleep: KeySleep,
    /// Filed in `Pool::forget` under this.
    forget: Timestamp,
}

impl<K: Clone> Pool<K> {
    /// A failure of a key for one model. Whether a report is due.
    pub(super) fn fail_model(
        &mut self,
        at: u32,
        (model, ticket): (&str, Option<Ticket>),
        fault: &Fault,
        now: Timestamp,
    ) -> bool {
        let Some(slot) = self
            .slots
            .get(at)
            .filter(|_| model.len() <= MAX_MODEL_BYTES)
        else {
            return false;
        };
        let known = slot.models.contains_key(model);
        let spread = slot.spread;
        if !known {
            self.remember(at, model, now);
        }
        let Some(entry) = self
            .slots
            .get_mut(at)
            .and_then(|slot| slot.models.get_mut(model))
        else {
            return false;
        };
        // Without a ticket the attempt began before this pair was known at all:
        // it counts if the pair still is not, else another was first.
        let ticket = if known {
            ticket
        } else {
            entry.sleep.begin(now)
        };
        let slept = ticket.is_some_and(|ticket| entry.sleep.fail(&ticket, fault, now, spread));
        self.file_model(at, model, now);
        slept
    }

    /// A report of a key for one model. Whether it changed anything.
    pub(super) fn fold_model(
        &mut self,
        at: u32,
        model: &str,
        report: &SleepReport,
        now: Timestamp,
    ) -> bool {
        let Some(slot) = self.slots.get(at) else {
            return false;
        };
        let stale = report.generation.secret < slot.sleep.generation().secret;
        if stale || model.len() > MAX_MODEL_BYTES {
            return false;
        }
        let spread = slot.spread;
        let mut sleep = match slot.models.get(model) {
            Some(known) => known.sleep.clone(),
            None => KeySleep::new(slot.key.secret_revision),
        };
        let changed = sleep.fold(report, now, spread);
        if changed {
            self.remember(at, model, now);
            let slot = self.slots.get_mut(at);
            if let Some(entry) = slot.and_then(|slot| slot.models.get_mut(model)) {
                entry.sleep = sleep;
            }
            self.file_model(at, model, now);
            self.file_detours(at);
        }
        changed
    }

    /// Forgets the models of one key whose sleep `which` picks.
    pub(super) fn forget_models(&mut self, at: u32, which: impl Fn(&KeySleep) -> bool) {
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        let forget = &mut self.forget;
        slot.models.retain(|model, entry| {
            let goes = which(&entry.sleep);
            if goes {
                forget.remove(&(entry.forget, at, model.clone()));
            }
            !goes
        });
    }

    /// Forgets what is over.
    pub(super) fn forget_due(&mut self, now: Timestamp) {
        while self.forget.first().is_some_and(|(end, ..)| *end <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, at, model)) = self.forget.pop_first()
            && let Some(slot) = self.slots.get_mut(at)
        {
            slot.models.remove(&model);
            self.file_detours(at);
        }
    }

    /// Begins to remember a pair, awake in the latest life of its key.
    fn remember(&mut self, at: u32, model: &str, now: Timestamp) {
        if self
            .slots
            .get(at)
            .is_none_or(|slot| slot.models.contains_key(model))
        {
            return;
        }
        if self.forget.len() >= MAX_MODEL_SLEEPS {
            self.forget_first();
        }
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        let entry = ModelSleep {
            sleep: KeySleep::in_generation(slot.peak),
            forget: now.after(LONGEST_SLEEP),
        };
        self.forget.insert((entry.forget, at, model.into()));
        slot.models.insert(model.into(), entry);
    }

    /// Files a pair anew: remembered for a while after its sleep, and a wake as
    /// long as a sleep it ended could still come in late.
    pub(super) fn file_model(&mut self, at: u32, model: &str, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        let Some(entry) = slot.models.get_mut(model) else {
            return;
        };
        let end = match entry.sleep.waits() {
            Waits::ToWake(wake) => wake.max(now).after(REMEMBERED),
            Waits::No | Waits::ForTrial(_) => entry.forget.max(now.after(LONGEST_SLEEP)),
        };
        let reached = entry.sleep.generation();
        let before = std::mem::replace(&mut entry.forget, end);
        slot.reach(reached);
        self.forget.remove(&(before, at, model.into()));
        self.forget.insert((end, at, model.into()));
    }
}
