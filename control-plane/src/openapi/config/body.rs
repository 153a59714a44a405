//! The body of `PUT /x-config`: each key in the forms it may come in.

use foldgate_proto::ConfigKey;
use serde_json::{Map, Value, json};

use crate::openapi::schema::{
    about, any_of, closed, flag, limit_fields, map, or_null, pattern, whole,
};
use crate::owner_api::config::input::MAX_PASS_BYTES;

/// A model's name, without a star.
const MODEL: &str = "[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}";

/// A Level.
const LEVEL: &str = "[0-9]{1,4}";

/// An API path.
const PATH: &str = "/[a-z0-9_-]+(/[a-z0-9_-]+){0,5}";

/// Any keys, or a whole answer of GET.
pub(super) fn changed() -> Value {
    let fields = routing().into_iter().chain(mail());
    let fields: Map<String, Value> = fields
        .chain([
            (ConfigKey::Pricing, pricing()),
            (ConfigKey::Factor, factor()),
        ])
        .map(|(key, schema)| (key.to_string(), schema))
        .collect();
    let plain = json!({
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": fields,
    });
    let any = || Value::Bool(true);
    let whole = closed(
        &[("configs", plain.clone())],
        &[("success", any()), ("oid", any())],
    );
    any_of(&[plain, about(whole, "an answer of GET, as it came")])
}

fn routing() -> Vec<(ConfigKey, Value)> {
    let source = format!(r"({MODEL}\*?|\*)");
    let level = || whole(0, 9999);
    let mut resources = keyed(closed(&[], &[]), PATH);
    resources["minProperties"] = json!(1);
    let paths = json!({
        "type": "array",
        "minItems": 1,
        "items": pattern(&format!("^{PATH}$")),
    });
    let limits = any_of(&[
        keyed(or_null(limit_fields(true)), &source),
        pattern(r"^(\{\})?$"),
    ]);
    vec![
        (
            ConfigKey::ModelMapper,
            any_of(&[
                pairs(&source, MODEL, "`gpt-3.5*=gpt-4o-mini, o*=gpt-4o`"),
                keyed(pattern(&format!("^{MODEL}$")), &source),
            ]),
        ),
        (
            ConfigKey::LevelMapper,
            any_of(&[
                pairs(&source, LEVEL, "`gpt-4*=2, claude*=3`"),
                keyed(level(), &source),
            ]),
        ),
        (
            ConfigKey::SwitchOver,
            any_of(&[
                pairs(LEVEL, LEVEL, "`1=2, 2=3`"),
                keyed(level(), "(0|[1-9][0-9]{0,3})"),
            ]),
        ),
        (
            ConfigKey::Resources,
            any_of(&[pattern(&format!("^{PATH}(, ?{PATH})*$")), paths, resources]),
        ),
        (
            ConfigKey::ModelLimits,
            about(
                limits,
                "an object goes over what stands, field by field; a JSON text replaces",
            ),
        ),
    ]
}

fn mail() -> Vec<(ConfigKey, Value)> {
    let host =
        pattern(r"^[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,20}[a-z0-9])?){1,3}$");
    let port = pattern("^([1-9][0-9]{0,3}|[1-5][0-9]{4})$");
    let password = json!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_PASS_BYTES,
        "pattern": "^[ -~]*$",
    });
    let words = ["true", "false", "1", "0", "yes", "no", "on", "off"];
    let word = json!({"type": "string", "enum": words});
    vec![
        (ConfigKey::XaiMail, about(email(), "an e-mail address")),
        (ConfigKey::EmailSmtp, about(host, "the mail server's host")),
        (ConfigKey::EmailPort, any_of(&[whole(1, 65535), port])),
        (
            ConfigKey::EmailAuth,
            about(email(), "the account on the mail server"),
        ),
        (ConfigKey::EmailPass, password),
        (ConfigKey::EmailTls, any_of(&[flag(), word])),
    ]
}

fn pricing() -> Value {
    about(
        json!({"anyOf": [
            {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"type": "object"},
                "pattern": r"^[ \t\r\n]*\{[\s\S]*\}[ \t\r\n]*$",
            },
            {"type": "object"},
        ]}),
        "prices by model, as the text of a JSON object or as the object itself; 128 KB at most",
    )
}

fn factor() -> Value {
    let number = json!({"type": "number", "minimum": 0.001, "maximum": 1000, "multipleOf": 0.001});
    let text = pattern("^[1-9][0-9]{0,2}([.][0-9]{1,6})?$");
    about(
        any_of(&[number, text]),
        "what every account's prices are multiplied by, beside its Rates: above 0, at most 1000, \
         in steps of a millionth; later calls only",
    )
}

fn email() -> Value {
    pattern(r"^[a-z][a-z0-9._-]{0,30}@[a-z][a-z0-9-]{0,20}[a-z0-9]\.[a-z]{2,10}$")
}

/// A mapping as a text.
fn pairs(from: &str, to: &str, example: &str) -> Value {
    let one = format!("{from} ?= ?{to}");
    about(pattern(&format!("^({one}(, ?{one})*)?$")), example)
}

/// A mapping as an object.
fn keyed(values: Value, keys: &str) -> Value {
    let mut schema = map(values);
    schema["propertyNames"] = json!({"pattern": format!("^{keys}$")});
    schema
}
