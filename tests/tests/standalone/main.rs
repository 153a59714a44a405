//! One process with everything in it: the owner API, the proxy, sleep, and what
//! a restart or a kill leaves behind.

mod accounts;
mod admin_models;
mod api_keys;
mod behind;
mod bill;
mod cli;
mod cli_import;
mod cli_long;
mod cli_served;
mod config;
mod config_refused;
mod demo;
mod errors;
mod explained;
mod failover;
mod hints;
mod http2;
mod joined;
mod keys;
mod keys_refused;
mod lifecycle;
mod mail;
mod models_bounds;
mod models_serve;
mod models_status;
mod models_strategies;
mod models_world;
mod news;
mod observe;
mod owners;
mod playground;
mod proxy;
mod readme;
mod ready;
mod reference;
mod rush;
mod secrets;
mod stall;
mod start;
mod status_config;
mod streams;
mod writes;

use foldgate_tests::{Admin, Client, FakeUpstream, Foldgate, Settings};
use serde_json::{Value, json};

/// A process that serves every model from one upstream.
struct World {
    foldgate: Foldgate,
    upstream: FakeUpstream,
    admin: Admin,
    proxy: Client,
    /// The number of its one key.
    key: u64,
}

impl World {
    async fn new() -> Self {
        Self::with(Settings::standalone()).await
    }

    async fn with(settings: Settings) -> Self {
        Self::of(FakeUpstream::start().await, settings).await
    }

    async fn of(upstream: FakeUpstream, settings: Settings) -> Self {
        let foldgate = settings.start().await;
        let admin = foldgate.admin();
        let key = admin.serve_all(&upstream.url()).await;
        let proxy = foldgate.proxy();
        Self {
            foldgate,
            upstream,
            admin,
            proxy,
            key,
        }
    }
}

/// A chat request.
fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

/// A streamed chat request.
fn streamed(model: &str) -> Value {
    let mut body = chat(model);
    body["stream"] = true.into();
    body
}

const CHAT: &str = "/v1/chat/completions";
