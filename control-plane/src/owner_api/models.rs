//! `GET /v1/models`, `/models` and `/dashboard/models`: the models that the
//! caller may name, in OpenAI's list shape. The proxy listener has the first two.

use axum::response::Response;
use serde_json::{Value, json};

use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;

/// `GET /v1/models`, `/models`, `/dashboard/models`
pub(crate) async fn list(caller: Authenticated) -> Result<Response, Error> {
    let models: Vec<Value> = caller
        .access()?
        .models()
        .into_iter()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "foldgate"}))
        .collect();
    Ok(reply::read(
        &caller,
        &json!({"object": "list", "data": models}),
    ))
}
