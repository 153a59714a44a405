//! `GET /x-conf`: what is in force for this owner, and which keys are not in
//! use right now, in one flat object.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_proto::{ProviderKey, SleepReport, Timestamp};
use serde_json::{Map, Value, json};

use super::config::view;
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::reply;

/// The most sleeping, and the most disabled, keys one answer lists: an operator
/// reads them, and `/x-keys` has the whole.
pub(crate) const MAX_LISTED: usize = 10_000;

/// `GET /x-conf`
pub(crate) async fn get(State(app): State<App>, caller: Authenticated) -> Response {
    let owner = caller.owner();
    let now = clock::now();
    let config = &owner.config;
    let empty = || Value::Object(Map::new());
    let sleeping = app.sleeps.of_owner(owner.id, now);
    let sleeping: Vec<Value> = sleeping
        .iter()
        .filter_map(|report| {
            let key = owner.key(report.key)?;
            // A sleep of a secret that was replaced since no longer counts.
            let counts = report.generation.secret >= key.secret_revision;
            counts.then(|| asleep(key, report, now))
        })
        .take(MAX_LISTED)
        .collect();
    let body = json!({
        "success": true,
        "Resources": config.resources.as_ref().map_or_else(empty, view::resources),
        "LevelMapper": view::level_mapper(owner),
        "ModelMapper": config.model_mapper.as_ref().map_or_else(empty, |map| json!(map)),
        "ModelLimits": config.model_limits.as_ref().map_or_else(empty, |map| json!(map)),
        "SwitchOver": config.switch_over.as_ref().map_or_else(empty, view::switch_over),
        "SleepingKeys": sleeping,
        "DisabledKeys": disabled(owner),
        "UserMinBalance": number(&app.settings.user_min_balance),
        "UserApiBalance": number(&app.settings.user_api_balance),
    });
    reply::read(&caller, &body)
}

fn asleep(key: &ProviderKey, report: &SleepReport, now: Timestamp) -> Value {
    let left = report.until.since(now).as_millis().div_ceil(1000);
    let mut shown = json!({
        "ID": key.number.0,
        "Name": key.name,
        "Level": key.level.get(),
        "Provider": key.provider,
        "Until": report.until.to_rfc3339(),
        "RemainingSeconds": u64::try_from(left).unwrap_or(u64::MAX),
        "Cause": report.cause.as_str(),
        "Node": report.node,
        "Region": report.region,
    });
    if let Some(model) = &report.model {
        shown["Model"] = json!(model);
    }
    if let Some(status) = report.status {
        shown["UpstreamStatus"] = json!(status);
    }
    if !report.detail.is_empty() {
        shown["Detail"] = json!(report.detail);
    }
    shown
}

fn disabled(owner: &OwnerState) -> Vec<Value> {
    let keys = owner.keys.values();
    keys.filter_map(|key| Some((key, key.disabled.as_ref()?)))
        .take(MAX_LISTED)
        .map(|(key, disabled)| {
            json!({
                "ID": key.number.0,
                "Name": key.name,
                "Level": key.level.get(),
                "Provider": key.provider,
                "Reason": disabled.reason,
                "By": disabled.by.to_string(),
                "At": disabled.at.to_rfc3339(),
            })
        })
        .collect()
}

/// A decimal text as the JSON number it is.
fn number(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Value::Number(number),
        _ => json!(text),
    }
}
