//! Looks at an answer before any of it goes to the client: at its status, and
//! at the first event of a stream or the whole of anything else, since an error
//! may hide behind a 200.

mod beginning;
mod kind;

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use foldgate_domain::failure::{Failure, FailureClass, classify, from_stream_error};
use foldgate_domain::hint::hint;
use foldgate_proto::Timestamp;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, timeout_at};

use super::{Answer, Call, Limit, Miss, Until};
use crate::dialect::Translation;
use crate::endpoint::{Endpoint, Gives};
use crate::error::{Problem, passed_on};
use crate::json::members;
use crate::pools::{Credential, Held};
use crate::realtime::downward;
use crate::relay::{Flow, Form};
use crate::transport::headers::for_client;
use crate::usage::{self, Tail};
use beginning::Beginning;

/// How much of an error is read; every real one is far shorter.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How long the rest of an error may take.
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// Up to this size an answer is held until it is whole, so that one that breaks
/// off can still fail over; beyond it memory matters more.
const MAX_HELD_BYTES: usize = 1024 * 1024;

/// Up to this size an answer is translated: it is held until it is whole.
const MAX_TRANSLATED_BYTES: usize = 32 * 1024 * 1024;

/// Up to this size an answer with status 200 may be an error.
const MAX_HIDDEN_ERROR_BYTES: usize = MAX_ERROR_BYTES;

/// What may come of a stream before its first event: pings of a comment every
/// few seconds stay far below for as long as anybody waits.
const MAX_PREAMBLE_BYTES: usize = 256 * 1024;

/// An answer found good.
pub(super) enum Seen {
    Whole(Response<()>, Bytes, Option<usage::Usage>),
    Begun(Response<()>, Form, Option<Incoming>),
    Switched(Response<()>, OnUpgrade),
}

impl Seen {
    /// Whether it was held until all of it was here.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(..))
    }

    /// The answer; the key stays in use as long as it is under way.
    pub(super) fn with(self, key: Box<Held>) -> Answer {
        match self {
            Self::Whole(head, body, usage) => Answer::Whole { head, body, usage },
            Self::Begun(head, form, rest) => Answer::Begun {
                head,
                form,
                rest,
                held: key,
            },
            Self::Switched(head, upgrade) => Answer::Switched {
                head,
                upgrade,
                held: key,
            },
        }
    }
}

/// Looks at an answer.
///
/// # Errors
/// What was wrong with it.
pub(super) async fn look(
    call: &Call<'_>,
    (mut answer, translation): (Response<Incoming>, Option<Translation>),
    credential: &Credential,
    until: Until,
) -> Result<Seen, Miss> {
    if call.endpoint.gives == Gives::Socket && answer.status().is_success() {
        return Err(Miss::broken("the provider does not switch to a WebSocket"));
    }
    if call.endpoint.gives == Gives::Socket && answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let mut head = Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = downward(answer.headers());
        return Ok(Seen::Switched(head, hyper::upgrade::on(&mut answer)));
    }
    let (parts, body) = answer.into_parts();
    if parts.status.is_redirection() || parts.status.is_informational() {
        return Err(Miss::broken("the provider answers with a redirect"));
    }
    if !parts.status.is_success() {
        let said = read_error(body, until.silence).await;
        let miss = refused(parts.status, &parts.headers, &said, credential);
        return Err(miss.about_id(call.place.0.is_some()));
    }
    let mut head = Response::new(());
    *head.status_mut() = parts.status;
    *head.headers_mut() = for_client(&parts.headers);
    if is_encoded(&parts.headers) {
        if translation.is_some() {
            return Err(Miss::broken(
                "the answer is packed, and cannot be translated",
            ));
        }
        if call.endpoint.gives == Gives::Json && !kind::may_be_answer(&parts.headers) {
            return Err(Miss::broken("the answer is of no type that is known"));
        }
        let (ready, tail) = (Vec::new(), Tail::of(call.endpoint));
        return Ok(Seen::Begun(head, Form::Bytes { ready, tail }, Some(body)));
    }
    let mut begun = Beginning::of(body);
    let mut is_stream = kind::is_event_stream(&parts.headers);
    if !is_stream && call.message.fields.stream {
        is_stream = begun.looks_like_events(until.first_byte).await?;
        if is_stream {
            let events = HeaderValue::from_static("text/event-stream");
            head.headers_mut().insert(CONTENT_TYPE, events);
        }
    }
    if is_stream {
        let flow = match translation {
            Some(translation) => Flow::translated(translation),
            None => Flow::new(call.endpoint.streams, call.hide_usage),
        };
        let (flow, rest) = first_event((begun, flow), credential, until.first_byte).await?;
        return Ok(Seen::Begun(head, Form::Events(Box::new(flow)), rest));
    }
    if call.endpoint.gives == Gives::Bytes && !kind::is_json(&parts.headers) {
        return first_piece((head, call.endpoint), begun, until.first_byte).await;
    }
    let patience = (until.silence, until.end);
    if let Some(translation) = translation {
        let model = &call.message.fields.model;
        let how = (&translation, model.as_str());
        return translated((head, how), begun, credential, patience).await;
    }
    whole((head, call.endpoint), begun, credential, patience).await
}

/// Reads an answer that is no stream, and says it in the caller's dialect.
async fn translated(
    (mut head, (translation, model)): (Response<()>, (&Translation, &str)),
    begun: Beginning,
    credential: &Credential,
    patience: (Limit<Duration>, Limit<Instant>),
) -> Result<Seen, Miss> {
    let (pieces, rest) = read(begun, MAX_TRANSLATED_BYTES, patience).await?;
    if rest.is_some() {
        return Err(Miss::broken("the answer is too large to be translated"));
    }
    let body = pieces.concat();
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let Some((written, usage)) = translation.whole(text, model) else {
        if body.len() <= MAX_HIDDEN_ERROR_BYTES && from_stream_error(&body).is_some() {
            return Err(hidden(&body, credential));
        }
        return Err(Miss::broken("the answer is not of its dialect"));
    };
    let json = HeaderValue::from_static("application/json");
    head.headers_mut().insert(CONTENT_TYPE, json);
    Ok(Seen::Whole(head, written, usage.map(usage::Usage::from)))
}

/// An answer that passes as it comes, whatever it is.
async fn first_piece(
    (head, endpoint): (Response<()>, &Endpoint),
    mut begun: Beginning,
    limit: Limit<Instant>,
) -> Result<Seen, Miss> {
    match timeout_at(limit.at, begun.next()).await {
        Err(_) => Err(Miss::late(&limit, "no answer in time")),
        Ok(Err(_)) => Err(Miss::broken("the answer broke off")),
        Ok(Ok(None)) => Ok(Seen::Whole(head, Bytes::new(), None)),
        Ok(Ok(Some(piece))) => {
            let (ready, tail) = (vec![piece], Tail::of(endpoint));
            let rest = Some(begun.into_body());
            Ok(Seen::Begun(head, Form::Bytes { ready, tail }, rest))
        }
    }
}

/// An answer whose status says that it failed.
fn refused(status: StatusCode, headers: &HeaderMap, said: &[u8], credential: &Credential) -> Miss {
    let failure = classify(status.as_u16(), said);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hint = hint(header, said, Timestamp::from(Utc::now()));
    Miss {
        hint,
        ..miss(failure, status, said, credential)
    }
}

/// What an error says, as far as it comes.
async fn read_error(body: Incoming, silence: Limit<Duration>) -> Vec<u8> {
    let end = Limit::gateways(ERROR_PATIENCE).begun();
    let read = read(Beginning::of(body), MAX_ERROR_BYTES, (silence, end)).await;
    read.map_or_else(|_| Vec::new(), |(pieces, _)| pieces.concat())
}

fn miss(failure: Failure, status: StatusCode, said: &[u8], credential: &Credential) -> Miss {
    let mut miss = Miss::of(failure);
    // What other failures say is about the key, and none of the client's business.
    let about_request = miss.is_client_fault() || miss.is_not_here();
    if about_request && status.is_client_error() {
        let words = passed_on(status, said, credential.scrubber());
        miss.problem = words.unwrap_or_else(|| Problem::refused_upstream(status));
    }
    miss
}

/// Reads on until an event says something.
async fn first_event(
    (mut begun, mut flow): (Beginning, Flow),
    credential: &Credential,
    limit: Limit<Instant>,
) -> Result<(Flow, Option<Incoming>), Miss> {
    loop {
        let next = match timeout_at(limit.at, begun.next()).await {
            Err(_) => return Err(Miss::late(&limit, "no event in time")),
            Ok(Err(_)) => return Err(Miss::broken("the stream broke before its first event")),
            Ok(Ok(next)) => next,
        };
        let ended = next.is_none();
        match next {
            Some(data) => flow.push(&data),
            None => flow.finish(),
        }
        if flow.is_hollow() {
            return Err(Miss::broken("the stream holds no answer"));
        }
        if flow.has_begun() && (!ended || flow.is_complete()) {
            let rest = if ended { None } else { begun.rest(&mut flow) };
            return Ok((flow, rest));
        }
        if let Some(error) = flow.take_error() {
            return Err(hidden(error.as_bytes(), credential));
        }
        if flow.preamble() > MAX_PREAMBLE_BYTES {
            return Err(Miss::broken("the stream does not come to its first event"));
        }
        if ended {
            return Err(Miss::broken("the stream ended before its first event"));
        }
    }
}

/// Reads an answer that is no stream.
async fn whole(
    (head, endpoint): (Response<()>, &Endpoint),
    begun: Beginning,
    credential: &Credential,
    patience: (Limit<Duration>, Limit<Instant>),
) -> Result<Seen, Miss> {
    let gives = endpoint.gives;
    let (mut pieces, rest) = read(begun, MAX_HELD_BYTES, patience).await?;
    if rest.is_some() {
        let first = pieces.first().map(Bytes::as_ref).unwrap_or_default();
        let is_text = gives == Gives::Text && kind::is_text(head.headers());
        if !is_text && !kind::may_be_answer(head.headers()) && !kind::begins_json(first) {
            return Err(Miss::broken("the answer is of no type that is known"));
        }
        let mut tail = Tail::of(endpoint);
        for piece in &pieces {
            tail.push(piece);
        }
        return Ok(Seen::Begun(
            head,
            Form::Bytes {
                ready: pieces,
                tail,
            },
            rest,
        ));
    }
    let body = match pieces.len() {
        0 => return Err(Miss::broken("the answer is empty")),
        1 => pieces.pop().unwrap_or_default(),
        _ => pieces.concat().into(),
    };
    if gives == Gives::Text && kind::is_text(head.headers()) {
        return Ok(Seen::Whole(head, body, None));
    }
    let Some(text) = kind::json(&body) else {
        return Err(Miss::broken("the answer is not JSON"));
    };
    if body.len() <= MAX_HIDDEN_ERROR_BYTES && is_hidden_error(text) {
        return Err(hidden(&body, credential));
    }
    let usage = usage::of_whole(endpoint, &body);
    Ok(Seen::Whole(head, body, usage))
}

/// The body until it ends, or has more than `limit` bytes: then what is left of
/// it comes back too. Patience ends with a silence, or at a time.
async fn read(
    mut begun: Beginning,
    limit: usize,
    (silence, end): (Limit<Duration>, Limit<Instant>),
) -> Result<(Vec<Bytes>, Option<Incoming>), Miss> {
    let mut pieces = Vec::new();
    let mut size = 0;
    loop {
        let patience = end.earlier(silence.begun());
        match timeout_at(patience.at, begun.next()).await {
            Err(_) => return Err(Miss::late(&patience, "the answer did not end in time")),
            Ok(Ok(None)) => return Ok((pieces, None)),
            Ok(Err(_)) => return Err(Miss::broken("the answer broke off")),
            Ok(Ok(Some(data))) => {
                size += data.len();
                pieces.push(data);
            }
        }
        if size > limit && begun.is_read() {
            return Ok((pieces, Some(begun.into_body())));
        }
    }
}

/// An error behind a 200.
fn hidden(data: &[u8], credential: &Credential) -> Miss {
    let failure = from_stream_error(data);
    let failure = failure.unwrap_or_else(|| Failure::broken("an error behind a 200"));
    let status = match failure.class {
        FailureClass::NotHere => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    miss(failure, status, data, credential)
}

fn is_hidden_error(text: &str) -> bool {
    let is_answer = members(text, &["choices", "data", "output"])
        .is_ok_and(|found| found.values.iter().any(Option::is_some));
    !is_answer && from_stream_error(text.as_bytes()).is_some()
}

/// Whether the body cannot be read as it is, although we asked for that.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
