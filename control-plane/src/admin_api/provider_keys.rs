//! `/admin/v1/provider_keys`: the keys of `/x-keys` in the admin API's words.
//! Reading; the writes are in [`write`](mod@write).

use std::ops::Bound;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_proto::{KeyId, KeyNumber, ProviderKey, ResourceId};
use http::Uri;
use uuid::Uuid;

use super::list;
use super::page::{Page, Part, unknown_cursor};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;
use crate::request::quote::quoted;

mod known;
pub(crate) mod overrides;
pub(crate) mod value;
mod view;
pub(crate) mod write;

/// `GET /admin/v1/provider_keys`: an array of all, or a page of them.
pub(crate) async fn list(
    State(app): State<App>,
    mut caller: Authenticated,
    uri: Uri,
) -> Result<Response, Error> {
    let page = Page::parse(uri.query().unwrap_or_default())?;
    let after = match page.after.map(KeyId) {
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
    let body = list::array(part.items, |key| view::entry(key).to_string());
    let mut response = reply::read_body(&caller, body);
    response.headers_mut().extend(headers);
    Ok(response)
}

/// `GET /admin/v1/provider_keys/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let resource = ResourceId::Key(key.number);
    Ok(reply::read_one(&caller, resource, &view::entry(&key)))
}

fn part(owner: &OwnerState, page: &Page, after: Option<KeyNumber>) -> Part<Arc<ProviderKey>> {
    let wanted = |key: &&Arc<ProviderKey>| page.wants(&key.name);
    let total = if page.searches() {
        owner.keys.values().filter(wanted).count()
    } else {
        owner.keys.len()
    };
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let behind = owner.keys.range((from, Bound::Unbounded));
    let behind = behind.map(|(_, key)| key).filter(wanted);
    page.part(total, behind.map(Arc::clone))
}

/// A provider key by id; asks the log for news before it says that there is none.
async fn find(
    app: &App,
    caller: Authenticated,
    id: &str,
) -> Result<(Authenticated, Arc<ProviderKey>), Error> {
    let missing = || Error::Missing {
        code: "key_not_found",
        message: format!("no provider key has the id {:?}", quoted(id)),
    };
    let wanted = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = look(app, caller, KeyId(wanted)).await;
    found.ok_or_else(missing)
}

async fn look(
    app: &App,
    caller: Authenticated,
    id: KeyId,
) -> Option<(Authenticated, Arc<ProviderKey>)> {
    if let Some(key) = caller.owner().key(id).map(Arc::clone) {
        return Some((caller, key));
    }
    let newest = app.caught_up(&caller).await;
    let key = newest.owner().key(id).map(Arc::clone)?;
    Some((newest, key))
}
