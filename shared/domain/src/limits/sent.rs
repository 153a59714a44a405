//! What a node has said of one limit, and what of it all others must know by now.

use std::collections::VecDeque;

/// How much of it is kept; more than is under way at a time.
const MOST: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    at: u64,
    total: i64,
    wants: u32,
}

/// What was said, the oldest first: the first is what all others know.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(VecDeque<Said>);

impl Sent {
    /// Takes note of what is being said.
    pub(super) fn say(&mut self, at: u64, total: i64, wants: u32) {
        if self.0.len() >= MOST {
            // What is known stays; of what is under way the least demand counts.
            let least = self.0.remove(1).map_or(wants, |said| said.wants);
            if let Some(next) = self.0.get_mut(1) {
                next.wants = next.wants.min(least);
            }
        }
        self.0.push_back(Said { at, total, wants });
    }

    /// Forgets what was known to be known, by a time before which everything has
    /// arrived. Of two messages in a row one may be lost: so what counts as known is
    /// what the last but one said, or an older one.
    pub(super) fn settle(&mut self, arrived: u64) {
        while self.0.len() > 2 && self.0[2].at <= arrived {
            self.0.pop_front();
        }
    }

    /// The total that all others know, or a greater one. Zero until something is.
    pub(super) fn known(&self, arrived: u64) -> i64 {
        match (self.0.front(), self.0.get(1)) {
            (Some(first), Some(second)) if second.at <= arrived => first.total,
            _ => 0,
        }
    }

    /// The least demand that another may still know.
    pub(super) fn least_wants(&self, arrived: u64) -> u32 {
        match self.0.get(1) {
            Some(second) if second.at <= arrived => {
                self.0.iter().map(|said| said.wants).min().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// What was said last: when, which total, which demand.
    pub(super) fn last(&self) -> Option<(u64, i64, u32)> {
        self.0.back().map(|said| (said.at, said.total, said.wants))
    }

    /// Whether the last word was said twice.
    pub(super) fn is_said_twice(&self) -> bool {
        let mut last = self.0.iter().rev();
        match (last.next(), last.next()) {
            (Some(one), Some(other)) => one.total == other.total && one.wants == other.wants,
            _ => false,
        }
    }
}
