//! The middle phase: pick a key, send, look at the answer, and as long as
//! nothing has gone to the client, try the next key or Level when it failed.

mod look;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldgate_domain::failure::{Failure, FailureClass};
use foldgate_domain::pool::Ask;
use foldgate_domain::provider::{FamilySet, serves};
use foldgate_proto::{KeyId, Level, OwnerId};
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::account::Account;
use crate::account::metrics::{Metrics, Tried};
use crate::endpoint::Endpoint;
use crate::error::Problem;
use crate::pools::{Credential, Held, Picked, Pools};
use crate::relay::Form;
use crate::splice::Segments;
use crate::transport::headers::authorize;
use crate::transport::{SendError, Transport};
use crate::usage::Usage;
use verdict::Verdict;

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
    /// What is counted.
    pub(crate) metrics: &'a Metrics,
    /// The bounds.
    pub(crate) limits: Limits,
    /// Where to, below each provider.
    pub(crate) endpoint: &'static Endpoint,
    /// Whose keys.
    pub(crate) owner: OwnerId,
    /// Whether the caller may still call: asked before each attempt.
    pub(crate) standing: &'a (dyn Fn() -> bool + Sync),
    /// The model as the caller named it.
    pub(crate) requested: &'a str,
    /// The model as the keys know it.
    pub(crate) model: &'a str,
    /// The Levels to try, in order.
    pub(crate) levels: Vec<Level>,
    /// The headers, without a credential.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Segments,
    /// Whether the caller wants a stream.
    pub(crate) streamed: bool,
    /// Whether its usage is hidden.
    pub(crate) hide_usage: bool,
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
}

/// How long one attempt may take.
#[derive(Clone, Copy)]
struct Until {
    /// To the first byte, or the first event.
    first_byte: Instant,
    /// To the end of an answer that is held until it is whole.
    end: Instant,
}

/// An attempt that gave no answer.
pub(crate) struct Miss {
    /// What the key is told.
    failure: Failure,
    /// How long the upstream asked to be left alone.
    hint: Option<Duration>,
    /// What the client is told, if this was the last attempt.
    problem: Problem,
}

/// Tries until a key answers.
///
/// # Errors
/// The client's own fault as the upstream words it; else why there is no answer.
pub(crate) async fn attempt(call: &Call<'_>, account: &mut Account) -> Result<Answer, Problem> {
    // From here, not from the request's head: a slow body is no upstream's fault.
    let deadline = Instant::now() + call.limits.total;
    let serves = serves(call.model);
    let mut tried: Vec<KeyId> = Vec::new();
    let mut verdict = Verdict::default();
    for level in &call.levels {
        while tried.len() < call.limits.attempts && Instant::now() < deadline {
            let ask = ask(call, serves, &tried);
            let held = match call.pools.pick(call.owner, *level, &ask) {
                Picked::Key(held) => held,
                Picked::Asleep(until, cause) => {
                    verdict.asleep(until, cause);
                    break;
                }
                Picked::Empty => break,
            };
            if !(call.standing)() {
                return Err(Problem::unauthorized(true));
            }
            tried.push(held.key());
            account.attempts = account.attempts.saturating_add(1);
            account.served_by = Some((*level, held.number()));
            match once(call, held, deadline).await {
                Ok(answer) => return Ok(answer),
                Err((held, miss)) => {
                    tracing::debug!(
                        key = %held.number(),
                        level = %level,
                        class = ?miss.failure.class,
                        status = miss.failure.status,
                        detail = miss.failure.detail,
                        "an attempt failed"
                    );
                    call.metrics.tried(Tried::from(miss.failure.class.cause()));
                    held.fail(&miss.failure, miss.hint);
                    if !miss.failure.class.fails_over() {
                        return Err(miss.problem);
                    }
                    verdict.failed(miss.failure.class, miss.problem);
                }
            }
        }
    }
    let stopped = Instant::now() >= deadline || others_awake(call, &tried, &mut verdict);
    Err(verdict.problem(call.requested, stopped))
}

/// Whether the limit on attempts was all that stood in the way. If not, the
/// verdict learns when the first key wakes.
fn others_awake(call: &Call<'_>, tried: &[KeyId], verdict: &mut Verdict) -> bool {
    if tried.len() < call.limits.attempts {
        return false;
    }
    let ask = ask(call, serves(call.model), tried);
    let mut awake = false;
    for level in &call.levels {
        match call.pools.pick(call.owner, *level, &ask) {
            Picked::Key(_) => awake = true,
            Picked::Asleep(until, cause) => verdict.asleep(until, cause),
            Picked::Empty => {}
        }
    }
    awake
}

fn ask<'a>(call: &'a Call<'_>, serves: FamilySet, tried: &'a [KeyId]) -> Ask<'a> {
    Ask {
        model: call.model,
        serves,
        tried,
    }
}

/// One attempt.
async fn once(
    call: &Call<'_>,
    held: Box<Held>,
    deadline: Instant,
) -> Result<Answer, (Box<Held>, Miss)> {
    let until = Until {
        first_byte: deadline.min(Instant::now() + call.limits.first_byte),
        end: deadline,
    };
    let credential = Arc::clone(held.credential());
    let answer = match send(call, &credential, until.first_byte).await {
        Ok(answer) => answer,
        Err(miss) => return Err((held, miss)),
    };
    match look::look(call, answer, &credential, until).await {
        Ok(seen) => {
            held.first_byte();
            call.metrics.tried(Tried::Answered);
            Ok(seen.with(held))
        }
        Err(miss) => Err((held, miss)),
    }
}

async fn send(
    call: &Call<'_>,
    credential: &Credential,
    deadline: Instant,
) -> Result<Response<Incoming>, Miss> {
    let sending = call.transport.send(request(call, credential));
    match timeout_at(deadline, sending).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Miss::unsent(&error)),
        Err(_) => Err(Miss::late("no answer in time")),
    }
}

fn request(call: &Call<'_>, credential: &Credential) -> Request<Segments> {
    let mut request = Request::new(call.body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = credential.uri(call.endpoint.index);
    *request.headers_mut() = call.headers.clone();
    authorize(request.headers_mut(), credential.authorization());
    request
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

    fn late(why: &str) -> Self {
        Self {
            problem: Problem::late_answer(),
            ..Self::of(Failure::timeout(why))
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
        }
    }

    fn is_client_fault(&self) -> bool {
        self.failure.class == FailureClass::ClientFault
    }

    fn is_not_here(&self) -> bool {
        self.failure.class == FailureClass::NotHere
    }
}
