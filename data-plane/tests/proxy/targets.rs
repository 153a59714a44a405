//! Models to route to: `t1`, `t2` ..., each with a Level and a key of its own, called
//! `up-1`, `up-2` ... upstream.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use foldgate_domain::command::{Command, PutDefinition, RemoveDefinition};
use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::client::Reply;
use crate::rig::{Rig, settings};
use crate::upstream::{Script, Step, Upstream};
use foldgate_data_plane::Settings;

pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const COMPLETIONS: &str = "/v1/completions";
pub(crate) const EMBEDDINGS: &str = "/v1/embeddings";

pub(crate) const ANSWER: &str = r#"{"id":"fine","choices":[]}"#;
pub(crate) const VECTORS: &str = r#"{"data":[{"embedding":[1]}]}"#;
pub(crate) const EVENTS: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";

/// A rig with targets.
pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) upstream: Upstream,
}

pub(crate) fn secret(target: usize) -> String {
    format!("sk-target-{target}-0123456789-0123456789")
}

/// What a target is, with more fields.
pub(crate) fn target(number: usize, more: Value) -> Value {
    let plain = json!({
        "display_name": format!("t{number}"),
        "model_name": format!("up-{number}"),
        "level": number,
    });
    merged(plain, more)
}

/// One object with the fields of another.
pub(crate) fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// A Model that leads to the first of the targets, with more fields of its routing.
pub(crate) fn routing(name: &str, count: usize, more: Value) -> Value {
    let targets: Vec<Value> = (1..=count)
        .map(|number| json!({"model": format!("t{number}")}))
        .collect();
    json!({"display_name": name, "routing": merged(json!({"targets": targets}), more)})
}

impl World {
    /// So many targets, each with these fields beside.
    pub(crate) async fn start(count: usize, more: Value) -> Self {
        Self::with(count, more, settings()).await
    }

    pub(crate) async fn with(count: usize, more: Value, settings: Settings) -> Self {
        let mut world = Self {
            rig: Rig::with(settings).await,
            upstream: Upstream::start().await,
        };
        for number in 1..=count {
            let level = u64::try_from(number).unwrap();
            let secret = secret(number);
            world.rig.key(level, &world.upstream, &secret).await;
            world.model(target(number, more.clone())).await;
        }
        world
    }

    /// Defines a Model.
    pub(crate) async fn model(&mut self, value: Value) -> DefinitionNumber {
        self.put(None, value).await
    }

    pub(crate) async fn put(
        &mut self,
        number: Option<DefinitionNumber>,
        value: Value,
    ) -> DefinitionNumber {
        let Value::Object(value) = value else {
            panic!("a Model is an object");
        };
        let state = self.rig.replica.state();
        let known = number.and_then(|number| {
            let owner = state.owners.values().next()?;
            let at = (DefinitionKind::Model, number);
            Some(owner.definitions.get(&at)?.id)
        });
        let put = PutDefinition {
            kind: DefinitionKind::Model,
            id: known.unwrap_or(DefinitionId(Uuid::new_v4())),
            number,
            value,
            secrets: BTreeMap::new(),
        };
        self.rig.write(&Command::PutDefinition(Box::new(put))).await;
        let state = self.rig.replica.state();
        let last = state.owners.values().next().unwrap().last_definition;
        number.unwrap_or(last)
    }

    pub(crate) async fn remove(&mut self, number: DefinitionNumber) {
        let remove = RemoveDefinition {
            kind: DefinitionKind::Model,
            number,
        };
        self.rig.write(&Command::RemoveDefinition(remove)).await;
    }

    /// What a target answers next; the last script stays.
    pub(crate) fn script(&self, target: usize, script: Script) {
        self.upstream.script(&secret(target), script);
    }

    /// A call with headers.
    pub(crate) async fn call(&self, path: &str, model: &str, headers: &[(&str, &str)]) -> Reply {
        let body = json!({"model": model}).to_string();
        self.send(path, body, headers).await
    }

    pub(crate) async fn stream(&self, path: &str, model: &str) -> Reply {
        let body = json!({"model": model, "stream": true}).to_string();
        self.send(path, body, &[]).await
    }

    async fn send(&self, path: &str, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.rig.caller.request(Method::POST, path, body);
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).unwrap());
        }
        self.rig.caller.send(request).await
    }

    /// Which targets were asked, in order.
    pub(crate) fn asked(&self) -> Vec<usize> {
        let asked = self.upstream.asked();
        let of = |asked: &crate::upstream::Asked| {
            let key = asked.headers["authorization"].to_str().unwrap();
            key.trim_start_matches("Bearer sk-target-")
                .split('-')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        asked.iter().map(of).collect()
    }

    /// The models that were asked for, in order.
    pub(crate) fn models_asked(&self) -> Vec<String> {
        let model = |body: &Bytes| -> String {
            let body: Value = serde_json::from_slice(body).unwrap();
            body["model"].as_str().unwrap().to_owned()
        };
        let asked = self.upstream.asked();
        asked.iter().map(|asked| model(&asked.body)).collect()
    }

    /// Which target serves one call after the other.
    pub(crate) async fn turns(&self, model: &str, calls: usize) -> Vec<usize> {
        let before = self.asked().len();
        for _ in 0..calls {
            assert_eq!(self.call(CHAT, model, &[]).await.status, 200);
        }
        self.asked().split_off(before)
    }

    /// Every key of these targets sleeps, as after a limit.
    pub(crate) async fn put_to_sleep(&self, targets: &[usize]) {
        for target in targets {
            self.upstream.clear(&secret(*target));
            self.script(*target, refusal(429));
            let name = format!("t{target}");
            assert_ne!(self.call(CHAT, &name, &[]).await.status, 200);
            self.upstream.clear(&secret(*target));
        }
    }
}

/// An answer that fails.
pub(crate) fn refusal(status: u16) -> Script {
    let body = format!(r#"{{"error":{{"message":"no {status}","type":"x","code":null}}}}"#);
    Script::json(status, &body)
}

/// A stream that goes on when it is told to.
pub(crate) fn held(go: &Arc<Notify>) -> Script {
    let (first, last) = EVENTS.split_at(EVENTS.find("data: [DONE]").unwrap());
    Script::events(vec![
        Step::Send(first.to_owned()),
        Step::Wait(Arc::clone(go)),
        Step::Send(last.to_owned()),
    ])
}
