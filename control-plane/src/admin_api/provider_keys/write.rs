//! `POST`, `PUT` and `DELETE` of provider keys.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{AddKey, AddNamedKey, Change, ConfigFields, ConfigPatch, PatchKey};
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{KeyId, KeyNumber, Level, MaskedSecret, OwnerId, ProviderKey, ProviderType};
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use super::value::{Credential, ProviderKeyValue};
use super::{find, kept, known, view};
use crate::admin_api::body::{self, fault};
use crate::admin_api::removal;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::owner_api::keys::write::checked_url;
use crate::reply::Done;
use crate::request::{Segments, Write};
use crate::sealing;

/// Where a key stands for which nothing better is found.
const FIRST_LEVEL: u64 = 1;

/// `POST /admin/v1/provider_keys`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let value = body::read(&write, ProviderKeyValue::shown)?;
    value.check()?;
    let id = KeyId(Uuid::now_v7());
    let config = config(&value, None)?.unwrap_or_default();
    let credential = value.credential(None)?;
    let place = (caller.owner_id(), id);
    let secret = sealed(&app, place, credential)?.ok_or(Error::Internal)?;
    let provider = checked_url(&app, &base(&value, None)?).map_err(in_these_words)?;
    let (more, more_secrets) = kept::of(&app, (place.0, id), &value, None)?;
    let level = level(&value).or_else(|| Level::new(FIRST_LEVEL));
    let add = AddNamedKey {
        key: AddKey {
            id,
            name: value.display_name.clone(),
            level: level.ok_or(Error::Internal)?,
            provider: provider.as_str().to_owned(),
            config,
            secret,
            enabled: !value.disabled,
        },
        any_level: value.level.is_none(),
        more: Some(more).filter(|more| !more.is_empty()),
        more_secrets,
    };
    let command = Command::AddNamedKey(Box::new(add));
    let done = submit(&app, &caller, &write, command).await?;
    let number = done.subject().map(KeyNumber).ok_or(Error::Internal)?;
    reply(done, &value, &caller, number)
}

/// `PUT /admin/v1/provider_keys/{id}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    // Whether a mask is this key's own, its newest state says.
    let caller = app.caught_up(&caller).await;
    let (caller, key) = find(&app, caller, &id).await?;
    let value = body::read(&write, ProviderKeyValue::shown)?;
    value.check()?;
    let credential = value.credential(Some(&key.secret.mask))?;
    let secret = sealed(&app, (caller.owner_id(), key.id), credential)?;
    let provider = match base(&value, Some(&key))? {
        // What stands there already was checked when it came, and may stay.
        same if same == key.provider => same,
        url => {
            let checked = checked_url(&app, &url).map_err(in_these_words)?;
            checked.as_str().to_owned()
        }
    };
    let place = (caller.owner_id(), key.id);
    let (more, more_secrets) = kept::of(&app, place, &value, Some(&key))?;
    let sealed = secret.is_some() || !more_secrets.is_empty();
    let patch = PatchKey {
        number: key.number,
        sealed_for: sealed.then_some(key.id),
        name: Some(value.display_name.clone()),
        level: level(&value),
        provider: Some(provider),
        config: config(&value, Some(&key))?,
        secret,
        enabled: Some(!value.disabled),
        more: Some(more),
        more_secrets,
        own_name: true,
    };
    let command = Command::PatchKey(patch);
    let mut done = submit(&app, &caller, &write, command).await?;
    body::warn_of_use(&mut done, (key.disabled.is_some(), value.disabled));
    reply(done, &value, &caller, key.number)
}

/// `DELETE /admin/v1/provider_keys/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let found = find(&app, caller.clone(), &id).await;
    let found = found.map(|(caller, key)| (caller, key.number));
    let gone = |_: &Authenticated, number| KeyNumber(number);
    let (caller, number) = removal::target(&app, (caller, &write), found, gone).await?;
    let command = Command::RemoveKey(number);
    let done = submit(&app, &caller, &write, command).await?;
    Ok(removal::reply(done, &caller, &id, |owner| {
        entry(owner, number)
    }))
}

/// Where the provider is. The known places are for standard keys: one of another kind
/// that it keeps without saying so stays where it is.
fn base(value: &ProviderKeyValue, had: Option<&ProviderKey>) -> Result<String, Error> {
    if let Some(base) = &value.api_base {
        return Ok(base.clone());
    }
    let elsewhere = had.filter(|key| key.config.provider_type() != ProviderType::Standard);
    if let (None, Some(key)) = (value.adapter, elsewhere) {
        return Ok(key.provider.clone());
    }
    let known = known::base(value.provider(), value.adapter);
    known.map(str::to_owned).ok_or_else(|| {
        let problem = "is required: no base URL is known of this provider and adapter";
        fault("api_base", problem)
    })
}

fn level(value: &ProviderKeyValue) -> Option<Level> {
    Level::new(u64::from(value.level?))
}

/// What changes of a key's kind of upstream, and of what it speaks: of the other kinds
/// nothing where it stays the same, whose own settings stay too.
fn config(
    value: &ProviderKeyValue,
    had: Option<&ProviderKey>,
) -> Result<Option<ConfigPatch>, Error> {
    let had = had.map(|key| key.config.provider_type());
    let kind = value.kind(had);
    if had == Some(kind) && kind != ProviderType::Standard {
        return Ok(None);
    }
    let fields = match kind {
        ProviderType::Standard => ConfigFields::Standard {
            dialect: value.dialect().map_or(Change::Clear, Change::Set),
        },
        ProviderType::Azure => ConfigFields::Azure {
            model_mapping: None,
            api_versions: None,
        },
        ProviderType::Vertex => {
            let problem = "a Vertex key needs a project, a service account and its private key: \
                           add or change it at /x-keys, where its Config takes them";
            return Err(fault("adapter", problem));
        }
    };
    Ok(Some(ConfigPatch {
        is_named: true,
        fields,
    }))
}

fn sealed(
    app: &App,
    place: (OwnerId, KeyId),
    credential: Credential,
) -> Result<Option<MaskedSecret>, Error> {
    let seal = |secret: SecretString| sealing::secret_key(&app.vault, place, &secret);
    match credential {
        Credential::Kept => Ok(None),
        Credential::New(secret) => seal(secret).map(Some),
    }
}

async fn submit(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    command: Command,
) -> Result<Done, Error> {
    let done = app.submit(caller, write, command).await;
    done.map_err(in_these_words)
}

/// The domain, and what is shared with the owner API, name fields as that does.
fn in_these_words(error: Error) -> Error {
    match error {
        Error::Field { param, problem } if param == "Provider" => fault("api_base", problem),
        other => body::in_words(other, "provider key", here),
    }
}

fn here(field: &'static str) -> &'static str {
    match field {
        "Name" => "display_name",
        "Level" => "level",
        "Provider" => "api_base",
        "SecretKey" => "api_key",
        // What is kept is no field of its own.
        "more" => "",
        other => other,
    }
}

/// The answer: the entry, as it stands behind the write.
fn reply(
    mut done: Done,
    value: &ProviderKeyValue,
    caller: &Authenticated,
    number: KeyNumber,
) -> Result<Response, Error> {
    body::warn(&mut done, kept::unenforced(&value.more()));
    let entry = done.show(caller.owner_id(), "the provider key", |owner| {
        entry(owner, number)
    })?;
    Ok(done.reply_bare(entry))
}

fn entry(owner: &OwnerState, number: KeyNumber) -> Option<Value> {
    owner.keys.get(&number).map(|key| view::entry(key))
}
