//! `GET /admin/v1/state` and `/admin/v1/state/diff`: an owner as it stood, and
//! what is different between two of its states.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_domain::history::shown;
use foldgate_proto::{DefinitionKind, ResourceId};
use serde_json::{Value, json};

use super::params::Params;
use super::place;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::history;
use crate::reply;

/// `GET /admin/v1/state`
pub(crate) async fn get(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let at = Params::new(query).place("at")?;
    let (caller, revision) = place::state_revision(&app, caller, ("at", at)).await?;
    let state = app.history.state_at(revision).await?;
    let owner = state.owner(caller.owner_id()).cloned();
    let owner = owner.ok_or(Error::Internal)?;
    // Large states take a while to write down.
    let written = tokio::task::spawn_blocking(move || {
        let hash = state.hash().ok()?;
        let mut body = view(&owner);
        body["success"] = json!(true);
        body["revision"] = json!(state.revision.0);
        body["at"] = json!(state.at.to_string());
        body["state_hash"] = json!(hash.to_string());
        Some(body)
    });
    let body = written.await.ok().flatten().ok_or(Error::Internal)?;
    Ok(reply::read(&caller, &body))
}

/// `GET /admin/v1/state/diff`
pub(crate) async fn diff(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let params = Params::new(query);
    let (from, to) = (params.place("from")?, params.place("to")?);
    let missing = "is required: a revision, such as 12, or a time, such as 2026-01-31T12:00:00Z";
    let from = from.ok_or_else(|| Error::field("from", missing))?;
    let (caller, from) = place::state_revision(&app, caller, ("from", Some(from))).await?;
    let (caller, to) = place::state_revision(&app, caller, ("to", to)).await?;
    let before = place::owner_at(&app, &caller, from).await?;
    let after = place::owner_at(&app, &caller, to).await?;
    let body = json!({
        "success": true,
        "from": from.0,
        "to": to.0,
        "changes": history::changes(Some(&before), &after),
    });
    Ok(reply::read(&caller, &body))
}

/// An owner's resources, sort by sort, secrets masked.
fn view(owner: &OwnerState) -> Value {
    let one = |id: ResourceId| owner.resource(id).as_ref().map(shown);
    let all = |of: fn(ResourceId) -> bool| -> Vec<Value> {
        owner
            .resources()
            .filter(|id| of(*id))
            .filter_map(one)
            .collect()
    };
    let mut view = json!({
        "owner": one(ResourceId::Owner),
        "config": one(ResourceId::Config),
        "level_mapper": one(ResourceId::Completed),
        "keys": all(|id| matches!(id, ResourceId::Key(_))),
        "news": all(|id| matches!(id, ResourceId::News(_))),
        "accounts": all(|id| matches!(id, ResourceId::Account(_))),
        "caller_keys": all(|id| matches!(id, ResourceId::CallerKey(_))),
        "admin_keys": all(|id| matches!(id, ResourceId::AdminKey(_))),
    });
    for kind in DefinitionKind::ALL {
        let ids = owner
            .definitions_of(*kind)
            .map(|d| ResourceId::Definition(d.kind, d.number));
        view[kind.plural()] = ids.filter_map(one).collect();
    }
    view
}
