//! `GET /v1/models`: what the caller may ask for, from the table alone.

use bytes::Bytes;
use foldgate_domain::Access;
use schemars::JsonSchema;
use serde::Serialize;

use crate::admit::denied;
use crate::error::Problem;

/// The models a caller may ask for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Models")]
pub(crate) struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

/// A model.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Model")]
pub(crate) struct Model<'a> {
    id: &'a str,
    object: &'static str,
    /// In Unix seconds.
    created: i64,
    owned_by: &'static str,
}

impl<'a> Model<'a> {
    /// A model has no birthday here; its owner's configuration has one.
    const fn new(id: &'a str, created: i64) -> Self {
        Self {
            id,
            object: "model",
            created,
            owned_by: "foldgate",
        }
    }
}

/// The list, in OpenAI's shape. `created` is in Unix seconds.
pub(crate) fn list(access: &Access<'_>, created: i64) -> Bytes {
    let models = access.models();
    to_json(&List {
        object: "list",
        data: models.iter().map(|id| Model::new(id, created)).collect(),
    })
}

/// One model: listed, or reachable by a pattern.
///
/// # Errors
/// 404.
pub(crate) fn one<'t>(access: &Access<'t>, model: &'t str, created: i64) -> Result<Bytes, Problem> {
    match access.resolve(model) {
        Ok(_) => Ok(to_json(&Model::new(model, created))),
        Err(why) => Err(denied(why)),
    }
}

fn to_json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).map_or_else(|_| Bytes::from_static(b"{}"), Bytes::from)
}
