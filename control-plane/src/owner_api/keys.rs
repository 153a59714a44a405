//! `/x-keys`: the pool of upstream keys. Reading; the writes are in
//! [`write`](mod@write).

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::Rejection;
use foldgate_proto::{KeyNumber, ProviderKey, ResourceId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::{Segments, quote};

pub(crate) mod azure;
pub(crate) mod filter;
pub(crate) mod input;
pub(crate) mod private_key;
pub(crate) mod provider_config;
pub(crate) mod upstream;
pub(crate) mod vertex_config;
pub(crate) mod view;
pub(crate) mod wake;
pub(crate) mod write;

use super::page::Paging;
use filter::{Filter, Named};
use view::KeyView;

/// The list's body, encoded without a detour: an owner may have many keys.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProviderKeys")]
pub(crate) struct Listed<'k> {
    success: bool,
    keys: Vec<KeyView<'k>>,
}

/// `GET /x-keys`
pub(crate) async fn list(
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let filter = Filter::parse(&query)?;
    Ok(show(&caller, &filter, Paging::parse(&query)?))
}

/// `GET /x-keys/{id}`, `/x-keys/L{n}`, `/x-keys/{provider}`
pub(crate) async fn named(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let mut filter = Filter::parse(&query)?;
    match Named::parse(&name)? {
        Named::Id(number) => {
            let (caller, _) = key(&app, caller, number).await?;
            filter.id = Some(number);
            let mut response = show(&caller, &filter, Paging::parse(&query)?);
            reply::tag(&mut response, &caller, ResourceId::Key(number));
            return Ok(response);
        }
        Named::Level(level) => filter.level = Some(level),
        Named::Provider(provider) => filter.provider = Some(provider),
    }
    Ok(show(&caller, &filter, Paging::parse(&query)?))
}

/// `GET /x-keys/https://host/path`: a provider's URL, its slashes not encoded.
pub(crate) async fn at_url(
    app: State<App>,
    caller: Authenticated,
    Segments((first, rest)): Segments<(String, String)>,
    query: RawQuery,
) -> Result<Response, Error> {
    let name = format!("{first}/{rest}");
    if !matches!(Named::parse(&name), Ok(Named::Provider(_))) {
        return Err(Error::NoRoute(quote::path(&format!("GET /x-keys/{name}"))));
    }
    named(app, caller, Segments(name), query).await
}

/// A key by number; asks the log for news before it says that there is none.
pub(crate) async fn key(
    app: &App,
    caller: Authenticated,
    number: KeyNumber,
) -> Result<(Authenticated, Arc<ProviderKey>), Error> {
    let find = |caller: &Authenticated| caller.owner().keys.get(&number).map(Arc::clone);
    let found = app.look(caller, find).await;
    found.ok_or_else(|| Rejection::NoSuchKey(number).into())
}

fn show(caller: &Authenticated, filter: &Filter, paging: Paging) -> Response {
    let keys = &caller.owner().keys;
    let wanted: Box<dyn Iterator<Item = &Arc<ProviderKey>> + Send> = match filter.id {
        Some(id) => Box::new(keys.get(&id).into_iter()),
        None => Box::new(keys.values()),
    };
    let (skip, take) = paging.window();
    let end = skip.saturating_add(take);
    let mut total = 0;
    let mut page = Vec::new();
    for key in wanted.filter(|key| filter.matches(key)) {
        if (skip..end).contains(&total) {
            page.push(KeyView::new(key));
        }
        total += 1;
    }
    let body = Listed {
        success: true,
        keys: page,
    };
    let mut response = reply::read(caller, &body);
    response.headers_mut().extend(paging.headers(total));
    response
}
