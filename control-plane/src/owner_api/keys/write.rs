//! `POST`, `PUT` and `DELETE` on `/x-keys`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{AddKey, ConfigPatch, PatchKey};
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_domain::{Command, OwnerState, Rejection};
use foldgate_proto::{KeyId, KeyNumber, OwnerId, ProviderKey, ProviderType, ResourceId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::key_number;
use super::input::KeyInput;
use super::provider_config::{ConfigInput, Resolved};
use super::view::KeyView;
use super::{key, upstream};
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply::Done;
use crate::request::{Segments, Write, quote};
use crate::sealing;

/// `POST /x-keys`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let input = KeyInput::create(write.fields()?)?;
    let (add, warnings) = new_key(&app, &caller, input)?;
    let done = app.submit(&caller, &write, Command::AddKey(add)).await;
    let done = done.map_err(too_large)?;
    let number = done.subject().map(KeyNumber).ok_or(Error::Internal)?;
    reply(done, warnings, &caller, number)
}

/// `PUT /x-keys/{id}` and `POST /x-keys/{id}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let number = key_number(&name)?;
    let fields = write.fields()?;
    // What the body leaves out is read from the key, so from its newest state.
    let caller = app.caught_up(&caller).await;
    let (caller, key) = key(&app, caller, number).await?;
    let input = KeyInput::update(fields, &key)?;
    let (patch, warnings) = changed_key(&app, &caller, &key, input)?;
    let says_nothing = patch
        == PatchKey {
            number,
            ..PatchKey::default()
        };
    let done = if says_nothing && !App::is_retry(&caller, &write) {
        App::unchanged(&caller, &write, ResourceId::Key(number))?
    } else {
        let command = Command::PatchKey(patch);
        let done = app.submit(&caller, &write, command).await;
        done.map_err(too_large)?
    };
    reply(done, warnings, &caller, number)
}

/// `DELETE /x-keys/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let id = key_number(&name)?;
    let mut done = app.submit(&caller, &write, Command::RemoveKey(id)).await?;
    done.compare(caller.owner_id(), |owner| {
        shown(owner, id).unwrap_or_default()
    });
    let message = format!("key {id} {}", done.was("deleted", "would be deleted"));
    Ok(done.reply(json!({"id": id.0, "message": message})))
}

/// Writes to `/x-keys/{id}/...`: a URL where an id should stand, or no route.
pub(crate) async fn no_id(
    _: Authenticated,
    Segments((first, rest)): Segments<(String, String)>,
) -> Error {
    match key_number(&first) {
        Ok(_) => Error::NoRoute(quote::path(&format!("/x-keys/{first}/{rest}"))),
        Err(error) => error,
    }
}

fn reply(
    mut done: Done,
    warnings: Vec<String>,
    caller: &Authenticated,
    number: KeyNumber,
) -> Result<Response, Error> {
    for warning in warnings {
        done.warn(warning);
    }
    let what = format_args!("key {number}");
    let key = done.show(caller.owner_id(), what, |owner| shown(owner, number))?;
    Ok(done.reply(json!({"key": key})))
}

fn shown(owner: &OwnerState, number: KeyNumber) -> Option<Value> {
    let key = owner.keys.get(&number)?;
    Some(json!(KeyView::new(key)))
}

/// Of a key only its mapping can grow beyond a record.
fn too_large(error: Error) -> Error {
    match error {
        Error::TooLargeToWrite(_) => {
            Error::field("Config.model_mapping", "is too large for one record")
        }
        other => other,
    }
}

fn new_key(
    app: &App,
    caller: &Authenticated,
    input: KeyInput,
) -> Result<(AddKey, Vec<String>), Error> {
    let place = (caller.owner_id(), KeyId(Uuid::now_v7()));
    let missing = |name: &str| Error::field(name, "is required");
    let provider = input.provider.ok_or_else(|| missing("Provider"))?;
    let provider = checked_url(app, &provider)?;
    let secret = input.secret.ok_or_else(|| missing("SecretKey"))?;
    let resolved = match input.config {
        Some(config) => resolve(app, config, None, place)?,
        None => Resolved::default(),
    };
    let name = input.name.filter(|name| !name.is_empty());
    let add = AddKey {
        id: place.1,
        name: name.unwrap_or_else(|| short_host(&provider)),
        level: input.level.ok_or_else(|| missing("Level"))?,
        config: resolved.config.unwrap_or_default(),
        secret: sealing::secret_key(&app.vault, place, &secret)?,
        enabled: input.enabled.unwrap_or(true),
        provider: provider.as_str().to_owned(),
    };
    Ok((add, resolved.warnings))
}

fn changed_key(
    app: &App,
    caller: &Authenticated,
    key: &ProviderKey,
    input: KeyInput,
) -> Result<(PatchKey, Vec<String>), Error> {
    let place = (caller.owner_id(), key.id);
    let provider = match &input.provider {
        // What stands there already was checked when it came, and may stay.
        Some(url) if *url != key.provider => Some(checked_url(app, url)?.as_str().to_owned()),
        same => same.clone(),
    };
    let resolved = match input.config {
        Some(config) => {
            let had = key.config.provider_type();
            resolve(app, config, Some(had), place)?
        }
        None => Resolved::default(),
    };
    let secret = match &input.secret {
        Some(secret) => Some(sealing::secret_key(&app.vault, place, secret)?),
        None => None,
    };
    if input.name.as_deref() == Some("") {
        return Err(Rejection::field("Name", "must not be empty").into());
    }
    let sealed = secret.is_some() || resolved.config.as_ref().is_some_and(ConfigPatch::is_sealed);
    let patch = PatchKey {
        number: key.number,
        sealed_for: sealed.then_some(key.id),
        name: input.name,
        level: input.level,
        provider,
        config: resolved.config,
        secret,
        enabled: input.enabled,
        more: None,
        more_secrets: BTreeMap::new(),
        own_name: false,
    };
    Ok((patch, resolved.warnings))
}

fn resolve(
    app: &App,
    config: ConfigInput,
    had: Option<ProviderType>,
    place: (OwnerId, KeyId),
) -> Result<Resolved, Error> {
    config.resolve(had, |pem| sealing::private_key(&app.vault, place, pem))
}

pub(crate) fn checked_url(app: &App, url: &str) -> Result<ProviderUrl, Error> {
    let others = app.fleet.listeners(clock::now());
    let own = app.settings.listeners.iter().map(String::as_str);
    let all = own.chain(others.iter().map(String::as_str));
    upstream::check(url, &app.settings.addresses, all)
}

/// A name for a key that was given none, no longer than a name may be.
fn short_host(provider: &ProviderUrl) -> String {
    let limit = foldgate_domain::decide::MAX_KEY_NAME_CHARS;
    provider.host().chars().take(limit).collect()
}
