//! A response body that tells its connection when it is done, so that a long
//! stream is not taken for an idle connection.
//!
//! On HTTP/2 a body is at its end long before its client has it: h2 takes a whole
//! answer at once and sends it as the client makes room. So the end is held back
//! until every [`Piece`] is sent. Until then the answer is under way, and its task,
//! by which it can be ended alone, lives.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::Activity;
use super::stall::{Owed, Stall};

pin_project! {
    /// A body that counts as a request under way until it is dropped.
    pub struct Tracked<B> {
        #[pin]
        body: B,
        stall: Option<Stall>,
        begun: bool,
        ended: bool,
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
            begun: false,
            ended: false,
            _request: request,
        }
    }
}

impl<B: Body> Body for Tracked<B> {
    type Data = Piece<B::Data>;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, B::Error>>> {
        let this = self.project();
        let Some(stall) = this.stall else {
            let polled = this.body.poll_frame(cx);
            return polled.map_ok(|frame| frame.map_data(Piece::alone));
        };
        if !*this.ended {
            match this.body.poll_frame(cx) {
                Poll::Ready(None) => *this.ended = true,
                polled => {
                    *this.begun = true;
                    let owed = |data| Piece::owed(data, stall.owed());
                    return polled.map_ok(|frame| frame.map_data(owed));
                }
            }
        }
        stall.poll_sent(cx).map(|()| None)
    }

    /// Whether nothing comes; once something came where answers share a
    /// connection, that is found out by asking for more.
    fn is_end_stream(&self) -> bool {
        let asks = self.stall.is_some() && self.begun;
        !asks && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of an answer, on their way.
pub struct Piece<D> {
    data: D,
    /// Where answers share a connection.
    owed: Option<Owed>,
}

impl<D> Piece<D> {
    const fn alone(data: D) -> Self {
        Self { data, owed: None }
    }

    const fn owed(data: D, owed: Owed) -> Self {
        let owed = Some(owed);
        Self { data, owed }
    }

    fn moved(&self) {
        if let Some(owed) = &self.owed {
            owed.moved();
        }
    }
}

impl<D: Buf> Buf for Piece<D> {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, parts: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(parts)
    }

    fn advance(&mut self, count: usize) {
        self.moved();
        self.data.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.moved();
        self.data.copy_to_bytes(count)
    }
}
