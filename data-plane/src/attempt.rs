//! The middle phase: pick a key, send, look at the answer, and as long as
//! nothing has gone to the client, try the next key, Level or target when it failed.

mod leg;
mod look;
mod parcel;
mod patience;
mod terms;
mod verdict;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldgate_domain::failure::{Failure, FailureClass};
use foldgate_proto::{KeyId, OwnerId};
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, timeout_at};

use crate::account::Account;
use crate::account::metrics::{Metrics, Tried};
use crate::body::Message;
use crate::endpoint::Endpoint;
use crate::error::Problem;
use crate::limits::Meters;
use crate::pools::{Credential, Held, Pools};
use crate::relay::Form;
use crate::route::Plan;
use crate::transport::{SendError, Transport};
use crate::usage::Usage;
use leg::{Outcome, Run};
use parcel::Parcel;
use terms::Terms;

pub(crate) use patience::Limit;

/// Bounds on what one request may try.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts, over all keys and Levels.
    pub attempts: usize,
    /// From the end of the request's body to the answer's first byte, or, where it
    /// is not streamed, to its last; over all attempts.
    pub total: Duration,
    /// From sending an attempt to the first byte of its answer (in a stream, to
    /// its first event).
    pub first_byte: Duration,
    /// The longest silence of an upstream in the midst of its answer.
    pub silence: Duration,
}

/// What every attempt of a request shares.
pub(crate) struct Call<'a> {
    /// The pools.
    pub(crate) pools: &'a Arc<Pools>,
    /// The way out.
    pub(crate) transport: &'a Transport,
    /// What all nodes count.
    pub(crate) meters: &'a Arc<Meters>,
    /// What is counted.
    pub(crate) metrics: &'a Metrics,
    /// The bounds.
    pub(crate) limits: Limits,
    /// Where to, below each provider.
    pub(crate) endpoint: &'static Endpoint,
    /// The id and the query that belong to that.
    pub(crate) place: (Option<&'a str>, Option<&'a str>),
    /// Whose keys.
    pub(crate) owner: OwnerId,
    /// Whether the caller may still call: asked before each attempt.
    pub(crate) standing: &'a (dyn Fn() -> bool + Sync),
    /// What to try, in order.
    pub(crate) plan: &'a Plan<'a>,
    /// The headers, without a credential.
    pub(crate) headers: HeaderMap,
    /// What it says, and its body.
    pub(crate) message: &'a Message,
    /// Whether the usage of its stream is hidden.
    pub(crate) hide_usage: bool,
    /// Whether its failures are no reason to let a key sleep: it is no client's.
    pub(crate) quiet: bool,
}

impl<'a> Call<'a> {
    /// The same call by another plan.
    pub(crate) fn by(&self, plan: &'a Plan<'a>) -> Self {
        Self {
            plan,
            headers: self.headers.clone(),
            ..*self
        }
    }
}

/// An answer, and how it is to be handed on.
pub(crate) struct Served {
    /// The answer.
    pub(crate) answer: Answer,
    /// The Model that a Model led to, if its name may stand in a header.
    pub(crate) by: Option<HeaderValue>,
    /// The longest silence in its midst.
    pub(crate) silence: Limit<Duration>,
    /// Which key made it.
    pub(crate) key: KeyId,
}

/// An answer that goes to the client.
pub(crate) enum Answer {
    /// All of it is here.
    Whole {
        /// Its headers.
        head: Response<()>,
        /// Its body.
        body: Bytes,
        /// Its usage.
        usage: Option<Usage>,
    },
    /// It has begun well; the rest is relayed.
    Begun {
        /// Its headers.
        head: Response<()>,
        /// What has come, and its form.
        form: Form,
        /// What is to come.
        rest: Option<Incoming>,
        /// The key, in use until the end.
        held: Box<Held>,
    },
    /// It is no longer HTTP's.
    Switched {
        /// Its headers.
        head: Response<()>,
        /// The connection, once it is there.
        upgrade: OnUpgrade,
        /// The key, in use until the end.
        held: Box<Held>,
    },
}

/// How long one attempt may take.
#[derive(Clone, Copy)]
struct Until {
    /// To the first byte, or the first event.
    first_byte: Limit<Instant>,
    /// To the end of an answer that is held until it is whole.
    end: Limit<Instant>,
    /// The longest silence in its midst.
    silence: Limit<Duration>,
}

/// An attempt that gave no answer.
pub(crate) struct Miss {
    /// What the key is told.
    failure: Failure,
    /// How long the upstream asked to be left alone.
    hint: Option<Duration>,
    /// What the client is told, if this was the last attempt.
    problem: Problem,
    /// It says nothing about the key: it was asked for something with an id.
    quiet: bool,
}

/// Tries until a key answers.
///
/// # Errors
/// The client's own fault as the upstream words it; else why there is no answer.
pub(crate) async fn attempt(call: &Call<'_>, account: &mut Account) -> Result<Served, Problem> {
    // From here, not from the request's head: a slow body is no upstream's fault.
    let mut run = Run::new(call, account, Instant::now() + call.limits.total);
    let legs = &call.plan.legs;
    let most = call.plan.most_targets();
    let mut tried = 0;
    for leg in legs {
        if run.is_over() || tried >= most {
            break;
        }
        match run.leg(leg).await {
            Outcome::Answered(served) => return Ok(*served),
            Outcome::Refused(problem) => return Err(problem),
            Outcome::Tried => tried += 1,
            Outcome::Passed => {}
        }
    }
    Err(run.problem(tried >= most && tried < legs.len()))
}

/// One attempt.
async fn once(
    call: &Call<'_>,
    (held, parcel): (Box<Held>, &Parcel),
    (terms, deadline): (&Terms<'_>, Instant),
) -> Result<Answer, (Box<Held>, Miss)> {
    let begun = Instant::now();
    let mut until = terms.until(call, (begun, deadline));
    let credential = Arc::clone(held.credential());
    let answer = match send(call, (&credential, parcel), until.first_byte).await {
        Ok(answer) => answer,
        Err(miss) => return Err((held, miss)),
    };
    if call.message.asked().is_some() {
        // The clock runs from the end of what the client sent, not from its beginning.
        let now = Instant::now();
        until = terms.until(call, (now, now + call.limits.total));
    }
    let first = begun.elapsed();
    match look::look(call, (answer, parcel.translation), &credential, until).await {
        Ok(seen) => {
            held.first_byte();
            call.metrics.tried(Tried::Answered);
            // A whole answer was read to its end; what counts is when it began.
            terms.answered(if seen.is_whole() {
                first
            } else {
                begun.elapsed()
            });
            Ok(seen.with(held))
        }
        Err(miss) => Err((held, miss)),
    }
}

async fn send(
    call: &Call<'_>,
    (credential, parcel): (&Credential, &Parcel),
    mut limit: Limit<Instant>,
) -> Result<Response<Incoming>, Miss> {
    let mut sending = pin!(parcel.send(call, credential));
    loop {
        if let Ok(answer) = timeout_at(limit.at, &mut sending).await {
            return answer;
        }
        // What the client is still sending, the upstream cannot have answered.
        let asked = call.message.asked();
        limit = match asked.map(|asked| asked + call.limits.first_byte) {
            Some(later) if later > Instant::now() => Limit::gateways(later),
            _ => return Err(Miss::late(&limit, "no answer in time")),
        };
    }
}

impl Miss {
    fn unsent(error: &SendError) -> Self {
        let failure = match error {
            SendError::Connect(why) => Failure::connect(why),
            SendError::ConnectTimeout => Failure::connect("the connection took too long"),
            SendError::Broken => Failure::broken("the connection broke before an answer"),
        };
        Self::of(failure)
    }

    fn late(limit: &Limit<Instant>, why: &str) -> Self {
        Self {
            problem: Problem::late_answer(),
            ..Self::of(limit.passed(why))
        }
    }

    fn broken(why: &str) -> Self {
        Self::of(Failure::broken(why))
    }

    fn of(failure: Failure) -> Self {
        Self {
            failure,
            hint: None,
            problem: Problem::bad_answer(),
            quiet: false,
        }
    }

    /// The same, if it answers a call for something with an id. A key is not judged by
    /// that: what it made may be gone, or not be shown to it, and who asks for one thing
    /// again and again takes the key from nobody else.
    fn about_id(mut self, has_id: bool) -> Self {
        self.quiet |= has_id;
        if has_id && self.failure.status == Some(409) {
            self.failure.class = FailureClass::ClientFault;
        }
        self
    }

    fn is_client_fault(&self) -> bool {
        self.failure.class == FailureClass::ClientFault
    }

    fn is_not_here(&self) -> bool {
        self.failure.class == FailureClass::NotHere
    }
}
