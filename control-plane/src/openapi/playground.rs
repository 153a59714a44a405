//! The playground, and how models fare.

use serde_json::{Value, json};

use super::operation::{Door, Operation};
use super::schema::{Components, about, named, object, or_null, pattern, text};
use crate::admin_api::model_status::{Health, ModelStatus};

/// What the data plane answers when it does not serve a call; its own words.
const REFUSALS: &[(u16, &str)] = &[
    (400, "the request cannot be understood"),
    (401, "no key, or one that nobody has"),
    (
        402,
        "the account's credit is spent, or it has come to its HardLimit",
    ),
    (403, "the key may not do this"),
    (404, "nobody serves the model"),
    (408, "the body did not arrive in time"),
    (411, "a body with a length is needed"),
    (413, "the body is too large"),
    (415, "the body is no `application/json`, or is compressed"),
    (422, "the provider refused the request"),
    (
        429,
        "a limit, or every key that could serve is rate limited",
    ),
    (500, "a fault of this process"),
    (502, "no upstream, or no data node, answered as it should"),
    (
        503,
        "no key is there, or the data node has no configuration yet",
    ),
    (504, "no upstream answered in time"),
    (508, "the request came round in a circle"),
    // Whatever status an upstream words its own refusal with.
    (4, "the upstream refused the request"),
];

/// The headers of the data plane's answers, each with the component that tells of it.
const HEADERS: &[(&str, &str)] = &[
    ("X-Foldgate-Revision", "Reached"),
    ("X-Foldgate-Served-By", "ServedBy"),
    ("X-Accel-Buffering", "Accelerated"),
    ("X-Should-Retry", "ShouldRetry"),
    ("X-RateLimit-Limit-Requests", "LimitedTo"),
    ("X-RateLimit-Remaining-Requests", "LimitLeft"),
    ("X-RateLimit-Reset-Requests", "LimitReset"),
    ("X-RateLimit-Limit-Tokens", "LimitedTo"),
    ("X-RateLimit-Remaining-Tokens", "LimitLeft"),
    ("X-RateLimit-Reset-Tokens", "LimitReset"),
];

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let status = components.answer::<Vec<ModelStatus>>();
    let health = components.answer::<Health>();
    let new = |path, summary| Operation::new("GET", path, summary).tag("Administration");
    vec![
        chat(components),
        new("/admin/v1/models/status", "Show how models fare")
            .about("As the fleet knows their provider keys: usable, asleep, switched off.")
            .answers(status),
        new(
            "/admin/v1/health",
            "Show how models and the configuration fare",
        )
        .answers(health),
    ]
}

fn chat(components: &mut Components) -> Operation {
    let error = object(
        &[("message", text()), ("type", text())],
        &[("param", or_null(text())), ("code", or_null(text()))],
    );
    components.name("ProxyError", object(&[("error", error)], &[]));
    let mut model = pattern(r"^[^\x00-\x1f\x7f-\x9f]*$");
    model["minLength"] = json!(1);
    model["maxLength"] = json!(256);
    let messages = about(json!({}), "the conversation, which the provider judges");
    let body = object(
        &[("model", model)],
        &[
            ("messages", messages),
            ("stream", json!({"type": ["boolean", "null"]})),
        ],
    );
    let example = json!({
        "model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}],
    });
    let chat = Operation::new(
        "POST",
        "/playground/chat/completions",
        "Send a chat through the data plane",
    )
    .tag("Models")
    .door(Door::Proxy)
    .about(
        "Takes a caller key, as the proxy does: everything the data plane decides of a call is \
         decided of this one. With `stream`, the answer is an event stream.",
    )
    .body(body)
    .example("hello", example)
    .answers(object(&[], &[]))
    .or_events();
    let chat = HEADERS
        .iter()
        .fold(chat, |chat, (name, component)| chat.tells(name, component));
    let chat = chat.or(501, "this process has no way to a data plane", either());
    let all = REFUSALS.iter();
    all.fold(chat, |chat, (status, about)| {
        chat.or(*status, about, either())
    })
}

/// The data plane's own words, or the listener's.
fn either() -> Value {
    let schema = json!({"anyOf": [named("ProxyError"), named("AdminError")]});
    json!({"application/json": {"schema": schema}})
}
