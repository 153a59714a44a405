//! What a node has said of one limit, and what of it all others must know by now.

use std::collections::VecDeque;

use super::pace::Pace;

/// How much of it is kept; more than is under way at a time.
const MOST: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    at: u64,
    total: i64,
    wants: u32,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    /// What all others know, or more.
    known: Option<Said>,
    /// What was said after it, the oldest first.
    later: VecDeque<Said>,
}

impl Sent {
    /// Takes note of what is being said.
    pub(super) fn say(&mut self, at: u64, total: i64, wants: u32) {
        if self.later.len() >= MOST {
            self.drop_first();
        }
        self.later.push_back(Said { at, total, wants });
    }

    /// Takes for known what must be, by a time before which everything has arrived that
    /// was said since another. Of two messages in a row one may be lost: so what counts
    /// is what the last but one said.
    pub(super) fn settle(&mut self, arrived: u64, since: u64) {
        while self.later.front().is_some_and(|said| said.at <= since) {
            self.drop_first();
        }
        while self.later.get(1).is_some_and(|said| said.at <= arrived) {
            self.known = self.later.pop_front();
        }
    }

    /// It may be that some have heard it and others have not: it is no evidence, but its
    /// demand, or a smaller total, may be what some believe.
    fn drop_first(&mut self) {
        let dropped = self.later.pop_front();
        if let (Some(known), Some(dropped)) = (&mut self.known, dropped) {
            known.wants = known.wants.min(dropped.wants);
            known.total = known.total.min(dropped.total);
        }
    }

    /// The total that all others know, or a greater one: what was given back since is
    /// what some know. Zero until something is.
    pub(super) fn known(&self) -> i64 {
        let known = self.known.map_or(0, |said| said.total);
        let later = self.later.iter().map(|said| said.total);
        later.fold(known, i64::min)
    }

    /// The least demand that another may still know; none once it may be over for it.
    pub(super) fn least_wants(&self, now: u64, pace: &Pace) -> u32 {
        let fresh = |said: &Said| now.saturating_sub(said.at) < pace.stale();
        let Some(known) = self.known.filter(fresh) else {
            return 0;
        };
        let later = self.later.iter().map(|said| said.wants);
        later.fold(known.wants, u32::min)
    }

    /// What was said last: when, which total, which demand.
    pub(super) fn last(&self) -> Option<(u64, i64, u32)> {
        let last = self.later.back().or(self.known.as_ref());
        last.map(|said| (said.at, said.total, said.wants))
    }

    /// Whether the last word was said twice.
    pub(super) fn is_said_twice(&self) -> bool {
        let mut last = self.later.iter().rev().chain(&self.known);
        match (last.next(), last.next()) {
            (Some(one), Some(other)) => one.total == other.total && one.wants == other.wants,
            _ => false,
        }
    }
}
