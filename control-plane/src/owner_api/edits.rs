//! What bodies may say of accounts and of their keys alike: lists, limits,
//! money, times. A `null` takes away what is optional.

use std::collections::BTreeMap;

use foldgate_domain::acl::{self, Item, ListEdit};
use foldgate_domain::command::{Change, LimitPatch};
use foldgate_domain::money;
use foldgate_proto::{NanoDollars, Rates, Timestamp};
use serde_json::Value;

use crate::error::Error;
use crate::owner_api::config::limits;
use crate::request::Fields;
use crate::request::json::{self, kind};
use crate::request::quote::quoted;

/// A list, edited item by item: a text, or an array of texts (of Levels, also of
/// numbers). `null` lifts the restriction, as `*` does.
///
/// # Errors
/// Another sort of value; an item that is none.
pub(crate) fn list<T: Item>(fields: &mut Fields, name: &str) -> Result<Option<ListEdit<T>>, Error> {
    let Some(value) = fields.nullable(name) else {
        return Ok(None);
    };
    let edit = match &value {
        Value::Null => ListEdit::parse("*"),
        Value::String(text) => ListEdit::parse(text),
        Value::Array(items) => {
            let items = items.iter().map(|item| item_text(fields, name, item));
            let items: Vec<String> = items.collect::<Result<_, _>>()?;
            ListEdit::of(items.iter().map(String::as_str))
        }
        other => return Err(fields.expected(name, "a string or an array", other)),
    };
    let refused = |error: acl::Error| fields.error(name, error.to_string());
    edit.map(Some).map_err(refused)
}

fn item_text(fields: &Fields, name: &str, item: &Value) -> Result<String, Error> {
    match item {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => {
            let problem = format!("must list strings, not {}", kind(other));
            Err(fields.error(name, problem))
        }
    }
}

/// RPM to TPD.
///
/// # Errors
/// Another sort of value than a whole number or `null`.
pub(crate) fn limits(fields: &mut Fields) -> Result<LimitPatch, Error> {
    Ok(LimitPatch {
        rpm: limit(fields, "RPM")?,
        rph: limit(fields, "RPH")?,
        rpd: limit(fields, "RPD")?,
        tpm: limit(fields, "TPM")?,
        tph: limit(fields, "TPH")?,
        tpd: limit(fields, "TPD")?,
    })
}

fn limit(fields: &mut Fields, name: &str) -> Result<Change<u64>, Error> {
    match fields.nullable(name) {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Change::Set(number)),
            None => Err(fields.error(name, "must be a whole number from 0, or null for no limit")),
        },
    }
}

/// A limit that lets something through.
///
/// # Errors
/// Another sort of value than a whole number that fits, from 1, or `null`.
pub(crate) fn at_least_one<T: TryFrom<u64>>(
    fields: &mut Fields,
    name: &str,
) -> Result<Change<T>, Error> {
    match fields.nullable(name) {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        Some(value) => {
            let number = value.as_u64().filter(|number| *number > 0);
            let number = number.and_then(|number| T::try_from(number).ok());
            number.map(Change::Set).ok_or_else(|| {
                fields.error(
                    name,
                    "must be a whole number from 1, or null for no limit; Status false lets \
                     nothing through",
                )
            })
        }
    }
}

/// ModelLimits: an object, or its JSON as a text. What is named goes over what
/// stands; a model that is `null` loses its limits.
///
/// # Errors
/// Another sort of value; a limit that is none.
pub(crate) fn model_limits(
    fields: &mut Fields,
    name: &str,
) -> Result<BTreeMap<String, Option<LimitPatch>>, Error> {
    let map = match fields.take(name) {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(Value::String(text)) => match json::parse(text.as_bytes()) {
            Ok(Value::Object(map)) => map,
            Ok(other) => return Err(fields.expected(name, "a JSON object", &other)),
            // It is this text that is none, and not the body.
            Err(Error::BadJson(why)) => {
                return Err(fields.error(name, format!("is no valid JSON: {why}")));
            }
            Err(Error::BadBody(why)) => return Err(fields.error(name, why)),
            Err(error) => return Err(fields.error(name, error.to_string())),
        },
        Some(other) => return Err(fields.expected(name, "an object or its JSON text", &other)),
    };
    limits::object(&Value::Object(map)).map_err(|problem| fields.error(name, problem))
}

/// An amount of dollars, or `null`.
///
/// # Errors
/// Another sort of value.
pub(crate) fn dollars(fields: &mut Fields, name: &str) -> Result<Change<NanoDollars>, Error> {
    match fields.nullable(name) {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        Some(Value::Number(number)) => match money::dollars(&number.to_string()) {
            Ok(amount) => Ok(Change::Set(amount)),
            Err(problem) => Err(fields.error(name, problem)),
        },
        Some(other) => Err(fields.expected(name, "a number of dollars", &other)),
    }
}

/// A multiplier.
///
/// # Errors
/// Another sort of value.
pub(crate) fn rates(fields: &mut Fields, name: &str) -> Result<Option<Rates>, Error> {
    match fields.take(name) {
        None => Ok(None),
        Some(Value::Number(number)) => match money::rates(&number.to_string()) {
            Ok(rates) => Ok(Some(rates)),
            Err(problem) => Err(fields.error(name, problem)),
        },
        Some(other) => Err(fields.expected(name, "a number", &other)),
    }
}

/// A point in time (RFC 3339), held to whole seconds as answers show it, or `null`.
///
/// # Errors
/// Another sort of value.
pub(crate) fn time(fields: &mut Fields, name: &str) -> Result<Change<Timestamp>, Error> {
    let text = match fields.nullable(name) {
        None => return Ok(Change::Keep),
        Some(Value::Null) => return Ok(Change::Clear),
        Some(Value::String(text)) => text,
        Some(other) => return Err(fields.expected(name, "a time", &other)),
    };
    let read = time_of(&text).map_err(|problem| fields.error(name, problem))?;
    Ok(Change::Set(read))
}

/// A point in time (RFC 3339), held to whole seconds as answers show it.
///
/// # Errors
/// Says what such a text looks like.
pub(crate) fn time_of(text: &str) -> Result<Timestamp, String> {
    match chrono::DateTime::parse_from_rfc3339(text.trim()) {
        Ok(time) => Ok(Timestamp(time.timestamp().saturating_mul(1000))),
        Err(_) => Err(format!(
            "{:?} is no time such as 2030-01-31T12:00:00Z (RFC 3339)",
            quoted(text)
        )),
    }
}
