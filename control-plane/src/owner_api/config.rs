//! `/x-config`: the owner's configuration.

use std::collections::BTreeSet;
use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::PatchConfig;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{ConfigKey, ResourceId};
use serde_json::{Map, Value, json};

use crate::access::Who;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::json::kind;
use crate::request::quote::quoted;
use crate::request::{Fields, Write};

pub(crate) mod input;
pub(crate) mod limits;
mod size;
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
    reply::read_one(&caller, ResourceId::Config, &body)
}

/// `PUT /x-config` and `POST /x-config`
pub(crate) async fn put(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let fields = configs(write.fields()?)?;
    // What is not to be changed is told by comparing, so with the newest state.
    let caller = app.caught_up(&caller).await;
    let input = ConfigInput::read(fields, &write, caller.owner())?;
    check_role(&caller, &input.named)?;
    let named = input.named.clone();
    let given = input.level_mapper.clone();
    let owner = caller.owner_id();
    let patch = input.seal(&app.vault, owner)?;
    let mut done = if patch == PatchConfig::default() && !App::is_retry(&caller, &write) {
        App::unchanged(&caller, &write, ResourceId::Config)?
    } else {
        let largest = size::largest(&patch);
        let command = Command::PatchConfig(patch);
        let done = app.submit(&caller, &write, command).await;
        done.map_err(|error| size::named(error, largest))?
    };
    let mut updated = shown(done.owner(owner)?, &named);
    if let Some(mapper) = given {
        let name = ConfigKey::LevelMapper.to_string();
        updated.insert(name, view::levels(&mapper));
    }
    done.compare(owner, |owner| Value::Object(shown(owner, &named)));
    let message = format!(
        "{} {}",
        list(&named),
        done.was("updated", "would be updated")
    );
    Ok(done.reply(json!({"updated": updated, "message": message})))
}

/// Operators set what routes requests. Prices are money, and whoever sets the
/// mail server is handed the mail password.
fn check_role(caller: &Authenticated, named: &[ConfigKey]) -> Result<(), Error> {
    let routes = |key: &ConfigKey| {
        matches!(
            key,
            ConfigKey::ModelMapper
                | ConfigKey::LevelMapper
                | ConfigKey::SwitchOver
                | ConfigKey::Resources
                | ConfigKey::ModelLimits
        )
    };
    match caller.who() {
        Who::Owner => Ok(()),
        _ if named.iter().all(routes) => Ok(()),
        Who::Admin(role) => Err(Error::Role(role)),
        Who::Account => Err(Error::NotOwner),
    }
}

/// The keys of a PUT: the body's own, or those of a whole answer of GET.
fn configs(mut fields: Fields) -> Result<Map<String, Value>, Error> {
    const WHOLE: &str = "configs";
    if !fields.names(WHOLE) {
        return Ok(fields.into_rest());
    }
    fields.ignore(&["success", "oid"]);
    let configs = fields.object(WHOLE)?.unwrap_or_default();
    fields.finish()?;
    Ok(configs)
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
    check_role(&caller, &named)?;
    let mut done = app
        .submit(&caller, &write, Command::ResetConfig(keys))
        .await?;
    done.compare(caller.owner_id(), |owner| {
        Value::Object(shown(owner, &named))
    });
    let deleted: Vec<&str> = named.iter().map(|key| key.as_str()).collect();
    let was = done.was("deleted", "would be deleted");
    let message = format!("{} {was} (restored to system default)", list(&named));
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
