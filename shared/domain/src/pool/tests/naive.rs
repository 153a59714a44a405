//! The pool as one would first write it: a list of keys, searched from end to
//! end. Shares only the sleep machine with the real one.

use super::*;
use crate::sleep::{KeySleep, Standing, Ticket};

pub(super) struct Naive {
    pub(super) keys: Vec<NaiveKey>,
}

pub(super) struct NaiveKey {
    pub(super) key: PoolKey,
    pub(super) load: u32,
    pub(super) sleep: KeySleep,
    pub(super) models: Vec<(String, KeySleep)>,
    peak: Generation,
    spread: f64,
    stay: u64,
}

/// The naive side of a lease.
#[derive(Debug)]
pub(super) struct NaiveLease {
    key: KeyId,
    stay: u64,
    ticket: Ticket,
    model: String,
    model_ticket: Option<Ticket>,
}

/// What may be picked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    OneOf(Vec<KeyId>),
    Asleep(Timestamp),
    Empty,
}

impl Naive {
    pub(super) fn upsert(&mut self, key: PoolKey, stay: u64) {
        let Some(known) = self.keys.iter_mut().find(|known| known.key.id == key.id) else {
            let slot = Slot::new(key, (), SEED);
            self.keys.push(NaiveKey {
                key,
                load: 0,
                peak: slot.peak,
                spread: slot.spread,
                sleep: slot.sleep,
                models: Vec::new(),
                stay,
            });
            return;
        };
        known.key = key;
        if known.sleep.renew(key.secret_revision) {
            known.peak = known.peak.max(known.sleep.generation());
            known
                .models
                .retain(|(_, sleep)| sleep.generation().secret >= key.secret_revision);
        }
    }

    pub(super) fn remove(&mut self, key: KeyId) -> bool {
        let before = self.keys.len();
        self.keys.retain(|known| known.key.id != key);
        self.keys.len() < before
    }

    pub(super) fn expected(&self, ask: &Ask<'_>, now: Timestamp) -> Expected {
        let free = |standing| matches!(standing, Standing::Awake | Standing::HalfOpen);
        let best = |within: bool| {
            let fit: Vec<&NaiveKey> = self
                .keys
                .iter()
                .filter(|key| ask.serves.contains(key.key.family) == within)
                .filter(|key| !ask.tried.contains(&key.key.id))
                .filter(|key| free(key.sleep.standing(now)) && free(key.for_model(ask.model, now)))
                .collect();
            let least = fit.iter().map(|key| key.load).min();
            let fit = fit.iter().filter(|key| Some(key.load) == least);
            fit.map(|key| key.key.id).collect::<Vec<_>>()
        };
        for within in [true, false] {
            let fit = best(within);
            if !fit.is_empty() {
                return Expected::OneOf(fit);
            }
        }
        let waits = |standing| match standing {
            Standing::Asleep { until, .. } => Some(until),
            Standing::Trying => Some(now.after(Duration::from_secs(1))),
            Standing::Awake | Standing::HalfOpen => None,
        };
        let earliest = self.keys.iter().filter_map(|key| {
            let whole = waits(key.sleep.standing(now));
            whole.or_else(|| waits(key.for_model(ask.model, now)))
        });
        earliest.min().map_or(Expected::Empty, Expected::Asleep)
    }

    pub(super) fn begin(&mut self, key: KeyId, model: &str, now: Timestamp) -> NaiveLease {
        let key = self.find(key).expect("a picked key is there");
        key.load += 1;
        NaiveLease {
            key: key.key.id,
            stay: key.stay,
            ticket: key.sleep.begin(now).expect("a picked key may be used"),
            model: model.to_owned(),
            model_ticket: key.model(model).and_then(|sleep| sleep.begin(now)),
        }
    }

    pub(super) fn first_byte(&mut self, lease: &NaiveLease, now: Timestamp) -> Vec<SleepDraft> {
        self.leased(lease)
            .map_or_else(Vec::new, |key| key.succeed(lease, now))
    }

    pub(super) fn finish(
        &mut self,
        lease: &NaiveLease,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<SleepDraft> {
        let Some(key) = self.leased(lease) else {
            return Vec::new();
        };
        key.load -= 1;
        let drafts = match outcome {
            Outcome::Success => key.succeed(lease, now),
            Outcome::Abandoned => Vec::new(),
            Outcome::Failed(fault) if fault.cause == SleepCause::NotHere => {
                key.miss(lease, fault, now)
            }
            Outcome::Failed(fault) => key.fail(lease, fault, now),
            Outcome::Cooled { model, key: of_key } => {
                let mut drafts = key.miss(lease, model, now);
                if let Some(fault) = of_key {
                    drafts.extend(key.fail(lease, fault, now));
                }
                drafts
            }
        };
        key.sleep.release(&lease.ticket);
        if let Some(ticket) = &lease.model_ticket
            && let Some(sleep) = key.model(&lease.model)
        {
            sleep.release(ticket);
        }
        drafts
    }

    pub(super) fn fold(&mut self, report: &SleepReport, now: Timestamp) -> bool {
        let Some(key) = self.find(report.key) else {
            return false;
        };
        let spread = key.spread;
        let changed = match &report.model {
            None => key.sleep.fold(report, now, spread),
            Some(_) if report.generation.secret < key.sleep.generation().secret => false,
            Some(model) => {
                if let Some(sleep) = key.model(model) {
                    sleep.fold(report, now, spread)
                } else {
                    let mut sleep = KeySleep::new(key.key.secret_revision);
                    let changed = sleep.fold(report, now, spread);
                    if changed {
                        key.models.push((model.clone(), sleep));
                    }
                    changed
                }
            }
        };
        if changed {
            key.peak = key.peak.max(report.generation);
        }
        changed
    }

    pub(super) fn wake(&mut self, key: KeyId, now: Timestamp) -> Vec<SleepDraft> {
        let Some(key) = self.find(key) else {
            return Vec::new();
        };
        let mut drafts = Vec::new();
        let id = key.key.id;
        let mut sleeps: Vec<_> = key
            .models
            .iter_mut()
            .map(|(m, s)| (Some(&**m), s))
            .collect();
        sleeps.sort_by_key(|(model, _)| *model);
        for (model, sleep) in std::iter::once((None, &mut key.sleep)).chain(sleeps) {
            if sleep.standing(now) != Standing::Awake {
                sleep.wake(now);
                key.peak = key.peak.max(sleep.generation());
                drafts.push(sleep.draft(id, model, now));
            }
        }
        drafts
    }

    fn find(&mut self, key: KeyId) -> Option<&mut NaiveKey> {
        self.keys.iter_mut().find(|known| known.key.id == key)
    }

    fn leased(&mut self, lease: &NaiveLease) -> Option<&mut NaiveKey> {
        self.find(lease.key).filter(|key| key.stay == lease.stay)
    }
}

impl NaiveKey {
    fn model(&mut self, model: &str) -> Option<&mut KeySleep> {
        let found = self.models.iter_mut().find(|(known, _)| known == model);
        found.map(|(_, sleep)| sleep)
    }

    fn for_model(&self, model: &str, now: Timestamp) -> Standing {
        let found = self.models.iter().find(|(known, _)| known == model);
        found.map_or(Standing::Awake, |(_, sleep)| sleep.standing(now))
    }

    fn succeed(&mut self, lease: &NaiveLease, now: Timestamp) -> Vec<SleepDraft> {
        let mut drafts = Vec::new();
        let id = self.key.id;
        if self.sleep.succeed(&lease.ticket, now) {
            drafts.push(self.sleep.draft(id, None, now));
        }
        if let Some(ticket) = &lease.model_ticket
            && let Some(sleep) = self.model(&lease.model)
            && sleep.succeed(ticket, now)
        {
            drafts.push(sleep.draft(id, Some(&lease.model), now));
        }
        self.reach(drafts)
    }

    fn fail(&mut self, lease: &NaiveLease, fault: &Fault, now: Timestamp) -> Vec<SleepDraft> {
        let slept = self.sleep.fail(&lease.ticket, fault, now, self.spread);
        let draft = slept.then(|| self.sleep.draft(self.key.id, None, now));
        self.reach(draft.into_iter().collect())
    }

    fn miss(&mut self, lease: &NaiveLease, fault: &Fault, now: Timestamp) -> Vec<SleepDraft> {
        let (id, peak, spread) = (self.key.id, self.peak, self.spread);
        let mut ticket = lease.model_ticket;
        if self.model(&lease.model).is_none() {
            let mut sleep = KeySleep::in_generation(peak);
            ticket = sleep.begin(now);
            self.models.push((lease.model.clone(), sleep));
        }
        let sleep = self
            .model(&lease.model)
            .expect("pushed if it was not there");
        let slept = ticket.is_some_and(|ticket| sleep.fail(&ticket, fault, now, spread));
        let draft = slept.then(|| sleep.draft(id, Some(&lease.model), now));
        self.reach(draft.into_iter().collect())
    }

    fn reach(&mut self, drafts: Vec<SleepDraft>) -> Vec<SleepDraft> {
        for draft in &drafts {
            self.peak = self.peak.max(draft.generation);
        }
        drafts
    }
}
