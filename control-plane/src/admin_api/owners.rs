//! `/admin/v1/owners`: more tenants on one log. Only the first owner makes them
//! and sees who they are; what they do is theirs alone.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::command::ClaimOwner;
use foldgate_domain::{Command, Rejection};
use foldgate_proto::{OwnerId, RecordHash};
use foldgate_runtime::settings;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Authenticated;
use crate::drawn::Drawn;
use crate::error::Error;
use crate::owner_api::page::Paging;
use crate::reply;
use crate::request::Write;

/// `GET /admin/v1/owners`
pub(crate) async fn list(
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    check_first(&caller)?;
    let paging = Paging::parse(&query.unwrap_or_default())?;
    let mut owners: Vec<_> = caller.table().state.owners.values().collect();
    owners.sort_unstable_by_key(|owner| owner.account);
    let (skip, take) = paging.window();
    let page = owners.iter().skip(skip).take(take);
    let items: Vec<Value> = page
        .map(|owner| json!({"name": owner.name, "account": owner.account.0}))
        .collect();
    let mut response = reply::read(&caller, &json!({"success": true, "items": items}));
    response.headers_mut().extend(paging.headers(owners.len()));
    Ok(response)
}

/// `POST /admin/v1/owners`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    check_first(&caller)?;
    let (name, drawn) = input(&write)?;
    let id = id(&caller, &write);
    let claim = ClaimOwner {
        name,
        key_hash: drawn.hash.0,
        key_mask: drawn.mask.clone(),
    };
    let command = Command::ClaimOwner(claim);
    let submitted = app.submit_for(id, &caller, &write, command).await;
    let mut done = submitted.map_err(named_as_here)?;
    let view = |owner: &foldgate_domain::OwnerState| {
        json!({
            "id": owner.id.to_string(),
            "name": owner.name,
            "account": owner.account.0,
            "mask": owner.key_mask,
        })
    };
    done.compare(id, view);
    let mut body = view(done.owner(id)?);
    if done.is_new() {
        body["key"] = json!(drawn.shown());
    }
    Ok(done.reply(body))
}

/// The domain names fields as accounts' bodies do.
fn named_as_here(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Field { field, problem }) => {
            Error::field(field.to_ascii_lowercase(), problem)
        }
        other => other,
    }
}

/// Refuses owners that came later, and their admin keys.
fn check_first(caller: &Authenticated) -> Result<(), Error> {
    let first = caller.table().state.first_owner().map(|owner| owner.id);
    if first == Some(caller.owner_id()) {
        return Ok(());
    }
    Err(Error::NotFirstOwner)
}

fn input(write: &Write) -> Result<(String, Drawn), Error> {
    let mut fields = write.fields()?;
    let name = fields.text("name")?;
    let name = name.ok_or_else(|| fields.error("name", "is required"))?;
    let drawn = match fields.text("key")? {
        None => Drawn::new()?,
        Some(key) => {
            settings::check_owner_key(&key).map_err(|problem| fields.error("key", problem))?;
            Drawn::given(SecretString::from(key))
        }
    };
    fields.finish()?;
    Ok((name.trim().to_owned(), drawn))
}

/// The new tenant's id. Retry keys are remembered by tenant, so that with the
/// same one it is the same.
fn id(caller: &Authenticated, write: &Write) -> OwnerId {
    let Some(idempotency) = &write.stamp.idempotency else {
        return OwnerId(Uuid::now_v7());
    };
    let text = format!("owner {}\n{}", caller.owner_id(), idempotency.key);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&RecordHash::of(text.as_bytes()).0[..16]);
    OwnerId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
