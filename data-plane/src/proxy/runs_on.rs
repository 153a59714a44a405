//! A call that begins a job runs on to its answer when its client leaves: the upstream
//! works on whether anybody waits or not, and only the answer tells which job it is. A
//! shutdown waits for it as for any call; what it cuts off is left as a kill leaves it, and
//! billed by its estimate.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use foldgate_runtime::Shutdown;
use http::{Method, Request};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

/// Whether a call is to run on; stands among its extensions.
#[derive(Debug, Default, Clone)]
pub(super) struct Mark(Arc<AtomicBool>);

impl Mark {
    /// From now on it does.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Whether a call may begin a job, as far as its head tells.
pub(super) fn may_begin_job<B>(request: &Request<B>) -> bool {
    let path = request.uri().path().trim_end_matches('/');
    *request.method() == Method::POST
        && (path.ends_with("/responses") || path.ends_with("/batches"))
}

/// All calls that may run on; a shutdown waits for them.
pub(crate) struct AllRunsOn(watch::Sender<bool>);

/// The place of one of them. It says `true` when it may run on no longer.
pub(super) type Place = watch::Receiver<bool>;

/// How long what is cut off may take to end.
const CUT: Duration = Duration::from_secs(3);

impl Default for AllRunsOn {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl AllRunsOn {
    pub(super) fn place(&self) -> Place {
        self.0.subscribe()
    }

    /// Waits until all have ended, and cuts off those that have not by `timeout`, or when
    /// the process is to end at once.
    pub(crate) async fn ended(&self, (timeout, shutdown): (Duration, &Shutdown)) {
        tokio::select! {
            () = self.0.closed() => return,
            () = sleep(timeout) => {}
            () = shutdown.aborted() => {}
        }
        self.0.send_replace(true);
        // Connections that are dropped now leave theirs.
        let _ = tokio::time::timeout(CUT, self.0.closed()).await;
    }
}

/// Work that goes on without its caller, if it has the mark. What it does is bounded by
/// the time-outs of calls.
pub(super) struct RunsOn<F: Future + Send + 'static> {
    work: Option<Pin<Box<F>>>,
    mark: Mark,
    place: Place,
}

impl<F: Future + Send + 'static> RunsOn<F> {
    pub(super) fn new(work: F, mark: Mark, place: Place) -> Self {
        Self {
            work: Some(Box::pin(work)),
            mark,
            place,
        }
    }
}

impl<F: Future + Send + 'static> Future for RunsOn<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for RunsOn<F> {
    fn drop(&mut self) {
        let work = self.work.take();
        if let Some(work) = work.filter(|_| self.mark.0.load(Ordering::Acquire))
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(run_on(work, self.place.clone()));
        }
    }
}

async fn run_on<F: Future>(mut work: Pin<Box<F>>, mut place: Place) {
    tokio::select! {
        _ = &mut work => {}
        Ok(_) = place.wait_for(|is_cut| *is_cut) => {
            // Dropped, it would say that its client left before anything came of it.
            std::mem::forget(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// What was left runs on with its mark, and ends without it.
    #[tokio::test]
    async fn what_is_marked_runs_on() {
        for marked in [true, false] {
            let (go, gone) = oneshot::channel::<()>();
            let (done, ended) = oneshot::channel();
            let mark = Mark::default();
            let work = async move {
                let _ = gone.await;
                let _ = done.send(());
            };
            let mut runs_on = RunsOn::new(work, mark.clone(), AllRunsOn::default().place());
            let polled = futures_util::poll!(&mut runs_on);
            assert!(polled.is_pending());
            if marked {
                mark.set();
            }
            drop(runs_on);
            assert_eq!(go.send(()).is_ok(), marked);
            assert_eq!(ended.await.is_ok(), marked);
        }
    }

    /// A shutdown waits for what runs on; what it cuts off says nothing more.
    #[tokio::test(start_paused = true)]
    async fn a_shutdown_waits_for_what_runs_on() {
        struct Says(Option<oneshot::Sender<&'static str>>, &'static str);
        impl Drop for Says {
            fn drop(&mut self) {
                let _ = self.0.take().map(|sender| sender.send(self.1));
            }
        }
        for ends in [true, false] {
            let all = AllRunsOn::default();
            let (go, gone) = oneshot::channel::<()>();
            let (said, mut says) = oneshot::channel();
            let mark = Mark::default();
            mark.set();
            let work = async move {
                let mut says = Says(Some(said), "left");
                let _ = gone.await;
                says.1 = "ended";
            };
            drop(RunsOn::new(work, mark, all.place()));
            let shutdown = Shutdown::new();
            let mut waits = Box::pin(all.ended((Duration::from_secs(30), &shutdown)));
            assert!(futures_util::poll!(&mut waits).is_pending());
            if ends {
                go.send(()).unwrap();
                waits.await;
                assert_eq!(says.await, Ok("ended"));
            } else {
                waits.await;
                assert!(says.try_recv().is_err(), "it was dropped");
            }
        }
    }

    #[test]
    fn only_what_may_begin_a_job_may_run_on() {
        let may = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path);
            may_begin_job(&request.body(()).unwrap())
        };
        for path in ["/v1/responses", "/responses", "/v1/batches/", "/v1/batches"] {
            assert!(may(Method::POST, path), "{path}");
            assert!(!may(Method::GET, path), "{path}");
        }
        assert!(!may(Method::POST, "/v1/chat/completions"));
        assert!(!may(Method::POST, "/v1/responses/resp_1/cancel"));
    }
}
