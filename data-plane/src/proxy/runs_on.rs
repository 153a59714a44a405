//! A call that begins a job runs on to its answer when its client leaves: the upstream
//! works on whether anybody waits or not, and only the answer tells which job it is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::{Method, Request};
use tokio::runtime::Handle;

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

/// Work that goes on without its caller, if it has the mark. What it does is bounded by
/// the time-outs of calls.
pub(super) struct RunsOn<F: Future + Send + 'static> {
    work: Option<Pin<Box<F>>>,
    mark: Mark,
}

impl<F: Future + Send + 'static> RunsOn<F> {
    pub(super) fn new(work: F, mark: Mark) -> Self {
        Self {
            work: Some(Box::pin(work)),
            mark,
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
            runtime.spawn(async move { drop(work.await) });
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
            let mut runs_on = RunsOn::new(work, mark.clone());
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
