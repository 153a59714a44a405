//! Answers that are a success: the owner API's `{"success": true, ...}`, with
//! the revision they stand at.

use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use foldgate_domain::{OwnerState, State};
use foldgate_proto::{Event, OwnerId, ResourceId, Revision};
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::auth::Authenticated;
use crate::error::{Error, RECORD_HEADER};
use crate::fleet::Waited;
use crate::history;
use crate::request::if_match;
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
    /// For a dry run, the state it was decided on.
    dry: Option<Dry>,
    /// The revision of the resource that was written to, if it is there.
    etag: Option<Revision>,
    /// How far the fleet is, if it was waited for.
    fleet: Option<Waited>,
}

/// What a dry run has to tell beside the rest.
#[derive(Debug)]
struct Dry {
    before: State,
    changes: Option<Value>,
}

impl Done {
    /// A write that stands.
    pub(crate) fn new(settled: Settled) -> Self {
        Self {
            revision: settled.revision(),
            settled,
            dry: None,
            etag: None,
            fleet: None,
        }
    }

    /// Says which resource was written to, so that the answer carries its ETag.
    pub(crate) fn stands_at(&mut self, owner: OwnerId, resource: Option<ResourceId>) {
        let owner = self.settled.state.owner(owner);
        let revision = owner
            .zip(resource)
            .and_then(|(o, id)| o.resource_revision(id));
        self.etag = revision;
    }

    /// Says how far the fleet is.
    pub(crate) fn reached(&mut self, waited: Waited) {
        self.fleet = Some(waited);
    }

    /// What a write would come to, decided on `before`.
    pub(crate) fn dry_run(settled: Settled, before: &State) -> Self {
        Self {
            settled,
            revision: before.revision,
            dry: Some(Dry {
                before: before.clone(),
                changes: None,
            }),
            etag: None,
            fleet: None,
        }
    }

    /// A request that says nothing new, whatever the state.
    pub(crate) fn unchanged(state: &State, dry_run: bool) -> Self {
        let settled = Settled {
            state: state.clone(),
            events: Vec::new(),
            warnings: Vec::new(),
            record: None,
            replayed: None,
        };
        if dry_run {
            Self::dry_run(settled, state)
        } else {
            Self::new(settled)
        }
    }

    /// Whether it was done just now, so that what is shown once may be shown.
    pub(crate) const fn is_new(&self) -> bool {
        self.dry.is_none() && self.settled.replayed.is_none()
    }

    /// How an answer says what was done: in a dry run it was not.
    pub(crate) const fn was<T: Copy>(&self, was: T, would_be: T) -> T {
        if self.dry.is_some() { would_be } else { was }
    }

    /// In a dry run, tells what `view` shows before and after.
    pub(crate) fn compare(&mut self, id: OwnerId, view: impl Fn(&OwnerState) -> Value) {
        let shown = |state: &State| state.owner(id).map_or(Value::Null, |owner| view(owner));
        let after = shown(&self.settled.state);
        if let Some(dry) = &mut self.dry {
            let before = shown(&dry.before);
            dry.changes = Some(json!({"before": before, "after": after}));
        }
    }

    /// What `view` shows of the resource that was written to, called `what`; in a dry
    /// run, tells it before and after.
    ///
    /// # Errors
    /// It is not there any more.
    pub(crate) fn show(
        &mut self,
        id: OwnerId,
        what: impl fmt::Display,
        view: impl Fn(&OwnerState) -> Option<Value>,
    ) -> Result<Value, Error> {
        self.compare(id, |owner| view(owner).unwrap_or_default());
        view(self.owner(id)?).ok_or_else(|| {
            let message = format!("{what}, which this request was about, is gone since");
            Error::Gone(message)
        })
    }

    /// In a dry run, tells what would change of an owner, resource by resource and
    /// field by field.
    pub(crate) fn tell_changes(&mut self, id: OwnerId) {
        let after = self.settled.state.owner(id);
        if let Some(dry) = &mut self.dry
            && let Some(after) = after
        {
            let before = dry.before.owner(id).map(AsRef::as_ref);
            dry.changes = Some(json!(history::changes(before, after)));
        }
    }

    /// What happened, or in a dry run would.
    pub(crate) fn events(&self) -> &[Event] {
        &self.settled.events
    }

    /// Whether the same request was settled before.
    pub(crate) const fn is_replay(&self) -> bool {
        self.settled.replayed.is_some()
    }

    /// Where it is written, if it is, now or before.
    pub(crate) fn written(&self) -> Option<Revision> {
        let written = self.dry.is_none() && self.settled.record.is_some();
        written.then_some(self.revision)
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

    /// Adds a warning that only the edge could know. A retry has none: what the write
    /// came to was told when it was done, and may be otherwise by now.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        if !self.is_replay() {
            self.settled.warnings.push(warning.into());
        }
    }

    /// The answer: `success`, the body's own fields, and `warnings` if any.
    pub(crate) fn reply(self, body: Value) -> Response {
        self.reply_with(body, [("success".to_owned(), json!(true))])
    }

    /// As [`Self::reply`], without `success`: an entry of the admin API, of which the
    /// status says enough.
    pub(crate) fn reply_bare(self, body: Value) -> Response {
        self.reply_with(body, [])
    }

    fn reply_with(self, body: Value, more: impl IntoIterator<Item = (String, Value)>) -> Response {
        let mut map = match body {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        map.extend(more);
        if !self.settled.warnings.is_empty() {
            map.insert("warnings".to_owned(), json!(self.settled.warnings));
        }
        if let Some(fleet) = &self.fleet {
            map.insert("fleet".to_owned(), json!(fleet));
        }
        let is_dry = self.dry.is_some();
        if let Some(dry) = self.dry {
            map.insert("dry_run".to_owned(), json!(true));
            if let Some(changes) = dry.changes {
                map.insert("changes".to_owned(), changes);
            }
            let events = events::shown(&self.settled.events);
            map.insert("events".to_owned(), Value::Array(events));
        }
        let mut response = ok(&Value::Object(map), self.revision);
        let headers = response.headers_mut();
        if let Some(record) = self.settled.record
            && !is_dry
            && let Ok(value) = HeaderValue::try_from(record.to_string())
        {
            headers.insert(RECORD_HEADER.clone(), value);
        }
        if let Some(etag) = self.etag.filter(|_| !is_dry) {
            insert_etag(headers, etag);
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

/// As [`read`], with a JSON body that is written by whoever makes it.
pub(crate) fn read_body(caller: &Authenticated, body: Body) -> Response {
    json_at(body, caller.table().revision())
}

/// As [`read`], of one resource: the answer carries its ETag.
pub(crate) fn read_one(
    caller: &Authenticated,
    resource: ResourceId,
    body: &impl Serialize,
) -> Response {
    let mut response = read(caller, body);
    tag(&mut response, caller, resource);
    response
}

/// As [`read_one`], where the ETag stands for all that is shown: a client that has it
/// gets no body again.
pub(crate) fn read_unless_known(
    caller: &Authenticated,
    resource: ResourceId,
    body: &impl Serialize,
    headers: &HeaderMap,
) -> Response {
    let mut response = read_one(caller, resource, body);
    let etag = response.headers().get(ETAG);
    if etag.is_some_and(|etag| if_match::has(headers, etag.as_bytes())) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

/// Gives an answer the ETag of the one resource it shows.
pub(crate) fn tag(response: &mut Response, caller: &Authenticated, resource: ResourceId) {
    if let Some(revision) = caller.owner().resource_revision(resource) {
        insert_etag(response.headers_mut(), revision);
    }
}

fn insert_etag(headers: &mut HeaderMap, revision: Revision) {
    if let Ok(value) = HeaderValue::try_from(if_match::etag(revision)) {
        headers.insert(ETAG, value);
    }
}

/// An answer of status 200 that stands at `revision`.
pub(crate) fn ok(body: &impl Serialize, revision: Revision) -> Response {
    let Ok(bytes) = serde_json::to_vec(body) else {
        tracing::error!("an answer could not be encoded");
        return Error::Internal.into_response();
    };
    json_at(Body::from(bytes), revision)
}

fn json_at(body: Body, revision: Revision) -> Response {
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REVISION_HEADER.clone(), HeaderValue::from(revision.0));
    response
}
