//! A hash map that is cheap to clone and to change a little: buckets of a few
//! entries, in a vector that shares its nodes. A look-up touches the vector's upper
//! nodes, which every look-up touches, and one bucket. Sorted maps take four or
//! five nodes for it, each of them somewhere else in memory; `imbl`'s hashed ones
//! take three times the room.
//!
//! What it answers depends on what is in it, never on the order it came in.

use std::fmt;
use std::sync::Arc;

use foldgate_proto::{AccountNumber, CallerKeyNumber, KeyHash};
use imbl::Vector;

use crate::state::people::prefix;

/// How many entries a bucket holds on average before there are twice as many.
const FULL: usize = 8;

/// How many buckets there are at first, as a power of two.
const FIRST_BITS: u32 = 3;

/// What entries are found by.
pub(super) trait Spread: Ord + Copy {
    /// The key as a number whose upper bits spread well.
    fn spread(&self) -> u64;
}

/// A SHA-256 spreads by itself. Who could choose keys that do not would make
/// buckets long, and looking through one is a binary search.
impl Spread for [u8; 32] {
    fn spread(&self) -> u64 {
        prefix(KeyHash(*self))
    }
}

impl Spread for AccountNumber {
    fn spread(&self) -> u64 {
        scattered(self.0)
    }
}

impl Spread for CallerKeyNumber {
    fn spread(&self) -> u64 {
        scattered(self.0)
    }
}

/// Fibonacci hashing: numbers in a row land far apart, and evenly.
const fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A map from what spreads. Never has fewer buckets than it had before.
#[derive(Clone)]
pub(super) struct Buckets<K, V> {
    /// None at all, or a power of two; each sorted by key.
    shared: Vector<Arc<[(K, V)]>>,
    bits: u32,
    len: usize,
}

impl<K, V> Default for Buckets<K, V> {
    fn default() -> Self {
        Self {
            shared: Vector::new(),
            bits: FIRST_BITS,
            len: 0,
        }
    }
}

impl<K, V> fmt::Debug for Buckets<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buckets({} entries)", self.len)
    }
}

impl<K: Spread, V: Clone> Buckets<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let bucket = self.shared.get(self.place(key))?;
        let at = found(bucket, key).ok()?;
        Some(&bucket[at].1)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.len >= self.shared.len() * FULL {
            self.grow();
        }
        let place = self.place(&key);
        let bucket = &mut self.shared[place];
        let (before, after) = match found(bucket, &key) {
            Ok(at) => (&bucket[..at], &bucket[at + 1..]),
            Err(at) => {
                self.len += 1;
                bucket.split_at(at)
            }
        };
        let entries = before.iter().cloned();
        let entries = entries.chain(std::iter::once((key, value)));
        *bucket = entries.chain(after.iter().cloned()).collect();
    }

    pub(super) fn remove(&mut self, key: &K) {
        let place = self.place(key);
        let Some(at) = self.shared.get(place).and_then(|b| found(b, key).ok()) else {
            return;
        };
        let bucket = &mut self.shared[place];
        let (before, after) = (&bucket[..at], &bucket[at + 1..]);
        *bucket = before.iter().chain(after).cloned().collect();
        self.len -= 1;
    }

    fn place(&self, key: &K) -> usize {
        let upper = key.spread() >> (u64::BITS - self.bits);
        usize::try_from(upper).unwrap_or(usize::MAX)
    }

    /// Makes twice as many buckets, which each take half of what one held.
    fn grow(&mut self) {
        if self.shared.is_empty() {
            self.shared = std::iter::repeat_n(Arc::default(), 1 << FIRST_BITS).collect();
            return;
        }
        self.bits += 1;
        let mut twice = Vector::new();
        for bucket in &self.shared {
            let side = |side: u64| {
                let of = |key: &K| key.spread() >> (u64::BITS - self.bits) & 1;
                let entries = bucket.iter().filter(move |(key, _)| of(key) == side);
                entries.cloned().collect::<Vec<_>>().into()
            };
            twice.push_back(side(0));
            twice.push_back(side(1));
        }
        self.shared = twice;
    }
}

/// Where a key stands in a bucket, or would stand.
fn found<K: Ord, V>(bucket: &[(K, V)], key: &K) -> Result<usize, usize> {
    bucket.binary_search_by(|(one, _)| one.cmp(key))
}

#[cfg(test)]
mod tests;
