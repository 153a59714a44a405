//! Answers that their client has stopped taking. An HTTP/2 client may stall one
//! answer, or all of them, without the socket ever being full: it gives no window.
//! A body that handed out bytes and is not asked for more has met just that.
//!
//! Such an answer is ended alone: its task is dropped, h2 throws away what it
//! holds for the stream and resets it, and the body goes, with all that feeds it.
//! The connection's other answers, which may be other people's behind one gateway,
//! go on. hyper's own executor gives nothing to end a task by, hence [`Answers`].
//!
//! The last piece of an answer goes to h2 as soon as there is room for one byte of
//! it, and its task is over then. A client that stalls only behind that keeps this
//! piece in memory, once per stream at most, until its connection ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::task::AbortHandle;

use super::activity::{Activity, NEVER};

tokio::task_local! {
    /// What ends the answer's task that runs.
    static TASK: Arc<OnceLock<AbortHandle>>;
}

/// Runs each answer of an HTTP/2 connection as a task that can be ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answers;

impl<F> Executor<F> for Answers
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, answer: F) {
        let end = Arc::new(OnceLock::new());
        let task = tokio::spawn(TASK.scope(Arc::clone(&end), answer));
        // Set once, here; a sweep that comes before it comes again.
        let _ = end.set(task.abort_handle());
    }
}

/// The answers under way on one connection.
#[derive(Debug, Default)]
pub(super) struct Stalls(Mutex<Vec<Arc<Answer>>>);

/// One of them.
#[derive(Debug)]
struct Answer {
    /// Since when the client owes it a window.
    since: AtomicU64,
    end: Arc<OnceLock<AbortHandle>>,
}

impl Stalls {
    /// Ends the answers that have stalled longer than `limit`, and says how many.
    pub(super) fn end_overrun(&self, now: u64, limit: Duration) -> u64 {
        let stalled = |answer: &&Arc<Answer>| {
            let since = answer.since.load(Ordering::Relaxed);
            since != NEVER && Duration::from_millis(now.saturating_sub(since)) > limit
        };
        let overrun: Vec<Arc<Answer>> = self.open().iter().filter(stalled).cloned().collect();
        // Not under the lock, which an answer takes when it is dropped.
        let ended = overrun.iter().filter(|answer| answer.end());
        ended.count() as u64
    }

    /// A panic while the lock is held leaves the list whole.
    fn open(&self) -> MutexGuard<'_, Vec<Arc<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// Ends its task, once.
    fn end(&self) -> bool {
        let Some(task) = self.end.get() else {
            return false;
        };
        task.abort();
        self.since.store(NEVER, Ordering::Relaxed);
        true
    }
}

/// One answer's place among them; leaves when dropped.
pub(super) struct Stall {
    activity: Arc<Activity>,
    answer: Arc<Answer>,
}

impl Stall {
    /// An answer begins; the client owes it a window.
    pub(super) fn enter(activity: &Arc<Activity>) -> Self {
        let answer = Arc::new(Answer {
            since: AtomicU64::new(activity.now()),
            end: TASK.try_with(Arc::clone).unwrap_or_default(),
        });
        activity.stalls.open().push(Arc::clone(&answer));
        Self {
            activity: activity.clone(),
            answer,
        }
    }

    /// Bytes were handed out.
    pub(super) fn owed(&self) {
        let now = self.activity.now();
        self.answer.since.store(now, Ordering::Relaxed);
    }

    /// The client has room for more.
    pub(super) fn moved(&self) {
        self.answer.since.store(NEVER, Ordering::Relaxed);
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        let mut open = self.activity.stalls.open();
        if let Some(at) = open.iter().position(|one| Arc::ptr_eq(one, &self.answer)) {
            open.swap_remove(at);
        }
    }
}
