//! The forms of MODEL_LIMITS: a text that replaces all limits, an object that
//! goes over them.

use std::collections::BTreeMap;

use foldgate_domain::command::{Change, LimitPatch};
use foldgate_proto::ModelLimit;
use serde_json::{Map, Value};

use super::value::{entry_problem, expected};
use crate::error::Error;
use crate::request::json;
use crate::request::quote::quoted;

/// The names of a model's limits, in words.
const NAMES: &str = "rpm, rph, rpd, tpm, tph and tpd";

/// MODEL_LIMITS as a JSON text; an empty one is an empty mapping.
pub(super) fn text(text: &str) -> Result<BTreeMap<String, ModelLimit>, String> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let map = match json::parse(text.as_bytes()) {
        Ok(Value::Object(map)) => map,
        Ok(other) => return Err(expected("a JSON object", &other)),
        Err(Error::BadJson(why) | Error::BadBody(why)) => {
            return Err(format!("must be a JSON object: {why}"));
        }
        Err(other) => return Err(other.to_string()),
    };
    map.into_iter()
        .map(|(model, limit)| {
            let read = read(&model, &limit)?;
            Ok((model, read.over(ModelLimit::default())))
        })
        .collect()
}

/// MODEL_LIMITS as an object: each field over what there is; `null` takes a
/// limit, or a whole model, out.
pub(crate) fn object(value: &Value) -> Result<BTreeMap<String, Option<LimitPatch>>, String> {
    let Value::Object(map) = value else {
        return Err(expected("a string or an object", value));
    };
    map.iter()
        .map(|(model, limit)| {
            let over = match limit {
                Value::Null => None,
                limit => Some(read(model, limit)?),
            };
            Ok((model.clone(), over))
        })
        .collect()
}

fn read(model: &str, limit: &Value) -> Result<LimitPatch, String> {
    let Value::Object(map) = limit else {
        return Err(entry_problem(model, "an object of limits", limit));
    };
    let mut read = LimitPatch::default();
    fill(&mut read, map).map_err(|problem| format!("{:?}: {problem}", quoted(model)))?;
    Ok(read)
}

fn fill(limit: &mut LimitPatch, map: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in map {
        let field = match name.as_str() {
            "rpm" => &mut limit.rpm,
            "rph" => &mut limit.rph,
            "rpd" => &mut limit.rpd,
            "tpm" => &mut limit.tpm,
            "tph" => &mut limit.tph,
            "tpd" => &mut limit.tpd,
            other => {
                return Err(format!(
                    "{:?} is no limit; there are {NAMES}",
                    quoted(other)
                ));
            }
        };
        *field = match value {
            Value::Null => Change::Clear,
            value => match value.as_u64() {
                Some(number) => Change::Set(number),
                None => return Err(format!("{name} must be a whole number from 0")),
            },
        };
    }
    Ok(())
}
