//! Forms with files (`multipart/form-data`), relayed while they come.
//!
//! `model` is a field of the form, and may stand before the file or behind it (as in
//! the provider's own examples for curl). So a form is read and held until its `model`
//! is known, as far as a JSON body would be held too ([`Bounds::held`]); from there on
//! what comes goes on at once, and nothing is held but a short tape of it. A client
//! that names the model first, as the SDKs do, is never held. A form that names none
//! (an upload of a file) is not read ahead at all.
//!
//! What was sent can be sent again to the next key as long as all of it is held: what
//! was read to find the model, and of what came behind it up to [`TAPE_BYTES`]. A
//! longer form goes to one key; if that fails in its midst, the client is told.
//!
//! Spooling to disk was rejected: a node needs no disk to serve, and whoever sends a
//! large file may name the model first. So was a library (`multer`): it hands out
//! fields, but not the bytes between them, and these must pass as they are.
//!
//! The rest of the form is watched while it passes: a second `model` would let a
//! caller use what it may not, so the form is broken off there. So it is at a second
//! `n`, `size` or `quality`, by which images are billed ([`Priced`]).

mod scan;
mod tape;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::body::{Fields, Inbound, Spot, check_model};
use crate::endpoint::{Endpoint, Takes};
use crate::error::Problem;
use scan::Wrong;
pub(crate) use scan::{Priced, Scanner};
pub(crate) use tape::{Rest, Spoilt, Tape};

/// How much of what is relayed is kept to be sent again.
const TAPE_BYTES: usize = 1024 * 1024;

/// The largest form; what the largest known upload of a provider may have.
const MAX_FORM_BYTES: u64 = 512 * 1024 * 1024;

/// How long a whole form may take: the largest at over a megabit a second.
const DEADLINE: Duration = Duration::from_hours(1);

/// The longest boundary, by RFC 2046.
const MAX_BOUNDARY_BYTES: usize = 70;

/// Bounds on one form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How much is read before the model is known.
    pub(crate) held: usize,
    /// How long a client may be silent.
    pub(crate) idle: Duration,
}

/// A form that has begun.
pub(crate) struct Form {
    /// What it says.
    pub(crate) fields: Fields,
    /// What is held of its beginning.
    pub(crate) held: Bytes,
    /// What it says that it is billed by, as far as it is held.
    pub(crate) priced: Priced,
    /// What is still to come, if anything is.
    pub(crate) tape: Option<Tape>,
}

/// The boundary of a form, by its headers.
///
/// # Errors
/// 415 when the body is no form, or is packed.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<String, Problem> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
    let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(Problem::not_a_form());
    }
    let found = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then_some(value)
    });
    let boundary = found.unwrap_or("").trim().trim_matches('"');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
    let sound = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()) && boundary.bytes().all(plain);
    if sound {
        Ok(boundary.to_owned())
    } else {
        Err(Problem::not_a_form())
    }
}

/// Reads a form as far as it must be read before it goes on.
///
/// # Errors
/// 400 when it is none or names no model, 413 when its model stands behind too much,
/// 408 when it comes too slowly.
pub(crate) async fn open(
    body: &mut Inbound,
    (endpoint, boundary): (&Endpoint, &str),
    bounds: Bounds,
) -> Result<Form, Problem> {
    if body.size_hint().lower() > MAX_FORM_BYTES {
        return Err(Problem::too_large_form(MAX_FORM_BYTES));
    }
    let mut scanner = Scanner::new(boundary);
    let mut held = BytesMut::new();
    let mut ended = false;
    let end = Instant::now() + DEADLINE;
    let wants_model = endpoint.takes == Takes::Form;
    while wants_model && !ended && !scanner.has_model() {
        match timeout_at(end.min(Instant::now() + bounds.idle), body.frame()).await {
            Err(_) => return Err(Problem::slow_body()),
            Ok(None) => ended = true,
            Ok(Some(Err(_))) => return Err(Problem::invalid("the request body broke off")),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if held.len() + data.len() > bounds.held {
                    return Err(Problem::late_model(bounds.held));
                }
                scanner.feed(&data).map_err(problem)?;
                held.extend_from_slice(&data);
            }
        }
    }
    ended |= body.is_end_stream();
    if ended {
        scanner.finish().map_err(problem)?;
    }
    let fields = fields(&scanner, endpoint, boundary)?;
    let priced = scanner.priced().clone();
    let size = body.size_hint();
    let tape = (!ended).then(|| {
        Tape::new(tape::Source {
            body: std::mem::replace(body, Inbound::none()),
            scanner,
            left: MAX_FORM_BYTES.saturating_sub(held.len() as u64),
            idle: bounds.idle,
            end,
            exact: size.exact(),
        })
    });
    Ok(Form {
        fields,
        held: held.freeze(),
        priced,
        tape,
    })
}

fn fields(scanner: &Scanner, endpoint: &Endpoint, boundary: &str) -> Result<Fields, Problem> {
    let mut fields = Fields::none(endpoint);
    fields.stream = scanner.streams();
    if endpoint.takes != Takes::Form {
        return Ok(fields);
    }
    match (scanner.model(), endpoint.usual) {
        (Some((model, at)), _) => {
            check_model(model)?;
            model.clone_into(&mut fields.model);
            fields.model_at = Spot::Form(at);
        }
        (None, Some(usual)) => {
            usual.clone_into(&mut fields.model);
            fields.model_at = Spot::Before(scanner.first_part(), boundary.to_owned());
        }
        (None, None) => {
            return Err(Problem::invalid("you must provide a model parameter").about("model"));
        }
    }
    Ok(fields)
}

/// What a client is told of a form that is wrong.
fn problem(wrong: Wrong) -> Problem {
    let problem = Problem::invalid(wrong.to_string());
    match wrong {
        Wrong::Twice | Wrong::Model => problem.about("model"),
        Wrong::Again(name) | Wrong::Long(name) => problem.about(name),
        Wrong::Head | Wrong::Unfinished => problem,
    }
}

#[cfg(test)]
mod tests;
