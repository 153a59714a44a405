//! What this node counts of Models and caller keys, beside the table: calls under
//! way, how long answers take, whose turn it is. It goes when they go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use foldgate_domain::OwnerState;
use foldgate_domain::routing::{Average, Wheel};
use foldgate_proto::{
    CallerKeyNumber, DefinitionKind, DefinitionNumber, Event, OwnerId, ResourceId, Timestamp,
};

use super::lock;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// The calls of a Model.
    Model(DefinitionNumber),
    /// The calls with a caller key.
    Key(CallerKeyNumber),
}

/// Every gauge of every owner.
#[derive(Debug, Default)]
pub(crate) struct Gauges(RwLock<HashMap<(OwnerId, Of), Arc<Gauge>>>);

/// The counts of one Model or key.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    running: AtomicU32,
    first_byte: Mutex<Average>,
    /// Of a Model that routes.
    pub(crate) wheel: Mutex<Wheel>,
}

/// A place among the calls under way; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gauge>);

impl Gauges {
    /// The gauge of one.
    pub(crate) fn of(&self, owner: OwnerId, what: Of) -> Arc<Gauge> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(gauge) = known.get(&(owner, what)) {
            return Arc::clone(gauge);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((owner, what)).or_default())
    }

    /// Drops the gauges of what an owner no longer has; all of them, if the owner
    /// itself is gone.
    pub(super) fn shed(&self, id: OwnerId, owner: Option<&OwnerState>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, what), _| *of != id || owner.is_some_and(|owner| has(owner, *what)));
    }

    /// The owners of which something is counted.
    pub(super) fn owners(&self) -> Vec<OwnerId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.keys().map(|(owner, _)| *owner).collect()
    }

    /// How many gauges there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn has(owner: &OwnerState, what: Of) -> bool {
    match what {
        Of::Model(number) => {
            let at = (DefinitionKind::Model, number);
            owner.definitions.contains_key(&at)
        }
        Of::Key(number) => owner.caller_keys.contains_key(&number),
    }
}

/// Whether an event may take away what is counted.
pub(super) fn may_shed(event: &Event) -> bool {
    match event {
        Event::DefinitionRemoved(_) | Event::CallerKeyRevoked(_) | Event::AccountRemoved(_) => true,
        Event::RecordUndone(event) => event.changes.iter().any(|one| counts(one.resource)),
        Event::StateRestored(event) => event.changes.iter().any(|one| counts(one.resource)),
        _ => false,
    }
}

const fn counts(resource: ResourceId) -> bool {
    matches!(
        resource,
        ResourceId::Definition(DefinitionKind::Model, _)
            | ResourceId::CallerKey(_)
            | ResourceId::Account(_)
    )
}

impl Gauge {
    /// Enters one call more; `None` if there are as many as there may be.
    pub(crate) fn enter(self: &Arc<Self>, most: Option<u32>) -> Option<Permit> {
        let more = |running: u32| {
            let room = most.is_none_or(|most| running < most);
            room.then(|| running.saturating_add(1))
        };
        let entered = self
            .running
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        entered.ok().map(|_| Permit(Arc::clone(self)))
    }

    /// Calls under way.
    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::Acquire)
    }

    /// An answer began so long after it was asked for.
    pub(crate) fn answered(&self, took: Duration, now: Timestamp) {
        lock(&self.first_byte).add(took, now);
    }

    /// How long that takes lately, in microseconds.
    pub(crate) fn latency(&self, now: Timestamp) -> Option<u64> {
        lock(&self.first_byte).get(now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
