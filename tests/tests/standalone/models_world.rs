//! A process whose provider keys, Models and callers all come from the admin API.

use foldgate_tests::client::{Answer, finish};
use foldgate_tests::{Admin, Client, FakeUpstream, Foldgate, Settings};
use http::Method;
use serde_json::{Value, json};

use super::CHAT;

pub(crate) const MODELS: &str = "/admin/v1/models";
pub(crate) const COMPLETIONS: &str = "/v1/completions";
pub(crate) const EMBEDDINGS: &str = "/v1/embeddings";

/// Every endpoint, and whether it streams.
pub(crate) const ENDPOINTS: [(&str, bool); 3] =
    [(CHAT, true), (COMPLETIONS, true), (EMBEDDINGS, false)];

/// Targets `t1`, `t2` ..., called `up-1`, `up-2` ... upstream, each with a provider
/// key of its own.
pub(crate) struct World {
    pub(crate) foldgate: Foldgate,
    pub(crate) upstream: FakeUpstream,
    /// The paths of the provider keys.
    pub(crate) keys: Vec<String>,
    /// The paths of the targets.
    pub(crate) targets: Vec<String>,
}

/// The secret of a target's provider key.
pub(crate) fn secret(target: usize) -> String {
    format!("sk-target-{target}-0123456789abcdef")
}

/// A body that asks an endpoint for a model.
pub(crate) fn asking(path: &str, model: &str) -> Value {
    match path {
        CHAT => super::chat(model),
        COMPLETIONS => json!({"model": model, "prompt": "hello"}),
        _ => json!({"model": model, "input": "hello"}),
    }
}

/// A Model that leads to others.
pub(crate) fn leading(name: &str, strategy: &str, targets: &Value) -> Value {
    let routing = json!({"strategy": strategy, "targets": targets});
    json!({"display_name": name, "routing": routing})
}

impl World {
    pub(crate) async fn start(targets: usize) -> Self {
        Self::start_with(Settings::standalone(), targets).await
    }

    pub(crate) async fn start_with(settings: Settings, targets: usize) -> Self {
        let mut world = Self {
            foldgate: settings.start().await,
            upstream: FakeUpstream::start().await,
            keys: Vec::new(),
            targets: Vec::new(),
        };
        for number in 1..=targets {
            let key = json!({
                "display_name": format!("key {number}"),
                "api_base": world.upstream.url(),
                "api_key": secret(number),
                "level": number,
            });
            let made = world.made("/admin/v1/provider_keys", &key).await;
            let id = made.rsplit('/').next().expect("an id");
            let model = json!({
                "display_name": format!("t{number}"),
                "model_name": format!("up-{number}"),
                "provider_key_id": id,
            });
            let model = world.made(MODELS, &model).await;
            world.keys.push(made);
            world.targets.push(model);
        }
        world
    }

    pub(crate) fn admin(&self) -> Admin {
        self.foldgate.admin()
    }

    /// Makes a resource and gives its path.
    pub(crate) async fn made(&self, all: &str, body: &Value) -> String {
        let entry = self.admin().post(all, body).await.ok();
        format!("{all}/{}", entry["id"].as_str().expect("an id"))
    }

    /// Issues a key and gives its path and a client that calls with it.
    pub(crate) async fn caller(&self, body: &Value) -> (String, Client) {
        let all = "/admin/v1/api_keys";
        let entry = self.admin().post(all, body).await.ok();
        let key = entry["plaintext"].as_str().expect("shown once");
        let path = format!("{all}/{}", entry["id"].as_str().expect("an id"));
        (path, self.foldgate.proxy().with_key(Some(key)))
    }

    /// A whole chat with headers.
    pub(crate) async fn chat(&self, model: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.foldgate.proxy().request(Method::POST, CHAT);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        finish(model, request.json(&super::chat(model))).await
    }

    /// Which target served the last call: its model upstream, and the secret that
    /// was used.
    #[track_caller]
    pub(crate) fn last(&self) -> (String, String) {
        let last = self.upstream.last();
        let model = last.json()["model"].as_str().expect("a model").to_owned();
        let key = last.credential().expect("a credential").to_owned();
        (model, key)
    }

    /// How a request for a model would travel.
    pub(crate) async fn explain(&self, model: &str) -> Value {
        let path = format!("/admin/v1/explain?model={model}");
        self.admin().get(&path).await.ok()
    }
}
