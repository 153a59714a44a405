//! Picking out of the pool's own order: one very key, or any whatever it does.

use foldgate_proto::{KeyId, SleepCause, Timestamp};

use super::pick::{Earliest, TRIAL_WAIT, for_model};
use super::{Ask, Outlook, Pick, Pool};
use crate::provider::FamilySet;
use crate::sleep::Standing;

impl Outlook {
    pub(super) fn later(later: Earliest) -> Self {
        later.map_or(Self::Empty, |(earliest, cause)| Self::Asleep {
            earliest,
            cause,
        })
    }
}

impl<K: Clone> Pool<K> {
    /// This very key, if the next attempt may use it.
    pub fn pick_only(&mut self, key: KeyId, ask: &Ask<'_>, now: Timestamp) -> Pick<K> {
        match self.outlook_only(key, ask, now) {
            Outlook::Awake => self.lease_of(key, ask, now),
            Outlook::Asleep { earliest, cause } => Pick::Asleep { earliest, cause },
            Outlook::Empty => Pick::Empty,
        }
    }

    /// What [`Pool::pick_only`] would come to; nothing is picked.
    pub fn outlook_only(&mut self, key: KeyId, ask: &Ask<'_>, now: Timestamp) -> Outlook {
        self.rouse(now);
        let Some(slot) = self.slot(key) else {
            return Outlook::Empty;
        };
        let stands = [slot.sleep.standing(now), for_model(slot, ask.model, now)];
        let waits = stands.into_iter().filter_map(|standing| match standing {
            Standing::Awake | Standing::HalfOpen => None,
            Standing::Asleep { until, cause } => Some((until, cause)),
            Standing::Trying => Some((now.after(TRIAL_WAIT), slot.sleep.cause())),
        });
        match waits.max_by_key(|(until, _)| *until) {
            Some(longest) => Outlook::later(Some(longest)),
            None if ask.tried.contains(&key) => Outlook::Empty,
            None => Outlook::Awake,
        }
    }

    /// A key whatever it does: one that is ready first, else the one that wakes
    /// first. How the attempt ends says little of it.
    pub fn pick_anyway(&mut self, only: Option<KeyId>, ask: &Ask<'_>, now: Timestamp) -> Pick<K> {
        self.rouse(now);
        let untried = |at: u32| {
            let slot = self.slots.get(at);
            slot.is_some_and(|slot| {
                let wanted = only.is_none_or(|key| key == slot.key.id);
                wanted && !ask.tried.contains(&slot.key.id)
            })
        };
        let at = if let Some(key) = only {
            self.index.get(&key).copied().filter(|at| untried(*at))
        } else {
            let waiting = || self.shelf.asleep.iter().chain(&self.shelf.trying);
            let ready = self.shelf.ready.best(FamilySet::ALL, true, untried);
            ready.or_else(|| waiting().map(|(_, at)| *at).find(|at| untried(*at)))
        };
        let ticket = at.and_then(|at| {
            let sleep = &mut self.slots.get_mut(at)?.sleep;
            let turn = sleep.begin(now);
            Some((at, turn.unwrap_or_else(|| sleep.out_of_turn())))
        });
        let lease = ticket.and_then(|(at, ticket)| self.lease_with(at, ticket, ask, now));
        lease.map_or(Pick::Empty, Pick::Key)
    }

    fn lease_of(&mut self, key: KeyId, ask: &Ask<'_>, now: Timestamp) -> Pick<K> {
        let at = self.index.get(&key).copied();
        let lease = at.and_then(|at| self.lease(at, ask, now));
        // It stood ready a moment ago; whatever came between is over in another.
        let later = now.after(TRIAL_WAIT);
        lease.map_or(
            Pick::Asleep {
                earliest: later,
                cause: SleepCause::UpstreamError,
            },
            Pick::Key,
        )
    }
}
