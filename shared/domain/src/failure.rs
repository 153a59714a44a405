//! Whose fault a failed attempt was, decided from the status *and* the body:
//! the same 429 is a pause at one upstream and an unpaid bill at another, and a
//! refused key is a 400 at Gemini. What follows from a class (try the next key,
//! let this one sleep, tell the client) hangs on this one decision.
//!
//! The order in which an answer is read:
//!
//! | rank | what decides | example |
//! |---|---|---|
//! | 1 | a code, type, status or reason that means one thing only | `insufficient_quota`, `API_KEY_INVALID` |
//! | 2 | how the message begins, where vendors give no code | `Your credit balance is too low` |
//! | 3 | the HTTP status | 401, 404, 529 |
//! | 4 | inside a stream, where there is no status: a general type | `overloaded_error`, `"code": 502` |
//!
//! Messages are matched at their beginning only: a refusal often quotes the
//! request, and a caller must not be able to talk a key to sleep.

mod said;
mod scrub;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::time::Duration;

use foldgate_proto::SleepCause;

pub(crate) use said::Said;
pub use scrub::scrub;

use crate::sleep::Fault;

/// The most characters of an upstream's words that are kept: a line an operator
/// reads, not a copy of the answer.
pub const MAX_DETAIL_CHARS: usize = 200;

/// What kind of failure an attempt met, and with it what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The client's own fault: no sleep, no other key; the client gets the answer.
    ClientFault,
    /// This key does not serve this model (or may not): next key, the pair of
    /// key and model sleeps; the client hears of it only if all keys say so.
    NotHere,
    /// A passing trouble: the key sleeps, the next one is tried.
    Transient(Transience),
    /// No quota or money left: a long sleep, next key.
    Exhausted,
    /// The credential is refused: sleep and next key; a later trial confirms it.
    Dead,
}

/// The kinds of passing trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transience {
    /// Too many requests or tokens for now.
    RateLimit,
    /// The upstream failed (408, 409, 425, 5xx, 529, a broken answer).
    Upstream,
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// No answer in a time that a Model set for itself: it says nothing of the key's
    /// other models.
    Impatience,
}

impl FailureClass {
    /// Why the key sleeps; `None` when it does not.
    pub const fn cause(self) -> Option<SleepCause> {
        match self {
            Self::ClientFault => None,
            Self::NotHere => Some(SleepCause::NotHere),
            Self::Transient(Transience::RateLimit) => Some(SleepCause::RateLimit),
            Self::Transient(Transience::Upstream) => Some(SleepCause::UpstreamError),
            Self::Transient(Transience::Connect) => Some(SleepCause::Connect),
            Self::Transient(Transience::Timeout | Transience::Impatience) => {
                Some(SleepCause::Timeout)
            }
            Self::Exhausted => Some(SleepCause::Exhausted),
            Self::Dead => Some(SleepCause::Dead),
        }
    }

    /// Whether another key may do better.
    pub const fn fails_over(self) -> bool {
        !matches!(self, Self::ClientFault)
    }
}

/// A failed attempt, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What follows from it.
    pub class: FailureClass,
    /// The upstream's status; `None` where there was none, or it was a 200.
    pub status: Option<u16>,
    /// The upstream's error code, if it named one.
    pub code: Option<String>,
    /// The upstream's error type, if it named one.
    pub kind: Option<String>,
    /// What the upstream said: without keys, hosts and organisations, at most
    /// [`MAX_DETAIL_CHARS`] characters.
    pub detail: String,
}

impl Failure {
    /// No connection came about.
    pub fn connect(why: &str) -> Self {
        Self::without_answer(Transience::Connect, why)
    }

    /// No answer came in time.
    pub fn timeout(why: &str) -> Self {
        Self::without_answer(Transience::Timeout, why)
    }

    /// No answer came in the time that a Model set for itself.
    pub fn impatient(why: &str) -> Self {
        Self::without_answer(Transience::Impatience, why)
    }

    /// The answer broke off, or was none.
    pub fn broken(why: &str) -> Self {
        Self::without_answer(Transience::Upstream, why)
    }

    /// The key does not serve what was asked for, as is known without asking it.
    pub fn not_here(why: &str) -> Self {
        Self {
            class: FailureClass::NotHere,
            ..Self::broken(why)
        }
    }

    /// What the pool is told; `None` when it is no concern of the key.
    /// `jitter` is from 0 to 1.
    pub fn fault(&self, hint: Option<Duration>, jitter: f64) -> Option<Fault> {
        Some(Fault {
            cause: self.class.cause()?,
            status: self.status,
            detail: self.detail.clone(),
            hint,
            jitter,
            length: None,
        })
    }

    fn without_answer(transience: Transience, why: &str) -> Self {
        Self {
            class: FailureClass::Transient(transience),
            status: None,
            code: None,
            kind: None,
            detail: scrub(why, MAX_DETAIL_CHARS),
        }
    }

    fn of(class: FailureClass, status: Option<u16>, said: &Said) -> Self {
        let code = said.code.as_deref().and_then(words::shown);
        let kind = said.kind.as_deref().and_then(words::shown);
        let detail = match scrub(&said.message, MAX_DETAIL_CHARS) {
            empty if empty.is_empty() => code.clone().or_else(|| kind.clone()).unwrap_or_default(),
            detail => detail,
        };
        Self {
            class,
            status,
            code,
            kind,
            detail,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "upstream answered {status}: {}", self.detail),
            None => write!(f, "upstream failed: {}", self.detail),
        }
    }
}

/// Understands an answer whose status says that it failed. Total: any bytes
/// give a class; only the first 64 KiB are looked at.
pub fn classify(status: u16, body: &[u8]) -> Failure {
    let said = Said::read(body);
    let class = words::certain(&said).unwrap_or_else(|| words::by_status(status));
    Failure::of(class, Some(status), &said)
}

/// Understands the data of one event of a stream that began with 200. `None` if
/// the event is no error.
pub fn from_stream_error(data: &[u8]) -> Option<Failure> {
    let said = Said::read_event(data)?;
    let class = words::certain(&said)
        .or_else(|| words::general(&said))
        .unwrap_or(FailureClass::Transient(Transience::Upstream));
    Some(Failure::of(class, None, &said))
}
