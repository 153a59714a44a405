//! Every route of the admin listener, and what stands around them all.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admin_api::places::{API_KEYS, PROVIDER_KEYS};
use crate::admin_api::{admin_keys, api_keys, definitions, model_status, owners, provider_keys};
use crate::app::App;
use crate::error::{Error, envelope};
use crate::owner_api::{
    caller_keys, conf, config, dashboard, dna, keys, models, news, self_key, users,
};
use crate::request::{id, query, quote};
use crate::{bills, fleet_api, guard, history_api, log_api, observe, openapi, playground, unread};

pub(crate) mod mount;

use mount::{Methods, get, post};

/// A provider's URL, its slashes not encoded.
const WHOLE_URL: &str = "/x-keys/{id}/{*rest}";

/// Every route: its path and what it answers to. Each wants a row in
/// `access::TABLE`, its parameters in `request::query`, and its documentation in
/// [`openapi`]; tests hold all of them together.
fn all() -> Vec<(&'static str, Methods)> {
    let keys_at = get(keys::at_url)
        .put(keys::write::no_id)
        .post(keys::write::no_id)
        .delete(keys::write::no_id);
    let mut all = vec![
        ("/x-keys", get(keys::list).post(keys::write::create)),
        (
            "/x-keys/{id}",
            get(keys::named)
                .put(keys::write::update)
                .post(keys::write::update)
                .delete(keys::write::remove),
        ),
        ("/x-keys/{id}/wake", post(keys::wake::wake)),
        ("/x-conf", get(conf::get)),
        (
            "/x-config",
            get(config::get)
                .put(config::put)
                .post(config::put)
                .delete(config::delete),
        ),
        ("/x-news", post(news::publish).delete(news::retract)),
        (
            "/x-news/{target}",
            post(news::publish_targeted).delete(news::retract_named),
        ),
        ("/dashboard/news", get(news::list)),
        ("/v1/models", get(models::list)),
        ("/models", get(models::list)),
        ("/admin/v1/fleet", get(fleet_api::get)),
        ("/admin/v1/log", get(log_api::get)),
        ("/admin/v1/history", get(history_api::list::list)),
        ("/admin/v1/history/stream", get(history_api::stream::get)),
        ("/admin/v1/history/{revision}", get(history_api::one::get)),
        (
            "/admin/v1/history/{revision}/undo",
            post(history_api::undo::undo),
        ),
        ("/admin/v1/state", get(history_api::state::get)),
        ("/admin/v1/state/diff", get(history_api::state::diff)),
        (
            "/admin/v1/state/restore",
            post(history_api::restore::restore),
        ),
        ("/admin/v1/explain", get(history_api::explain::get)),
        ("/admin/v1/access_log", get(history_api::access_log::list)),
        ("/dashboard/logs", get(history_api::logs::list)),
        ("/admin/v1/models/status", get(model_status::list)),
        ("/admin/v1/health", get(model_status::health)),
        ("/playground/chat/completions", post(playground::chat)),
        ("/healthz", get(health)),
        ("/livez", get(status)),
        ("/readyz", get(status)),
        ("/metrics", get(status)),
        (openapi::DOCUMENT, get(openapi::document)),
        (openapi::page::PAGE, get(openapi::page::page)),
        (openapi::page::SCRIPT, get(openapi::page::script)),
        (WHOLE_URL, keys_at),
    ];
    all.extend(accounts());
    all.extend(definitions::all());
    all.extend(admin_api_keys());
    all
}

/// The routes of accounts, their keys, and those who administer.
fn accounts() -> [(&'static str, Methods); 18] {
    [
        ("/x-users", get(users::list).post(users::write::create)),
        (
            "/x-users/{id}",
            get(users::named)
                .put(users::write::update)
                .post(users::write::update)
                .delete(users::write::remove),
        ),
        (
            "/x-users/{id}/keys",
            get(caller_keys::list).post(caller_keys::write::issue),
        ),
        (
            "/x-users/{id}/keys/{key}",
            get(caller_keys::one)
                .put(caller_keys::write::update)
                .delete(caller_keys::write::revoke),
        ),
        (
            "/x-users/{id}/keys/{key}/rotate",
            post(caller_keys::write::rotate),
        ),
        ("/x-dna", get(dna::list)),
        ("/x-dna/{id}", get(dna::named)),
        ("/x-self", post(self_key::rotate)),
        ("/dashboard/status", get(dashboard::status)),
        ("/dashboard/info", get(dashboard::info)),
        ("/dashboard/live", get(bills::live)),
        ("/dashboard/bill", get(bills::own)),
        ("/x-bill", get(bills::below)),
        ("/dashboard/conf", get(dashboard::conf)),
        ("/dashboard/models", get(models::list)),
        (
            "/admin/v1/admin_keys",
            get(admin_keys::list).post(admin_keys::issue),
        ),
        (
            "/admin/v1/admin_keys/{id}",
            get(admin_keys::one).delete(admin_keys::revoke),
        ),
        ("/admin/v1/owners", get(owners::list).post(owners::create)),
    ]
}

/// Both sorts of keys, as the admin API has them.
fn admin_api_keys() -> impl Iterator<Item = (&'static str, Methods)> {
    let callers = API_KEYS.into_iter().flat_map(|place| {
        let one = get(api_keys::one)
            .put(api_keys::write::update)
            .delete(api_keys::write::remove);
        let rotate = place.rotate.map(|at| (at, post(api_keys::write::rotate)));
        let all = get(api_keys::list).post(api_keys::write::create);
        [(place.all, all), (place.one, one)]
            .into_iter()
            .chain(rotate)
    });
    let provider = get(provider_keys::one)
        .put(provider_keys::write::update)
        .delete(provider_keys::write::remove);
    let providers = get(provider_keys::list).post(provider_keys::write::create);
    callers.chain([
        (PROVIDER_KEYS.all, providers),
        (PROVIDER_KEYS.one, provider),
    ])
}

/// The path of every route, for those who walk them all.
pub(crate) fn paths() -> Vec<&'static str> {
    all().into_iter().map(|(path, _)| path).collect()
}

/// Every path and method that is mounted, without trailing slashes and HEAD.
pub(crate) fn mounted() -> Vec<(&'static str, &'static str)> {
    let each = |(path, methods): (&'static str, Methods)| {
        let names = methods.names().to_vec();
        names.into_iter().map(move |method| (path, method))
    };
    all().into_iter().flat_map(each).collect()
}

/// The admin listener's router.
pub(crate) fn router(app: App) -> Router {
    let guard = Arc::new(guard::Guard::new(app.clone()));
    let mut router = Router::new();
    for (path, methods) in all() {
        let methods = methods.into_router();
        if path != WHOLE_URL {
            router = router.route(&format!("{path}/"), methods.clone());
        }
        router = router.route(path, methods);
    }
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(guard, guard::layer))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(unread::layer))
        .layer(from_fn(envelope::layer))
        .layer(from_fn_with_state(app.clone(), observe::layer))
        .layer(from_fn(id::layer))
        .with_state(app)
}

/// A route's name, the same with and without its trailing slash.
pub(crate) fn name(matched: &MatchedPath) -> &str {
    matched.as_str().trim_end_matches('/')
}

async fn health(request: Request) -> Result<Response, Error> {
    query::check(&request.into_parts().0)?;
    Ok(axum::Json(json!({"status": "ok"})).into_response())
}

/// `/livez`, `/readyz` and `/metrics`, as the status listener has them.
async fn status(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    query::check(&parts)?;
    let request = Request::from_parts(parts, body);
    Ok(app.status.answer(&request).map(Body::new))
}

async fn no_route(request: Request) -> Error {
    let path = quote::path(request.uri().path());
    let method = quote::quoted(request.method().as_str());
    Error::NoRoute(format!("{method} {path}"))
}

async fn no_method(request: Request) -> Error {
    Error::NoMethod {
        method: quote::quoted(request.method().as_str()),
        path: quote::path(request.uri().path()),
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The process's panic hook has logged it, shortened.
    Error::Internal.into_response()
}
