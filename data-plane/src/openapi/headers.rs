//! Headers in the document: what a call may say in them, and what its answer tells.

use serde_json::{Map, Value, json};

use super::done;
use crate::dialect::Caller;
use crate::endpoint::Endpoint;
use crate::limits::shown_to;

/// What a request may say of the targets of a model that routes.
pub(super) fn routing() -> Value {
    let header = |name: &str, about: &str| {
        json!({
            "name": name,
            "in": "header",
            "required": false,
            "description": about,
            "schema": {"type": "string"},
        })
    };
    json!([
        header(
            "x-foldgate-routing-tags",
            "tags, with commas between them: only targets with one of them, else those tagged \
             `default`",
        ),
        header(
            "x-foldgate-routing-key",
            "calls with the same key go to the same target, by `consistent_hash`",
        ),
    ])
}

/// Adds what the answer to a call tells when all went well.
pub(super) fn add_told(endpoint: &Endpoint, responses: &mut Value) {
    let mut told = limits(endpoint.caller());
    if endpoint.takes.names_model() {
        let served_by = json!({
            "description": "the model that a model which routes led to",
            "schema": {"type": "string"},
        });
        told.insert("x-foldgate-served-by".to_owned(), served_by);
    }
    responses[done(endpoint)]["headers"] = told.into();
}

/// What an error tells, whoever is told.
pub(super) fn of_errors() -> Value {
    let mut told = limits(Caller::OpenAi);
    told.extend(limits(Caller::Anthropic));
    let wait = json!({
        "description": "in how many seconds it makes sense to try again, where it does",
        "schema": {"type": "integer", "minimum": 1},
    });
    told.insert("retry-after".to_owned(), wait);
    let again = json!({
        "description": "whether the same request may be served within two minutes",
        "schema": {"type": "string", "enum": ["true", "false"]},
    });
    told.insert("x-should-retry".to_owned(), again);
    told.into()
}

/// How the limits of a caller stand; none of them where it has no limit.
fn limits(caller: Caller) -> Map<String, Value> {
    let mut told = Map::new();
    for ([limit, remaining, reset], unit) in
        shown_to(caller).into_iter().zip(["requests", "tokens"])
    {
        let count = |about: &str| {
            json!({
                "description": format!("{unit}: {about}"),
                "schema": {"type": "integer", "minimum": 0},
            })
        };
        let most = count("how many the scarcest limit on the caller or the model lets through");
        told.insert(limit.to_string(), most);
        told.insert(remaining.to_string(), count("how many of them are left"));
        let when = match caller {
            Caller::OpenAi => json!({
                "description": format!("{unit}: in how long all are there again, such as `1m30s`"),
                "schema": {"type": "string"},
            }),
            Caller::Anthropic => json!({
                "description": format!("{unit}: when all are there again (messages only)"),
                "schema": {"type": "string", "format": "date-time"},
            }),
        };
        told.insert(reset.to_string(), when);
    }
    told
}
