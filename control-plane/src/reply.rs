//! Answers that are a success: the owner API's `{"success": true, ...}`, with
//! the revision they stand at.

use axum::response::{IntoResponse, Response};
use foldgate_domain::{OwnerState, State};
use foldgate_proto::{OwnerId, Revision};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::auth::Authenticated;
use crate::error::{Error, RECORD_HEADER};
use crate::writer::Settled;

mod events;

/// The revision an answer stands at: of the write, or of the table read from.
pub(crate) static REVISION_HEADER: HeaderName = HeaderName::from_static("x-foldgate-revision");

/// Set when the same request was answered before and nothing was written now.
pub(crate) static REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A settled write, on the way to its answer.
#[derive(Debug)]
pub(crate) struct Done {
    settled: Settled,
    revision: Revision,
    dry_run: bool,
}

impl Done {
    /// A write that stands.
    pub(crate) fn new(settled: Settled) -> Self {
        Self {
            revision: settled.revision(),
            settled,
            dry_run: false,
        }
    }

    /// What a write would come to, decided at `revision`.
    pub(crate) const fn dry_run(settled: Settled, revision: Revision) -> Self {
        Self {
            settled,
            revision,
            dry_run: true,
        }
    }

    /// A request that asked for what is so already.
    pub(crate) fn unchanged(state: &State) -> Self {
        Self::new(Settled {
            state: state.clone(),
            events: Vec::new(),
            warnings: Vec::new(),
            record: None,
            replayed: None,
        })
    }

    /// The owner right behind the write.
    ///
    /// # Errors
    /// The owner is gone.
    pub(crate) fn owner(&self, id: OwnerId) -> Result<&OwnerState, Error> {
        let owner = self.settled.state.owner(id);
        owner.map(AsRef::as_ref).ok_or(Error::Internal)
    }

    /// The number of the resource that was made or changed.
    pub(crate) fn subject(&self) -> Option<u64> {
        self.settled.subject()
    }

    /// Adds a warning that only the edge could know.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.settled.warnings.push(warning.into());
    }

    /// The answer: `success`, the body's own fields, and `warnings` if any.
    pub(crate) fn reply(self, body: Value) -> Response {
        let mut map = match body {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        map.insert("success".to_owned(), json!(true));
        if !self.settled.warnings.is_empty() {
            map.insert("warnings".to_owned(), json!(self.settled.warnings));
        }
        if self.dry_run {
            map.insert("dry_run".to_owned(), json!(true));
            let events = events::shown(&self.settled.events);
            map.insert("events".to_owned(), Value::Array(events));
        }
        let mut response = ok(&Value::Object(map), self.revision);
        let headers = response.headers_mut();
        if let Some(record) = self.settled.record
            && !self.dry_run
            && let Ok(value) = HeaderValue::try_from(record.to_string())
        {
            headers.insert(RECORD_HEADER.clone(), value);
        }
        if self.settled.replayed.is_some() {
            headers.insert(REPLAYED_HEADER.clone(), HeaderValue::from_static("true"));
        }
        response
    }
}

/// The answer to a read, from the table the caller was verified against.
pub(crate) fn read(caller: &Authenticated, body: &impl Serialize) -> Response {
    ok(body, caller.table().revision())
}

/// An answer of status 200 that stands at `revision`.
pub(crate) fn ok(body: &impl Serialize, revision: Revision) -> Response {
    let Ok(bytes) = serde_json::to_vec(body) else {
        tracing::error!("an answer could not be encoded");
        return Error::Internal.into_response();
    };
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REVISION_HEADER.clone(), HeaderValue::from(revision.0));
    response
}
