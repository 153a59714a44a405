//! `/admin/v1/api_keys` (also `/admin/v1/apikeys`): the caller keys of
//! `/x-users/{id}/keys`, of all accounts, in the admin API's words. Reading; the
//! writes are in [`write`](mod@write).

use std::ops::Bound;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_proto::{CallerKey, CallerKeyId, CallerKeyNumber, ResourceId};
use http::Uri;
use uuid::Uuid;

use super::list;
use super::page::{Page, Part, unknown_cursor};
use crate::access::Who;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;
use crate::request::quote::quoted;

pub(crate) mod value;
pub(crate) mod view;
pub(crate) mod write;

/// `GET /admin/v1/api_keys`: an array of all, or a page of them.
pub(crate) async fn list(
    State(app): State<App>,
    mut caller: Authenticated,
    uri: Uri,
) -> Result<Response, Error> {
    let page = Page::parse(uri.query().unwrap_or_default())?;
    let after = match page.after.map(CallerKeyId) {
        None => None,
        Some(id) => {
            let found = look(&app, caller.clone(), id).await;
            let (newest, key) = found.ok_or_else(unknown_cursor)?;
            caller = newest;
            Some(key.number)
        }
    };
    let part = part(caller.owner(), &page, after);
    let headers = page.headers(&part, uri.path(), |key| key.id.0);
    let (owner, hash) = (Arc::clone(caller.owner()), shows_hash(&caller));
    let body = list::array(part.items, move |key| {
        view::entry(&owner, key, hash).to_string()
    });
    let mut response = reply::read_body(&caller, body);
    response.headers_mut().extend(headers);
    Ok(response)
}

/// `GET /admin/v1/api_keys/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let entry = view::entry(caller.owner(), &key, shows_hash(&caller));
    let resource = ResourceId::CallerKey(key.number);
    Ok(reply::read_one(&caller, resource, &entry))
}

/// Hashes help to guess keys that people chose: only who may write keys sees them.
fn shows_hash(caller: &Authenticated) -> bool {
    caller.who() == Who::Owner
}

fn part(owner: &OwnerState, page: &Page, after: Option<CallerKeyNumber>) -> Part<Arc<CallerKey>> {
    let wanted = |key: &&Arc<CallerKey>| page.wants(&key.name);
    let total = if page.searches() {
        owner.caller_keys.values().filter(wanted).count()
    } else {
        owner.caller_keys.len()
    };
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let behind = owner.caller_keys.range((from, Bound::Unbounded));
    let behind = behind.map(|(_, key)| key).filter(wanted);
    page.part(total, behind.map(Arc::clone))
}

/// A caller key by id; asks the log for news before it says that there is none.
pub(super) async fn find(
    app: &App,
    caller: Authenticated,
    id: &str,
) -> Result<(Authenticated, Arc<CallerKey>), Error> {
    let missing = || Error::Missing {
        code: "caller_key_not_found",
        message: format!("no API key has the id {:?}", quoted(id)),
    };
    let wanted = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = look(app, caller, CallerKeyId(wanted)).await;
    found.ok_or_else(missing)
}

async fn look(
    app: &App,
    caller: Authenticated,
    id: CallerKeyId,
) -> Option<(Authenticated, Arc<CallerKey>)> {
    if let Some(key) = app.ids.caller_key(&caller, id) {
        return Some((caller, key));
    }
    let newest = app.caught_up(&caller).await;
    let key = app.ids.caller_key(&newest, id)?;
    Some((newest, key))
}
