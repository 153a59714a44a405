//! A request's body on its way to an upstream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::multipart::{Rest, Spoilt};
use crate::splice::Segments;

/// See the module.
pub(crate) struct Outgoing {
    held: Segments,
    rest: Option<Rest>,
}

impl Outgoing {
    /// What is held, then what still comes.
    pub(super) fn relayed(held: Segments, rest: Rest) -> Self {
        Self {
            held,
            rest: Some(rest),
        }
    }
}

impl From<Segments> for Outgoing {
    fn from(held: Segments) -> Self {
        Self { held, rest: None }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Spoilt;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Spoilt>>> {
        if !self.held.is_end_stream() {
            let held = Pin::new(&mut self.held).poll_frame(cx);
            return held.map(|next| next.map(|frame| frame.map_err(|never| match never {})));
        }
        match &mut self.rest {
            None => Poll::Ready(None),
            Some(rest) => rest
                .poll(cx)
                .map(|next| next.map(|data| data.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.held.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.len() as u64;
        match &self.rest {
            None => SizeHint::with_exact(held),
            Some(rest) => match rest.exact() {
                Some(more) => SizeHint::with_exact(held.saturating_add(more)),
                None => SizeHint::default(),
            },
        }
    }
}
