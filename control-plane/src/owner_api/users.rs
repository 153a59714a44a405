//! `/x-users`: the caller's direct children. Reading; the writes are in
//! [`write`](mod@write).

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_proto::ResourceId;
use serde_json::json;

use super::page::Paging;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;

pub(crate) mod filter;
pub(crate) mod input;
pub(crate) mod name;
pub(crate) mod view;
pub(crate) mod write;

use filter::Filter;
use name::Named;

/// `GET /x-users`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let how = (&Filter::parse(&query)?, Paging::parse(&query)?);
    let parent = caller.account();
    let children = caller.owner().children_of(parent);
    let belongs = |account: &foldgate_proto::Account| account.parent == parent;
    Ok(filter::show((&app, &caller), children, belongs, how))
}

/// `GET /x-users/{id}`, `/x-users/{name}`, `/x-users/{email}`
pub(crate) async fn named(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
) -> Result<Response, Error> {
    let (caller, account) = name::child(&app, caller, &Named::parse(&name)?).await?;
    let left = app.left(caller.owner_id(), &account).total;
    let view = view::account(caller.owner(), &account, left);
    let body = json!({"success": true, "user": view});
    let resource = ResourceId::Account(account.number);
    Ok(reply::read_one(&caller, resource, &body))
}
