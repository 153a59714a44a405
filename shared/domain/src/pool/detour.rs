//! Models that many keys sleep for. The pool's own order is by load, so whoever
//! looks there for a key for such a model steps over one sleeper after the other.
//! For these models the ready keys are filed a second time, without the sleepers:
//! a detour around them.
//!
//! A detour costs a share of every filing and some memory, so there are few, and
//! one is opened only when as many keys were stepped over in vain as filing them
//! anew costs. What remains is bounded: a pick steps over fewer than [`MANY`] keys, or,
//! for the rare model that finds all detours in use, over those that sleep for it,
//! which all models together share ([`super::MAX_MODEL_SLEEPS`]).

use foldgate_proto::Timestamp;

use super::Pool;
use super::shelf::Shelf;
use super::slot::Slot;
use crate::sleep::Waits;

/// Stepping over so many keys is cheaper than a detour.
const MANY: usize = 32;

/// The most detours of one pool; more models of one Level that many of its keys
/// sleep for, all in use at once, were not seen.
const MAX_DETOURS: usize = 8;

/// A detour ends when only one in so many of [`MANY`] sleeps.
const FEW: usize = 4;

/// The detours of one pool.
#[derive(Debug)]
pub(super) struct Detours {
    kept: Vec<Detour>,
    /// How many keys were stepped over since the last detour was opened.
    debt: usize,
    /// Counts picks, to tell which detour rests.
    picks: u64,
    many: usize,
}

/// The keys that the pool would give out, by where they stand for one model.
#[derive(Debug)]
struct Detour {
    model: Box<str>,
    shelf: Shelf,
    used: u64,
}

impl Default for Detours {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            debt: 0,
            picks: 0,
            many: MANY,
        }
    }
}

impl Detours {
    /// Where to look for a key for this model, if not in the pool's own order.
    pub(super) fn shelf(&self, model: &str) -> Option<&Shelf> {
        let found = self.kept.iter().find(|detour| *detour.model == *model);
        found.map(|detour| &detour.shelf)
    }

    /// Takes a key out.
    pub(super) fn take(&mut self, at: u32) {
        for detour in &mut self.kept {
            detour.shelf.take(at);
        }
    }
}

impl<K: Clone> Pool<K> {
    /// Lets time pass on the model's detour, if it has one.
    pub(super) fn rouse_detour(&mut self, model: &str, now: Timestamp) {
        let detours = &mut self.detours;
        detours.picks += 1;
        let found = detours
            .kept
            .iter_mut()
            .find(|detour| *detour.model == *model);
        let Some(detour) = found else {
            return;
        };
        detour.used = detours.picks;
        while let Some(at) = detour.shelf.due(now) {
            let Some(slot) = self.slots.get_mut(at) else {
                detour.shelf.take(at);
                continue;
            };
            slot.settle_for(model, now);
            let filed = (slot.key.family, slot.load);
            detour.shelf.put(at, slot.waits_for(model), filed);
        }
    }

    /// Files a key on every detour as the pool has filed it, and ends those that few
    /// keys sleep for.
    pub(super) fn file_detours(&mut self, at: u32) {
        if self.detours.kept.is_empty() {
            return;
        }
        let slot = self.slots.get(at).filter(|_| self.shelf.ready.holds(at));
        for detour in &mut self.detours.kept {
            match slot {
                Some(slot) => {
                    let filed = (slot.key.family, slot.load);
                    detour.shelf.put(at, slot.waits_for(&detour.model), filed);
                }
                None => detour.shelf.take(at),
            }
        }
        let many = self.detours.many;
        self.detours
            .kept
            .retain(|detour| detour.shelf.waiting() * FEW >= many);
    }

    /// A pick stepped over so many keys that sleep for this model.
    pub(super) fn stepped_over(&mut self, model: &str, keys: usize, now: Timestamp) {
        let detours = &mut self.detours;
        if keys < detours.many {
            return;
        }
        detours.debt = detours.debt.saturating_add(keys);
        if detours.debt < self.index.len() {
            return;
        }
        if detours.kept.len() >= MAX_DETOURS {
            let rest = self.index.len() as u64;
            let Some(at) = detours.resting(rest) else {
                return;
            };
            detours.kept.swap_remove(at);
        }
        let mut around = Shelf::default();
        for at in self.shelf.ready.in_order() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.settle_for(model, now);
                around.put(at, slot.waits_for(model), (slot.key.family, slot.load));
            }
        }
        detours.debt = 0;
        detours.kept.push(Detour {
            model: model.into(),
            shelf: around,
            used: detours.picks,
        });
    }
}

impl Detours {
    /// The detour that was not used for longest, if for so many picks.
    fn resting(&self, picks: u64) -> Option<usize> {
        let oldest = self.kept.iter().enumerate().min_by_key(|(_, one)| one.used);
        let (at, detour) = oldest?;
        (self.picks - detour.used >= picks).then_some(at)
    }
}

impl<K> Slot<K> {
    fn waits_for(&self, model: &str) -> Waits {
        let known = self.models.get(model);
        known.map_or(Waits::No, |model| model.sleep.waits())
    }

    fn settle_for(&mut self, model: &str, now: Timestamp) {
        if let Some(model) = self.models.get_mut(model) {
            model.sleep.settle(now);
        }
    }
}

#[cfg(test)]
impl<K: Clone> Pool<K> {
    /// A pool that opens a detour for the first model it is asked for, and others
    /// after stepping over a few keys.
    pub(super) fn with_detours(seed: u64) -> Self {
        let mut pool = Self::new(seed);
        (pool.detours.many, pool.detours.debt) = (0, usize::MAX);
        pool
    }

    /// How many detours there are, and how many keys were stepped over since the
    /// last one was opened.
    pub(super) fn detours(&self) -> (usize, usize) {
        (self.detours.kept.len(), self.detours.debt)
    }

    /// Every detour has every key where it belongs.
    pub(super) fn check_detours(&self) {
        for detour in &self.detours.kept {
            for at in self.index.values() {
                let slot = self.slots.get(*at).expect("an indexed key has a slot");
                let ready = self.shelf.ready.holds(*at);
                let waits = ready.then(|| slot.waits_for(&detour.model));
                assert_eq!(detour.shelf.place(*at), waits);
            }
            let ready = self.shelf.ready.filed().len();
            let filed = detour.shelf.ready.filed();
            assert_eq!(filed.len() + detour.shelf.waiting(), ready);
            for (at, family, load) in filed {
                let slot = self.slots.get(at).expect("a filed key has a slot");
                assert_eq!((slot.key.family, slot.load), (family, load));
            }
        }
    }
}
