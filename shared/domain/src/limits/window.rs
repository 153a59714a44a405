//! What was let through and still counts: a sum, and when each part of it goes.

use std::collections::VecDeque;

use super::{Now, Period};

/// How many moments are told apart. Beyond them neighbours are merged, each part then
/// counting until the last of it would have gone.
pub const MOST_SLOTS: u32 = 4096;

/// Counts over one period. Times are those of the period's clock, in milliseconds. What
/// each call looks at stands in it: its slots stand elsewhere, and far.
#[derive(Debug, Clone)]
pub struct Window {
    sum: u64,
    /// When the first of the slots goes; never where there is none.
    first: u64,
    /// When the last of them goes.
    last: u64,
    slots: VecDeque<Slot>,
    /// How many milliseconds count as one moment.
    grain: u64,
    most: u32,
    period: Period,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// When it no longer counts.
    until: u64,
    count: u64,
}

impl Window {
    /// An empty window that tells so many moments apart.
    pub fn new(period: Period, most: u32) -> Self {
        Self {
            sum: 0,
            first: u64::MAX,
            last: 0,
            slots: VecDeque::new(),
            grain: 1,
            most: most.max(2),
            period,
        }
    }

    /// Drops what no longer counts, and says what does.
    pub fn sum(&mut self, now: u64) -> u64 {
        if now < self.first {
            return self.sum;
        }
        while let Some(slot) = self.slots.front().filter(|slot| slot.until <= now) {
            self.sum -= slot.count;
            self.slots.pop_front();
        }
        self.note_ends();
        self.sum
    }

    fn note_ends(&mut self) {
        self.first = self.slots.front().map_or(u64::MAX, |slot| slot.until);
        self.last = self.slots.back().map_or(0, |slot| slot.until);
        if self.slots.is_empty() {
            self.grain = 1;
        }
    }

    /// What counts, as of the last [`Self::sum`].
    pub const fn last_sum(&self) -> u64 {
        self.sum
    }

    /// Counts something let through now. A clock that went back counts as standing.
    pub fn add(&mut self, now: Now, count: u64) {
        if count == 0 {
            return;
        }
        self.sum(self.period.clock(now));
        // A sum beyond the greatest number would be one that no limit has room for.
        let count = count.min(u64::MAX - self.sum);
        let until = self.period.end(now, self.grain);
        self.sum += count;
        if self.last >= until
            && let Some(last) = self.slots.back_mut()
        {
            last.count += count;
            return;
        }
        self.first = self.first.min(until);
        self.last = until;
        self.slots.push_back(Slot { until, count });
        if self.slots.len() > self.most as usize {
            self.merge();
        }
    }

    /// Takes back some of what was let through at a time, if it still counts.
    pub fn give_back(&mut self, at: Now, count: u64) -> u64 {
        let until = self.period.end(at, self.grain);
        let found = self.slots.partition_point(|slot| slot.until < until);
        let Some(slot) = self.slots.get_mut(found).filter(|slot| slot.until == until) else {
            return 0;
        };
        let back = count.min(slot.count);
        slot.count -= back;
        self.sum -= back;
        back
    }

    /// Takes back the newest of what was let through.
    pub fn take_back(&mut self, mut count: u64) {
        while count > 0
            && let Some(slot) = self.slots.back_mut()
        {
            let back = count.min(slot.count);
            slot.count -= back;
            self.sum -= back;
            count -= back;
            if slot.count == 0 {
                self.slots.pop_back();
            }
        }
        self.note_ends();
    }

    /// When the last of it no longer counts.
    pub fn empty_at(&self) -> Option<u64> {
        (!self.slots.is_empty()).then_some(self.last)
    }

    /// Bytes that it takes beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// Makes moments twice as long, until they are few enough.
    fn merge(&mut self) {
        let most = self.most as usize;
        while self.slots.len() > most * 3 / 4 {
            self.grain = self.grain.saturating_mul(2);
            let length = self.period.length();
            let grain = self.grain;
            let mut merged: VecDeque<Slot> = VecDeque::with_capacity(most + 1);
            for slot in self.slots.drain(..) {
                // A day has few ends: only what slides comes here.
                let at = slot.until.saturating_sub(length);
                let until = ((at / grain + 1) * grain - 1).saturating_add(length);
                match merged.back_mut() {
                    Some(last) if last.until >= until => last.count += slot.count,
                    _ => merged.push_back(Slot { until, ..slot }),
                }
            }
            self.slots = merged;
        }
        self.note_ends();
    }
}

/// When so much of what counts in all of these windows will be gone.
pub fn gone_at(windows: &[&Window], mut need: u64) -> Option<u64> {
    let mut at = vec![0_usize; windows.len()];
    loop {
        let heads = windows.iter().zip(&at);
        let next = heads
            .enumerate()
            .filter_map(|(which, (window, at))| Some((window.slots.get(*at)?, which)))
            .min_by_key(|(slot, _)| slot.until);
        let (slot, which) = next?;
        if slot.count >= need {
            return Some(slot.until);
        }
        need -= slot.count;
        at[which] += 1;
    }
}

#[cfg(test)]
mod tests;
