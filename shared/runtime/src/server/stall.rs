//! Answers that their client has stopped taking. An HTTP/2 client may stall one
//! answer, or all of them, without the socket ever being full: it gives no window.
//! What was handed out of a body and is neither sent nor thrown away, and grows no
//! less, has met just that. Each byte a slow client takes gives it the whole limit
//! anew.
//!
//! Such an answer is ended alone: its task is dropped, h2 throws away what it
//! holds for the stream and resets it, and the body goes, with all that feeds it.
//! The connection's other answers, which may be other people's behind one gateway,
//! go on. hyper's own executor gives nothing to end a task by, hence [`Answers`].

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hyper::rt::Executor;
use tokio::task::AbortHandle;

use super::activity::Activity;

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
    /// Pieces that were handed out and are not sent.
    unsent: AtomicUsize,
    /// When one was handed out, or some of it sent.
    moved: AtomicU64,
    /// What waits until all are sent.
    waker: AtomicWaker,
    end: Arc<OnceLock<AbortHandle>>,
}

impl Stalls {
    /// Ends the answers that have stalled longer than `limit`, and says how many.
    pub(super) fn end_overrun(&self, now: u64, limit: Duration) -> u64 {
        let stalled = |answer: &&Arc<Answer>| {
            let moved = answer.moved.load(Ordering::Relaxed);
            answer.unsent.load(Ordering::Relaxed) > 0
                && Duration::from_millis(now.saturating_sub(moved)) > limit
        };
        let overrun: Vec<Arc<Answer>> = self.open().iter().filter(stalled).cloned().collect();
        // Not under the lock, which an answer takes when it is dropped.
        let ended = overrun.iter().filter(|answer| answer.end(now));
        ended.count() as u64
    }

    /// A panic while the lock is held leaves the list whole.
    fn open(&self) -> MutexGuard<'_, Vec<Arc<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// Ends its task; not again before the limit has passed once more.
    fn end(&self, now: u64) -> bool {
        let Some(task) = self.end.get() else {
            return false;
        };
        task.abort();
        self.moved.store(now, Ordering::Relaxed);
        true
    }
}

/// One answer's place among them; leaves when dropped.
pub(super) struct Stall {
    activity: Arc<Activity>,
    answer: Arc<Answer>,
}

impl Stall {
    /// An answer begins.
    pub(super) fn enter(activity: &Arc<Activity>) -> Self {
        let answer = Arc::new(Answer {
            unsent: AtomicUsize::new(0),
            moved: AtomicU64::new(activity.now()),
            waker: AtomicWaker::new(),
            end: TASK.try_with(Arc::clone).unwrap_or_default(),
        });
        activity.stalls.open().push(Arc::clone(&answer));
        Self {
            activity: activity.clone(),
            answer,
        }
    }

    /// A piece is handed out.
    pub(super) fn owed(&self) -> Owed {
        let owed = Owed {
            activity: self.activity.clone(),
            answer: self.answer.clone(),
        };
        owed.moved();
        self.answer.unsent.fetch_add(1, Ordering::Relaxed);
        owed
    }

    /// Waits until every piece is sent or thrown away.
    pub(super) fn poll_sent(&self, cx: &Context<'_>) -> Poll<()> {
        self.answer.waker.register(cx.waker());
        match self.answer.unsent.load(Ordering::Acquire) {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// A piece that the client is owed; dropped with it.
pub(super) struct Owed {
    activity: Arc<Activity>,
    answer: Arc<Answer>,
}

impl Owed {
    /// The client took some of it.
    pub(super) fn moved(&self) {
        let now = self.activity.now();
        self.answer.moved.store(now, Ordering::Relaxed);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.moved();
        self.answer.unsent.fetch_sub(1, Ordering::Release);
        self.answer.waker.wake();
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
