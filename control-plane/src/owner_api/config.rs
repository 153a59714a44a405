//! `/x-config`: the owner's configuration.

use std::collections::BTreeSet;
use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::PatchConfig;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::ConfigKey;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply::{self, Done};
use crate::request::Write;
use crate::request::json::{kind, quoted};

pub(crate) mod input;
pub(crate) mod value;
pub(crate) mod view;

use input::ConfigInput;

/// `GET /x-config`
pub(crate) async fn get(caller: Authenticated) -> Response {
    let owner = caller.owner();
    let body = json!({
        "success": true,
        "oid": owner.account.0,
        "configs": view::all(owner),
    });
    reply::read(&caller, &body)
}

/// `PUT /x-config` and `POST /x-config`
pub(crate) async fn put(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let fields = write.fields()?.into_rest();
    let input = ConfigInput::read(fields, &write, caller.owner())?;
    let named = input.named.clone();
    let owner = caller.owner_id();
    let patch = input.seal(&app.vault, owner)?;
    let done = if patch == PatchConfig::default() && !App::is_retry(&caller, &write) {
        Done::unchanged(&caller.table().state)
    } else {
        let command = Command::PatchConfig(patch);
        app.submit(&caller, &write, command).await?
    };
    let updated = shown(done.owner(owner)?, &named);
    let message = format!("{} updated", list(&named));
    Ok(done.reply(json!({"updated": updated, "message": message})))
}

/// `DELETE /x-config`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let mut fields = write.fields()?;
    let keys = match fields.take("keys") {
        Some(Value::Array(keys)) => keys,
        Some(other) => {
            let problem = format!("must be an array of names, not {}", kind(&other));
            return Err(Error::field("keys", problem));
        }
        None => return Err(Error::field("keys", "is required")),
    };
    fields.finish()?;
    let keys = keys.iter().map(key).collect::<Result<BTreeSet<_>, _>>()?;
    let named: Vec<ConfigKey> = keys.iter().copied().collect();
    if named.is_empty() {
        return Err(Error::field("keys", "must name at least one key"));
    }
    let done = app
        .submit(&caller, &write, Command::ResetConfig(keys))
        .await?;
    let deleted: Vec<&str> = named.iter().map(|key| key.as_str()).collect();
    let message = format!("{} deleted (restored to system default)", list(&named));
    Ok(done.reply(json!({"deleted": deleted, "message": message})))
}

fn key(value: &Value) -> Result<ConfigKey, Error> {
    let Value::String(name) = value else {
        let problem = format!("must be an array of names, not of {}", kind(value));
        return Err(Error::field("keys", problem));
    };
    ConfigKey::from_str(name).map_err(|error| {
        let problem = format!("{:?}: {error}", quoted(name));
        Error::field("keys", problem)
    })
}

fn shown(owner: &OwnerState, keys: &[ConfigKey]) -> Map<String, Value> {
    let mut shown = Map::new();
    for key in keys {
        if let Some(value) = view::one(owner, *key) {
            shown.insert(key.to_string(), value);
        }
    }
    shown
}

fn list(keys: &[ConfigKey]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    names.join(", ")
}
