//! What becomes of a lease, and what other nodes report.

use foldgate_proto::{KeyId, SleepCause, SleepReport, Timestamp};

use super::{Lease, Pool};
use crate::sleep::{Fault, SleepDraft, Standing};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The key answered.
    Success,
    /// It failed for a reason of its own.
    Failed(Fault),
    /// The key is to be left alone for this model, and for all of them if that failed
    /// too.
    Cooled {
        /// For this model.
        model: Fault,
        /// For all.
        key: Option<Fault>,
    },
    /// No verdict on the key: the client went away, or the request was at fault.
    Abandoned,
}

impl<K: Clone> Pool<K> {
    /// The first byte of an answer came: for the key that is a success. The
    /// request stays in flight until [`Self::finish`]. The reports that are due.
    #[must_use = "the fleet is to hear of it"]
    pub fn first_byte(&mut self, lease: &Lease<K>, now: Timestamp) -> Vec<SleepDraft> {
        if self.slots.leased(lease.slot, lease.serial).is_none() {
            return Vec::new();
        }
        let drafts = self.succeed(lease, now);
        if !drafts.is_empty() {
            self.put(lease.slot);
        }
        drafts
    }

    /// Takes a lease back. The reports that are due: a sleep, a wake, or none.
    #[must_use = "the fleet is to hear of it"]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "taken by value, so that no lease is finished twice"
    )]
    pub fn finish(
        &mut self,
        lease: Lease<K>,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<SleepDraft> {
        let Some(slot) = self.slots.leased(lease.slot, lease.serial) else {
            return Vec::new();
        };
        slot.load = slot.load.saturating_sub(1);
        let drafts = match outcome {
            Outcome::Success => self.succeed(&lease, now),
            Outcome::Failed(fault) if fault.cause == SleepCause::NotHere => {
                self.failed_for_model(&lease, fault, now)
            }
            Outcome::Failed(fault) => self.failed(&lease, fault, now),
            Outcome::Cooled { model, key } => {
                let mut drafts = self.failed_for_model(&lease, model, now);
                let of_key = key.as_ref().map(|fault| self.failed(&lease, fault, now));
                drafts.extend(of_key.into_iter().flatten());
                drafts
            }
            Outcome::Abandoned => Vec::new(),
        };
        // Whatever trial it held and did not decide is free again.
        self.release(&lease);
        self.put(lease.slot);
        drafts
    }

    /// Takes over what a node reported. Whether it changed anything.
    pub fn fold(&mut self, report: &SleepReport, now: Timestamp) -> bool {
        let Some(&at) = self.index.get(&report.key) else {
            return false;
        };
        if let Some(model) = &report.model {
            return self.fold_model(at, model, report, now);
        }
        let Some(slot) = self.slots.get_mut(at) else {
            return false;
        };
        let changed = slot.sleep.fold(report, now, slot.spread);
        if changed {
            slot.reach(slot.sleep.generation());
            self.put(at);
        }
        changed
    }

    /// Wakes a key and all its models, by an operator's word. The reports that
    /// are due; none if nothing slept.
    #[must_use = "the fleet is to hear of it"]
    pub fn wake(&mut self, key: KeyId, now: Timestamp) -> Vec<SleepDraft> {
        let Some(&at) = self.index.get(&key) else {
            return Vec::new();
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return Vec::new();
        };
        let mut drafts = Vec::new();
        if slot.sleep.standing(now) != Standing::Awake {
            slot.sleep.wake(now);
            drafts.push(slot.sleep.draft(key, None, now));
        }
        let mut woken = Vec::new();
        for (model, entry) in &mut slot.models {
            if entry.sleep.standing(now) != Standing::Awake {
                entry.sleep.wake(now);
                drafts.push(entry.sleep.draft(key, Some(model), now));
                woken.push(model.clone());
            }
        }
        slot.reach(slot.sleep.generation());
        for model in &woken {
            self.file_model(at, model, now);
        }
        self.put(at);
        drafts
    }

    fn succeed(&mut self, lease: &Lease<K>, now: Timestamp) -> Vec<SleepDraft> {
        let mut drafts = Vec::new();
        let Some(slot) = self.slots.get_mut(lease.slot) else {
            return drafts;
        };
        if slot.sleep.succeed(&lease.ticket, now) {
            slot.reach(slot.sleep.generation());
            drafts.push(slot.sleep.draft(lease.key, None, now));
        }
        if let Some(ticket) = &lease.model_ticket
            && let Some(entry) = slot.models.get_mut(&lease.model)
            && entry.sleep.succeed(ticket, now)
        {
            drafts.push(entry.sleep.draft(lease.key, Some(&lease.model), now));
            self.file_model(lease.slot, &lease.model, now);
        }
        drafts
    }

    fn failed(&mut self, lease: &Lease<K>, fault: &Fault, now: Timestamp) -> Vec<SleepDraft> {
        let Some(slot) = self.slots.get_mut(lease.slot) else {
            return Vec::new();
        };
        let slept = slot.sleep.fail(&lease.ticket, fault, now, slot.spread);
        slot.reach(slot.sleep.generation());
        if slept {
            vec![slot.sleep.draft(lease.key, None, now)]
        } else {
            Vec::new()
        }
    }

    fn failed_for_model(
        &mut self,
        lease: &Lease<K>,
        fault: &Fault,
        now: Timestamp,
    ) -> Vec<SleepDraft> {
        let of = (&*lease.model, lease.model_ticket);
        if !self.fail_model(lease.slot, of, fault, now) {
            return Vec::new();
        }
        let slot = self.slots.get(lease.slot);
        let entry = slot.and_then(|slot| slot.models.get(&lease.model));
        entry
            .map(|entry| entry.sleep.draft(lease.key, Some(&lease.model), now))
            .into_iter()
            .collect()
    }

    fn release(&mut self, lease: &Lease<K>) {
        let Some(slot) = self.slots.get_mut(lease.slot) else {
            return;
        };
        slot.sleep.release(&lease.ticket);
        if let Some(ticket) = &lease.model_ticket
            && let Some(entry) = slot.models.get_mut(&lease.model)
        {
            entry.sleep.release(ticket);
        }
    }
}
