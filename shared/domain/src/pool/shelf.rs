//! Where keys stand: those that would take a request, filed for picking, and those
//! that wait, by when it ends. A key stands in exactly one place.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::Timestamp;

use super::ready::Ready;
use crate::provider::Family;
use crate::sleep::Waits;

/// Keys by where they stand.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) ready: Ready,
    /// Sleeping keys by when they wake here.
    pub(super) asleep: BTreeSet<(Timestamp, u32)>,
    /// Half-open keys whose trial is under way, by when it counts as lost.
    pub(super) trying: BTreeSet<(Timestamp, u32)>,
    /// Where those stand that are not ready.
    waiting: BTreeMap<u32, Waits>,
}

impl Shelf {
    /// Files a key by what it waits for, wherever it stood.
    pub(super) fn put(&mut self, at: u32, waits: Waits, (family, load): (Family, u32)) {
        self.take(at);
        match waits {
            Waits::No => return self.ready.insert(at, family, load),
            Waits::ToWake(wake) => self.asleep.insert((wake, at)),
            Waits::ForTrial(ends) => self.trying.insert((ends, at)),
        };
        self.waiting.insert(at, waits);
    }

    /// Takes a key out, if it is here.
    pub(super) fn take(&mut self, at: u32) {
        if self.ready.remove(at) {
            return;
        }
        match self.waiting.remove(&at) {
            None | Some(Waits::No) => {}
            Some(Waits::ToWake(wake)) => {
                self.asleep.remove(&(wake, at));
            }
            Some(Waits::ForTrial(ends)) => {
                self.trying.remove(&(ends, at));
            }
        }
    }

    /// A key whose waiting is over.
    pub(super) fn due(&self, now: Timestamp) -> Option<u32> {
        let first = |waiting: &BTreeSet<(Timestamp, u32)>| {
            let first = waiting.first().filter(|(until, _)| *until <= now);
            first.map(|(_, at)| *at)
        };
        first(&self.asleep).or_else(|| first(&self.trying))
    }

    /// How many keys wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
impl Shelf {
    /// Where a key stands, after checking that it stands nowhere else.
    pub(super) fn place(&self, at: u32) -> Option<Waits> {
        let place = self.waiting.get(&at).copied();
        match place {
            Some(Waits::ToWake(wake)) => assert!(self.asleep.contains(&(wake, at))),
            Some(Waits::ForTrial(ends)) => assert!(self.trying.contains(&(ends, at))),
            Some(Waits::No) => panic!("a ready key waits"),
            None => {}
        }
        assert_eq!(self.waiting.len(), self.asleep.len() + self.trying.len());
        let ready = self.ready.holds(at).then_some(Waits::No);
        assert!(
            ready.is_none() || place.is_none(),
            "it stands in two places"
        );
        ready.or(place)
    }
}
