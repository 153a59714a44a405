//! `POST`, `PUT` and `DELETE` on `/x-keys`.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{AddKey, PatchKey};
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_domain::{Command, Rejection};
use foldgate_proto::{KeyId, KeyNumber, MaskedSecret, ProviderConfig, ProviderKey};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::filter::Named;
use super::input::KeyInput;
use super::provider_config::{ConfigInput, moved};
use super::view::KeyView;
use super::{key, upstream};
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply::Done;
use crate::request::{Segments, Write};
use crate::sealing::{self, PRIVATE_KEY, SECRET_KEY};

/// The warning about a private key copied out of documentation.
const SHORTENED: &str = "Config.private_key is shortened, it cannot be a whole key";

/// `POST /x-keys`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let input = KeyInput::create(write.fields()?)?;
    let shortened = is_shortened(&input);
    let add = new_key(&app, &caller, input)?;
    let mut done = app.submit(&caller, &write, Command::AddKey(add)).await?;
    if shortened {
        done.warn(SHORTENED);
    }
    reply(done, &caller)
}

/// `PUT /x-keys/{id}` and `POST /x-keys/{id}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let fields = write.fields()?;
    let (caller, key) = key(&app, caller, number(&name)?).await?;
    let input = KeyInput::update(fields, &key)?;
    let shortened = is_shortened(&input);
    let patch = changed_key(&app, &caller, &key, input)?;
    if !changes(&patch, &key) && app.is_newest(&caller).await && !App::is_retry(&caller, &write) {
        let done = Done::unchanged(&caller.table().state);
        let view = json!({"key": KeyView::new(&key)});
        return Ok(done.reply(view));
    }
    let mut done = app
        .submit(&caller, &write, Command::PatchKey(patch))
        .await?;
    if shortened {
        done.warn(SHORTENED);
    }
    reply(done, &caller)
}

/// `DELETE /x-keys/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let id = number(&name)?.unwrap_or(KeyNumber(u64::MAX));
    let done = app.submit(&caller, &write, Command::RemoveKey(id)).await?;
    let message = format!("key {id} deleted");
    Ok(done.reply(json!({"id": id.0, "message": message})))
}

/// The key number a path names.
pub(super) fn number(name: &str) -> Result<Option<KeyNumber>, Error> {
    match Named::parse(name)? {
        Named::Id(number) => Ok(number),
        Named::Level(_) | Named::Provider(_) => Err(Error::field(
            "id",
            "only a single key, named by its id, can be changed",
        )),
    }
}

fn is_shortened(input: &KeyInput) -> bool {
    input.config.as_ref().is_some_and(ConfigInput::is_shortened)
}

fn reply(done: Done, caller: &Authenticated) -> Result<Response, Error> {
    let owner = done.owner(caller.owner_id())?;
    let number = done.subject().map(KeyNumber).ok_or(Error::Internal)?;
    let Some(key) = owner.keys.get(&number) else {
        let message = format!("key {number}, which this request made, is gone since");
        return Err(Error::Gone(message));
    };
    let view = json!({"key": KeyView::new(key)});
    Ok(done.reply(view))
}

fn new_key(app: &App, caller: &Authenticated, input: KeyInput) -> Result<AddKey, Error> {
    let id = KeyId(Uuid::now_v7());
    let missing = |name: &str| Error::field(name, "is required");
    let provider = input.provider.ok_or_else(|| missing("Provider"))?;
    let provider = checked_url(app, &provider)?;
    let secret = input.secret.ok_or_else(|| missing("SecretKey"))?;
    let config = input.config.unwrap_or(ConfigInput::Standard);
    let config = config.resolve(&provider, None, |pem| {
        seal(app, caller, id, PRIVATE_KEY, pem)
    })?;
    let name = input.name.filter(|name| !name.is_empty());
    Ok(AddKey {
        id,
        name: name.unwrap_or_else(|| short_host(&provider)),
        level: input.level.ok_or_else(|| missing("Level"))?,
        config,
        secret: seal(app, caller, id, SECRET_KEY, &secret)?,
        enabled: input.enabled.unwrap_or(true),
        provider: provider.as_str().to_owned(),
    })
}

fn changed_key(
    app: &App,
    caller: &Authenticated,
    key: &ProviderKey,
    input: KeyInput,
) -> Result<PatchKey, Error> {
    let provider = match &input.provider {
        Some(url) if *url != key.provider => checked_url(app, url)?,
        _ => ProviderUrl::parse(&key.provider).map_err(|_| Error::Internal)?,
    };
    let config: Option<ProviderConfig> = match input.config {
        Some(config) => {
            let seal = |pem: &SecretString| seal(app, caller, key.id, PRIVATE_KEY, pem);
            Some(config.resolve(&provider, Some(&key.config), seal)?)
        }
        None if provider.as_str() != key.provider => moved(&key.config, &provider)?,
        None => None,
    };
    let secret = match &input.secret {
        Some(secret) => Some(seal(app, caller, key.id, SECRET_KEY, secret)?),
        None => None,
    };
    if input.name.as_deref() == Some("") {
        return Err(Rejection::field("Name", "must not be empty").into());
    }
    let sealed = secret.is_some() || config.is_some();
    Ok(PatchKey {
        number: key.number,
        sealed_for: sealed.then_some(key.id),
        name: input.name,
        level: input.level,
        provider: input.provider.map(|_| provider.as_str().to_owned()),
        config,
        secret,
        // A key that was put out of use keeps its reason when it is only told so again.
        enabled: input.enabled.filter(|on| *on != key.disabled.is_none()),
    })
}

/// Whether a patch says anything that is not so already.
fn changes(patch: &PatchKey, key: &ProviderKey) -> bool {
    patch.secret.is_some()
        || patch.enabled.is_some()
        || patch.name.as_ref().is_some_and(|name| *name != key.name)
        || patch.level.is_some_and(|level| level != key.level)
        || patch
            .provider
            .as_ref()
            .is_some_and(|url| *url != key.provider)
        || patch
            .config
            .as_ref()
            .is_some_and(|config| *config != key.config)
}

fn checked_url(app: &App, url: &str) -> Result<ProviderUrl, Error> {
    let others = app.fleet.listeners(clock::now());
    let own = app.settings.listeners.iter().map(String::as_str);
    let all = own.chain(others.iter().map(String::as_str));
    upstream::check(url, &app.settings.addresses, all)
}

fn seal(
    app: &App,
    caller: &Authenticated,
    key: KeyId,
    field: &'static str,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    sealing::key_field(&app.vault, (caller.owner_id(), key), field, secret)
}

/// A name for a key that was given none, no longer than a name may be.
fn short_host(provider: &ProviderUrl) -> String {
    let limit = foldgate_domain::decide::MAX_KEY_NAME_CHARS;
    provider.host().chars().take(limit).collect()
}
