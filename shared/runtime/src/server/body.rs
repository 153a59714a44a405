//! A response body that tells its connection when it is done, so that a long
//! stream is not taken for an idle connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::Activity;
use super::stall::Stall;

pin_project! {
    /// A body that counts as a request under way until it is dropped.
    pub struct Tracked<B> {
        #[pin]
        body: B,
        stall: Option<Stall>,
        _request: InFlight,
    }
}

/// One request under way.
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    /// From a complete head on.
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begin();
        Self(activity.clone())
    }

    /// The connection's state.
    pub(super) fn activity(&self) -> &Activity {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<B> Tracked<B> {
    /// A body whose stalls are watched, if it shares its connection with others.
    pub(super) fn new(body: B, request: InFlight, shares: bool) -> Self {
        Self {
            body,
            stall: shares.then(|| Stall::enter(&request.0)),
            _request: request,
        }
    }
}

impl<B: Body> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        if let Some(stall) = this.stall {
            match &polled {
                Poll::Ready(Some(Ok(_))) => stall.owed(),
                Poll::Pending | Poll::Ready(_) => stall.moved(),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
