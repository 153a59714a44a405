//! `GET /admin/v1/fleet`: every node, where it stands, and who disagrees.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::reply;

/// `GET /admin/v1/fleet`
pub(crate) async fn get(State(app): State<App>, caller: Authenticated) -> Response {
    let head = caller.table().revision();
    let body = json!({
        "success": true,
        "revision": head.0,
        "items": app.fleet.rows(head, clock::now()),
        "alarms": app.fleet.alarms(),
    });
    reply::read(&caller, &body)
}
