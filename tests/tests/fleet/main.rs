//! Several processes on a real nats-server: control planes and data planes,
//! regions, outages.

mod accounts;
mod admin_models;
mod balance;
mod bills;
mod cli;
mod cluster;
mod concurrency;
mod explained;
mod held;
mod jobs;
mod kills;
mod log;
mod mail;
mod models;
mod outage;
mod people;
mod playground;
mod rate_limits;
mod reads;
mod region;
mod roles;
mod shown;
mod sleep;
mod status_config;
mod stored;
mod taken_back;
mod tenants;
mod tree;
mod visible;
mod walls;
mod writes;

use foldgate_tests::Client;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

/// A chat request.
fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

/// A chat that must succeed.
async fn must_chat(proxy: &Client, model: &str) {
    let answer = proxy.post(CHAT, &chat(model)).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hello");
}

/// A streamed chat request.
fn streamed(model: &str) -> Value {
    let mut body = chat(model);
    body["stream"] = true.into();
    body
}
