//! All that a node counts: it lets calls through, says what it did, and hears what
//! others did.

use std::collections::VecDeque;

use foldgate_proto::LimitId;

use super::meter::{Fleet, Meter, Room, View};
use super::pace::Pace;
use super::peers::{Me, Peers};
use super::{Kind, Now, Period, Shown, Standing};
use shard::Shard;

mod shard;
mod words;

/// The most limits that are counted at once. A call that would need one more is
/// refused, for a second.
pub const MAX_METERS: usize = 1_000_000;

/// Into how many parts counts are divided, of which one is swept at a time.
const SHARDS: usize = 16;

/// How often a part is swept, in milliseconds.
const SWEEP: u64 = 1_000;

/// One limit that a call must have room under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// What is limited.
    pub id: LimitId,
    /// What is counted, over which time.
    pub kind: Kind,
    /// The most.
    pub limit: u64,
    /// What the call takes of it. One that takes more than there ever is takes all.
    pub cost: u64,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is let through.
    Taken(Given),
    /// There is room, but other nodes have to cede it first: ask again soon.
    Held,
    /// It is refused.
    Refused(Refused),
}

/// See [`Verdict::Taken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// How its limits stand after it.
    pub standing: Standing,
    /// When it was let through.
    pub at: Now,
}

/// See [`Verdict::Refused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which of what it asked for has no room, for the longest.
    pub which: usize,
    /// In how many milliseconds it has.
    pub wait: u64,
    /// How its limits stand.
    pub standing: Standing,
}

type Key = (LimitId, Kind);

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    pace: Pace,
    peers: Option<Peers>,
    shards: Vec<Shard>,
    queue: VecDeque<Key>,
    across: VecDeque<Key>,
    /// When it last spoke, and spoke for its region.
    spoke: Option<u64>,
    spoke_across: Option<u64>,
    /// How often it is still to ask for all that others count.
    hello: u8,
    /// When it was swept last, and which part.
    swept: (u64, usize),
}

impl Ledger {
    /// The ledger of a process that has no others beside it.
    pub fn alone() -> Self {
        Self {
            pace: Pace::default(),
            peers: None,
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            queue: VecDeque::new(),
            across: VecDeque::new(),
            spoke: None,
            spoke_across: None,
            hello: words::TIMES,
            swept: (0, 0),
        }
    }

    /// The ledger of a node among others.
    pub fn shared(pace: Pace, me: Me) -> Self {
        Self {
            pace,
            peers: Some(Peers::new(me)),
            ..Self::alone()
        }
    }

    /// Lets a call through if all that it asks for has room; else nothing is taken.
    /// `first` unless the call was held and asks again.
    pub fn admit(&mut self, now: Now, asks: &[Ask], first: bool) -> Verdict {
        let fleet = fleet(&self.pace, self.peers.as_ref(), now);
        let mut worst: Option<(usize, u64)> = None;
        let mut held = false;
        for (which, ask) in asks.iter().enumerate() {
            match self.room((now, fleet), ask, first) {
                Room::Elsewhere => held = true,
                Room::None(wait) if worst.is_none_or(|(_, most)| most < wait) => {
                    worst = Some((which, wait));
                }
                Room::Here | Room::None(_) => {}
            }
        }
        if let Some((which, wait)) = worst {
            let standing = self.standing(now, asks);
            return Verdict::Refused(Refused {
                which,
                wait,
                standing,
            });
        }
        if held {
            return Verdict::Held;
        }
        let mut standing = Standing::default();
        for ask in asks {
            if let Some(meter) = self.meter(ask.id, ask.kind) {
                meter.take(ask.cost.min(ask.limit), now);
                standing.add(ask.kind.unit, shown(meter, ask.limit, now));
            }
        }
        Verdict::Taken(Given { standing, at: now })
    }

    /// Makes what a call took of one limit come to what it has used.
    pub fn settle(&mut self, ask: &Ask, used: u64, (at, now): (Now, Now)) {
        let taken = ask.cost.min(ask.limit);
        if taken == used {
            return;
        }
        if let Some(meter) = self.meter(ask.id, ask.kind) {
            meter.settle((taken, used), (at, now));
            self.line_up((ask.id, ask.kind));
        }
    }

    /// How limits stand.
    pub fn standing(&mut self, now: Now, asks: &[Ask]) -> Standing {
        let mut standing = Standing::default();
        for ask in asks {
            let untouched = Shown {
                limit: ask.limit,
                remaining: ask.limit,
                reset: 0,
            };
            let meter = self.meter(ask.id, ask.kind);
            let shown = meter.map_or(untouched, |meter| shown(meter, ask.limit, now));
            standing.add(ask.kind.unit, shown);
        }
        standing
    }

    fn room(&mut self, (now, fleet): (Now, Option<Fleet>), ask: &Ask, first: bool) -> Room {
        let key = (ask.id, ask.kind);
        let Some(meter) = self.shards[shard_of(ask.id)].get_or_add(key) else {
            return Room::None(1000);
        };
        let view = View {
            now,
            pace: &self.pace,
            fleet,
        };
        if first && view.fleet.is_some() {
            meter.want(now.tick);
        }
        let room = meter.room(ask.limit, ask.cost.min(ask.limit).max(1), &view);
        if view.fleet.is_some() && !meter.queued {
            meter.queued = true;
            self.queue.push_back(key);
        }
        room
    }

    /// How many calls are under way of what is limited, as far as is known: here, and at
    /// others.
    pub fn under_way(&mut self, id: LimitId, now: Now) -> u64 {
        let pace = self.pace;
        let meter = self.meter(id, Kind::AT_ONCE);
        meter.map_or(0, |meter| meter.under_way(now, &pace))
    }

    /// How many other nodes of the region, and other regions, are known.
    pub fn others(&self) -> (usize, usize) {
        self.peers.as_ref().map_or((0, 0), Peers::count)
    }

    /// Among how many nodes limits are divided: this one, the others, and until it is
    /// sure to know them all those whom it expects.
    pub fn divided_among(&self, now: Now) -> u64 {
        let others = |peers: &Peers| peers.others(now.tick, &self.pace);
        1 + self.peers.as_ref().map_or(0, others)
    }

    /// How many limits are counted.
    pub fn len(&self) -> usize {
        self.shards.iter().map(Shard::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that all counts take, roughly.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(Shard::bytes).sum()
    }

    /// What was let through today, of all limits on days: to be kept over a restart.
    pub fn of_today(&mut self, now: Now) -> Vec<(LimitId, Kind, u64)> {
        let mut found = Vec::new();
        let all = self.shards.iter_mut().flat_map(Shard::iter_mut);
        for (id, meter) in all.filter(|(_, meter)| meter.kind.period == Period::Day) {
            match meter.of_today(now) {
                0 => {}
                count => found.push((id, meter.kind, count)),
            }
        }
        found
    }

    /// Counts what was let through today before this run.
    pub fn inherit(&mut self, now: Now, (id, kind): (LimitId, Kind), count: u64) {
        if let Some(meter) = self.shards[shard_of(id)].get_or_add((id, kind)) {
            meter.inherit(count, now);
        }
    }

    fn line_up(&mut self, key: Key) {
        if self.peers.is_none() {
            return;
        }
        if let Some(meter) = self.shards[shard_of(key.0)].get(key)
            && !meter.queued
        {
            meter.queued = true;
            self.queue.push_back(key);
        }
    }

    fn meter(&mut self, id: LimitId, kind: Kind) -> Option<&mut Meter> {
        self.shards[shard_of(id)].get((id, kind))
    }

    /// Drops what is not in use any more, in one part at a time.
    fn sweep(&mut self, now: Now) {
        let (at, which) = self.swept;
        if now.tick.saturating_sub(at) < SWEEP {
            return;
        }
        self.swept = (now.tick, (which + 1) % SHARDS);
        let pace = &self.pace;
        self.shards[which].retain(|meter| !meter.is_idle(now, pace));
    }
}

fn view<'p>(pace: &'p Pace, peers: Option<&Peers>, now: Now) -> View<'p> {
    View {
        now,
        pace,
        fleet: fleet(pace, peers, now),
    }
}

fn fleet(pace: &Pace, peers: Option<&Peers>, now: Now) -> Option<Fleet> {
    peers.map(|peers| Fleet {
        others: peers.others(now.tick, pace),
        arrived: peers.arrived(now.tick, pace),
        since: peers.since(),
        slack: peers.slack(pace),
        heard: peers.is_heard_just_now(now.tick, pace),
        me: peers.place(),
        far: peers.has_far(),
        apart: peers.apart(now.tick, pace),
    })
}

fn shown(meter: &mut Meter, limit: u64, now: Now) -> Shown {
    let (remaining, reset) = meter.left(limit, now);
    Shown {
        limit,
        remaining,
        reset,
    }
}

fn shard_of(id: LimitId) -> usize {
    usize::from(id.0[15]) % SHARDS
}
