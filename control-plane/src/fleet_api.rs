//! `GET /admin/v1/fleet`: every node, where it stands, and who disagrees. Other
//! owners than the first see only whether their changes have arrived: where nodes
//! listen, what they hold and how many keys of everybody's sleep is not theirs.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::fleet::Row;
use crate::reply;

/// `GET /admin/v1/fleet`
pub(crate) async fn get(State(app): State<App>, caller: Authenticated) -> Response {
    let table = caller.table();
    let head = table.revision();
    let rows = app.fleet.rows(head, clock::now());
    let first = table.state.first_owner();
    if first.is_some_and(|first| first.id == caller.owner_id()) {
        let body = json!({
            "success": true,
            "revision": head.0,
            "items": rows,
            "alarms": app.fleet.alarms(),
        });
        return reply::read(&caller, &body);
    }
    let items: Vec<Value> = rows.iter().map(arrival).collect();
    let body = json!({"success": true, "revision": head.0, "items": items});
    reply::read(&caller, &body)
}

/// What of a node says whether a change has reached it.
fn arrival(row: &Row) -> Value {
    json!({
        "node": row.node,
        "region": row.region,
        "role": row.role,
        "version": row.version,
        "revision": row.revision,
        "lag": row.lag,
        "live": row.live,
    })
}
