//! One limited thing: what was let through here and by others, and whether there is
//! room for more.

use foldgate_proto::Count;

use super::pace::Pace;
use super::sent::Sent;
use super::sources::{From, Sources};
use super::window::{MOST_SLOTS, Window, gone_at};
use super::{Kind, Now, Zone};

mod gauge;
mod words;

/// How many moments of others' counts are told apart.
const MOST_SLOTS_OF_OTHERS: usize = 512;

/// How often what changed is told to other regions: once, and again lest it was lost.
const TIMES_ACROSS: u8 = 2;

/// For how long somebody is said to want something, in milliseconds: once to twice.
const WANTING: u64 = 1_000;

/// What a meter goes by beside its own counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'p> {
    pub(super) now: Now,
    pub(super) pace: &'p Pace,
    pub(super) zone: Zone,
    /// `None` where there are no other nodes at all.
    pub(super) fleet: Option<Fleet>,
}

/// The others, and what they must know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fleet {
    /// How many other nodes there are.
    pub(super) others: u64,
    /// Before this time everything that was said has arrived,
    pub(super) arrived: u64,
    /// unless it was before this time.
    pub(super) since: u64,
    /// How long what is said may be on its way.
    pub(super) slack: u64,
    /// Whether what was said just now arrived.
    pub(super) heard: bool,
    /// Whose turn is told apart by: this node, and its region.
    pub(super) me: (u64, u64),
    /// Whether there are other regions.
    pub(super) far: bool,
    /// Of a node that was cut off for so long that others take its calls to be over: how
    /// many nodes stand before it in an order that all agree upon, and how many there are.
    pub(super) apart: Option<(u64, u64)>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is room.
    Here,
    /// There is, but not in this node's share yet.
    Elsewhere,
    /// There is none for so many milliseconds.
    None(u64),
}

#[derive(Debug, Clone)]
pub(super) struct Meter {
    kind: Kind,
    /// When it began, in milliseconds of the run.
    pub(super) born: u64,
    own: Window,
    near: Window,
    far: Window,
    total: i64,
    near_total: i64,
    sources: Sources,
    sent: Sent,
    wanted: (u64, u32, u32),
    /// The limit that was asked for last.
    limit: u64,
    /// When it was last seen to whose calls are over.
    looked: u64,
    /// When others' counts last moved.
    moved: u64,
    /// When it was last near its limit.
    urgent: Option<u64>,
    /// It is to be said although it stands.
    announce: bool,
    /// It stands in line to be said.
    pub(super) queued: bool,
    /// How often it is still to be told to other regions.
    pub(super) across: u8,
}

impl Meter {
    pub(super) fn new(kind: Kind, view: &View<'_>) -> Self {
        let window = |most| Window::new(kind.period, view.zone, most);
        Self {
            kind,
            born: view.now.tick,
            own: window(MOST_SLOTS),
            near: window(MOST_SLOTS_OF_OTHERS),
            far: window(MOST_SLOTS_OF_OTHERS),
            total: 0,
            near_total: 0,
            sources: Sources::default(),
            sent: Sent::default(),
            wanted: (0, 0, 0),
            limit: u64::MAX,
            looked: view.now.tick,
            moved: view.now.tick,
            urgent: None,
            announce: false,
            queued: false,
            across: 0,
        }
    }

    /// Somebody wants something.
    pub(super) fn want(&mut self, tick: u64) {
        self.turn_wants(tick);
        self.wanted.1 = self.wanted.1.saturating_add(1);
    }

    fn turn_wants(&mut self, tick: u64) {
        let (since, now, _) = self.wanted;
        let passed = tick / WANTING;
        if passed > since {
            let before = if passed == since + 1 { now } else { 0 };
            self.wanted = (passed, 0, before);
        }
    }

    fn wants(&mut self, tick: u64) -> u32 {
        self.turn_wants(tick);
        self.wanted.1.saturating_add(self.wanted.2)
    }

    /// What counts: here, and at others.
    fn used(&mut self, now: u64) -> (u64, u64) {
        let others = self.near.sum(now).saturating_add(self.far.sum(now));
        (self.own.sum(now), others)
    }

    /// Whether a call of a cost has room under a limit.
    pub(super) fn room(&mut self, limit: u64, cost: u64, view: &View<'_>) -> Room {
        self.limit = limit;
        self.expire(view.now.tick, view.pace);
        let now = self.kind.period.clock(view.now);
        let (own, others) = self.used(now);
        if let Some(room) = self.room_apart((own, cost), view) {
            return room;
        }
        let free = limit.saturating_sub(own.saturating_add(others));
        if free < cost {
            let windows = [&self.own, &self.near, &self.far];
            // Nobody knows when a call ends.
            let slides = !self.is_gauge();
            let free_at = slides.then(|| gone_at(&windows, cost - free)).flatten();
            let wait = free_at.map_or(self.kind.period.length(), |at| at.saturating_sub(now));
            return Room::None(wait.max(1));
        }
        let Some(fleet) = view.fleet else {
            return Room::Here;
        };
        self.sent.settle(fleet.arrived, fleet.since);
        let unknown = self.unknown(own);
        let demand = self.sent.least_wants(view.now.tick, view.pace);
        let demand = u128::from(demand) + 1;
        let terms = (view.pace, self.kind.period.length());
        let (wants, greatest) = self.sources.wants(view.now.tick, terms);
        let all = demand + u128::from(wants) + u128::from(fleet.others);
        // What is left as far as everybody knows, and of that this node's share.
        let known = i128::from(own) - i128::from(unknown);
        let left = i128::from(limit) - known - i128::from(others);
        let left = u128::try_from(left).unwrap_or(0);
        let share = i128::try_from(left * demand / all).unwrap_or(i128::MAX);
        let room = share - i128::from(unknown);
        let after = i128::from(unknown) + i128::from(cost);
        if after * 8 > share {
            self.urgent = Some(view.now.tick);
        }
        if room >= i128::from(cost) {
            return Room::Here;
        }
        let greatest = left * (u128::from(greatest) + 1) / all;
        let by_share = greatest >= u128::from(cost);
        let quiet = unknown <= 0 && demand > 1 && !by_share;
        if quiet && self.has_turn(view, &fleet) {
            return Room::Here;
        }
        Room::Elsewhere
    }

    /// What of the own count some other may not know yet. Negative where more was
    /// given back than let through.
    fn unknown(&self, own: u64) -> i64 {
        let since = self.total.saturating_sub(self.sent.known());
        since.min(i64::try_from(own).unwrap_or(i64::MAX))
    }

    /// Whether all have stood still for so long that they know the same, and the clock
    /// says that of those who want something it is this node's turn.
    fn has_turn(&self, view: &View<'_>, fleet: &Fleet) -> bool {
        let settled = fleet.slack + 2 * view.pace.near;
        let stands = view.now.tick.saturating_sub(self.moved) >= settled;
        if !stands || !fleet.heard {
            return false;
        }
        let (turn, skew) = if fleet.far { (4_000, 800) } else { (400, 80) };
        let wall = u64::try_from(view.now.wall.0).unwrap_or(0);
        if wall % turn < skew || wall % turn > turn - skew {
            return false;
        }
        let (turn, me) = (wall / turn, fleet.me);
        let regions = place(me.1, self.sources.wanting(true));
        let nodes = place(me.0, self.sources.wanting(false));
        turn % regions.1 == regions.0 && turn / regions.1 % nodes.1 == nodes.0
    }

    /// Lets a call through.
    pub(super) fn take(&mut self, cost: u64, now: Now) {
        self.own.add(self.kind.period.clock(now), cost);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        self.total = self.total.saturating_add(cost);
        self.across = TIMES_ACROSS;
    }

    /// Makes what a call took at a time come to what it did take.
    pub(super) fn settle(&mut self, (taken, used): (u64, u64), (at, now): (Now, Now)) {
        if used > taken {
            self.take(used - taken, now);
            return;
        }
        let at = self.kind.period.clock(at);
        let back = self.own.give_back(at, taken - used);
        let back = i64::try_from(back).unwrap_or(i64::MAX);
        self.total = self.total.saturating_sub(back);
        self.across = TIMES_ACROSS;
        self.call_over(now.tick);
    }

    /// Counts what was let through before this run.
    pub(super) fn inherit(&mut self, count: u64, now: Now) {
        self.near.add(self.kind.period.clock(now), count);
    }

    /// Takes up what another said.
    pub(super) fn hear(&mut self, from: From, count: &Count, view: &View<'_>) {
        if count.day != self.kind.period.day(view.now, view.zone) {
            return;
        }
        let from_whom = (from, self.is_gauge());
        let Some((grown, flipped)) = self.sources.hear(from_whom, count, view.now.tick) else {
            return;
        };
        self.sources
            .look(view.now.tick, (view.pace, self.kind.period.length()));
        let now = self.kind.period.clock(view.now);
        let window = if from.far {
            &mut self.far
        } else {
            &mut self.near
        };
        window.sum(now);
        match u64::try_from(grown) {
            Ok(more) => window.add(now, more),
            Err(_) => window.take_back(grown.unsigned_abs()),
        }
        if !from.far {
            self.near_total = self.near_total.saturating_add(grown);
            self.across = TIMES_ACROSS;
        }
        if grown != 0 || flipped {
            self.moved = view.now.tick;
        }
    }

    /// What is left under a limit, and in how many milliseconds all of it will be.
    pub(super) fn left(&mut self, limit: u64, now: Now) -> (u64, u64) {
        let now = self.kind.period.clock(now);
        let (own, others) = self.used(now);
        let windows = [&self.own, &self.near, &self.far];
        let empty = windows.iter().filter_map(|window| window.empty_at()).max();
        let left = limit.saturating_sub(own.saturating_add(others));
        (left, empty.map_or(0, |at| at.saturating_sub(now)))
    }

    /// What was let through here on this day, of a count of days.
    pub(super) fn of_today(&mut self, now: Now) -> u64 {
        let now = self.kind.period.clock(now);
        self.own.sum(now).saturating_add(self.near.sum(now))
    }

    /// Whether nothing is known of it any more.
    pub(super) fn is_idle(&mut self, now: Now, pace: &Pace) -> bool {
        self.sources
            .look(now.tick, (pace, self.kind.period.length()));
        self.expire(now.tick, pace);
        let used = self.used(self.kind.period.clock(now));
        let wanted = self.sources.is_wanted() || self.wants(now.tick) > 0;
        used == (0, 0) && !self.queued && !wanted
    }

    /// Bytes that it takes beside itself, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        let windows = [&self.own, &self.near, &self.far];
        windows.map(Window::heap_bytes).iter().sum()
    }
}

/// Where one stands among others by number, and how many they are with it.
fn place(me: u64, others: impl Iterator<Item = u64>) -> (u64, u64) {
    let (mut before, mut all) = (0, 1);
    for other in others {
        all += 1;
        before += u64::from(other < me);
    }
    (before, all)
}
