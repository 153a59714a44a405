//! MODEL_LIMITS as a JSON text.

use std::collections::BTreeMap;

use foldgate_proto::ModelLimit;

use super::{Error, MAX_MODEL_LIMITS, check_count, check_model_pattern, insert, shown};
use crate::pricing::json::{self, Object};

/// Reads MODEL_LIMITS: `{"gpt-4o": {"rpm": 30, "tpm": 90000}}`. An empty text is
/// an empty mapping.
///
/// # Errors
/// Names the model at fault: unknown, doubled or non-integer limits, or a model
/// that stands twice with different limits.
pub fn model_limits(text: &str) -> Result<BTreeMap<String, ModelLimit>, Error> {
    let mut limits = BTreeMap::new();
    if text.trim().is_empty() {
        return Ok(limits);
    }
    let models = Object::parse(text).map_err(|error| match error {
        json::Error::NotAnObject => Error::Json("it is another value".into()),
        json::Error::Syntax(why) => Error::Json(why),
    })?;
    for (model, value) in models.entries() {
        check_model_pattern(model)?;
        let limit = limit(value.get()).map_err(|problem| Error::Limit {
            model: shown(model),
            problem,
        })?;
        insert(&mut limits, model, model.clone(), limit)?;
        check_count(limits.len(), MAX_MODEL_LIMITS)?;
    }
    Ok(limits)
}

fn limit(text: &str) -> Result<ModelLimit, String> {
    // The derived reader would take an array too.
    if !text.starts_with('{') {
        return Err("must be an object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}
