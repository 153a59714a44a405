//! `POST /x-keys/{id}/wake`: an operator ends a key's sleep on the whole fleet.
//! A sleep is no configuration, so nothing is written to the log; the wake
//! travels as a report of a new generation, which outranks every older sleep.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::sleep::Place;
use serde_json::json;

use super::filter::key_number;
use super::key;
use super::view::KeyView;
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply;
use crate::request::{Segments, Write};

/// `POST /x-keys/{id}/wake`
pub(crate) async fn wake(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let (caller, key) = key(&app, caller, key_number(&name)?).await?;
    let mut body = json!({"success": true, "key": KeyView::new(&key)});
    if write.dry_run {
        body["dry_run"] = json!(true);
        return Ok(reply::read(&caller, &body));
    }
    let place = Place {
        owner: caller.owner_id(),
        node: &app.settings.node,
        region: &app.settings.region,
    };
    let life = (key.id, key.secret_revision);
    let reports = app.sleeps.wake(life, place, clock::now());
    for report in reports {
        app.reports.publish_sleep(report);
    }
    tracing::info!(
        target: "foldgate::audit",
        actor = %caller.actor(),
        address = write.stamp.address,
        request_id = write.stamp.request_id,
        reason = write.stamp.reason,
        key = %key.number,
        "a key was woken"
    );
    Ok(reply::read(&caller, &body))
}
