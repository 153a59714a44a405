//! Which fields of a model go together, for its schema.

use serde_json::{Value, json};

use crate::definition::schema;

/// The fields that only a direct model may have.
pub(super) const DIRECT_ONLY: [&str; 10] = [
    "provider",
    "model_name",
    "provider_key_id",
    "level",
    "retries",
    "cooldown",
    "cost",
    "background_model_check",
    "auto_prompt_caching",
    "embedding",
];

/// The two sorts of models, for the schema; [`super::Model`]'s check says the same.
pub(super) fn forms() -> Value {
    let (key, level) = (["provider_key_id"], ["level"]);
    let direct = schema::all([
        schema::given(&["model_name"]),
        schema::any([
            schema::all([schema::given(&key), schema::absent(&level)]),
            schema::all([schema::given(&level), schema::absent(&key)]),
        ]),
        schema::absent(&["routing"]),
    ]);
    let routing = schema::all([schema::given(&["routing"]), schema::absent(&DIRECT_ONLY)]);
    json!([direct, routing])
}
