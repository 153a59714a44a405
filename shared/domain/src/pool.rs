//! The live pool of one owner's Level: which key the next request takes.
//!
//! Among the keys that are awake the one with the fewest requests in flight
//! wins, and among equals the one picked or freed longest ago; keys whose
//! provider is known not to serve the model come last. A pick costs O(log n) in
//! the number of keys, beside stepping over the keys already tried and those
//! asleep for this one model.
//!
//! Invariants: a key stands in exactly one of `ready`, `asleep` and `trying`;
//! `ready` files it under its exact load; `forget` holds exactly the models
//! that slots remember. `Pool::put` is the only place that files a key.

mod model;
mod outcome;
mod pick;
mod ready;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use foldgate_proto::{Generation, KeyId, KeyNumber, Revision, SleepCause, Timestamp};

use crate::provider::{Family, FamilySet};
use crate::sleep::{SleepDraft, Standing, Ticket, Waits};

pub use model::{MAX_MODEL_BYTES, MAX_MODEL_SLEEPS};
pub use outcome::Outcome;
use ready::Ready;
use slot::{Place, Slot, Slots};

/// The keys of one Level, with their load and their sleep. `K` is what a
/// request needs to use a key (it is cloned into each lease).
pub struct Pool<K> {
    slots: Slots<K>,
    index: BTreeMap<KeyId, u32>,
    ready: Ready,
    /// Sleeping keys by when they wake here.
    asleep: BTreeSet<(Timestamp, u32)>,
    /// Half-open keys whose trial is under way, by when it counts as lost.
    trying: BTreeSet<(Timestamp, u32)>,
    /// What slots remember of single models, by when it may be forgotten.
    forget: BTreeSet<(Timestamp, u32, Box<str>)>,
    seed: u64,
}

/// What the pool needs to know of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolKey {
    /// Its id.
    pub id: KeyId,
    /// Its number, to show.
    pub number: KeyNumber,
    /// Which known provider it belongs to.
    pub family: Family,
    /// When its secret was last set.
    pub secret_revision: Revision,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The model, as the keys of this pool know it.
    pub model: &'a str,
    /// The families that may serve it; keys of others come last.
    pub serves: FamilySet,
    /// Keys this request has tried; few, bounded by the attempts it may make.
    pub tried: &'a [KeyId],
}

/// What the pool answers.
#[derive(Debug)]
pub enum Pick<K> {
    /// Use this key.
    Key(Lease<K>),
    /// No key now.
    Asleep {
        /// When the first one wakes.
        earliest: Timestamp,
        /// Why that one sleeps.
        cause: SleepCause,
    },
    /// No key at all, or none that was not tried.
    Empty,
}

/// Leave to use a key for one attempt. Every lease goes back to the pool by
/// [`Pool::finish`], also when the request is dropped.
#[must_use = "a lease that is not finished counts as a request in flight for ever"]
pub struct Lease<K> {
    /// Which key.
    pub key: KeyId,
    /// Its number, to show.
    pub number: KeyNumber,
    /// What the attempt needs.
    pub payload: K,
    /// Whether this is the one trial of a key (or of a key for this model).
    pub trial: bool,
    /// When it was given.
    pub began: Timestamp,
    /// The life of the key it was given in.
    pub generation: Generation,
    slot: u32,
    serial: u64,
    ticket: Ticket,
    model: Box<str>,
    model_ticket: Option<Ticket>,
}

/// How many keys a pool has, and how they stand.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// All keys.
    pub keys: usize,
    /// Those that would take a request now (for a model that does not sleep).
    pub ready: usize,
    /// Those asleep.
    pub asleep: usize,
    /// Those whose one trial is under way.
    pub trying: usize,
}

impl<K: Clone> Pool<K> {
    /// An empty pool. `seed` is the node's own: it spreads the moments at which
    /// nodes wake the same key.
    pub fn new(seed: u64) -> Self {
        Self {
            slots: Slots::default(),
            index: BTreeMap::new(),
            ready: Ready::default(),
            asleep: BTreeSet::new(),
            trying: BTreeSet::new(),
            forget: BTreeSet::new(),
            seed,
        }
    }

    /// Adds a key, or takes over what changed of it. Its load stays; a newer
    /// secret ends its sleeps.
    pub fn upsert(&mut self, key: PoolKey, payload: K) {
        let Some(&at) = self.index.get(&key.id) else {
            let at = self.slots.insert(Slot::new(key, payload, self.seed));
            self.index.insert(key.id, at);
            self.put(at);
            return;
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        slot.key = key;
        slot.payload = payload;
        if slot.sleep.renew(key.secret_revision) {
            slot.reach(slot.sleep.generation());
            self.forget_models(at, |sleep| sleep.generation().secret < key.secret_revision);
        }
        self.put(at);
    }

    /// Takes a key out. Leases of it that are still out do no harm.
    pub fn remove(&mut self, key: KeyId) -> bool {
        let Some(at) = self.index.remove(&key) else {
            return false;
        };
        self.forget_models(at, |_| true);
        self.unfile(at);
        self.slots.remove(at);
        true
    }

    /// Where a key stands; `None` if it is not here.
    pub fn standing(&self, key: KeyId, now: Timestamp) -> Option<Standing> {
        self.slot(key).map(|slot| slot.sleep.standing(now))
    }

    /// Where a key stands for one model alone.
    pub fn standing_for(&self, key: KeyId, model: &str, now: Timestamp) -> Option<Standing> {
        self.slot(key).map(|slot| {
            let sleep = slot.models.get(model).map(|model| &model.sleep);
            sleep.map_or(Standing::Awake, |sleep| sleep.standing(now))
        })
    }

    /// Requests in flight on a key; `None` if it is not here.
    pub fn in_flight(&self, key: KeyId) -> Option<u32> {
        self.slot(key).map(|slot| slot.load)
    }

    /// Every sleep this pool holds now, of keys and of keys for a model.
    pub fn sleeping(&self, now: Timestamp) -> impl Iterator<Item = SleepDraft> {
        let keys = self.asleep.iter().filter(move |(wake, _)| *wake > now);
        let keys = keys.filter_map(move |(_, at)| {
            let slot = self.slots.get(*at)?;
            Some(slot.sleep.draft(slot.key.id, None, now))
        });
        let models = self.forget.iter().filter_map(move |(_, at, model)| {
            let slot = self.slots.get(*at)?;
            let sleep = &slot.models.get(model)?.sleep;
            matches!(sleep.standing(now), Standing::Asleep { .. })
                .then(|| sleep.draft(slot.key.id, Some(model), now))
        });
        keys.chain(models)
    }

    /// How many keys there are, and how they stand.
    pub fn counts(&mut self, now: Timestamp) -> Counts {
        self.rouse(now);
        Counts {
            keys: self.index.len(),
            ready: self.index.len() - self.asleep.len() - self.trying.len(),
            asleep: self.asleep.len(),
            trying: self.trying.len(),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The ids of all keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.index.keys().copied()
    }

    fn slot(&self, key: KeyId) -> Option<&Slot<K>> {
        self.slots.get(*self.index.get(&key)?)
    }

    /// Lets time pass: what is over leaves `asleep`, `trying` and `forget`.
    fn rouse(&mut self, now: Timestamp) {
        while let Some(at) = due(&self.asleep, now).or_else(|| due(&self.trying, now)) {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.sleep.settle(now);
            }
            self.put(at);
        }
        self.forget_due(now);
    }

    /// Files a key where its sleep says it belongs, under its load.
    fn put(&mut self, at: u32) {
        self.unfile(at);
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        slot.place = match slot.sleep.waits() {
            Waits::No => {
                self.ready.insert(at, slot.key.family, slot.load);
                Place::Ready
            }
            Waits::ToWake(wake) => {
                self.asleep.insert((wake, at));
                Place::Asleep(wake)
            }
            Waits::ForTrial(ends) => {
                self.trying.insert((ends, at));
                Place::Trying(ends)
            }
        };
    }

    fn unfile(&mut self, at: u32) {
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        match std::mem::replace(&mut slot.place, Place::Nowhere) {
            Place::Nowhere => {}
            Place::Ready => self.ready.remove(at),
            Place::Asleep(wake) => {
                self.asleep.remove(&(wake, at));
            }
            Place::Trying(ends) => {
                self.trying.remove(&(ends, at));
            }
        }
    }
}

fn due(waiting: &BTreeSet<(Timestamp, u32)>, now: Timestamp) -> Option<u32> {
    waiting
        .first()
        .filter(|(until, _)| *until <= now)
        .map(|(_, at)| *at)
}

impl<K> fmt::Debug for Pool<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("keys", &self.index.len())
            .field("asleep", &self.asleep.len())
            .field("trying", &self.trying.len())
            .finish_non_exhaustive()
    }
}

// By hand: the payload may hold a secret.
impl<K> fmt::Debug for Lease<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.key)
            .field("number", &self.number)
            .field("trial", &self.trial)
            .field("began", &self.began)
            .finish_non_exhaustive()
    }
}
