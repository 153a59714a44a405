//! What every request brings beside its body: an id, an address, a reason, a
//! retry key. Read once, here, so that handlers see only valid values.

use std::borrow::Cow;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use bytes::Bytes;
use foldgate_domain::command::Seen;
use foldgate_proto::{Idempotency, RecordHash};
use foldgate_runtime::Peer;
use foldgate_vault::Vault;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Extensions, Uri};

use crate::app::App;
use crate::error::Error;

pub(crate) mod fields;
pub(crate) mod id;
pub(crate) mod if_match;
pub(crate) mod json;
pub(crate) mod min_revision;
pub(crate) mod query;
pub(crate) mod quote;
pub(crate) mod segments;
pub(crate) mod wait;

pub(crate) use fields::Fields;
pub(crate) use id::RequestId;
pub(crate) use segments::Segments;

/// The largest body of an admin request: PRICING may have 128 KB as a string,
/// in which every character may be escaped; the rest is small.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The longest `X-Foldgate-Reason`, in characters.
pub(crate) const MAX_REASON_CHARS: usize = 500;

/// The longest `Idempotency-Key`, in bytes; the window holds up to 100,000.
pub(crate) const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

const REASON: &str = "x-foldgate-reason";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request that wants to write: its body, and what its record will say of it.
#[derive(Debug)]
pub(crate) struct Write {
    /// What the record will say.
    pub stamp: Stamp,
    /// Only show what would be written.
    pub dry_run: bool,
    /// What the client believes of the resource.
    pub if_match: Option<Seen>,
    /// What the client wants it not to be.
    pub if_none_match: Option<Seen>,
    /// Answer only once the fleet has it.
    pub wait_for_fleet: bool,
    body: Bytes,
    is_json: bool,
}

/// Who, from where, why: what a record says of its request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The client's address.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// Why, in the client's own words.
    pub reason: Option<String>,
    /// The client's retry key.
    pub idempotency: Option<Idempotency>,
}

impl Write {
    /// The body as a JSON object.
    ///
    /// # Errors
    /// Another content type, no JSON, no object, a key that comes twice.
    pub(crate) fn fields(&self) -> Result<Fields, Error> {
        if !self.is_json {
            return Err(Error::NotJson);
        }
        json::object(&self.body).map(Fields::new)
    }

    /// The body as it came.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl FromRequest<App> for Write {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let headers = &parts.headers;
        if announced_length(headers).is_some_and(|length| length > MAX_BODY_BYTES) {
            return Err(too_large());
        }
        if is_encoded(headers) {
            return Err(Error::Encoded);
        }
        let body = axum::body::to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|error| body_error(&error))?;
        let request_hash = |key: &str| {
            let mut text = format!("{} {}\n", parts.method, asked_for(&parts.uri)).into_bytes();
            text.extend_from_slice(&body);
            known_by(&app.vault, key, &text)
        };
        let stamp = Stamp {
            address: address(&parts.extensions),
            request_id: RequestId::of(&parts.extensions),
            reason: reason(headers)?,
            idempotency: idempotency_key(headers)?.map(|key| Idempotency {
                request_hash: request_hash(&key),
                key,
            }),
        };
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            stamp,
            if_match: if_match::one_of(headers)?,
            if_none_match: if_match::none_of(headers)?,
            wait_for_fleet: wait::wanted(query, headers)?,
            dry_run: query::flag(query, query::DRY_RUN)?,
            is_json: is_json(headers),
            body,
        })
    }
}

/// The client's address as the accept loop saw it. Headers such as
/// `X-Forwarded-For` are not believed: anybody can send them, and a record has
/// to say who it really was.
pub(crate) fn address(extensions: &Extensions) -> Option<String> {
    let peer = extensions.get::<Peer>()?;
    Some(peer.address.ip().to_canonical().to_string())
}

/// A path and its parameters as a retry is recognised by: without a trailing
/// slash, and with only what changes what is written. Whether a client waits for
/// the fleet is no part of that, and a dry run writes nothing.
fn asked_for(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let mut parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| ![wait::WAIT, query::DRY_RUN].contains(&name.as_ref()))
            .collect();
    parameters.sort();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("{}?{query}", uri.path().trim_end_matches('/'))
}

/// What a request under a retry key is recognised by. A plain hash would stand in the
/// log, where whoever reads it could try passwords on the rest of a request that he
/// knows; this one is made by the master key, and is another under another retry key.
/// A retry across a change of the master key is refused as another request, which
/// writes nothing.
fn known_by(vault: &Vault, key: &str, request: &[u8]) -> RecordHash {
    RecordHash(vault.fingerprint(key, request))
}

/// Whether the body is compressed: nothing here would unpack it.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| {
        let coding = value.as_bytes().trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    })
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

const fn too_large() -> Error {
    Error::BodyTooLarge {
        limit: MAX_BODY_BYTES,
    }
}

fn body_error(error: &axum::Error) -> Error {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(at) = source {
        if at.is::<http_body_util::LengthLimitError>() {
            return too_large();
        }
        source = at.source();
    }
    Error::BodyCut
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn reason(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get(REASON) else {
        return Ok(None);
    };
    let refuse = |problem: String| Err(Error::field("X-Foldgate-Reason", problem));
    let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
        return refuse("is no UTF-8 text".to_owned());
    };
    let chars = text.chars().count();
    if chars > MAX_REASON_CHARS {
        return refuse(format!(
            "{chars} characters are more than {MAX_REASON_CHARS}"
        ));
    }
    if text.chars().any(char::is_control) {
        return refuse("holds control characters".to_owned());
    }
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    let fits = (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&bytes.len());
    match value.to_str() {
        Ok(text) if fits && values.next().is_none() => Ok(Some(text.to_owned())),
        _ => Err(Error::field(
            "Idempotency-Key",
            format!("must be one value of 1 to {MAX_IDEMPOTENCY_KEY_BYTES} ASCII characters"),
        )),
    }
}
