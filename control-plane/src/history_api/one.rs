//! `GET /admin/v1/history/{revision}`: all there is to tell of one record.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::{place, view};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;

/// `GET /admin/v1/history/{revision}`
pub(crate) async fn get(
    State(app): State<App>,
    caller: Authenticated,
    Segments(text): Segments<String>,
) -> Result<Response, Error> {
    let (caller, revision) = place::record(&app, caller, &text).await?;
    let detail = app.history.detail(caller.owner_id(), revision).await?;
    let (row, changes) = detail.ok_or(Error::Internal)?;
    let mut body = view::whole(&row);
    body["success"] = json!(true);
    body["changes"] = serde_json::from_str(changes.get()).map_err(|_| Error::Internal)?;
    Ok(reply::read(&caller, &body))
}
