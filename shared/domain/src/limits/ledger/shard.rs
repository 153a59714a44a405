//! A part of all counts: the meters of one limited thing stand side by side, since a
//! call takes its place under all of them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use foldgate_proto::LimitId;

use super::{Key, MAX_METERS, SHARDS};
use crate::limits::meter::Meter;

/// The most meters of a part.
const MOST: usize = MAX_METERS / SHARDS;

#[derive(Debug, Default)]
pub(super) struct Shard {
    things: HashMap<LimitId, Vec<Meter>, BuildHasherDefault<IdHasher>>,
    meters: usize,
}

impl Shard {
    pub(super) fn get(&mut self, (id, kind): Key) -> Option<&mut Meter> {
        let meters = self.things.get_mut(&id)?;
        meters.iter_mut().find(|meter| meter.kind == kind)
    }

    /// The meter, made if there is none; `None` if there are too many.
    pub(super) fn get_or_add(&mut self, (id, kind): Key) -> Option<&mut Meter> {
        let full = self.meters >= MOST;
        if full && !self.things.contains_key(&id) {
            return None;
        }
        let meters = self.things.entry(id).or_default();
        let at = match meters.iter().position(|meter| meter.kind == kind) {
            Some(at) => at,
            None if full => return None,
            None => {
                meters.reserve_exact(1);
                meters.push(Meter::new(kind));
                self.meters += 1;
                meters.len() - 1
            }
        };
        meters.get_mut(at)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (LimitId, &mut Meter)> {
        let things = self.things.iter_mut();
        things.flat_map(|(id, meters)| meters.iter_mut().map(|meter| (*id, meter)))
    }

    /// Drops the others.
    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&mut Meter) -> bool) {
        let mut left = 0;
        self.things.retain(|_, meters| {
            meters.retain_mut(&mut keeps);
            left += meters.len();
            !meters.is_empty()
        });
        self.meters = left;
        if self.things.capacity() > 4 * self.things.len() + 64 {
            self.things.shrink_to_fit();
        }
    }

    /// How many meters there are.
    pub(super) const fn len(&self) -> usize {
        self.meters
    }

    /// Bytes that all of them take, roughly.
    pub(super) fn bytes(&self) -> usize {
        let thing = size_of::<(LimitId, Vec<Meter>)>() + 1;
        let of_meters = |meters: &Vec<Meter>| {
            let each = meters.capacity() * size_of::<Meter>();
            each + meters.iter().map(Meter::heap_bytes).sum::<usize>()
        };
        self.things.capacity() * thing + self.things.values().map(of_meters).sum::<usize>()
    }
}

/// Ids are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}
