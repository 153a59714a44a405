//! The live pool of one owner's Level: which key the next request takes.
//!
//! Among the keys that are awake the one with the fewest requests in flight
//! wins, and among equals the one picked or freed longest ago; keys whose
//! provider is known not to serve the model come last. A pick costs O(log n) in
//! the number of keys, beside stepping over the keys already tried and the few
//! asleep for this one model (`detour` says what happens when they are many).
//!
//! Invariants: a key stands in exactly one place of `shelf`, which files it under
//! its exact load; a detour files the ready ones among them, by their sleep for its
//! model; `forget` holds exactly the models that slots remember. `Pool::put` is the
//! only place that files a key.

mod detour;
mod model;
mod only;
mod outcome;
mod pick;
mod ready;
mod shelf;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use foldgate_proto::{Generation, KeyId, KeyNumber, Revision, SleepCause, Timestamp};

use crate::provider::{Family, FamilySet};
use crate::sleep::{SleepDraft, Standing, Ticket};

use detour::Detours;
pub use model::{MAX_MODEL_BYTES, MAX_MODEL_SLEEPS};
pub use outcome::Outcome;
use shelf::Shelf;
use slot::{Slot, Slots};

/// The keys of one Level, with their load and their sleep. `K` is what a
/// request needs to use a key (it is cloned into each lease).
pub struct Pool<K> {
    slots: Slots<K>,
    index: BTreeMap<KeyId, u32>,
    /// Every key, by its own sleep.
    shelf: Shelf,
    /// The ready ones again, by their sleep for one model.
    detours: Detours,
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

/// How a pool stands for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// A key would take it now.
    Awake,
    /// None now.
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
            shelf: Shelf::default(),
            detours: Detours::default(),
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
        self.shelf.take(at);
        self.detours.take(at);
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
        let keys = self
            .shelf
            .asleep
            .iter()
            .filter(move |(wake, _)| *wake > now);
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
            ready: self.index.len() - self.shelf.asleep.len() - self.shelf.trying.len(),
            asleep: self.shelf.asleep.len(),
            trying: self.shelf.trying.len(),
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
        while let Some(at) = self.shelf.due(now) {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.sleep.settle(now);
            }
            self.put(at);
        }
        self.forget_due(now);
    }

    /// Files a key where its sleep says it belongs, under its load.
    fn put(&mut self, at: u32) {
        match self.slots.get(at) {
            Some(slot) => {
                let filed = (slot.key.family, slot.load);
                self.shelf.put(at, slot.sleep.waits(), filed);
            }
            None => self.shelf.take(at),
        }
        self.file_detours(at);
    }
}

impl<K> fmt::Debug for Pool<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("keys", &self.index.len())
            .field("asleep", &self.shelf.asleep.len())
            .field("trying", &self.shelf.trying.len())
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
