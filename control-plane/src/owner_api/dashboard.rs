//! `/dashboard/status`, `/dashboard/info` and `/dashboard/conf`: what a caller
//! may know of itself. The owner's own account has no profile: nothing bounds it
//! but the owner's configuration, and it spends nobody's credit.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::Bounds;
use foldgate_domain::acl::{Item as _, Model};
use foldgate_domain::balance::{Balance, Left};
use foldgate_proto::Account;
use serde_json::{Value, json};

use super::users::view;
use crate::access::Who;
use crate::app::App;
use crate::auth::Authenticated;
use crate::bills;
use crate::reply;

/// `GET /dashboard/status`
pub(crate) async fn status(State(app): State<App>, caller: Authenticated) -> Response {
    let owner = caller.owner();
    let number = caller.account();
    let profile = own(&caller).map(|account| &account.profile);
    let body = json!({
        "success": true,
        "object": "user_status",
        "id": number.0,
        "dna": owner.dna(number),
        "name": profile.map_or(&owner.name, |profile| &profile.name),
        "email": profile.map(|profile| &profile.email),
        "alias": profile.map_or("", |profile| &profile.alias),
        "public_key": Value::Null,
        "balance": view::dollars(left(&app, &caller).map(|left| left.total)),
        "manage": matches!(caller.who(), Who::Owner | Who::Account),
        "admin": caller.who() == Who::Owner,
    });
    reply::read(&caller, &body)
}

/// `GET /dashboard/info`
pub(crate) async fn info(State(app): State<App>, caller: Authenticated) -> Response {
    let mut body = about(&app, &caller);
    body["usage"] = bills::usage_of(&app, &caller).await;
    reply::read(&caller, &body)
}

/// What a caller is, has and may.
pub(crate) fn about(app: &App, caller: &Authenticated) -> Value {
    let owner = caller.owner();
    let number = caller.account();
    let account = own(caller);
    let profile = account.map(|account| &account.profile);
    let left = left(app, caller);
    let credits = left.iter().flat_map(|left| &left.left).map(credit);
    let credits: Vec<Value> = credits.collect();
    let bounds = bounds(caller);
    let limits = &bounds.limits;
    json!({
        "success": true,
        "object": "user_info",
        "user": {
            "id": number.0,
            "dna": owner.dna(number),
            "parent_id": account.map(|account| account.parent.0),
            "name": profile.map_or(&owner.name, |profile| &profile.name),
            "email": profile.map(|profile| &profile.email),
            "alias": profile.map_or("", |profile| &profile.alias),
            "rates": view::decimal(&profile.map(|p| p.rates).unwrap_or_default().to_string()),
            "factor": view::decimal(&owner.config.factor.unwrap_or_default().to_string()),
        },
        "balance": {
            "total": view::dollars(left.map(|left| left.total)),
            "credits": credits,
        },
        "limits": {
            "hard_limit": view::dollars(bounds.hard_limit),
            "soft_limit": view::dollars(profile.and_then(|profile| profile.soft_limit)),
            "rpm": limits.rpm,
            "rph": limits.rph,
            "rpd": limits.rpd,
            "tpm": limits.tpm,
            "tph": limits.tph,
            "tpd": limits.tpd,
        },
        "acl": {
            "allow_ips": view::list(bounds.allow_ips.as_ref()),
            "allow_models": view::list(bounds.allow_models.as_ref()),
            "allow_levels": view::list(bounds.allow_levels.as_ref()),
            "resources": view::list(bounds.resources.as_ref()),
        },
    })
}

/// `GET /dashboard/conf`
pub(crate) async fn conf(State(app): State<App>, caller: Authenticated) -> Response {
    let profile = own(&caller).map(|account| &account.profile);
    let bounds = bounds(&caller);
    let mut body = view::bounds(&bounds);
    let more = json!({
        "success": true,
        "ModelMapper": profile.map(|profile| profile.model_mapper.clone()).unwrap_or_default(),
        "OwnerModelMapper": mapped_for(&caller, &bounds),
        "Rates": view::decimal(&profile.map(|p| p.rates).unwrap_or_default().to_string()),
        "SoftLimit": view::dollars(profile.and_then(|profile| profile.soft_limit)),
        "UserMinBalance": view::decimal(&app.settings.user_min_balance),
        "UserApiBalance": view::decimal(&app.settings.user_api_balance),
    });
    if let Value::Object(more) = more {
        view::add(&mut body, more);
    }
    reply::read(&caller, &body)
}

/// What of the owner's MODEL_MAPPER can matter to the caller: the sources that it
/// may name, or some of what they match. The others tell of models that are
/// not for it.
fn mapped_for(caller: &Authenticated, bounds: &Bounds) -> BTreeMap<String, String> {
    let mapper = caller.owner().config.model_mapper.clone();
    let mut mapper = mapper.unwrap_or_default();
    if let Some(allowed) = Model::list(bounds.allow_models.as_ref()) {
        let bounds = Model::above(&allowed);
        mapper.retain(|source, _| {
            let source = Model(source.clone());
            let only = Model::above(&BTreeSet::from([source.clone()]));
            source.is_within(&bounds) || allowed.iter().any(|model| model.is_within(&only))
        });
    }
    mapper
}

/// The caller's account, unless it is the owner's own.
fn own(caller: &Authenticated) -> Option<&Account> {
    let account = caller.owner().accounts.get(&caller.account());
    account.map(AsRef::as_ref)
}

/// What bounds the caller: its account, and the key it came with.
fn bounds(caller: &Authenticated) -> Bounds {
    let owner = caller.owner();
    let bounds = owner.bounds(caller.account());
    match caller
        .caller_key()
        .and_then(|number| owner.caller_keys.get(&number))
    {
        Some(key) => bounds.under(&key.terms),
        None => bounds,
    }
}

/// What the caller has left of its own credit; `None` of the owner, who needs none.
fn left(app: &App, caller: &Authenticated) -> Option<Balance> {
    own(caller).map(|account| app.left(caller.owner_id(), account))
}

fn credit(left: &Left) -> Value {
    json!({
        "amount": view::dollars(Some(left.amount)),
        "granted_at": left.granted_at.to_rfc3339(),
        "expires_at": left.expires_at.to_rfc3339(),
    })
}
