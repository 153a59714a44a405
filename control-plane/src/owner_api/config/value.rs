//! The forms a configuration value may come in: the text forms of the owner
//! API, and the objects that GET answers with.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_domain::{config_text, money};
use foldgate_proto::{Level, Rates};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input::MAX_PASS_BYTES;
use crate::request::json::kind;
use crate::request::quote::quoted;

/// MODEL_MAPPER: `a=b, c*=d` or `{"a": "b"}`.
pub(crate) fn model_mapper(value: Value) -> Result<BTreeMap<String, String>, String> {
    match value {
        Value::String(text) => config_text::model_mapper(&text).map_err(|e| e.to_string()),
        Value::Object(map) => entries(map, |model, value| match value {
            Value::String(target) => Ok((model, target)),
            other => Err(entry_problem(&model, "a model's name", &other)),
        }),
        other => Err(expected("a string or an object", &other)),
    }
}

/// LEVEL_MAPPER: `a*=2` or `{"a*": 2}`.
pub(super) fn level_mapper(value: Value) -> Result<BTreeMap<String, Level>, String> {
    match value {
        Value::String(text) => config_text::level_mapper(&text).map_err(|e| e.to_string()),
        Value::Object(map) => entries(map, |pattern, value| {
            let level = level(&pattern, &value)?;
            Ok((pattern, level))
        }),
        other => Err(expected("a string or an object", &other)),
    }
}

/// SWITCH_OVER: `1=2` or `{"1": 2}`.
pub(super) fn switch_over(value: Value) -> Result<BTreeMap<Level, Level>, String> {
    match value {
        Value::String(text) => config_text::switch_over(&text).map_err(|e| e.to_string()),
        Value::Object(map) => {
            let count = map.len();
            let switches = entries(map, |from, value| {
                let key = config_text::level(from.trim()).map_err(|e| e.to_string())?;
                Ok((key, level(&from, &value)?))
            })?;
            if switches.len() < count {
                return Err("a Level stands twice".to_owned());
            }
            Ok(switches)
        }
        other => Err(expected("a string or an object", &other)),
    }
}

/// RESOURCES: `/a, /b`, `["/a", "/b"]` or `{"/a": {}, "/b": {}}`.
pub(super) fn resources(value: Value) -> Result<BTreeSet<String>, String> {
    let item = |value: Value| match value {
        Value::String(path) => Ok(path.trim().to_owned()),
        other => Err(format!("must list paths, not {}", kind(&other))),
    };
    match value {
        Value::String(text) => config_text::resources(&text).map_err(|e| e.to_string()),
        Value::Array(paths) => paths.into_iter().map(item).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(path, about)| match about {
                Value::Object(inner) if inner.is_empty() => Ok(path),
                _ => Err(format!("{:?} must lead to {{}}", quoted(&path))),
            })
            .collect(),
        other => Err(expected("a string, an array or an object", &other)),
    }
}

/// PRICING: a JSON text, kept as it is; or an object, kept as it was written.
pub(super) fn pricing(value: Value, body: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Written<'b> {
        #[serde(rename = "PRICING", borrow)]
        pricing: Option<&'b RawValue>,
        #[serde(borrow)]
        configs: Option<Box<Written<'b>>>,
    }
    match value {
        Value::String(text) => Ok(text),
        Value::Object(_) => serde_json::from_slice::<Written<'_>>(body)
            .ok()
            .and_then(|written| {
                let within = written.configs.and_then(|configs| configs.pricing);
                written.pricing.or(within)
            })
            .map(|pricing| pricing.get().to_owned())
            .ok_or_else(|| "cannot be read as it was written; send it as a string".to_owned()),
        other => Err(expected("a string or an object", &other)),
    }
}

/// A plain text that is not empty.
pub(super) fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err("is empty; to go back to the default, use DELETE /x-config".to_owned())
        }
        Value::String(text) => Ok(text.trim().to_owned()),
        other => Err(expected("a string", &other)),
    }
}

/// A password: any text that is not empty, as it is.
pub(super) fn password(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.is_empty() => {
            Err("is empty; to go back to the default, use DELETE /x-config".to_owned())
        }
        Value::String(text) if text.len() > MAX_PASS_BYTES => {
            Err(format!("is longer than {MAX_PASS_BYTES} bytes"))
        }
        Value::String(text) if text.chars().any(char::is_control) => {
            Err("holds control characters".to_owned())
        }
        Value::String(text) => Ok(text),
        other => Err(expected("a string", &other)),
    }
}

/// EMAIL_PORT: `"587"` or `587`.
pub(super) fn port(value: &Value) -> Result<u16, String> {
    let port = match value {
        Value::String(text) => {
            let digits = text.trim().bytes().all(|b| b.is_ascii_digit());
            text.trim().parse().ok().filter(|_| digits)
        }
        Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
        other => return Err(expected("a port number", other)),
    };
    let refused = || "must be a port number from 1 to 65535".to_owned();
    port.filter(|port| *port != 0).ok_or_else(refused)
}

/// FACTOR: `1.15` or `"1.15"`.
pub(super) fn factor(value: &Value) -> Result<Rates, String> {
    match value {
        Value::Number(number) => money::rates(&number.to_string()),
        Value::String(text) => money::rates(text.trim()),
        other => Err(expected("a number", other)),
    }
}

/// EMAIL_TLS: `true` or one of the usual words for it.
pub(super) fn switch(value: &Value) -> Result<bool, String> {
    let Value::String(text) = value else {
        return value
            .as_bool()
            .ok_or_else(|| expected("true or false", value));
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{:?} is neither true nor false", quoted(text))),
    }
}

fn entries<K: Ord, V>(
    map: Map<String, Value>,
    read: impl Fn(String, Value) -> Result<(K, V), String>,
) -> Result<BTreeMap<K, V>, String> {
    map.into_iter()
        .map(|(key, value)| read(key, value))
        .collect()
}

fn level(of: &str, value: &Value) -> Result<Level, String> {
    let level = match value {
        Value::Number(number) => number.as_u64().and_then(Level::new),
        Value::String(text) => text.trim().parse().ok(),
        other => return Err(entry_problem(of, "a Level", other)),
    };
    level.ok_or_else(|| {
        let max = Level::MAX;
        format!(
            "{:?}: {:?} is no whole number from 0 to {max}",
            quoted(of),
            quoted(&value.to_string())
        )
    })
}

pub(super) fn entry_problem(of: &str, wanted: &str, got: &Value) -> String {
    format!(
        "{:?} must lead to {wanted}, not to {}",
        quoted(of),
        kind(got)
    )
}

pub(super) fn expected(wanted: &str, got: &Value) -> String {
    format!("must be {wanted}, not {}", kind(got))
}
