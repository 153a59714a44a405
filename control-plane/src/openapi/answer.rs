//! What an operation can answer: its success, and every error that follows from
//! what it is. `error.rs` has the statuses; here stands which routes they may
//! come from.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::operation::{Door, Operation, Pages, Success};
use super::schema::{self, count, object, text, words};
use crate::error::envelope::Form;

/// Where the owner API's errors are described.
const OWNER_ERROR: &str = "OwnerError";

/// Where the admin API's errors are described.
const ADMIN_ERROR: &str = "AdminError";

/// What a 304 says.
pub(super) const UNCHANGED: &str = "what the client has is still so";

/// Every status an operation can answer, with its response.
pub(super) fn all(operation: &Operation) -> Map<String, Value> {
    let mut responses = Map::new();
    if let Some(success) = &operation.success {
        responses.insert("200".to_owned(), done(operation, success));
    }
    if operation.if_none_match {
        let mut headers = always();
        headers.insert("X-Foldgate-Revision".to_owned(), header("Revision"));
        headers.insert("ETag".to_owned(), header("ETag"));
        let unchanged = json!({"description": UNCHANGED, "headers": headers});
        responses.insert("304".to_owned(), unchanged);
    }
    for status in errors(operation) {
        let pointer = format!("#/components/responses/{}", name(status, operation.path));
        responses.insert(status.to_string(), json!({"$ref": pointer}));
    }
    for (status, about, content) in &operation.others {
        let mut headers = always();
        own(operation, &mut headers);
        failing(*status, &mut headers);
        let mut response = json!({"description": about, "headers": headers});
        if !content.is_null() {
            response["content"] = content.clone();
        }
        responses.insert(label(*status), response);
    }
    responses
}

/// A status as the document has it.
fn label(status: u16) -> String {
    match status {
        1..=5 => format!("{status}XX"),
        status => status.to_string(),
    }
}

/// The errors that follow from what an operation is, and its own.
fn errors(operation: &Operation) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = operation.also.iter().copied().collect();
    if matches!(operation.door, Door::Open | Door::Proxy) {
        return statuses;
    }
    // A parameter or header; the key; how much and how long; the log.
    statuses.extend([400, 401, 403, 429, 500, 503, 504]);
    if operation.path.contains('{') {
        statuses.insert(404);
    }
    if !operation.reads() {
        // Also what a write refers to may be gone.
        statuses.extend([404, 409, 412, 413, 415, 422]);
    }
    statuses
}

fn done(operation: &Operation, success: &Success) -> Value {
    let mut headers = always();
    if operation.door == Door::Keys {
        headers.insert("X-Foldgate-Revision".to_owned(), header("Revision"));
        if !operation.reads() {
            headers.insert("X-Foldgate-Record".to_owned(), header("Record"));
            headers.insert("Idempotency-Replayed".to_owned(), header("Replayed"));
        }
    }
    if operation.tagged || operation.if_match {
        headers.insert("ETag".to_owned(), header("ETag"));
    }
    if operation.pages == Pages::Linked {
        headers.insert("X-Total-Count".to_owned(), header("TotalCount"));
        headers.insert("Link".to_owned(), header("Link"));
    }
    if operation.pages == Pages::Numbered {
        for (name, of) in PAGES {
            headers.insert((*name).to_owned(), header(of));
        }
    }
    own(operation, &mut headers);
    let mut content = json!({success.kind: {"schema": success.schema}});
    if success.plain {
        content["text/plain"] = json!({"schema": text()});
    }
    for kind in &operation.kinds {
        content[kind] = json!({"schema": {"type": "string"}});
    }
    json!({
        "description": success.description,
        "headers": headers,
        "content": content,
    })
}

const PAGES: &[(&str, &str)] = &[
    ("X-Total-Count", "TotalCount"),
    ("X-Page", "Page"),
    ("X-Per-Page", "PerPage"),
    ("X-Total-Pages", "TotalPages"),
];

/// The headers that come with a status, whoever answers with it.
fn failing(status: u16, headers: &mut Map<String, Value>) {
    match status {
        401 => headers.insert("WWW-Authenticate".to_owned(), header("Authenticate")),
        429 | 503 => headers.insert("Retry-After".to_owned(), header("RetryAfter")),
        _ => None,
    };
}

/// The headers that only this operation's answers have.
fn own(operation: &Operation, headers: &mut Map<String, Value>) {
    for (name, component) in &operation.tells {
        headers.insert((*name).to_owned(), header(component));
    }
}

/// The headers of every answer.
fn always() -> Map<String, Value> {
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("RequestId"));
    headers
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

const STATUSES: &[u16] = &[
    400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503, 504,
];

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "a field, parameter or header breaks its rule; `param` names it",
        401 => "no key, or one that nobody has",
        403 => "the key is known, but may not do this",
        404 => "what the request names is not there",
        405 => "the path does not answer to this method; `Allow` names those it does",
        409 => {
            "it does not go together with what stands: a name is taken, a limit on how many \
                there may be is reached, others refer to it"
        }
        412 => "the resource is not as `If-Match` and `If-None-Match` ask",
        413 => "the body is larger than 1 MiB, or the change does not fit into one record",
        415 => "the body is no `application/json`, or is compressed",
        422 => "the Idempotency-Key was used for another request",
        429 => "too much at once; `Retry-After` says when to come again",
        500 => "a fault of this process; its log says more",
        503 => {
            "this node cannot do it now (the log is away, or it has not folded far enough); \
                nothing was written"
        }
        504 => {
            "it took too long; with the code `outcome_unknown`, `record` names what may or may \
                not be written"
        }
        _ => "",
    }
}

fn name(status: u16, path: &str) -> String {
    match Form::of(path) {
        Form::Owner => format!("{OWNER_ERROR}{status}"),
        Form::Admin => format!("{ADMIN_ERROR}{status}"),
    }
}

/// The responses that errors are, in both forms.
pub(super) fn responses() -> Map<String, Value> {
    let mut responses = Map::new();
    for (form, path) in [(OWNER_ERROR, "/x"), (ADMIN_ERROR, "/admin")] {
        for status in STATUSES {
            let mut headers = always();
            headers.insert("X-Foldgate-Revision".to_owned(), header("Reached"));
            failing(*status, &mut headers);
            if *status == 504 {
                headers.insert("X-Foldgate-Record".to_owned(), header("Record"));
            }
            let schema = schema::named(form);
            responses.insert(
                name(*status, path),
                json!({
                    "description": meaning(*status),
                    "headers": headers,
                    "content": {"application/json": {"schema": schema}},
                }),
            );
        }
    }
    responses
}

/// The bodies of errors, by name.
pub(super) fn bodies() -> [(&'static str, Value); 2] {
    let code = || schema::about(text(), "a short constant name for programs");
    let param = || schema::about(text(), "the field, parameter or header it is about");
    let record = || schema::about(text(), "the record that may or may not be written");
    let message = || schema::about(text(), "what is wrong, in words");
    let more = || {
        let referrer = object(&[("kind", text()), ("id", text()), ("name", text())], &[]);
        let referrers = schema::about(schema::list(referrer), "definitions that refer to it");
        [
            ("param", param()),
            ("record", record()),
            ("referrers", referrers),
            ("referrer_count", count()),
        ]
    };
    let category = words(&[
        "authentication_error",
        "permission_error",
        "not_found_error",
        "conflict_error",
        "rate_limit_error",
        "server_error",
        "invalid_request_error",
    ]);
    let error = object(
        &[("message", message()), ("type", category), ("code", code())],
        &more(),
    );
    let owner = object(
        &[
            ("success", json!({"type": "boolean", "const": false})),
            ("error", error),
        ],
        &[],
    );
    let admin = object(&[("error_msg", message()), ("code", code())], &more());
    [(OWNER_ERROR, owner), (ADMIN_ERROR, admin)]
}

/// The headers of the data plane's answers, by name.
fn proxied() -> [(&'static str, Value); 6] {
    let may = |schema: Value, about: &str| json!({"description": about, "schema": schema});
    [
        (
            "ServedBy",
            may(text(), "the model that a model which routes led to"),
        ),
        (
            "Accelerated",
            may(
                words(&["no"]),
                "of a stream: no proxy on the way may hold it back",
            ),
        ),
        (
            "ShouldRetry",
            may(
                words(&["true", "false"]),
                "of an error: whether the same request may be served within two minutes",
            ),
        ),
        (
            "LimitedTo",
            may(
                count(),
                "how many a limit on the caller or the model lets through",
            ),
        ),
        (
            "LimitLeft",
            may(
                count(),
                "how many of them are left; the scarcest of all limits",
            ),
        ),
        (
            "LimitReset",
            may(text(), "in how long all are there again, such as `1m30s`"),
        ),
    ]
}

/// The headers of answers, by name.
pub(super) fn headers() -> Map<String, Value> {
    let must = |schema: Value, about: &str| json!({"required": true, "description": about, "schema": schema});
    let may = |schema: Value, about: &str| json!({"description": about, "schema": schema});
    let headers = [
        ("RequestId", must(text(), "the request's id, in logs too")),
        (
            "Revision",
            must(count(), "the position in the log that the answer stands at"),
        ),
        (
            "Reached",
            may(count(), "how far the node that answers has folded the log"),
        ),
        (
            "Record",
            may(text(), "the id of the record that was written"),
        ),
        (
            "Replayed",
            may(
                words(&["true"]),
                "the same request was answered before; nothing was written now",
            ),
        ),
        (
            "ETag",
            may(
                text(),
                "the revision of what is shown, for `If-Match` and `If-None-Match`",
            ),
        ),
        ("TotalCount", must(count(), "how many there are in all")),
        (
            "Link",
            may(text(), "where the next page is, if there is one"),
        ),
        ("Page", must(count(), "this page, from 1")),
        ("PerPage", must(count(), "how many a page has")),
        ("TotalPages", must(count(), "how many pages there are")),
        // The second is the data plane's, at the playground.
        (
            "Authenticate",
            must(
                words(&["Bearer", "Bearer realm=\"foldgate\""]),
                "how to log in",
            ),
        ),
        ("RetryAfter", may(count(), "seconds, where waiting helps")),
    ];
    let named = headers.into_iter().chain(proxied());
    named
        .map(|(name, header)| (name.to_owned(), header))
        .collect()
}
