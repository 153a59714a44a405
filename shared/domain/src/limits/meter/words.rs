//! What is to be said of a limit, and when.

use foldgate_proto::{Count, LimitId};

use super::{Meter, TIMES_ACROSS, View};
use crate::limits::Now;

/// For how long a limit that was near is taken to be, in milliseconds.
const NEAR_FOR: u64 = 2_000;

impl Meter {
    /// It is to be said although it stands: somebody does not know it.
    pub(in crate::limits) fn announce(&mut self, now: Now) {
        let now = self.kind.period.clock(now);
        if self.own.sum(now) > 0 {
            self.announce = true;
        }
        if self.own.last_sum() > 0 || self.near.sum(now) > 0 {
            self.across = TIMES_ACROSS;
        }
    }

    /// What is to be said of it now, if anything.
    pub(in crate::limits) fn say(&mut self, id: LimitId, view: &View<'_>) -> Option<Count> {
        let fleet = view.fleet?;
        self.sent.settle(fleet.arrived, fleet.since);
        let (tick, wants) = (view.now.tick, self.wants(view.now.tick));
        let near = self
            .urgent
            .is_some_and(|at| tick.saturating_sub(at) < NEAR_FOR);
        let interval = if near { view.pace.near } else { view.pace.rare };
        let due = match self.sent.last() {
            None => self.total != 0 || wants > 0,
            Some((at, total, wanted)) => {
                let since = tick.saturating_sub(at);
                let changed = total != self.total || wanted != wants || self.announce;
                let stays = wants > 0 || self.is_gauge() && self.total > 0;
                let again = stays && since >= view.pace.again();
                since >= interval && (changed || !self.sent.is_said_twice()) || again
            }
        };
        if !due {
            return None;
        }
        self.announce = false;
        if self.is_gauge() {
            // It is over for other regions too unless it is repeated.
            self.across = TIMES_ACROSS;
        }
        self.sent.say(tick, self.total, wants);
        let window = self.own.sum(self.kind.period.clock(view.now));
        Some(self.count((id, wants), (self.total, window), view))
    }

    /// Whether there will be something to say of it.
    pub(in crate::limits) fn is_restless(&mut self, tick: u64) -> bool {
        let wants = self.wants(tick);
        let Some((_, total, wanted)) = self.sent.last() else {
            return wants > 0 || self.total != 0;
        };
        let changed = (total, wanted) != (self.total, wants);
        let stays = wants > 0 || self.is_gauge() && self.total > 0;
        stays || changed || self.announce || !self.sent.is_said_twice()
    }

    /// What the region is to say of it.
    pub(in crate::limits) fn say_across(&mut self, id: LimitId, view: &View<'_>) -> Count {
        self.across = self.across.saturating_sub(1);
        let now = self.kind.period.clock(view.now);
        let window = self.own.sum(now).saturating_add(self.near.sum(now));
        let near = self.sources.near_wants();
        let wants = u64::from(self.wants(view.now.tick)).saturating_add(near);
        let wants = u32::try_from(wants).unwrap_or(u32::MAX);
        let total = self.total.saturating_add(self.near_total);
        self.count((id, wants), (total, window), view)
    }

    fn count(
        &self,
        (id, wants): (LimitId, u32),
        (total, window): (i64, u64),
        view: &View<'_>,
    ) -> Count {
        Count {
            id,
            kind: self.kind.code(),
            born: self.born,
            total,
            window,
            day: self.kind.period.day(view.now, view.zone),
            wants,
        }
    }
}
