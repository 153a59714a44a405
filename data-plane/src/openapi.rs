//! `GET /openapi.json`: the proxy's document, OpenAPI 3.1, made of the table of
//! endpoints. Bodies are passed on unread but for the fields named here, so their
//! schemas are open: what else a provider takes, it takes.

use std::sync::LazyLock;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::account::{Account, End};
use crate::body::MAX_MODEL_BYTES;
use crate::dialect::Caller;
use crate::endpoint::{Endpoint, Gives, Streams, Takes, Target, served};
use crate::error::{Envelope, MessageError};
use crate::models::{Info, List, Model, Page};
use crate::proxy::listed;
use crate::relay::Body;

mod headers;
#[cfg(test)]
mod tests;

const ABOUT: &str = "\
Calls in the shape of OpenAI's API, and messages in that of Anthropic's, passed on to the upstream \
keys that serve the model. A key that fails is put to sleep for the whole fleet and the call goes to \
the next one. Where a key's upstream speaks another dialect, chat completions and messages are \
translated; what it has no word for is a 400 that names the field.

Errors are `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`; `type` says whose side failed. \
Those of `/v1/messages` are Anthropic's: `{\"type\": \"error\", \"error\": {\"type\", \"message\"}, \
\"request_id\"}`. Whoever sends `anthropic-version` is shown the list of models in that shape too.";

/// The errors of a call, and what they mean.
const ERRORS: &[(u16, &str)] = &[
    (
        400,
        "the request cannot be understood, or no target takes its tags",
    ),
    (401, "no key, or one that nobody has"),
    (
        402,
        "the account's credit is spent, or it has come to its HardLimit",
    ),
    (403, "the key may not do this"),
    (
        404,
        "nobody serves the model, none of its providers has the endpoint, or the account has made \
         nothing with the id",
    ),
    (408, "the body did not arrive in time"),
    (411, "a body with a length is needed"),
    (413, "the body is too large"),
    (
        415,
        "the body is not of the type that is taken, or is compressed",
    ),
    (
        429,
        "every key that could serve is rate limited, or as many calls are under way as there may \
         be; `Retry-After` says for how long",
    ),
    (500, "a fault of this process"),
    (502, "no upstream answered as it should"),
    (
        503,
        "no key or no target is there, this node has no configuration yet, or cannot write down \
         what calls use",
    ),
    (504, "no upstream answered in time"),
    (508, "the request came round in a circle"),
    (
        529,
        "every key of the model is resting after failures (messages only, elsewhere 503)",
    ),
];

/// The type of bytes of which nothing is known.
const FILE: &str = "application/octet-stream";

/// Those of a request that only reads.
const READ_ERRORS: &[u16] = &[401, 403, 500, 503];

/// The document, and its ETag.
static SERVED: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let text = Bytes::from(whole().to_string());
    let hash = foldgate_proto::RecordHash::of(&text).to_string();
    let etag = HeaderValue::try_from(format!("\"{}\"", &hash[..16]));
    let etag = etag.unwrap_or_else(|_| HeaderValue::from_static("\"0\""));
    (text, etag)
});

/// The answer to a client, which may have it already.
pub(crate) fn answer(account: &mut Account, parts: &Parts) -> Response<Body> {
    let (text, etag) = &*SERVED;
    let given = parts.headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let has = tags.any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes());
    let mut response = if has {
        account.answer(StatusCode::NOT_MODIFIED);
        account.end = End::Done;
        let mut response = Response::new(Body::whole(Bytes::new()));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        listed(account, &parts.method, text.clone())
    };
    let sent = response.headers_mut();
    sent.insert(header::ETAG, etag.clone());
    let no_cache = HeaderValue::from_static("no-cache");
    sent.insert(header::CACHE_CONTROL, no_cache);
    response
}

fn whole() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = Contract::Serialize;
    });
    let mut schemas = settings.into_generator();
    let of_calls = schemas.subschema_for::<Envelope<'_>>().to_value();
    let of_messages = schemas.subschema_for::<MessageError<'_>>().to_value();
    let error = |schema: Value| {
        json!({
            "description": "an error, ours or an upstream's, without its host and keys",
            "headers": headers::of_errors(),
            "content": {"application/json": {"schema": schema}},
        })
    };
    let mut paths: Map<String, Value> = Map::new();
    for (path, target) in served() {
        let shown = operation(&path, &target, &mut schemas);
        let at = paths.entry(path).or_insert_with(|| json!({}));
        at[target.method().to_ascii_lowercase()] = shown;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Foldgate: proxy",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": {"Error": error(of_calls), "MessageError": error(of_messages)},
            "securitySchemes": security(),
        },
    })
}

fn security() -> Value {
    let about = "a caller key; the owner key counts as one";
    json!({
        "ProxyBearer": {"type": "http", "scheme": "bearer", "description": about},
        "ProxyKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": about},
    })
}

fn operation(path: &str, target: &Target, schemas: &mut SchemaGenerator) -> Value {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let method = target.method().to_ascii_lowercase();
    let summary = match target {
        Target::Call(endpoint, _) => endpoint.about,
        Target::Models => "List the models the caller may ask for",
        Target::Model(_) => "Show one model",
        Target::Document => "This document",
    };
    let mut shown = json!({
        "operationId": format!("{method}_{}", words.join("_")),
        "summary": summary,
        "responses": responses(target, schemas),
        "security": [{"ProxyBearer": []}, {"ProxyKey": []}],
    });
    match target {
        Target::Call(endpoint, _) => {
            if !matches!(endpoint.takes, Takes::Nothing | Takes::Query) {
                shown["requestBody"] = body(endpoint);
            }
            if endpoint.path.contains("{id}") {
                shown["parameters"] = json!([id_parameter()]);
            }
            if endpoint.takes.names_model() {
                shown["parameters"] = headers::routing();
            }
            headers::add_told(endpoint, &mut shown["responses"]);
            if endpoint.takes == Takes::Query
                && let Some(parameters) = shown["parameters"].as_array_mut()
            {
                parameters.insert(0, model_parameter());
            }
        }
        Target::Model(_) => {
            shown["parameters"] = json!([{
                "name": "model",
                "in": "path",
                "required": true,
                "description": "its name; slashes need no encoding",
                "schema": {"type": "string", "minLength": 1},
            }]);
        }
        Target::Models => {}
        Target::Document => shown["security"] = json!([]),
    }
    shown
}

/// The status of what went well.
fn done(endpoint: &Endpoint) -> &'static str {
    match endpoint.gives {
        Gives::Socket => "101",
        Gives::Json | Gives::Text | Gives::Bytes => "200",
    }
}

/// The model of a session.
fn model_parameter() -> Value {
    json!({
        "name": "model",
        "in": "query",
        "required": true,
        "description": "mapped by the account, then by the owner; it decides which keys serve",
        "schema": model_schema(),
    })
}

fn model_schema() -> Value {
    json!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_MODEL_BYTES,
        // No control characters.
        "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$",
    })
}

/// The id of what an upstream made for the caller.
fn id_parameter() -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "as the answer that made it says; it goes to the key that made it, and \
            only the account that made it finds it",
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    })
}

fn body(endpoint: &Endpoint) -> Value {
    let mut model = model_schema();
    model["description"] =
        json!("mapped by the account, then by the owner; it decides which keys serve");
    let mut properties = json!({});
    let mut example = json!({});
    let mut required: Vec<&str> = Vec::new();
    match endpoint.takes {
        Takes::Session => {
            let within = json!({
                "type": "object",
                "properties": {"model": model},
                "required": ["model"],
            });
            properties["session"] = within;
            required.push("session");
            example["session"] = json!({"type": "realtime", "model": "gpt-realtime"});
        }
        takes if takes.names_model() => {
            if endpoint.usual.is_some() {
                model["type"] = json!(["string", "null"]);
            }
            properties["model"] = model;
            example["model"] = json!(endpoint.usual.unwrap_or("gpt-4o-mini"));
            if endpoint.usual.is_none() {
                required.push("model");
            }
        }
        _ => {}
    }
    if endpoint.streams != Streams::Never {
        properties["stream"] = json!({
            "type": ["boolean", "null"],
            "description": "answer with server-sent events",
        });
    }
    if endpoint.streams == Streams::Messages {
        example["max_tokens"] = json!(256);
    }
    let (name, value) = endpoint.example;
    example[name] = serde_json::from_str(value).unwrap_or_default();
    let kind = match endpoint.takes {
        Takes::Form | Takes::Upload => {
            properties["file"] = json!({"type": "string", "contentMediaType": FILE});
            example["file"] = json!("(the bytes of a file)");
            "multipart/form-data"
        }
        _ => "application/json",
    };
    let schema = json!({"type": "object", "required": required, "properties": properties});
    let content = json!({"schema": schema, "example": example});
    json!({"required": true, "content": {kind: content}})
}

fn responses(target: &Target, schemas: &mut SchemaGenerator) -> Value {
    let mut content = Map::new();
    let mut add =
        |kind: &str, schema: Value| content.insert(kind.into(), json!({"schema": schema}));
    match target {
        Target::Call(endpoint, _) => {
            match endpoint.gives {
                Gives::Json => add("application/json", json!({"type": "object"})),
                Gives::Text => {
                    add("application/json", json!({"type": "object"}));
                    add("text/plain", json!({"type": "string"}))
                }
                Gives::Bytes => add(FILE, json!({})),
                Gives::Socket => {
                    let switched = json!({"101": {"description": "the session has begun"}});
                    return errors_of(target, switched);
                }
            };
            if endpoint.streams != Streams::Never {
                add("text/event-stream", json!({"type": "string"}));
            }
        }
        Target::Models => {
            add(
                "application/json",
                json!({"anyOf": [
                    schemas.subschema_for::<List<'_>>().to_value(),
                    schemas.subschema_for::<Page<'_>>().to_value(),
                ]}),
            );
        }
        Target::Model(_) => {
            add(
                "application/json",
                json!({"anyOf": [
                    schemas.subschema_for::<Model<'_>>().to_value(),
                    schemas.subschema_for::<Info<'_>>().to_value(),
                ]}),
            );
        }
        Target::Document => {
            add("application/json", json!({"type": "object"}));
        }
    }
    errors_of(
        target,
        json!({"200": {"description": "done", "content": content}}),
    )
}

/// What went well, and what may go wrong.
fn errors_of(target: &Target, mut responses: Value) -> Value {
    let error = || match target {
        Target::Call(endpoint, _) if endpoint.caller() == Caller::Anthropic => {
            json!({"$ref": "#/components/responses/MessageError"})
        }
        _ => json!({"$ref": "#/components/responses/Error"}),
    };
    if *target == Target::Document {
        let unchanged = "what the client has is still so";
        responses["304"] = json!({"description": unchanged});
        return responses;
    }
    let is_call = matches!(target, Target::Call(..));
    for (status, about) in ERRORS {
        let of_one = *status == 404 && matches!(target, Target::Model(_));
        if is_call || of_one || READ_ERRORS.contains(status) {
            let mut response = error();
            response["description"] = json!(about);
            responses[status.to_string()] = response;
        }
    }
    if is_call {
        // What an upstream refuses has the upstream's status.
        responses["4XX"] = error();
    }
    responses
}
