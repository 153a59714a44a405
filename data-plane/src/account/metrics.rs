//! What the proxy counts. Handles are taken once, when the data plane is made
//! (after the process's recorder is installed): on the way of a request each is
//! one atomic addition.

use foldgate_proto::SleepCause;
use http::StatusCode;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use crate::endpoint::ENDPOINTS;
use crate::usage::Usage;

const REQUESTS: &str = "foldgate_proxy_requests_total";
const ENDED: &str = "foldgate_proxy_ended_total";
const ATTEMPTS: &str = "foldgate_proxy_attempts_total";
const IN_FLIGHT: &str = "foldgate_proxy_in_flight";
const FIRST_BYTE: &str = "foldgate_proxy_first_byte_seconds";
const DURATION: &str = "foldgate_proxy_duration_seconds";
const TOKENS: &str = "foldgate_proxy_tokens_total";
const KEYS: &str = "foldgate_pool_keys";
const LEFT_OUT: &str = "foldgate_pool_keys_left_out";
const MODELS_LEFT_OUT: &str = "foldgate_models_left_out";
const LIMIT_NODES: &str = "foldgate_rate_limit_nodes";
const REPORTS: &str = "foldgate_sleep_reports_total";

/// Status classes, 1xx to 5xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Names of what is no endpoint of [`ENDPOINTS`].
const OTHERS: [&str; 3] = ["models", "openapi", "none"];

/// How requests end; see `End`.
const ENDS: [&str; 7] = [
    "client_gone",
    "ok",
    "rate_limited",
    "upstream_failed",
    "failed",
    "refused",
    "broken",
];

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The key answered.
    Answered,
    /// The request was at fault.
    ClientFault,
    /// The key does not serve the model.
    NotHere,
    /// It was told to wait.
    RateLimit,
    /// The upstream failed.
    Upstream,
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// No quota left.
    Exhausted,
    /// The credential is refused.
    Dead,
}

const TRIED: [&str; 9] = [
    "answered",
    "client_fault",
    "not_here",
    "rate_limit",
    "upstream_error",
    "connect",
    "timeout",
    "exhausted",
    "dead",
];

impl From<Option<SleepCause>> for Tried {
    fn from(cause: Option<SleepCause>) -> Self {
        match cause {
            None | Some(SleepCause::Awake) => Self::ClientFault,
            Some(SleepCause::RateLimit) => Self::RateLimit,
            Some(SleepCause::UpstreamError) => Self::Upstream,
            Some(SleepCause::Connect) => Self::Connect,
            Some(SleepCause::Timeout) => Self::Timeout,
            Some(SleepCause::Exhausted) => Self::Exhausted,
            Some(SleepCause::Dead) => Self::Dead,
            Some(SleepCause::NotHere) => Self::NotHere,
        }
    }
}

/// The handles.
pub(crate) struct Metrics {
    requests: Vec<(&'static str, [Counter; 5])>,
    ended: Vec<(&'static str, Counter)>,
    attempts: [Counter; TRIED.len()],
    tokens: [Counter; 4],
    /// Requests under way.
    pub(crate) in_flight: Gauge,
    /// From a request's head to the first byte of its answer.
    pub(crate) first_byte: Histogram,
    /// From a request's head to its end.
    pub(crate) duration: Histogram,
}

impl Metrics {
    /// Takes the handles.
    pub(crate) fn new() -> Self {
        describe();
        let endpoints = ENDPOINTS.iter().map(|endpoint| endpoint.name).chain(OTHERS);
        let classes = |name: &'static str| {
            CLASSES.map(|class| counter!(REQUESTS, "endpoint" => name, "status" => class))
        };
        Self {
            requests: endpoints.map(|name| (name, classes(name))).collect(),
            ended: ENDS
                .iter()
                .map(|end| (*end, counter!(ENDED, "end" => *end)))
                .collect(),
            attempts: TRIED.map(|outcome| counter!(ATTEMPTS, "outcome" => outcome)),
            tokens: ["prompt", "completion", "cached", "reasoning"]
                .map(|kind| counter!(TOKENS, "kind" => kind)),
            in_flight: gauge!(IN_FLIGHT),
            first_byte: histogram!(FIRST_BYTE),
            duration: histogram!(DURATION),
        }
    }

    /// A request is over.
    pub(crate) fn ended(&self, endpoint: &str, status: Option<StatusCode>, end: &str) {
        // A client that left before the answer counts as its own fault.
        let status = status.map_or(499, |status| status.as_u16());
        let class = usize::from(status / 100).saturating_sub(1);
        let row = self.requests.iter().find(|(name, _)| *name == endpoint);
        if let Some(counter) = row.and_then(|(_, classes)| classes.get(class)) {
            counter.increment(1);
        }
        if let Some((_, counter)) = self.ended.iter().find(|(name, _)| *name == end) {
            counter.increment(1);
        }
    }

    /// An attempt is over.
    pub(crate) fn tried(&self, outcome: Tried) {
        if let Some(counter) = self.attempts.get(outcome as usize) {
            counter.increment(1);
        }
    }

    /// Tokens were spent.
    pub(crate) fn tokens(&self, usage: &Usage) {
        let counts = [
            usage.prompt(),
            usage.completion(),
            usage.cached(),
            usage.0.reasoning,
        ];
        for (counter, count) in self.tokens.iter().zip(counts) {
            counter.increment(count);
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// How many keys are in the pools, and how many should be but cannot.
pub(crate) fn keys(usable: usize, left_out: usize) {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!(KEYS).set(number(usable));
    gauge!(LEFT_OUT).set(number(left_out));
}

/// How many Models this version does not understand.
pub(crate) fn models_left_out(count: usize) {
    gauge!(MODELS_LEFT_OUT).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// Among how many nodes rate limits are divided.
pub(crate) fn limit_nodes(count: u64) {
    gauge!(LIMIT_NODES).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// This node reported a sleep or a wake.
pub(crate) fn told(cause: SleepCause) {
    counter!(REPORTS, "direction" => "out", "cause" => cause.as_str()).increment(1);
}

/// Another node's report said something new.
pub(crate) fn heard() {
    counter!(REPORTS, "direction" => "in").increment(1);
}

fn describe() {
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "requests by endpoint and status class"
    );
    describe_counter!(ENDED, Unit::Count, "requests by how they ended");
    describe_counter!(ATTEMPTS, Unit::Count, "upstream attempts by outcome");
    describe_counter!(
        TOKENS,
        Unit::Count,
        "tokens by kind; cached ones are among the prompt's, reasoning among the completion's"
    );
    describe_counter!(REPORTS, Unit::Count, "sleep reports out and in");
    describe_gauge!(IN_FLIGHT, Unit::Count, "requests under way");
    describe_gauge!(KEYS, Unit::Count, "provider keys in the pools");
    describe_gauge!(
        LEFT_OUT,
        Unit::Count,
        "provider keys that are enabled but cannot be used here"
    );
    describe_gauge!(
        MODELS_LEFT_OUT,
        Unit::Count,
        "models that this version does not understand"
    );
    describe_gauge!(
        LIMIT_NODES,
        Unit::Count,
        "nodes among which rate limits are divided, this one and those expected among them"
    );
    describe_histogram!(
        FIRST_BYTE,
        Unit::Seconds,
        "from a request's head to the first byte of its answer"
    );
    describe_histogram!(DURATION, Unit::Seconds, "from a request's head to its end");
}
