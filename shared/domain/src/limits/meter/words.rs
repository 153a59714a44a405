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
        let near = self.others.as_mut().map_or(0, |rest| rest.near.sum(now));
        if self.own.last_sum() > 0 || near > 0 {
            self.across = TIMES_ACROSS;
        }
    }

    /// What is to be said of it now, if anything.
    pub(in crate::limits) fn say(&mut self, id: LimitId, view: &View<'_>) -> Option<Count> {
        let fleet = view.fleet.as_ref()?;
        let (tick, wants) = (view.now.tick, self.wanted.lately(view.now.tick));
        let (total, announce) = (self.total, self.announce);
        let stays = wants > 0 || self.is_gauge() && total > 0;
        let rest = self.others(tick);
        rest.sent.settle(fleet.arrived, fleet.since);
        let near = rest
            .urgent
            .is_some_and(|at| tick.saturating_sub(at) < NEAR_FOR);
        let interval = if near { view.pace.near } else { view.pace.rare };
        let due = match rest.sent.last() {
            None => total != 0 || wants > 0,
            Some((at, before, wanted)) => {
                let since = tick.saturating_sub(at);
                let changed = before != total || wanted != wants || announce;
                let again = stays && since >= view.pace.again();
                since >= interval && (changed || !rest.sent.is_said_twice()) || again
            }
        };
        if !due {
            return None;
        }
        rest.sent.say(tick, total, wants);
        self.announce = false;
        if self.is_gauge() {
            // It is over for other regions too unless it is repeated.
            self.across = TIMES_ACROSS;
        }
        let window = self.own.sum(self.kind.period.clock(view.now));
        Some(self.count((id, wants), (total, window), view))
    }

    /// Whether there will be something to say of it.
    pub(in crate::limits) fn is_restless(&mut self, tick: u64) -> bool {
        let wants = self.wanted.lately(tick);
        let stays = wants > 0 || self.is_gauge() && self.total > 0;
        let sent = self.others.as_ref().map(|rest| &rest.sent);
        let Some((sent, (_, total, wanted))) = sent.and_then(|sent| Some((sent, sent.last()?)))
        else {
            return wants > 0 || self.total != 0;
        };
        let changed = (total, wanted) != (self.total, wants);
        stays || changed || self.announce || !sent.is_said_twice()
    }

    /// What the region is to say of it.
    pub(in crate::limits) fn say_across(&mut self, id: LimitId, view: &View<'_>) -> Count {
        self.across = self.across.saturating_sub(1);
        let (tick, now) = (view.now.tick, self.kind.period.clock(view.now));
        let rest = self.others(tick);
        let (near, near_wants) = (rest.near.sum(now), rest.sources.near_wants());
        let near_total = rest.near_total;
        let window = self.own.sum(now).saturating_add(near);
        let wants = u64::from(self.wanted.lately(tick)).saturating_add(near_wants);
        let wants = u32::try_from(wants).unwrap_or(u32::MAX);
        let total = self.total.saturating_add(near_total);
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
            born: self.others.as_ref().map_or(0, |rest| rest.born),
            total,
            window,
            day: self.kind.period.day(view.now),
            wants,
        }
    }
}
