//! `/admin/v1/provider_keys`: the keys of `/x-keys` in the admin API's words.
//! Reading; the writes are in [`write`](mod@write).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_proto::{KeyId, ProviderKey, ResourceId};
use http::{HeaderMap, Uri};
use uuid::Uuid;

use super::list;
use super::page::{self, Page};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;

pub(crate) mod kept;
mod known;
pub(crate) mod overrides;
pub(crate) mod value;
mod view;
pub(crate) mod write;

/// `GET /admin/v1/provider_keys`: an array of all, or a page of them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    uri: Uri,
) -> Result<Response, Error> {
    let page = Page::parse(uri.query().unwrap_or_default())?;
    let find = |caller: &Authenticated, id| with_id(caller, id).map(|key| key.number);
    let before = |caller: &Authenticated, id| {
        let keys = caller.owner().keys.iter();
        page::before(keys.map(|(number, key)| (*number, key.id.0)), id)
    };
    let (caller, after) = page.begins(&app, caller, find, before).await?;
    let part = page.of(&caller.owner().keys, after, |key| &key.name);
    let show = |key: &Arc<ProviderKey>| view::entry(key).to_string();
    let answer = list::page(&caller, (&page, part), uri.path(), |key| key.id.0, show);
    Ok(answer)
}

/// `GET /admin/v1/provider_keys/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let resource = ResourceId::Key(key.number);
    let entry = view::entry(&key);
    Ok(reply::read_unless_known(
        &caller, resource, &entry, &headers,
    ))
}

/// A provider key by id; asks the log for news before it says that there is none.
async fn find(
    app: &App,
    caller: Authenticated,
    id: &str,
) -> Result<(Authenticated, Arc<ProviderKey>), Error> {
    let missing = || Error::Missing {
        code: "not_found",
        message: "no provider key has this id".to_owned(),
    };
    let wanted = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = app.look(caller, |caller| with_id(caller, wanted)).await;
    found.ok_or_else(missing)
}

fn with_id(caller: &Authenticated, id: Uuid) -> Option<Arc<ProviderKey>> {
    caller.owner().key(KeyId(id)).map(Arc::clone)
}
