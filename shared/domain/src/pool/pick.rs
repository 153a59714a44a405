//! Picking a key.

use std::time::Duration;

use foldgate_proto::{SleepCause, Timestamp};

use super::slot::Slot;
use super::{Ask, Lease, Pick, Pool};
use crate::sleep::Standing;

/// When to come back for a key whose one trial is under way: its outcome is a
/// matter of moments.
const TRIAL_WAIT: Duration = Duration::from_secs(1);

/// The first key that could be used later, and why not now.
type Earliest = Option<(Timestamp, SleepCause)>;

impl<K: Clone> Pool<K> {
    /// The key that the next attempt uses.
    pub fn pick(&mut self, ask: &Ask<'_>, now: Timestamp) -> Pick<K> {
        self.rouse(now);
        let mut later = None;
        let found = self
            .best(ask, true, now, &mut later)
            .or_else(|| self.best(ask, false, now, &mut later));
        if let Some(lease) = found.and_then(|at| self.lease(at, ask, now)) {
            return Pick::Key(lease);
        }
        self.offer_sleeping(now, &mut later);
        later.map_or(Pick::Empty, |(earliest, cause)| Pick::Asleep {
            earliest,
            cause,
        })
    }

    /// The best key that may be used; notes in `later` those this model sleeps for.
    fn best(
        &self,
        ask: &Ask<'_>,
        serving: bool,
        now: Timestamp,
        later: &mut Earliest,
    ) -> Option<u32> {
        self.ready.best(ask.serves, serving, |at| {
            let Some(slot) = self.slots.get(at) else {
                return false;
            };
            match for_model(slot, ask.model, now) {
                Standing::Awake | Standing::HalfOpen => !ask.tried.contains(&slot.key.id),
                Standing::Asleep { until, cause } => {
                    offer(later, until, cause);
                    false
                }
                Standing::Trying => {
                    offer(later, now.after(TRIAL_WAIT), SleepCause::NotHere);
                    false
                }
            }
        })
    }

    fn lease(&mut self, at: u32, ask: &Ask<'_>, now: Timestamp) -> Option<Lease<K>> {
        let slot = self.slots.get_mut(at)?;
        let ticket = slot.sleep.begin(now)?;
        let model_ticket = slot.models.get_mut(ask.model);
        let model_ticket = model_ticket.and_then(|model| model.sleep.begin(now));
        slot.load += 1;
        let trial = ticket.is_trial() || model_ticket.is_some_and(|ticket| ticket.is_trial());
        let lease = Lease {
            key: slot.key.id,
            number: slot.key.number,
            payload: slot.payload.clone(),
            trial,
            began: now,
            generation: ticket.generation(),
            slot: at,
            serial: slot.serial,
            ticket,
            model: ask.model.into(),
            model_ticket,
        };
        self.put(at);
        Some(lease)
    }

    /// Notes the keys that sleep, or are being tried.
    fn offer_sleeping(&self, now: Timestamp, later: &mut Earliest) {
        let cause = |at: u32| self.slots.get(at).map(|slot| slot.sleep.cause());
        if let Some((wake, at)) = self.asleep.first()
            && let Some(cause) = cause(*at)
        {
            offer(later, *wake, cause);
        }
        if let Some((_, at)) = self.trying.first()
            && let Some(cause) = cause(*at)
        {
            offer(later, now.after(TRIAL_WAIT), cause);
        }
    }
}

fn offer(later: &mut Earliest, until: Timestamp, cause: SleepCause) {
    if later.is_none_or(|(earliest, _)| until < earliest) {
        *later = Some((until, cause));
    }
}

fn for_model<K>(slot: &Slot<K>, model: &str, now: Timestamp) -> Standing {
    if slot.models.is_empty() {
        return Standing::Awake;
    }
    let known = slot.models.get(model);
    known.map_or(Standing::Awake, |model| model.sleep.standing(now))
}
