//! A request's body as it comes: from a connection, or from within the process.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

/// What a body that broke off says.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// See the module.
#[derive(Debug)]
pub struct Inbound(Source);

#[derive(Debug)]
enum Source {
    Connection(Incoming),
    Within(UnsyncBoxBody<Bytes, Broken>),
}

impl Inbound {
    /// One that is over.
    pub(crate) fn none() -> Self {
        Self::within(http_body_util::Empty::new().map_err(|never| match never {}))
    }

    /// What another part of this process hands on.
    pub fn within<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Broken>,
    {
        Self(Source::Within(body.map_err(Into::into).boxed_unsync()))
    }
}

impl From<Incoming> for Inbound {
    fn from(body: Incoming) -> Self {
        Self(Source::Connection(body))
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.0 {
            Source::Connection(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|error| Box::new(error) as Broken),
            Source::Within(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Connection(body) => body.is_end_stream(),
            Source::Within(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Connection(body) => body.size_hint(),
            Source::Within(body) => body.size_hint(),
        }
    }
}
