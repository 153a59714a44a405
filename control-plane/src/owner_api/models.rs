//! `GET /v1/models` and `/models`: the models that may be named, in OpenAI's
//! list shape. The proxy listener has the same routes.

use axum::response::Response;
use serde_json::{Value, json};

use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;

/// `GET /v1/models`, `/models`
pub(crate) async fn list(caller: Authenticated) -> Result<Response, Error> {
    let table = caller.table().owner(caller.owner_id());
    let table = table.ok_or(Error::Internal)?;
    let models: Vec<Value> = table
        .models()
        .into_iter()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "foldgate"}))
        .collect();
    Ok(reply::read(
        &caller,
        &json!({"object": "list", "data": models}),
    ))
}
