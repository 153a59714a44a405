//! Who dawdles. Each connection keeps a few atomics up to date; one sweep per
//! tick over all of them finds the ones that overran a limit and wakes them to
//! their end. A connection pays no timer, and a request three atomic writes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Limits;
use super::stall::Stalls;

/// The coarsest clock; limits are kept to within one tick.
const MAX_TICK: Duration = Duration::from_millis(250);
/// The finest, when a test sets limits this short.
const MIN_TICK: Duration = Duration::from_millis(10);

/// "Not now" among points in time (milliseconds since the listener began).
pub(super) const NEVER: u64 = 0;

const RUN: u8 = 0;
const DRAIN: u8 = 1;
const ABORT: u8 = 2;

/// What a connection is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    Drain,
    Abort,
}

/// One connection's state. Relaxed ordering throughout: nothing else is
/// published through these, and a sweep that sees an old value sees the new one
/// a tick later.
#[derive(Debug)]
pub(super) struct Activity {
    clock: Arc<AtomicU64>,
    in_flight: AtomicU32,
    /// Bytes that came, and how many had come when the last request ended.
    received: AtomicU64,
    received_before: AtomicU64,
    idle_since: AtomicU64,
    head_since: AtomicU64,
    blocked_since: AtomicU64,
    /// Whether a request was refused whose body had not come.
    unread: AtomicBool,
    /// Answers under way on HTTP/2.
    pub(super) stalls: Stalls,
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Activity {
    /// Bytes came. Without a request under way they begin one's head.
    pub(super) fn read(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == NEVER
        {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// So many bytes came.
    pub(super) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that came for the request under way, on a connection that carries
    /// one at a time.
    pub(super) fn received_for_request(&self) -> u64 {
        let before = self.received_before.load(Ordering::Relaxed);
        self.received.load(Ordering::Relaxed).saturating_sub(before)
    }

    /// A request is refused whose body has not come.
    pub(super) fn refused_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the client may still be sending such a body.
    pub(super) fn may_be_sending(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// The client takes no bytes.
    pub(super) fn write_blocked(&self) {
        if self.blocked_since.load(Ordering::Relaxed) == NEVER {
            self.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The client took bytes.
    pub(super) fn write_moved(&self) {
        self.blocked_since.store(NEVER, Ordering::Relaxed);
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NEVER, Ordering::Relaxed);
    }

    /// An answer is complete, or was given up.
    pub(super) fn end(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
        let received = self.received.load(Ordering::Relaxed);
        self.received_before.store(received, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// What the connection is to do, from the task that runs it.
    pub(super) fn order(&self, waker: &Waker) -> Order {
        self.waker.register(waker);
        match self.order.load(Ordering::Acquire) {
            RUN => Order::Run,
            DRAIN => Order::Drain,
            _ => Order::Abort,
        }
    }

    fn tell(&self, order: u8) {
        self.order.fetch_max(order, Ordering::Release);
        self.waker.wake();
    }

    /// The time, in milliseconds since the listener began.
    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Which limit is overrun at `now`, if any.
    fn overrun(&self, now: u64, limits: &Limits) -> Option<&'static str> {
        let over = |since: &AtomicU64, limit: Duration| {
            let since = since.load(Ordering::Relaxed);
            since != NEVER && Duration::from_millis(now.saturating_sub(since)) > limit
        };
        if over(&self.blocked_since, limits.write_timeout) {
            return Some("write");
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        if over(&self.head_since, limits.header_timeout) {
            return Some("header");
        }
        over(&self.idle_since, limits.idle_timeout).then_some("idle")
    }
}

/// All connections of one listener, and the clock they share.
#[derive(Debug)]
pub(super) struct Sweep {
    name: &'static str,
    limits: Limits,
    started: Instant,
    clock: Arc<AtomicU64>,
    members: Arc<Members>,
}

#[derive(Debug, Default)]
struct Members {
    open: Mutex<(u64, HashMap<u64, Arc<Activity>>)>,
    left: Notify,
}

/// A connection's membership; leaves when dropped.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) activity: Arc<Activity>,
    id: u64,
    members: Arc<Members>,
}

impl Sweep {
    /// A listener without connections.
    pub(super) fn new(name: &'static str, limits: Limits) -> Self {
        Self {
            name,
            limits,
            started: Instant::now(),
            clock: Arc::new(AtomicU64::new(1)),
            members: Arc::default(),
        }
    }

    /// Takes a new connection in.
    pub(super) fn enter(&self) -> Member {
        let now = self.clock.load(Ordering::Relaxed);
        let activity = Arc::new(Activity {
            clock: self.clock.clone(),
            in_flight: AtomicU32::new(0),
            received: AtomicU64::new(0),
            received_before: AtomicU64::new(0),
            idle_since: AtomicU64::new(now),
            head_since: AtomicU64::new(NEVER),
            blocked_since: AtomicU64::new(NEVER),
            unread: AtomicBool::new(false),
            stalls: Stalls::default(),
            order: AtomicU8::new(RUN),
            waker: AtomicWaker::new(),
        });
        let mut open = self.members.open();
        open.0 += 1;
        let id = open.0;
        open.1.insert(id, activity.clone());
        drop(open);
        Member {
            activity,
            id,
            members: self.members.clone(),
        }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.members.open().1.len()
    }

    /// Keeps the clock and ends those that overran a limit, for ever.
    pub(super) async fn run(&self) {
        let gauge = ::metrics::gauge!("foldgate_connections_open", "listener" => self.name);
        let stalled =
            ::metrics::counter!("foldgate_streams_timed_out_total", "listener" => self.name);
        let mut tick = tokio::time::interval(self.tick());
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let now = elapsed.saturating_add(1);
            self.clock.store(now, Ordering::Relaxed);
            gauge.set(f64::from(u32::try_from(self.open()).unwrap_or(u32::MAX)));
            stalled.increment(self.end_stalled(now));
            for (activity, limit) in self.overrun(now) {
                ::metrics::counter!(
                    "foldgate_connections_timed_out_total",
                    "listener" => self.name, "limit" => limit
                )
                .increment(1);
                activity.tell(ABORT);
            }
        }
    }

    /// As [`Self::run`], until no connection is open.
    pub(super) async fn run_until_empty(&self) {
        let empty = async {
            loop {
                let left = self.members.left.notified();
                if self.open() == 0 {
                    return;
                }
                left.await;
            }
        };
        tokio::select! {
            () = self.run() => {}
            () = empty => {}
        }
    }

    /// Lets every connection finish what is under way.
    pub(super) fn drain(&self) {
        self.tell_all(DRAIN);
    }

    /// Drops every connection.
    pub(super) fn abort(&self) {
        self.tell_all(ABORT);
    }

    fn tell_all(&self, order: u8) {
        for activity in self.members.open().1.values() {
            activity.tell(order);
        }
    }

    /// Ends the answers whose client takes nothing of them, and says how many.
    fn end_stalled(&self, now: u64) -> u64 {
        let members = self.members.open();
        let limit = self.limits.write_timeout;
        let ended = members.1.values();
        ended.map(|one| one.stalls.end_overrun(now, limit)).sum()
    }

    fn overrun(&self, now: u64) -> Vec<(Arc<Activity>, &'static str)> {
        self.members
            .open()
            .1
            .values()
            .filter_map(|activity| {
                let limit = activity.overrun(now, &self.limits)?;
                Some((activity.clone(), limit))
            })
            .collect()
    }

    fn tick(&self) -> Duration {
        let limits = &self.limits;
        let shortest = limits
            .header_timeout
            .min(limits.idle_timeout)
            .min(limits.write_timeout);
        (shortest / 4).clamp(MIN_TICK, MAX_TICK)
    }
}

impl Members {
    /// A panic while the lock is held leaves the map whole.
    fn open(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<Activity>>)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.members.open().1.remove(&self.id);
        self.members.left.notify_waiters();
    }
}
