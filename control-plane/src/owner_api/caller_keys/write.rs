//! `POST`, `PUT` and `DELETE` on `/x-users/{id}/keys`, and rotation. A key is
//! shown in the answer that draws it, and never again: a retry is answered
//! without it.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{IssueCallerKey, KeyOf, PatchCallerKey, RotateCallerKey};
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::CallerKeyNumber;
use serde_json::{Value, json};

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
    let issue = |drawn: &Drawn| {
        Command::IssueCallerKey(IssueCallerKey {
            account,
            key: drawn.caller_key(input.name.unwrap_or_default(), input.terms),
            own_name: false,
        })
    };
    draw(&app, &caller, &write, issue).await
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
        hash: None,
        own_name: false,
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
    let overlap = input::overlap(&write, &["OverlapSeconds"])?;
    let (caller, account) = own_or_child(&app, caller, &Named::parse(&account)?).await?;
    let (caller, _) = find(&app, caller, account, number).await?;
    redraw(&app, &caller, &write, (KeyOf { account, number }, overlap)).await
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
    done.compare(caller.owner_id(), |owner| {
        shown(owner, number).unwrap_or_default()
    });
    let message = format!(
        "caller key {number} {}",
        done.was("deleted", "would be deleted")
    );
    Ok(done.reply(json!({"id": number.0, "message": message})))
}

/// Draws a key anew, the old one good for some time yet, and answers with it.
pub(crate) async fn redraw(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    (key, overlap): (KeyOf, Duration),
) -> Result<Response, Error> {
    let rotate = |drawn: &Drawn| {
        Command::RotateCallerKey(RotateCallerKey {
            key,
            hash: drawn.hash,
            mask: drawn.mask.clone(),
            overlap,
        })
    };
    draw(app, caller, write, rotate).await
}

/// Draws a key, submits the command that keeps its hash, and answers with it.
async fn draw(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    command: impl FnOnce(&Drawn) -> Command,
) -> Result<Response, Error> {
    let drawn = Drawn::new()?;
    let done = app.submit(caller, write, command(&drawn)).await?;
    let number = done.subject().map(CallerKeyNumber).ok_or(Error::Internal)?;
    reply(done, caller, number, Some(&drawn))
}

/// The answer to a write: the key, with itself where it was just drawn.
fn reply(
    mut done: Done,
    caller: &Authenticated,
    number: CallerKeyNumber,
    drawn: Option<&Drawn>,
) -> Result<Response, Error> {
    let what = format_args!("caller key {number}");
    let mut key = done.show(caller.owner_id(), what, |owner| shown(owner, number))?;
    if let Some(drawn) = drawn.filter(|_| done.is_new()) {
        key["SecretKey"] = json!(drawn.shown());
    }
    Ok(done.reply(json!({"key": key})))
}

fn shown(owner: &OwnerState, number: CallerKeyNumber) -> Option<Value> {
    owner.caller_keys.get(&number).map(|key| view::key(key))
}
