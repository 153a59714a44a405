//! `GET /admin/openapi.json`: the API's document, OpenAPI 3.1, made by walking
//! the routes that are mounted ([`routes::mounted`]). What there is to say of each
//! stands in one file per chapter; what follows from a route by itself (who may
//! call it, its parameters, the errors it can answer) is worked out.
//!
//! A new route is documented by one [`Operation`] in its chapter. A test fails
//! while a mounted route has none, or one is documented that is not mounted.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use foldgate_proto::RecordHash;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::Error;
use crate::request::{if_match, query};
use crate::routes;

mod accounts;
mod admin;
mod answer;
mod bills;
mod caller_keys;
mod config;
mod dashboard;
mod definitions;
mod entries;
mod history;
mod keys;
mod open;
mod operation;
pub(crate) mod page;
mod parameter;
mod playground;
mod schema;
#[cfg(test)]
mod tests;
mod written;

use operation::Operation;
use schema::Components;

/// Where the document is.
pub(crate) const DOCUMENT: &str = "/admin/openapi.json";

/// What stands above everything.
const ABOUT: &str = "\
The admin listener of Foldgate: the admin API under `/admin/v1` and the owner API (`/x-*`, \
`/dashboard/*`). Both write to the same log, and what one has made the other shows.

Errors under `/admin` are `{\"error_msg\", \"code\", \"param\"?}`; the playground's are the proxy's, \
`{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`, unless this listener itself refuses; elsewhere they \
are `{\"success\": false, \"error\": {\"message\", \"type\", \"code\", \"param\"?}}`.

Every write answers with `X-Foldgate-Revision`, its position in the log, and takes `?dry_run=true`, \
`Idempotency-Key`, `X-Foldgate-Reason` and `?wait=fleet`; one that changes what is there already also \
`If-Match`, with the ETag that it was read with.";

/// The chapters, in the order they are shown in.
const TAGS: &[(&str, &str)] = &[
    ("Provider keys", "The pools of upstream keys."),
    (
        "Configuration",
        "What routes requests, and what is in force.",
    ),
    ("Accounts", "The tree of accounts below the owner."),
    ("Caller keys", "The keys that accounts call with."),
    ("News", "Notifications."),
    ("Dashboard", "What a caller is, may, and did."),
    ("Bills", "What accounts used, and what it cost."),
    (
        "Models",
        "The models a caller may name, and where they lead.",
    ),
    ("Administration", "Who administers, and how the fleet is."),
    (
        "History",
        "What happened, the states that were, and bringing them back.",
    ),
    (
        "Resources",
        "What is defined beside keys, accounts and models: guardrails, policies.",
    ),
    ("Public", "What needs no key."),
];

/// A text that is made once and served from memory.
pub(crate) struct Fixed {
    kind: &'static str,
    text: Bytes,
    etag: HeaderValue,
}

static SERVED: LazyLock<Fixed> =
    LazyLock::new(|| Fixed::new("application/json", whole().to_string()));

/// `GET /admin/openapi.json`
pub(crate) async fn document(State(_): State<App>, request: Request) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    query::check(&parts)?;
    Ok(SERVED.reply(&parts.headers))
}

impl Fixed {
    /// A text, with an ETag made of it.
    pub(crate) fn new(kind: &'static str, text: impl Into<Bytes>) -> Self {
        let text = text.into();
        let hash = RecordHash::of(&text).to_string();
        let etag = HeaderValue::try_from(format!("\"{}\"", &hash[..16]));
        Self {
            kind,
            text,
            etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"0\"")),
        }
    }

    /// The answer to a client that may have it already.
    pub(crate) fn reply(&self, headers: &HeaderMap) -> Response {
        let has = if_match::has(headers, self.etag.as_bytes());
        let mut response = if has {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.text.clone().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if has {
            headers.remove(CONTENT_TYPE);
        }
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

/// The documentation of every operation, chapter by chapter.
fn operations(components: &mut Components) -> Vec<Operation> {
    let mut all = keys::operations(components);
    all.extend(config::operations(components));
    all.extend(accounts::operations(components));
    all.extend(caller_keys::operations(components));
    all.extend(dashboard::operations(components));
    all.extend(bills::operations(components));
    all.extend(admin::operations(components));
    all.extend(entries::operations(components));
    all.extend(definitions::operations(components));
    all.extend(history::operations(components));
    all.extend(playground::operations(components));
    all.extend(open::operations());
    all
}

/// The whole document.
fn whole() -> Value {
    let mut components = Components::new();
    for (name, schema) in answer::bodies() {
        components.name(name, schema);
    }
    let documented: BTreeMap<_, _> = operations(&mut components)
        .into_iter()
        .map(|operation| ((operation.path, operation.method), operation))
        .collect();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::mounted() {
        if let Some(operation) = documented.get(&route) {
            let path = paths.entry(shown(route.0)).or_insert_with(|| json!({}));
            path[route.1.to_ascii_lowercase()] = operation.render();
        }
    }
    let tags: Vec<Value> = TAGS
        .iter()
        .map(|(name, about)| json!({"name": name, "description": about}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Foldgate: admin listener",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": components.finish(),
            "parameters": parameter::components(),
            "headers": answer::headers(),
            "responses": answer::responses(),
            "securitySchemes": security(),
        },
    })
}

/// A path as OpenAPI writes it.
fn shown(path: &str) -> String {
    path.replace("{*", "{")
}

fn security() -> Value {
    let bearer = |about: &str| json!({"type": "http", "scheme": "bearer", "description": about});
    json!({
        "AdminBearer": bearer("the owner key, an admin key, or (where accounts may) a caller key"),
        "AdminKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "the same key, in a header of its own",
        },
        "ProxyBearer": bearer("a caller key, as on the proxy; the owner key counts as one"),
    })
}
