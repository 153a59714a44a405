//! A turn for the others: waits until the tasks that are ready have run, among
//! them the connection that has read more of an answer than it could hand over.
//!
//! Waking oneself and returning `Pending` is not enough: hyper polls a body
//! several times in one go, so only a wake that came through the scheduler says
//! that others had their turn.

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Asks for a turn and waits until it is over; again and again.
#[derive(Debug)]
pub(super) struct Turn {
    bell: Arc<Bell>,
    asked: bool,
}

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Turn {
    pub(super) fn new() -> Self {
        Self {
            bell: Arc::new(Bell {
                rung: AtomicBool::new(false),
                task: Mutex::new(Waker::noop().clone()),
            }),
            asked: false,
        }
    }

    /// Ready when the others have had a turn since it was first asked for.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        // First the waker, then the question: a bell between the two is heard.
        self.bell.task(|task| task.clone_from(cx.waker()));
        if self.asked && self.bell.rung.swap(false, Ordering::AcqRel) {
            self.asked = false;
            return Poll::Ready(());
        }
        if !self.asked {
            self.asked = true;
            let waker = Waker::from(Arc::clone(&self.bell));
            // The scheduler keeps the waker; the future itself has done its work.
            let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
        }
        Poll::Pending
    }
}

impl Bell {
    fn task<T>(&self, with: impl FnOnce(&mut Waker) -> T) -> T {
        with(&mut self.task.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task(|task| task.clone()).wake();
    }
}
