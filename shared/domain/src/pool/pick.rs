//! Picking a key.

use std::time::Duration;

use foldgate_proto::{SleepCause, Timestamp};

use super::shelf::Shelf;
use super::slot::Slot;
use super::{Ask, Lease, Outlook, Pick, Pool};
use crate::sleep::{Standing, Ticket};

/// When to come back for a key whose one trial is under way: its outcome is a
/// matter of moments.
pub(super) const TRIAL_WAIT: Duration = Duration::from_secs(1);

/// The first key that could be used later, and why not now.
pub(super) type Earliest = Option<(Timestamp, SleepCause)>;

impl<K: Clone> Pool<K> {
    /// The key that the next attempt uses.
    pub fn pick(&mut self, ask: &Ask<'_>, now: Timestamp) -> Pick<K> {
        let (found, mut later) = self.find(ask, now);
        if let Some(lease) = found.and_then(|at| self.lease(at, ask, now)) {
            return Pick::Key(lease);
        }
        self.offer_asleep(now, &mut later);
        later.map_or(Pick::Empty, |(earliest, cause)| Pick::Asleep {
            earliest,
            cause,
        })
    }

    /// What [`Pool::pick`] would come to; nothing is picked.
    pub fn outlook(&mut self, ask: &Ask<'_>, now: Timestamp) -> Outlook {
        let (found, mut later) = self.find(ask, now);
        if found.is_some() {
            return Outlook::Awake;
        }
        self.offer_asleep(now, &mut later);
        Outlook::later(later)
    }

    /// The best key that may be used, or the first that may be later on (of those
    /// that sleep for this model alone).
    fn find(&mut self, ask: &Ask<'_>, now: Timestamp) -> (Option<u32>, Earliest) {
        self.rouse(now);
        self.rouse_detour(ask.model, now);
        let mut later = None;
        let found = match self.detours.shelf(ask.model) {
            Some(around) => self.on_detour(around, ask, now, &mut later),
            None => self.in_order(ask, now, &mut later),
        };
        (found, later)
    }

    fn offer_asleep(&self, now: Timestamp, later: &mut Earliest) {
        offer_waiting(&self.shelf, now, later, |at| {
            self.slots.get(at).map(|slot| slot.sleep.cause())
        });
    }

    /// The best key that may be used, around those this model sleeps for.
    fn on_detour(
        &self,
        around: &Shelf,
        ask: &Ask<'_>,
        now: Timestamp,
        later: &mut Earliest,
    ) -> Option<u32> {
        let passes = |at: u32| {
            let slot = self.slots.get(at);
            slot.is_some_and(|slot| !ask.tried.contains(&slot.key.id))
        };
        let best = |serving| around.ready.best(ask.serves, serving, passes);
        let found = best(true).or_else(|| best(false));
        if found.is_none() {
            offer_waiting(around, now, later, |at| {
                let known = self.slots.get(at)?.models.get(ask.model);
                known.map(|model| model.sleep.cause())
            });
        }
        found
    }

    /// The best key that may be used, in the pool's own order.
    fn in_order(&mut self, ask: &Ask<'_>, now: Timestamp, later: &mut Earliest) -> Option<u32> {
        let mut stepped_over = 0;
        let mut best = |serving| self.best(ask, serving, now, (later, &mut stepped_over));
        let found = best(true).or_else(|| best(false));
        self.stepped_over(ask.model, stepped_over, now);
        found
    }

    /// The best key of those that serve (or may not); notes in `later` those this
    /// model sleeps for, and counts them.
    fn best(
        &self,
        ask: &Ask<'_>,
        serving: bool,
        now: Timestamp,
        (later, stepped_over): (&mut Earliest, &mut usize),
    ) -> Option<u32> {
        self.shelf.ready.best(ask.serves, serving, |at| {
            let Some(slot) = self.slots.get(at) else {
                return false;
            };
            let (until, cause) = match for_model(slot, ask.model, now) {
                Standing::Awake | Standing::HalfOpen => return !ask.tried.contains(&slot.key.id),
                Standing::Asleep { until, cause } => (until, cause),
                Standing::Trying => (now.after(TRIAL_WAIT), SleepCause::NotHere),
            };
            offer(later, until, cause);
            *stepped_over += 1;
            false
        })
    }

    pub(super) fn lease(&mut self, at: u32, ask: &Ask<'_>, now: Timestamp) -> Option<Lease<K>> {
        let ticket = self.slots.get_mut(at)?.sleep.begin(now)?;
        self.lease_with(at, ticket, ask, now)
    }

    /// The slot's lease, with the ticket it was given.
    pub(super) fn lease_with(
        &mut self,
        at: u32,
        ticket: Ticket,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Option<Lease<K>> {
        let slot = self.slots.get_mut(at)?;
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
}

/// Notes the keys that wait, for what `cause` says of them.
fn offer_waiting(
    shelf: &Shelf,
    now: Timestamp,
    later: &mut Earliest,
    cause: impl Fn(u32) -> Option<SleepCause>,
) {
    if let Some((wake, at)) = shelf.asleep.first()
        && let Some(cause) = cause(*at)
    {
        offer(later, *wake, cause);
    }
    if let Some((_, at)) = shelf.trying.first()
        && let Some(cause) = cause(*at)
    {
        offer(later, now.after(TRIAL_WAIT), cause);
    }
}

fn offer(later: &mut Earliest, until: Timestamp, cause: SleepCause) {
    if later.is_none_or(|(earliest, _)| until < earliest) {
        *later = Some((until, cause));
    }
}

pub(super) fn for_model<K>(slot: &Slot<K>, model: &str, now: Timestamp) -> Standing {
    if slot.models.is_empty() {
        return Standing::Awake;
    }
    let known = slot.models.get(model);
    known.map_or(Standing::Awake, |model| model.sleep.standing(now))
}
