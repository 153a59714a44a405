//! One limited thing: what was let through here and by others, and whether there is
//! room for more.

use foldgate_proto::Count;

use super::pace::Pace;
use super::sent::Sent;
use super::sources::{From, Sources};
use super::window::{MOST_SLOTS, Window, gone_at};
use super::{Kind, Now, Period};
use wanted::Wanted;

mod gauge;
mod wanted;
mod words;

/// How many moments of others' counts are told apart.
const MOST_SLOTS_OF_OTHERS: u32 = 512;

/// How often what changed is told to other regions: once, and again lest it was lost.
const TIMES_ACROSS: u8 = 2;

/// What a meter goes by beside its own counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'p> {
    pub(super) now: Now,
    pub(super) pace: &'p Pace,
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

/// What each call looks at; what is known of others stands apart, and is not looked at
/// far from a limit that nobody else uses. So a node with many limits, of which a call
/// finds none in the processor's caches, waits for few of its lines.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) kind: Kind,
    /// It is to be said although it stands.
    announce: bool,
    /// It stands in line to be said.
    pub(super) queued: bool,
    /// How often it is still to be told to other regions.
    pub(super) across: u8,
    /// Whether others count it too, as far as is known.
    shared: bool,
    own: Window,
    total: i64,
    wanted: Wanted,
    others: Option<Box<Others>>,
}

/// What is known of others, and what they know.
#[derive(Debug, Clone)]
struct Others {
    /// When it began, in milliseconds of the run.
    born: u64,
    near: Window,
    far: Window,
    near_total: i64,
    sources: Sources,
    sent: Sent,
    /// The limit that was asked for last.
    limit: u64,
    /// When it was last seen to whose calls are over.
    looked: u64,
    /// When others' counts last moved.
    moved: u64,
    /// When it was last near its limit.
    urgent: Option<u64>,
}

impl Others {
    fn new(period: Period, tick: u64) -> Self {
        let window = || Window::new(period, MOST_SLOTS_OF_OTHERS);
        Self {
            born: tick,
            near: window(),
            far: window(),
            near_total: 0,
            sources: Sources::default(),
            sent: Sent::default(),
            limit: u64::MAX,
            looked: tick,
            moved: tick,
            urgent: None,
        }
    }

    fn sum(&mut self, now: u64) -> u64 {
        self.near.sum(now).saturating_add(self.far.sum(now))
    }
}

impl Meter {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            announce: false,
            queued: false,
            across: 0,
            shared: false,
            own: Window::new(kind.period, MOST_SLOTS),
            total: 0,
            wanted: Wanted::default(),
            others: None,
        }
    }

    /// Somebody wants something.
    pub(super) fn want(&mut self, tick: u64) {
        self.wanted.add(tick);
    }

    fn others(&mut self, tick: u64) -> &mut Others {
        let period = self.kind.period;
        self.others
            .get_or_insert_with(|| Box::new(Others::new(period, tick)))
    }

    /// What counts: here, and at others.
    fn used(&mut self, now: u64) -> (u64, u64) {
        let others = match &mut self.others {
            Some(others) if self.shared => others.sum(now),
            _ => 0,
        };
        (self.own.sum(now), others)
    }

    /// The windows that count.
    fn windows(&self) -> impl Iterator<Item = &Window> {
        let others = self.others.as_deref().filter(|_| self.shared);
        let others = others.into_iter().flat_map(|one| [&one.near, &one.far]);
        [&self.own].into_iter().chain(others)
    }

    /// Whether a call of a cost has room under a limit.
    pub(super) fn room(&mut self, limit: u64, cost: u64, view: &View<'_>) -> Room {
        self.expire(view.now.tick, view.pace);
        let now = self.kind.period.clock(view.now);
        let (own, others) = self.used(now);
        if let Some(room) = self.room_apart((own, cost, limit), view) {
            return room;
        }
        let free = limit.saturating_sub(own.saturating_add(others));
        if free < cost {
            let windows: Vec<&Window> = self.windows().collect();
            // Nobody knows when a call ends.
            let slides = !self.is_gauge();
            let free_at = slides.then(|| gone_at(&windows, cost - free)).flatten();
            let wait = free_at.map_or(self.kind.period.length(), |at| at.saturating_sub(now));
            return Room::None(wait.max(1));
        }
        let Some(fleet) = &view.fleet else {
            return Room::Here;
        };
        if !self.shared && is_far(free, own + cost, fleet) {
            return Room::Here;
        }
        self.share((limit, cost), (own, others), view)
    }

    /// Whether what is free is, in part, this node's.
    fn share(&mut self, (limit, cost): (u64, u64), used: (u64, u64), view: &View<'_>) -> Room {
        let Some(fleet) = &view.fleet else {
            return Room::Here;
        };
        let (own, others) = used;
        let (total, length, tick) = (self.total, self.kind.period.length(), view.now.tick);
        let rest = self.others(tick);
        rest.limit = limit;
        rest.sent.settle(fleet.arrived, fleet.since);
        let unknown = rest.unknown(own, total);
        let demand = rest.sent.least_wants(tick, view.pace);
        let demand = u128::from(demand) + 1;
        let (wants, greatest) = rest.sources.wants(tick, (view.pace, length));
        let all = demand + u128::from(wants) + u128::from(fleet.others);
        // What is left as far as everybody knows, and of that this node's share.
        let known = i128::from(own) - i128::from(unknown);
        let left = i128::from(limit) - known - i128::from(others);
        let left = u128::try_from(left).unwrap_or(0);
        let share = i128::try_from(left * demand / all).unwrap_or(i128::MAX);
        let room = share - i128::from(unknown);
        let after = i128::from(unknown) + i128::from(cost);
        if after * 8 > share {
            rest.urgent = Some(tick);
        }
        if room >= i128::from(cost) {
            return Room::Here;
        }
        let greatest = left * (u128::from(greatest) + 1) / all;
        let by_share = greatest >= u128::from(cost);
        let quiet = unknown <= 0 && demand > 1 && !by_share;
        if quiet && rest.has_turn(view, fleet) {
            return Room::Here;
        }
        Room::Elsewhere
    }

    /// Lets a call through.
    pub(super) fn take(&mut self, cost: u64, now: Now) {
        self.own.add(now, cost);
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
        let back = self.own.give_back(at, taken - used);
        let back = i64::try_from(back).unwrap_or(i64::MAX);
        self.total = self.total.saturating_sub(back);
        self.across = TIMES_ACROSS;
        self.call_over(now.tick);
    }

    /// Counts what was let through before this run.
    pub(super) fn inherit(&mut self, count: u64, now: Now) {
        self.shared = true;
        self.others(now.tick).near.add(now, count);
    }

    /// Takes up what another said.
    pub(super) fn hear(&mut self, from: From, count: &Count, view: &View<'_>) {
        let period = self.kind.period;
        if count.day != period.day(view.now) {
            return;
        }
        let (gauge, tick) = (self.is_gauge(), view.now.tick);
        let rest = self.others(tick);
        let Some((grown, flipped)) = rest.sources.hear((from, gauge), count, tick) else {
            return;
        };
        rest.sources.look(tick, (view.pace, period.length()));
        let window = if from.far {
            &mut rest.far
        } else {
            &mut rest.near
        };
        window.sum(period.clock(view.now));
        match u64::try_from(grown) {
            Ok(more) => window.add(view.now, more),
            Err(_) => window.take_back(grown.unsigned_abs()),
        }
        if grown != 0 || flipped {
            rest.moved = tick;
        }
        if !from.far {
            rest.near_total = rest.near_total.saturating_add(grown);
            self.across = TIMES_ACROSS;
        }
        self.shared = true;
    }

    /// What is left under a limit, and in how many milliseconds all of it will be.
    pub(super) fn left(&mut self, limit: u64, now: Now) -> (u64, u64) {
        let now = self.kind.period.clock(now);
        let (own, others) = self.used(now);
        let empty = self.windows().filter_map(Window::empty_at).max();
        let left = limit.saturating_sub(own.saturating_add(others));
        (left, empty.map_or(0, |at| at.saturating_sub(now)))
    }

    /// What was let through here on this day, of a count of days.
    pub(super) fn of_today(&mut self, now: Now) -> u64 {
        let now = self.kind.period.clock(now);
        let near = self.others.as_mut().map_or(0, |rest| rest.near.sum(now));
        self.own.sum(now).saturating_add(near)
    }

    /// Whether nothing is known of it any more.
    pub(super) fn is_idle(&mut self, now: Now, pace: &Pace) -> bool {
        self.expire(now.tick, pace);
        let length = self.kind.period.length();
        let used = self.used(self.kind.period.clock(now));
        let wanted = self.wanted.lately(now.tick) > 0;
        let wanted = wanted
            || self.others.as_mut().is_some_and(|rest| {
                rest.sources.look(now.tick, (pace, length));
                rest.sources.is_wanted()
            });
        used == (0, 0) && !self.queued && !wanted
    }

    /// Bytes that it takes beside itself, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        let rest = self.others.as_deref().map_or(0, |rest| {
            let windows = rest.near.heap_bytes() + rest.far.heap_bytes();
            size_of::<Others>() + windows
        });
        self.own.heap_bytes() + rest
    }
}

impl Others {
    /// What of the own count some other may not know yet. Negative where more was
    /// given back than let through.
    fn unknown(&self, own: u64, total: i64) -> i64 {
        let since = total.saturating_sub(self.sent.known());
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
}

/// Whether a limit that nobody else uses is so far that the share of one node, and of
/// that an eighth, has room for all that it let through: whatever others know of that.
fn is_far(free: u64, after: u64, fleet: &Fleet) -> bool {
    let nodes = u128::from(fleet.others) + 1;
    u128::from(after) * 8 * nodes <= u128::from(free)
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
