//! `POST`, `PUT` and `DELETE` on `/x-users/{id}/keys`, and rotation. A key is
//! shown in the answer that draws it, and never again: a retry is answered
//! without it.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::Command;
use foldgate_domain::command::{IssueCallerKey, KeyOf, NewKey, PatchCallerKey, RotateCallerKey};
use foldgate_proto::{CallerKeyId, CallerKeyNumber};
use serde_json::{Value, json};
use uuid::Uuid;

use super::input::{self, KeyInput};
use super::{find, number, view};
use crate::app::App;
use crate::auth::Authenticated;
use crate::drawn::Drawn;
use crate::error::Error;
use crate::owner_api::users::name::{Named, own_or_child};
use crate::reply::Done;
use crate::request::{Segments, Write};

/// `POST /x-users/{id}/keys`
pub(crate) async fn issue(
    State(app): State<App>,
    caller: Authenticated,
    Segments(account): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let input = KeyInput::create(write.fields()?)?;
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let drawn = Drawn::new()?;
    let issue = IssueCallerKey {
        account,
        key: NewKey {
            id: CallerKeyId(Uuid::now_v7()),
            name: input.name.unwrap_or_default(),
            hash: drawn.hash,
            mask: drawn.mask.clone(),
            terms: input.terms,
        },
    };
    let done = app
        .submit(&caller, &write, Command::IssueCallerKey(issue))
        .await?;
    let number = done.subject().map(CallerKeyNumber).ok_or(Error::Internal)?;
    reply(done, &caller, number, Some(&drawn))
}

/// `PUT /x-users/{id}/keys/{key}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments((account, key)): Segments<(String, String)>,
    write: Write,
) -> Result<Response, Error> {
    let number = number(&key)?;
    let input = KeyInput::update(write.fields()?, number)?;
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let (caller, _) = find(&app, caller, account, number).await?;
    let patch = PatchCallerKey {
        key: KeyOf { account, number },
        name: input.name,
        terms: input.terms,
    };
    let done = app
        .submit(&caller, &write, Command::PatchCallerKey(patch))
        .await?;
    reply(done, &caller, number, None)
}

/// `POST /x-users/{id}/keys/{key}/rotate`
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Authenticated,
    Segments((account, key)): Segments<(String, String)>,
    write: Write,
) -> Result<Response, Error> {
    let number = number(&key)?;
    let overlap = input::overlap(&write)?;
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let (caller, _) = find(&app, caller, account, number).await?;
    let drawn = Drawn::new()?;
    let rotate = RotateCallerKey {
        key: KeyOf { account, number },
        hash: drawn.hash,
        mask: drawn.mask.clone(),
        overlap,
    };
    let done = app
        .submit(&caller, &write, Command::RotateCallerKey(rotate))
        .await?;
    reply(done, &caller, number, Some(&drawn))
}

/// `DELETE /x-users/{id}/keys/{key}`
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Authenticated,
    Segments((account, key)): Segments<(String, String)>,
    write: Write,
) -> Result<Response, Error> {
    let number = number(&key)?;
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let caller = match find(&app, caller.clone(), account, number).await {
        Ok((caller, _)) => caller,
        // A retry of what is done already.
        Err(_) if app.retried(&caller, &write).await.is_some() => caller,
        Err(error) => return Err(error),
    };
    let command = Command::RevokeCallerKey(KeyOf { account, number });
    let mut done = app.submit(&caller, &write, command).await?;
    compare(&mut done, &caller, number);
    let message = format!(
        "caller key {number} {}",
        done.was("deleted", "would be deleted")
    );
    Ok(done.reply(json!({"id": number.0, "message": message})))
}

/// The answer to a write: the key, with itself where it was just drawn.
pub(crate) fn reply(
    mut done: Done,
    caller: &Authenticated,
    number: CallerKeyNumber,
    drawn: Option<&Drawn>,
) -> Result<Response, Error> {
    compare(&mut done, caller, number);
    let owner = done.owner(caller.owner_id())?;
    let Some(key) = owner.caller_keys.get(&number) else {
        let message = format!("caller key {number}, which this request was about, is gone since");
        return Err(Error::Gone(message));
    };
    let mut key = view::key(key);
    if let Some(drawn) = drawn.filter(|_| done.is_new()) {
        key["SecretKey"] = json!(drawn.shown());
    }
    Ok(done.reply(json!({"key": key})))
}

fn compare(done: &mut Done, caller: &Authenticated, number: CallerKeyNumber) {
    done.compare(caller.owner_id(), |owner| {
        let key = owner.caller_keys.get(&number);
        key.map_or(Value::Null, |key| view::key(key))
    });
}
