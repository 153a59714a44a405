//! `/x-users/{id}/keys`: the keys of a direct child, or the caller's own.
//! Reading; the writes are in [`write`](mod@write).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::Rejection;
use foldgate_proto::{AccountNumber, CallerKey, CallerKeyNumber, ResourceId};
use serde_json::{Value, json};

use super::users::name::{Named, own_or_child};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;
use crate::request::quote::quoted;

pub(crate) mod input;
pub(crate) mod view;
pub(crate) mod write;

/// `GET /x-users/{id}/keys`: all of them, an account holds no more than a page.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    Segments(account): Segments<String>,
) -> Result<Response, Error> {
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let keys = caller.owner().caller_keys_of(account);
    let keys: Vec<Value> = keys.map(|key| view::key(key)).collect();
    Ok(reply::read(
        &caller,
        &json!({"success": true, "keys": keys}),
    ))
}

/// `GET /x-users/{id}/keys/{key}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments((account, key)): Segments<(String, String)>,
) -> Result<Response, Error> {
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let (caller, key) = find(&app, caller, account, number(&key)?).await?;
    let body = json!({"success": true, "key": view::key(&key)});
    let resource = ResourceId::CallerKey(key.number);
    Ok(reply::read_one(&caller, resource, &body))
}

/// A key of an account; asks the log for news before it says that there is none.
async fn find(
    app: &App,
    caller: Authenticated,
    account: AccountNumber,
    number: CallerKeyNumber,
) -> Result<(Authenticated, Arc<CallerKey>), Error> {
    let find = |caller: &Authenticated| {
        let key = caller.owner().caller_keys.get(&number)?;
        (key.account == account).then(|| Arc::clone(key))
    };
    let found = app.look(caller, find).await;
    found.ok_or_else(|| Rejection::NoSuchCallerKey(number).into())
}

/// Reads a key's number in a path.
fn number(text: &str) -> Result<CallerKeyNumber, Error> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().map(CallerKeyNumber).ok().filter(|_| digits);
    number.ok_or_else(|| Error::Missing {
        code: "caller_key_not_found",
        message: format!("no caller key with id {:?}", quoted(text)),
    })
}
