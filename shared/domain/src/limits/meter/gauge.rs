//! Calls under way: no window, but a gauge, which goes down when a call ends.
//!
//! What each node counts is its own calls, so what another says last of them is all that
//! counts of it. It is said again every [`Pace::again`], and taken to be over after
//! [`Pace::gone`] in which it was not: so the places of a node that died come free.

use super::{Meter, Room, View};
use crate::limits::pace::Pace;
use crate::limits::{Now, Period};

impl Meter {
    /// Whether it counts what is under way.
    pub(super) fn is_gauge(&self) -> bool {
        self.kind.period == Period::AtOnce
    }

    /// Of a gauge: forgets the calls of who was not heard for long.
    pub(super) fn expire(&mut self, tick: u64, pace: &Pace) {
        let shared = self.is_gauge() && self.shared;
        let Some(rest) = self.others.as_deref_mut().filter(|_| shared) else {
            return;
        };
        if tick.saturating_sub(rest.looked) < pace.alive {
            return;
        }
        rest.looked = tick;
        let (near, far) = rest.sources.expire(tick, pace.gone());
        rest.near.take_back(near);
        rest.far.take_back(far);
        let near = i64::try_from(near).unwrap_or(i64::MAX);
        rest.near_total = rest.near_total.saturating_sub(near);
    }

    /// What a gauge stands at.
    pub(in crate::limits) fn under_way(&mut self, now: Now, pace: &Pace) -> u64 {
        self.expire(now.tick, pace);
        let (own, others) = self.used(self.kind.period.clock(now));
        own.saturating_add(others)
    }

    /// A call is over: others may wait for its place, if few are left.
    pub(super) fn call_over(&mut self, tick: u64) {
        let gauge = self.is_gauge();
        let own = self.own.last_sum();
        let Some(rest) = self.others.as_deref_mut().filter(|_| gauge) else {
            return;
        };
        let counted = own.saturating_add(rest.near.last_sum());
        let counted = counted.saturating_add(rest.far.last_sum());
        if counted >= rest.limit / 2 {
            rest.urgent = Some(tick);
        }
    }

    /// Of a gauge whose node was cut off for so long that others take its calls to be
    /// over, as it does with theirs: each keeps to an even part. The parts come to the
    /// limit, as long as all know the same nodes.
    pub(super) fn room_apart(
        &self,
        (own, cost, limit): (u64, u64, u64),
        view: &View<'_>,
    ) -> Option<Room> {
        let (before, all) = view.fleet.as_ref()?.apart?;
        self.is_gauge().then(|| {
            let part = limit / all + u64::from(before < limit % all);
            if own.saturating_add(cost) <= part {
                Room::Here
            } else {
                Room::None(self.kind.period.length())
            }
        })
    }
}
