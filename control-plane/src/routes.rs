//! Every route of the admin listener, and what stands around them all.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::error::Error;
use crate::owner_api::{conf, config, keys, models, news};
use crate::request::id;
use crate::{fleet_api, guard, observe};

/// The admin listener's router.
pub(crate) fn router(app: App) -> Router {
    let guard = Arc::new(guard::Guard::new());
    Router::new()
        .route("/x-keys", get(keys::list).post(keys::write::create))
        .route(
            "/x-keys/{id}",
            get(keys::named)
                .put(keys::write::update)
                .post(keys::write::update)
                .delete(keys::write::remove),
        )
        .route("/x-keys/{id}/wake", post(keys::wake::wake))
        .route("/x-keys/{id}/{*rest}", get(keys::at_url))
        .route("/x-conf", get(conf::get))
        .route(
            "/x-config",
            get(config::get)
                .put(config::put)
                .post(config::put)
                .delete(config::delete),
        )
        .route("/x-news", post(news::publish).delete(news::retract))
        .route(
            "/x-news/{target}",
            post(news::publish_targeted).delete(news::retract_named),
        )
        .route("/dashboard/news", get(news::list))
        .route("/v1/models", get(models::list))
        .route("/models", get(models::list))
        .route("/admin/v1/fleet", get(fleet_api::get))
        .route("/healthz", get(health))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(guard, guard::layer))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), observe::layer))
        .layer(from_fn(id::layer))
        .with_state(app)
}

async fn health() -> Response {
    axum::Json(json!({"status": "ok"})).into_response()
}

async fn no_route(request: Request) -> Error {
    let path = crate::request::json::quoted(request.uri().path());
    Error::NoRoute(format!("{} {path}", request.method()))
}

async fn no_method(request: Request) -> Error {
    Error::NoMethod {
        method: request.method().to_string(),
        path: crate::request::json::quoted(request.uri().path()),
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The process's panic hook has logged it, shortened.
    Error::Internal.into_response()
}
