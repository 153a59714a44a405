//! The last phase: what is known of a request when it is over, counted and
//! written down. However a request ends, also by the client's leaving, it comes
//! here exactly once, by being dropped.

pub(crate) mod bill;
pub(crate) mod metrics;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldgate_domain::limits::Standing;
use foldgate_proto::{AccountNumber, KeyNumber, Level, Quantities, Revision};
use foldgate_runtime::telemetry::trace_id;
use foldgate_runtime::{AccessLine, AccessLog};
use http::{HeaderValue, Method, StatusCode};
use tracing::Span;

use crate::error::{Kind, Problem};
use crate::jobs::Streamed;
use crate::limits::{Places, Reserved};
use crate::pools::{Permit, now};
use crate::purses::Hold;
use crate::usage::Usage;
use bill::{Attempted, Bill, Ended};
use metrics::Metrics;

/// What nginx calls a client that left before the answer.
const CLIENT_GONE: u16 = 499;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not; if it stays so, the client has left.
    Open,
    /// The answer is complete.
    Done,
    /// It was refused or failed: by whose side, and why.
    Failed(Kind, Option<Cow<'static, str>>),
    /// The answer broke off after it had begun.
    Broken,
}

impl End {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "client_gone",
            Self::Done => "ok",
            Self::Failed(Kind::RateLimitError, _) => "rate_limited",
            Self::Failed(Kind::UpstreamError, _) => "upstream_failed",
            Self::Failed(Kind::ServerError, _) => "failed",
            Self::Failed(..) => "refused",
            Self::Broken => "broken",
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Failed(_, code) => code.as_deref(),
            Self::Open | Self::Broken => Some(self.as_str()),
        }
    }

    const fn side(&self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Open => Some("client"),
            Self::Failed(kind, _) => Some(kind.side()),
            Self::Broken => Some("upstream"),
        }
    }
}

/// Where requests are counted and told.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    /// The counters.
    pub(crate) metrics: Arc<Metrics>,
    /// The access log.
    pub(crate) access: AccessLog,
}

/// One request, from its head to its end.
#[derive(Debug)]
pub(crate) struct Account {
    books: Books,
    started: Instant,
    /// What client and operator call it.
    pub(crate) request_id: HeaderValue,
    pub(crate) peer: SocketAddr,
    method: Method,
    /// Its path: a copy, for the request's own keeps all of its head in memory.
    path: Box<str>,
    /// Its trace.
    pub(crate) span: Span,
    /// Its endpoint's name.
    pub(crate) endpoint: &'static str,
    /// The revision it is served from.
    pub(crate) revision: Revision,
    /// Who calls.
    pub(crate) caller: Option<AccountNumber>,
    /// The model it names.
    pub(crate) requested: String,
    /// The model the upstream is asked for.
    pub(crate) model: String,
    /// The Level and the key of the last attempt.
    pub(crate) served_by: Option<(Level, KeyNumber)>,
    /// The Model of the last attempt, where another led to it.
    pub(crate) target: Option<HeaderValue>,
    /// Attempts made.
    pub(crate) attempts: u32,
    /// Its places among the calls under way; it keeps them to its end.
    pub(crate) permits: Vec<Permit>,
    /// Such places over all nodes.
    pub(crate) places: Vec<Places>,
    /// How its rate limits stand.
    pub(crate) standing: Standing,
    /// What it has taken of limits on tokens.
    pub(crate) reserved: Option<Reserved>,
    /// Whether the answer is streamed.
    pub(crate) streamed: bool,
    /// Bytes of the request's body.
    pub(crate) bytes_in: u64,
    /// Bytes of the answer's body that were handed on.
    pub(crate) bytes_out: u64,
    status: Option<StatusCode>,
    first_byte: Option<Duration>,
    /// What was counted of its answer, as far as it is known.
    pub(crate) usage: Option<Usage>,
    /// Bytes of text that its answer brought.
    pub(crate) heard: u64,
    /// Searches that its answer made.
    pub(crate) searched: u64,
    /// Whether its answer has said its last word.
    pub(crate) whole: bool,
    /// What it is paid by, once it is routed.
    pub(crate) bill: Option<Bill>,
    /// The job whose stream its answer is.
    pub(crate) job: Option<Streamed>,
    /// How it ended.
    pub(crate) end: End,
}

impl Account {
    /// A request begins.
    pub(crate) fn open<B>(
        books: &Books,
        request: &http::Request<B>,
        peer: SocketAddr,
        request_id: HeaderValue,
    ) -> Self {
        books.metrics.in_flight.increment(1);
        Self {
            books: books.clone(),
            started: Instant::now(),
            request_id,
            peer,
            method: request.method().clone(),
            path: request.uri().path().into(),
            span: Span::none(),
            endpoint: "none",
            revision: Revision::ZERO,
            caller: None,
            requested: String::new(),
            model: String::new(),
            served_by: None,
            target: None,
            attempts: 0,
            permits: Vec::new(),
            places: Vec::new(),
            standing: Standing::default(),
            reserved: None,
            streamed: false,
            bytes_in: 0,
            bytes_out: 0,
            status: None,
            first_byte: None,
            usage: None,
            heard: 0,
            searched: 0,
            whole: false,
            bill: None,
            job: None,
            end: End::Open,
        }
    }

    /// The answer begins.
    pub(crate) fn answer(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.first_byte = Some(self.started.elapsed());
    }

    /// It is answered with a refusal.
    pub(crate) fn refuse(&mut self, problem: &Problem) {
        self.status = Some(problem.status);
        self.end = End::Failed(problem.kind, problem.code.clone());
    }

    /// Writes down that an upstream is about to be asked.
    ///
    /// # Errors
    /// It cannot be written down, so it must not be asked.
    pub(crate) fn intend(&mut self, upstream: Option<&str>) -> Result<(), Problem> {
        let (Some(bill), Some(by)) = (&mut self.bill, self.served_by) else {
            return Ok(());
        };
        let model = self.model.as_str();
        let attempted = Attempted {
            by,
            model,
            upstream: upstream.filter(|upstream| *upstream != model),
        };
        bill.intend(&attempted).map_err(|refused| {
            tracing::error!(%refused, "a call is refused that could not be billed");
            Problem::unbillable()
        })
    }

    /// What the call is going to use, as far as its request tells.
    pub(crate) fn estimate(&self) -> Quantities {
        self.bill.as_ref().map(Bill::estimate).unwrap_or_default()
    }

    /// The call has begun a job, which is written down: it is free itself. What is held for
    /// it.
    pub(crate) fn begins_job(&mut self) -> Option<Hold> {
        self.bill.take().map(Bill::hand_over)
    }

    /// Tells the job whose stream its answer is what has come of it.
    pub(crate) fn tell(&self, heard: u64) {
        if let Some(job) = &self.job {
            let used = self.counted().filter(|_| self.whole);
            job.heard(heard, used.map(|Usage(used)| used));
        }
    }

    /// Writes down what it used, once: before the last byte of its answer leaves.
    pub(crate) fn settle(&mut self) {
        let Some(mut bill) = self.bill.take() else {
            return;
        };
        match self.ended(self.counted(), self.whole) {
            Some(ended) => bill.settle(&ended),
            None => bill.free(),
        }
    }

    /// How its answer ended, with what is known of it; `None` where there is none to pay
    /// for.
    pub(crate) fn ended(&self, usage: Option<Usage>, whole: bool) -> Option<Ended> {
        let failed = matches!(self.end, End::Failed(..));
        let (first_byte, status) = self.first_byte.zip(self.status).filter(|_| !failed)?;
        Some(Ended {
            usage: usage.map(|Usage(quantities)| quantities),
            heard: self.heard,
            searched: self.searched,
            whole,
            bytes_in: self.bytes_in,
            status: status.as_u16(),
            at: now(),
            took: self.started.elapsed(),
            first_byte: Some(first_byte),
        })
    }

    /// What its upstream counted. One that counts nothing of an answer that has text has
    /// not counted.
    fn counted(&self) -> Option<Usage> {
        let unfilled = |usage: &Usage| usage.is_nothing() && self.heard > 0;
        self.usage.filter(|usage| !unfilled(usage))
    }

    /// The tokens it used; `None` where some were, and nobody knows how many.
    fn tokens(&self) -> Option<u64> {
        match (&self.counted(), &self.end) {
            (Some(usage), _) => Some(usage.prompt().saturating_add(usage.completion())),
            (None, End::Failed(..)) => Some(0),
            (None, End::Open | End::Done | End::Broken) => None,
        }
    }

    fn line(&self, took: Duration) {
        let (level, key) = self.served_by.unzip();
        let trace = trace_id(&self.span);
        self.books.access.record(&AccessLine {
            listener: "proxy",
            request_id: self.request_id.to_str().unwrap_or_default(),
            client: Some(self.peer),
            method: self.method.as_str(),
            path: &self.path,
            status: self.status.map_or(CLIENT_GONE, |status| status.as_u16()),
            error: self.end.error(),
            side: self.end.side(),
            account: self.caller.map(|account| account.0),
            requested_model: some(&self.requested),
            served_by: self.target.as_ref().and_then(|name| name.to_str().ok()),
            model: some(&self.model),
            level: level.map(Level::get),
            key: key.map(|key| key.0),
            attempts: (self.attempts > 0).then_some(self.attempts),
            streamed: self.streamed,
            input_tokens: self.usage.map(|usage| usage.prompt()),
            output_tokens: self.usage.map(|usage| usage.completion()),
            bytes_in: (self.bytes_in > 0).then_some(self.bytes_in),
            bytes_out: (self.bytes_out > 0).then_some(self.bytes_out),
            first_byte_us: self.first_byte.map(micros),
            duration_us: micros(took),
            revision: Some(self.revision.0),
            trace_id: trace.as_deref(),
        });
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.settle();
        let took = self.started.elapsed();
        let metrics = &self.books.metrics;
        metrics.in_flight.decrement(1);
        metrics.ended(self.endpoint, self.status, self.end.as_str());
        if let Some(waited) = self.first_byte {
            metrics.first_byte.record(waited.as_secs_f64());
            metrics.duration.record(took.as_secs_f64());
        }
        if let Some(reserved) = self.reserved.take() {
            reserved.settle(self.tokens());
        }
        if let Some(usage) = &self.usage {
            metrics.tokens(usage);
        }
        if !self.span.is_none() {
            let status = self.status.map_or(CLIENT_GONE, |status| status.as_u16());
            self.span.record("http.response.status_code", status);
            self.span.record("foldgate.end", self.end.as_str());
        }
        if self.books.access.is_on() {
            self.line(took);
        }
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
