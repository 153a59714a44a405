//! One key's place in the pool, and the slab that gives each a number: leases
//! and lists name a slot instead of searching for a key.

use std::collections::BTreeMap;

use foldgate_proto::Generation;

use super::PoolKey;
use super::model::ModelSleep;
use crate::sleep::KeySleep;

/// A key with its load and its sleep.
pub(super) struct Slot<K> {
    pub(super) key: PoolKey,
    pub(super) payload: K,
    /// Requests in flight.
    pub(super) load: u32,
    pub(super) sleep: KeySleep,
    pub(super) models: BTreeMap<Box<str>, ModelSleep>,
    /// The latest life of the key heard of, for any model.
    pub(super) peak: Generation,
    /// This node's share of the wake delay, 0 to 1.
    pub(super) spread: f64,
    /// Tells this stay in the slab from others in the same slot.
    pub(super) serial: u64,
}

impl<K> Slot<K> {
    pub(super) fn new(key: PoolKey, payload: K, seed: u64) -> Self {
        let sleep = KeySleep::new(key.secret_revision);
        Self {
            peak: sleep.generation(),
            spread: spread(seed, &key),
            key,
            payload,
            load: 0,
            sleep,
            models: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Remembers how far the key has come.
    pub(super) fn reach(&mut self, generation: Generation) {
        self.peak = self.peak.max(generation);
    }
}

/// Slots by number; numbers are given again, serials never.
pub(super) struct Slots<K> {
    kept: Vec<Option<Slot<K>>>,
    free: Vec<u32>,
    serial: u64,
}

impl<K> Default for Slots<K> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            free: Vec::new(),
            serial: 0,
        }
    }
}

impl<K> Slots<K> {
    pub(super) fn insert(&mut self, mut slot: Slot<K>) -> u32 {
        self.serial += 1;
        slot.serial = self.serial;
        let at = self.free.pop().unwrap_or_else(|| {
            self.kept.push(None);
            u32::try_from(self.kept.len() - 1).expect("a pool has fewer than 2^32 keys")
        });
        self.kept[at as usize] = Some(slot);
        at
    }

    pub(super) fn remove(&mut self, at: u32) {
        if let Some(place) = self.kept.get_mut(at as usize)
            && place.take().is_some()
        {
            self.free.push(at);
        }
    }

    pub(super) fn get(&self, at: u32) -> Option<&Slot<K>> {
        self.kept.get(at as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Slot<K>> {
        self.kept.get_mut(at as usize)?.as_mut()
    }

    /// The slot of a lease, if the key it was given for is still there.
    pub(super) fn leased(&mut self, at: u32, serial: u64) -> Option<&mut Slot<K>> {
        self.get_mut(at).filter(|slot| slot.serial == serial)
    }
}

/// A fraction that is this node's for this key, the same at every wake.
fn spread(seed: u64, key: &PoolKey) -> f64 {
    let (high, low) = key.id.0.as_u64_pair();
    // SplitMix64's finaliser: neighbouring ids land far apart.
    let mut mixed = seed ^ high.rotate_left(32) ^ low;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let top = u32::try_from(mixed >> 32).expect("32 bits fit");
    f64::from(top) / f64::from(u32::MAX)
}
