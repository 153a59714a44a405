//! `POST`, `PUT` and `DELETE` of API keys, and rotation. A key that was drawn is
//! shown in the answer that draws it, and never again: a retry is answered without.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{
    IssueCallerKey, KeyOf, NewKey, PatchCallerKey, RotateCallerKey, Seen,
};
use foldgate_domain::decide::DEFAULT_CALLER_KEY_NAME;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{AccountId, AccountNumber, CallerKey, CallerKeyId, CallerKeyNumber, KeyHash};
use serde_json::{Value, json};
use uuid::Uuid;

use super::value::ApiKey;
use super::{find, view};
use crate::admin_api::{body, removal};
use crate::app::App;
use crate::auth::Authenticated;
use crate::drawn::Drawn;
use crate::error::Error;
use crate::owner_api::caller_keys::input;
use crate::reply::Done;
use crate::request::{Segments, Write};

/// The field that says how long a rotated key stays good.
const OVERLAP: &str = "overlap_seconds";

/// `POST /admin/v1/api_keys`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let value = body::read(&write, ApiKey::shown)?;
    value.check(None)?;
    let terms = value.terms()?;
    let (caller, account) = team(&app, caller, value.team_id).await?;
    let (hash, mask, drawn) = if let Some(hash) = value.hash() {
        (hash, String::new(), None)
    } else {
        let drawn = Drawn::new()?;
        (drawn.hash, drawn.mask.clone(), Some(drawn))
    };
    let issue = IssueCallerKey {
        account,
        key: NewKey {
            id: CallerKeyId(Uuid::now_v7()),
            name: value.display_name.clone().unwrap_or_default(),
            hash,
            mask,
            terms,
        },
        own_name: true,
    };
    let command = Command::IssueCallerKey(issue);
    let mut done = submit(&app, &caller, &write, command).await?;
    body::warn(&mut done, value.unenforced());
    let number = done.subject().map(CallerKeyNumber).ok_or(Error::Internal)?;
    let mut entry = shown(&mut done, &caller, number)?;
    if let Some(drawn) = drawn.filter(|_| done.is_new()) {
        entry["plaintext"] = json!(drawn.shown());
    }
    Ok(done.reply_bare(entry))
}

/// `PUT /admin/v1/api_keys/{id}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let value = body::read(&write, ApiKey::shown)?;
    value.check(Some(&key.terms))?;
    if let Some(team) = value.team_id {
        let account = caller.owner().accounts.get(&key.account);
        if account.is_none_or(|account| account.id.0 != team) {
            let problem = "a key stays with its account; make another there and delete this one";
            return Err(body::fault("team_id", problem));
        }
    }
    let hash = replacing(&app, &caller, &write, (&key, value.hash())).await?;
    let name = value.display_name.as_deref();
    let patch = PatchCallerKey {
        key: KeyOf {
            account: key.account,
            number: key.number,
        },
        name: Some(name.unwrap_or(DEFAULT_CALLER_KEY_NAME).to_owned()),
        terms: value.terms()?,
        hash,
        own_name: true,
    };
    let command = Command::PatchCallerKey(patch);
    let mut done = submit(&app, &caller, &write, command).await?;
    body::warn(&mut done, value.unenforced());
    body::warn_of_use(&mut done, (key.terms.disabled, value.disabled));
    let entry = shown(&mut done, &caller, key.number)?;
    Ok(done.reply_bare(entry))
}

/// `POST /admin/v1/api_keys/{id}/rotate`
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let overlap = input::overlap(&write, &[OVERLAP, "OverlapSeconds"])?;
    let drawn = Drawn::new()?;
    let rotate = RotateCallerKey {
        key: KeyOf {
            account: key.account,
            number: key.number,
        },
        hash: drawn.hash,
        mask: drawn.mask.clone(),
        overlap,
    };
    let command = Command::RotateCallerKey(rotate);
    let mut done = submit(&app, &caller, &write, command).await?;
    let entry = shown(&mut done, &caller, key.number)?;
    let mut body = json!({"entry": entry});
    if done.is_new() {
        body["plaintext"] = json!(drawn.shown());
    }
    Ok(done.reply_bare(body))
}

/// `DELETE /admin/v1/api_keys/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let of = |account, number| KeyOf { account, number };
    let found = find(&app, caller.clone(), &id).await;
    let found = found.map(|(caller, key)| (caller, of(key.account, key.number)));
    let gone = |caller: &Authenticated, number| of(caller.account(), CallerKeyNumber(number));
    let (caller, key) = removal::target(&app, (caller, &write), found, gone).await?;
    let command = Command::RevokeCallerKey(key);
    let done = submit(&app, &caller, &write, command).await?;
    Ok(removal::reply(done, &caller, &id, |owner| {
        entry(owner, key.number)
    }))
}

/// The hash that a PUT puts in the place of the key's own. A client that puts back what
/// it read before a rotation means no other key: the hash that is there says nothing,
/// and one that was there before is refused, unless the client tells by `If-Match` that
/// it has seen the rotation.
async fn replacing(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    (key, hash): (&CallerKey, Option<KeyHash>),
) -> Result<Option<KeyHash>, Error> {
    let names = matches!(write.if_match, Some(Seen::At(_)));
    if names || App::is_retry(caller, write) {
        return Ok(hash);
    }
    let Some(other) = hash.filter(|hash| *hash != key.hash) else {
        return Ok(None);
    };
    let newest = app.caught_up(caller).await;
    app.history.reach(newest.table().revision()).await?;
    let owner = newest.owner_id();
    if app.history.had(owner, key.number, other).await? {
        return Err(Error::FormerKey);
    }
    Ok(hash)
}

/// The account that a new key is for; asks the log for news before it says that
/// there is none.
async fn team(
    app: &App,
    caller: Authenticated,
    team: Option<Uuid>,
) -> Result<(Authenticated, AccountNumber), Error> {
    let Some(team) = team else {
        let own = caller.account();
        return Ok((caller, own));
    };
    let find = |caller: &Authenticated| app.ids.account(caller, AccountId(team));
    let found = app.look(caller, find).await;
    let (caller, account) = found.ok_or_else(|| {
        let problem = format!("no account has the id {team}");
        body::fault("team_id", problem)
    })?;
    Ok((caller, account.number))
}

async fn submit(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    command: Command,
) -> Result<Done, Error> {
    let done = app.submit(caller, write, command).await;
    done.map_err(|error| body::in_words(error, "API key", here))
}

/// The domain names fields as the owner API does.
fn here(field: &'static str) -> &'static str {
    match field {
        "Name" => "display_name",
        "ExpiresAt" => "expires_at",
        "OverlapSeconds" => OVERLAP,
        "AllowModels" => "allowed_models",
        "RPM" => "rate_limit.rpm",
        "RPH" => "rate_limit.rph",
        "RPD" => "rate_limit.rpd",
        "TPM" => "rate_limit.tpm",
        "TPD" => "rate_limit.tpd",
        // What is kept is no field of its own.
        "more" => "",
        other => other,
    }
}

/// The entry, as it stands behind the write.
fn shown(done: &mut Done, caller: &Authenticated, number: CallerKeyNumber) -> Result<Value, Error> {
    done.show(caller.owner_id(), "the API key", |owner| {
        entry(owner, number)
    })
}

fn entry(owner: &OwnerState, number: CallerKeyNumber) -> Option<Value> {
    let key = owner.caller_keys.get(&number)?;
    Some(view::entry(owner, key, true))
}
