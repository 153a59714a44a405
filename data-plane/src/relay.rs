//! The answer on its way to the client: each event goes on at once, several
//! that are ready go in one piece, and frames that need no change pass as they
//! are. A client that leaves drops the body, and with it the upstream call.

mod flow;
mod translated;
mod turn;

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use foldgate_domain::failure::{Failure, from_stream_error};
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::account::{Account, End};
use crate::attempt::Limit;
use crate::error::{Kind, Problem, passed_on};
use crate::pools::Held;
use crate::usage::Tail;

pub(crate) use flow::Flow;
use turn::Turn;

/// So much goes on without waiting for more that may be ready.
const FLUSH_BYTES: usize = 64 * 1024;

/// An answer's body.
#[derive(Debug, Default)]
pub struct Body(Inner);

#[derive(Debug, Default)]
enum Inner {
    /// Nothing (any more).
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// What comes from the upstream.
    Relay(Box<Relay>),
}

/// A stream broke off where its form has no place for an error.
#[derive(Debug, thiserror::Error)]
#[error("the provider's answer broke off")]
pub struct BrokenOff;

impl Body {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() {
            Inner::Empty
        } else {
            Inner::Whole(bytes)
        })
    }

    pub(crate) fn relay(relay: Relay) -> Self {
        Self(Inner::Relay(Box::new(relay)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.0 {
            Inner::Empty => Poll::Ready(None),
            Inner::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::Relay(relay) => {
                let polled = relay.poll(cx);
                if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
                    self.0 = Inner::Empty;
                }
                polled.map(|next| next.map(|data| data.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Relay(_) => SizeHint::default(),
        }
    }
}

/// What is relayed.
#[derive(Debug)]
pub(crate) enum Form {
    /// Events.
    Events(Box<Flow>),
    /// A large answer, or one that cannot be read: it passes, and its end is
    /// looked at for usage.
    Bytes {
        /// What is ready to go on.
        ready: Vec<Bytes>,
        /// The last bytes.
        tail: Tail,
    },
}

/// An answer that is on its way.
#[derive(Debug)]
pub(crate) struct Relay {
    upstream: Option<Incoming>,
    form: Form,
    held: Option<Box<Held>>,
    account: Option<Box<Account>>,
    silence: Limit<Duration>,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    turn: Turn,
    broken: bool,
}

impl Relay {
    /// Goes on with `upstream`, whose beginning is in `form` already.
    pub(crate) fn new(
        upstream: Option<Incoming>,
        form: Form,
        held: Box<Held>,
        account: Box<Account>,
        silence: Limit<Duration>,
    ) -> Self {
        let heard = Instant::now();
        let over = upstream.is_none();
        let mut relay = Self {
            upstream,
            form,
            held: Some(held),
            account: Some(account),
            silence,
            heard,
            alarm: Box::pin(sleep_until(heard + silence.at)),
            turn: Turn::new(),
            broken: false,
        };
        if over {
            relay.end();
        }
        relay
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        if let Form::Events(flow) = &mut self.form
            && let Some(error) = flow.take_error()
        {
            self.say(&error);
        }
        loop {
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(self.last());
            };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.heard = Instant::now();
                        self.take(data);
                    }
                    if self.is_all() {
                        // By its length: no frame follows that would say so.
                        self.end();
                    }
                    if self.ready() >= FLUSH_BYTES {
                        return Poll::Ready(self.hand_on());
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    self.break_off(&Failure::broken("the answer broke off"));
                }
                Poll::Ready(None) => self.end(),
                Poll::Pending if self.ready() == 0 => {
                    if self.poll_silence(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                Poll::Pending => {
                    // What the upstream's connection has read already may join in.
                    std::task::ready!(self.turn.poll(cx));
                    return Poll::Ready(self.hand_on());
                }
            }
        }
    }

    fn hand_on(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        let data = self.form.take()?;
        if self.upstream.is_none() || self.form.is_over() {
            self.count(true);
        }
        if let Some(account) = &mut self.account {
            account.bytes_out += data.len() as u64;
            account.tell(self.form.heard());
        }
        Some(Ok(data))
    }

    fn ready(&self) -> usize {
        match &self.form {
            Form::Events(flow) => flow.ready(),
            Form::Bytes { ready, .. } => ready.iter().map(Bytes::len).sum(),
        }
    }

    fn take(&mut self, data: Bytes) {
        match &mut self.form {
            Form::Events(flow) => {
                flow.push(&data);
                if let Some(error) = flow.take_error() {
                    self.say(&error);
                }
            }
            Form::Bytes { ready, tail } => {
                tail.push(&data);
                ready.push(data);
            }
        }
    }

    /// The upstream's own error in the midst of its stream, in our words.
    fn say(&mut self, data: &str) {
        let failure = from_stream_error(data.as_bytes());
        let failure = failure.unwrap_or_else(|| Failure::broken("an error in the stream"));
        let problem = self.held.as_ref().and_then(|held| {
            let scrubber = held.credential().scrubber();
            passed_on(StatusCode::BAD_GATEWAY, data.as_bytes(), scrubber)
        });
        // Anthropic says by the type what others say by a code.
        let said = failure.kind.clone().map(Cow::Owned);
        let problem = problem.map(|problem| Problem {
            kind: Kind::UpstreamError,
            code: problem.code.or(said),
            ..problem
        });
        self.close(&failure, &problem.unwrap_or_else(Problem::broken_stream));
    }

    fn break_off(&mut self, failure: &Failure) {
        self.close(failure, &Problem::broken_stream());
    }

    /// Ends an answer that failed after it had begun: the key hears of it, and
    /// the client, in the form of a stream, too.
    fn close(&mut self, failure: &Failure, problem: &Problem) {
        self.upstream = None;
        if let Some(held) = self.held.take() {
            held.fail(failure, None);
        }
        match &mut self.form {
            Form::Events(flow) => flow.close_with(problem),
            Form::Bytes { .. } => self.broken = true,
        }
        self.settle(End::Broken);
    }

    fn end(&mut self) {
        self.upstream = None;
        if let Form::Events(flow) = &mut self.form {
            flow.finish();
            if let Some(error) = flow.take_error() {
                return self.say(&error);
            }
            if !flow.is_complete() {
                return self.break_off(&Failure::broken("the stream ended before its answer"));
            }
        }
        self.held = None;
        self.settle(End::Done);
    }

    fn settle(&mut self, end: End) {
        if let Some(account) = &mut self.account {
            account.end = end;
        }
    }

    /// The upstream is done with: what is left goes on, and the request is over.
    fn last(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        if let Some(rest) = self.hand_on() {
            return Some(rest);
        }
        self.count(true);
        self.account = None;
        self.broken.then_some(Err(BrokenOff))
    }

    /// Whether all of the answer has come, as far as its length tells.
    fn is_all(&self) -> bool {
        self.upstream.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    /// Counts what the answer used, and writes it down if nothing is to come: what is
    /// billed is on its way before the client has all of it.
    fn count(&mut self, ended: bool) {
        let Some(account) = &mut self.account else {
            return;
        };
        account.usage = self.form.usage();
        account.heard = self.form.heard();
        account.searched = self.form.searched();
        account.whole = ended && account.end != End::Broken;
        account.tell(account.heard);
        if ended {
            account.settle();
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            std::task::ready!(self.alarm.as_mut().poll(cx));
            let until = self.heard + self.silence.at;
            if until <= Instant::now() {
                self.break_off(&self.silence.passed("the stream fell silent"));
                return Poll::Ready(());
            }
            // Armed once per silence, not once per event.
            self.alarm.as_mut().reset(until);
        }
    }
}

impl Form {
    fn take(&mut self) -> Option<Bytes> {
        match self {
            Self::Events(flow) => flow.take(),
            Self::Bytes { ready, .. } => join(ready),
        }
    }

    /// Whether the answer has said its last word.
    fn is_over(&self) -> bool {
        match self {
            Self::Events(flow) => flow.is_over(),
            Self::Bytes { .. } => false,
        }
    }

    fn heard(&self) -> u64 {
        match self {
            Self::Events(flow) => flow.heard(),
            Self::Bytes { tail, .. } => tail.heard(),
        }
    }

    fn searched(&self) -> u64 {
        match self {
            Self::Events(flow) => flow.searched(),
            Self::Bytes { .. } => 0,
        }
    }

    fn usage(&self) -> Option<crate::usage::Usage> {
        match self {
            Self::Events(flow) => flow.usage(),
            Self::Bytes { tail, .. } => tail.usage(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Also when the client has left: what was used until then counts.
        self.count(false);
    }
}

/// All pieces as one; a single one is not copied.
fn join(pieces: &mut Vec<Bytes>) -> Option<Bytes> {
    if pieces.len() <= 1 {
        return pieces.pop();
    }
    let joined = pieces.concat();
    pieces.clear();
    Some(joined.into())
}
