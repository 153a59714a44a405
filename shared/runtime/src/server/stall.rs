//! Answers that their client has stopped taking. An HTTP/2 client may stall one
//! answer, or all of them, without the socket ever being full: it gives no window.
//! A body that handed out bytes and is not asked for more has met just that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::activity::{Activity, NEVER};

/// How much longer one answer may stall while the connection carries others that
/// move: these may be other people's, behind one gateway.
const AMONG_OTHERS: u32 = 4;

/// The answers under way on one connection, each by the time since which the
/// client owes it a window.
#[derive(Debug, Default)]
pub(super) struct Stalls(Mutex<Vec<Arc<AtomicU64>>>);

impl Stalls {
    /// Whether the connection is to end: none of its `in_flight` answers moves, or
    /// one has not for far too long.
    pub(super) fn overrun(&self, now: u64, limit: Duration, in_flight: u32) -> bool {
        let (mut stalled, mut longest) = (0, Duration::ZERO);
        for since in self.open().iter() {
            let since = since.load(Ordering::Relaxed);
            let stall = Duration::from_millis(now.saturating_sub(since));
            if since != NEVER && stall > limit {
                stalled += 1;
                longest = longest.max(stall);
            }
        }
        stalled > 0 && (stalled >= in_flight || longest > limit * AMONG_OTHERS)
    }

    /// A panic while the lock is held leaves the list whole.
    fn open(&self) -> MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer's place among them; leaves when dropped.
pub(super) struct Stall {
    activity: Arc<Activity>,
    since: Arc<AtomicU64>,
}

impl Stall {
    /// An answer begins; the client owes it a window.
    pub(super) fn enter(activity: &Arc<Activity>) -> Self {
        let since = Arc::new(AtomicU64::new(activity.now()));
        activity.stalls.open().push(since.clone());
        Self {
            activity: activity.clone(),
            since,
        }
    }

    /// Bytes were handed out.
    pub(super) fn owed(&self) {
        self.since.store(self.activity.now(), Ordering::Relaxed);
    }

    /// The client has room for more.
    pub(super) fn moved(&self) {
        self.since.store(NEVER, Ordering::Relaxed);
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        let mut open = self.activity.stalls.open();
        if let Some(at) = open.iter().position(|one| Arc::ptr_eq(one, &self.since)) {
            open.swap_remove(at);
        }
    }
}
