//! `GET /v1/models`: what the caller may ask for, from the table alone.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use foldgate_domain::Access;
use schemars::JsonSchema;
use serde::Serialize;

use crate::admit::denied;
use crate::dialect::Caller;
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

/// The models a caller of Anthropic's may ask for, all of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnthropicModels")]
pub(crate) struct Page<'a> {
    data: Vec<Info<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

/// A model, as Anthropic tells of one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnthropicModel")]
pub(crate) struct Info<'a> {
    r#type: &'static str,
    id: &'a str,
    display_name: &'a str,
    /// A date and time by RFC 3339.
    created_at: String,
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

impl<'a> Info<'a> {
    fn new(id: &'a str, created: i64) -> Self {
        let created = DateTime::<Utc>::from_timestamp(created, 0).unwrap_or_default();
        Self {
            r#type: "model",
            id,
            display_name: id,
            created_at: created.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// The list, in the shape of the caller's dialect. `created` is in Unix seconds.
pub(crate) fn list(access: &Access<'_>, (created, caller): (i64, Caller)) -> Bytes {
    let models = access.models();
    match caller {
        Caller::OpenAi => to_json(&List {
            object: "list",
            data: models.iter().map(|id| Model::new(id, created)).collect(),
        }),
        Caller::Anthropic => {
            let data: Vec<_> = models.iter().map(|id| Info::new(id, created)).collect();
            to_json(&Page {
                has_more: false,
                first_id: data.first().map(|model| model.id),
                last_id: data.last().map(|model| model.id),
                data,
            })
        }
    }
}

/// One model: listed, or reachable by a pattern.
///
/// # Errors
/// 404.
pub(crate) fn one<'t>(
    access: &Access<'t>,
    model: &'t str,
    (created, caller): (i64, Caller),
) -> Result<Bytes, Problem> {
    access.resolve(model).map_err(denied)?;
    Ok(match caller {
        Caller::OpenAi => to_json(&Model::new(model, created)),
        Caller::Anthropic => to_json(&Info::new(model, created)),
    })
}

fn to_json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).map_or_else(|_| Bytes::from_static(b"{}"), Bytes::from)
}
