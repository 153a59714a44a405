//! `GET /admin/v1/access_log`: failed log-ins and refused writes. Those by keys
//! that nobody has are shown to the first owner, whose the listener is. Each
//! control plane keeps its own, so answers and rows name the node.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::cursor::Question;
use super::params::Params;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::journal::Refused;
use crate::reply;

/// `GET /admin/v1/access_log`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let params = Params::new(query);
    let limit = params.limit()?;
    let owner = caller.owner_id();
    let question = Question::new(owner, "access_log", &[]);
    let cursor = params.text("cursor")?;
    let from = cursor.map(|cursor| question.place(cursor)).transpose()?;
    let first = caller.table().state.first_owner();
    let is_first = first.is_some_and(|first| first.id == owner);
    let page = app.journal.page((owner, is_first), (from, limit)).await;
    let (entries, next) = page.map_err(|error| Error::HistoryNotReady(error.to_string()))?;
    let node = app.settings.node.as_str();
    let items: Vec<Value> = entries
        .iter()
        .map(|(id, entry)| line(*id, entry, node))
        .collect();
    let body = json!({
        "success": true,
        "node": node,
        "items": items,
        "next_cursor": next.map(|next| question.cursor(next)),
    });
    Ok(reply::read(&caller, &body))
}

fn line(id: u64, refused: &Refused, node: &str) -> Value {
    json!({
        "id": id,
        "node": node,
        "at": refused.at.to_string(),
        "address": refused.address,
        "actor": refused.actor,
        "method": refused.method,
        "path": refused.path,
        "status": refused.status,
        "code": refused.code,
        "request_id": refused.request_id,
    })
}
