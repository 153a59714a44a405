//! `/admin/v1/api_keys` (also `/admin/v1/apikeys`): the caller keys of
//! `/x-users/{id}/keys`, of all accounts, in the admin API's words. Reading; the
//! writes are in [`write`](mod@write).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_proto::{CallerKey, CallerKeyId, ResourceId};
use http::{HeaderMap, Uri};
use uuid::Uuid;

use super::list;
use super::page::{self, Page};
use crate::access::Who;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;

pub(crate) mod value;
pub(crate) mod view;
pub(crate) mod write;

/// `GET /admin/v1/api_keys`: an array of all, or a page of them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    uri: Uri,
) -> Result<Response, Error> {
    let page = Page::parse(uri.query().unwrap_or_default())?;
    let find = |caller: &Authenticated, id| {
        let found = app.ids.caller_key(caller, CallerKeyId(id));
        found.map(|key| key.number)
    };
    let before = |caller: &Authenticated, id| {
        let keys = caller.owner().caller_keys.iter();
        page::before(keys.map(|(number, key)| (*number, key.id.0)), id)
    };
    let (caller, after) = page.begins(&app, caller, find, before).await?;
    let (owner, hash) = (Arc::clone(caller.owner()), shows_hash(&caller));
    let part = page.of(&owner.caller_keys, after, |key| &key.name);
    let show = move |key: &Arc<CallerKey>| view::entry(&owner, key, hash).to_string();
    let answer = list::page(&caller, (&page, part), uri.path(), |key| key.id.0, show);
    Ok(answer)
}

/// `GET /admin/v1/api_keys/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let entry = view::entry(caller.owner(), &key, shows_hash(&caller));
    let resource = ResourceId::CallerKey(key.number);
    Ok(reply::read_unless_known(
        &caller, resource, &entry, &headers,
    ))
}

/// Hashes help to guess keys that people chose: only who may write keys sees them.
fn shows_hash(caller: &Authenticated) -> bool {
    caller.who() == Who::Owner
}

/// A caller key by id; asks the log for news before it says that there is none.
pub(super) async fn find(
    app: &App,
    caller: Authenticated,
    id: &str,
) -> Result<(Authenticated, Arc<CallerKey>), Error> {
    let missing = || Error::Missing {
        code: "not_found",
        message: "no API key has this id".to_owned(),
    };
    let wanted = Uuid::parse_str(id).map_err(|_| missing())?;
    let find = |caller: &Authenticated| app.ids.caller_key(caller, CallerKeyId(wanted));
    app.look(caller, find).await.ok_or_else(missing)
}
