//! `POST /x-self`: draws the key that was presented anew. The old one is refused
//! from then on, so the answer is the only place where the new one stands.

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use foldgate_domain::Command;
use foldgate_domain::command::{KeyOf, RotateOwnerKey, Seen};
use foldgate_proto::ResourceId;
use serde_json::json;
use std::time::Duration;

use super::caller_keys::write::redraw;
use crate::KeyFile;
use crate::app::App;
use crate::auth::{Authenticated, Principal};
use crate::drawn::Drawn;
use crate::error::Error;
use crate::request::Write;

/// `POST /x-self`
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Authenticated,
    mut write: Write,
) -> Result<Response, Error> {
    confirmed(&write)?;
    if matches!(caller.principal(), Principal::Admin(_)) {
        return Err(Error::AdminKey);
    }
    // Of two at once one takes its successor; the other's would be dead already.
    let key = caller
        .caller_key()
        .map_or(ResourceId::Owner, ResourceId::CallerKey);
    if write.if_match.is_none() {
        let seen = caller.owner().resource_revision(key);
        write.if_match = seen.map(|revision| Seen::At(vec![revision]));
    }
    if let Some(number) = caller.caller_key() {
        let account = caller.account();
        let key = KeyOf { account, number };
        return redraw(&app, &caller, &write, (key, Duration::ZERO)).await;
    }
    let rotating = tokio::spawn(of_owner(app, caller, write));
    rotating.await.unwrap_or(Err(Error::Internal))
}

/// Done to its end even where the client hangs up: the new key must not be lost
/// on the way to the file that keeps it.
async fn of_owner(app: App, caller: Authenticated, write: Write) -> Result<Response, Error> {
    let drawn = Drawn::new()?;
    let rotate = RotateOwnerKey {
        hash: drawn.hash,
        mask: drawn.mask.clone(),
    };
    let command = Command::RotateOwnerKey(rotate);
    let file = kept_in(&app, &caller, &write)?;
    if let Some(file) = file {
        file.stage(drawn.shown()).map_err(|error| disk(&error))?;
    }
    let done = app.submit(&caller, &write, command).await;
    let counts = match &done {
        Ok(done) => Some(done.owner(caller.owner_id())?.key_hash.clone()),
        // Which of the two counts is found out at the next start.
        Err(Error::OutcomeUnknown(_)) => None,
        Err(_) => Some(caller.owner().key_hash.clone()),
    };
    if let Some((file, hash)) = file.zip(counts)
        && let Err(error) = file.settle(&hash)
    {
        // The key stands and is shown; the next start tries again.
        tracing::error!(%error, "the file that keeps the owner key could not be written");
    }
    let done = done?;
    let owner = done.owner(caller.owner_id())?;
    let mut key = json!({"AccountID": owner.account.0, "Name": owner.name, "Mask": owner.key_mask});
    if done.is_new() {
        key["SecretKey"] = json!(drawn.shown());
    }
    Ok(done.reply(json!({"key": key})))
}

/// The file that holds the key which is to be replaced, if this process has one.
fn kept_in<'a>(
    app: &'a App,
    caller: &Authenticated,
    write: &Write,
) -> Result<Option<&'a KeyFile>, Error> {
    let Some(file) = app.settings.owner_key.as_ref().filter(|_| !write.dry_run) else {
        return Ok(None);
    };
    let holds = file.holds(&caller.owner().key_hash);
    Ok(holds.map_err(|error| disk(&error))?.then_some(file))
}

fn disk(error: &foldgate_runtime::data_dir::Error) -> Error {
    tracing::error!(%error, "the file that keeps the owner key cannot be used");
    Error::Internal
}

/// Refuses a request that was not meant: the confirmation holds today's date.
fn confirmed(write: &Write) -> Result<(), Error> {
    let mut fields = write.fields()?;
    let confirm = fields.text("confirm")?;
    fields.finish()?;
    let expected = format!("{}-ROTATE-SELF", Utc::now().format("%Y-%m-%d"));
    if confirm.as_deref() == Some(expected.as_str()) {
        return Ok(());
    }
    let problem = format!("must be \"{expected}\": today's date in UTC and what is to be done");
    Err(Error::field("confirm", problem))
}
