//! The owner API, as an administrator's script would call it.

use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::poll::eventually;

/// A secret that is long enough and easy to find where it must not be.
pub const CANARY: &str = "sk-canary-4f1d77c2b9e84a6f";

/// A client of an admin listener.
#[derive(Debug, Clone)]
pub struct Admin(pub Client);

impl Deref for Admin {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl Admin {
    /// Adds a `standard` key and gives its number.
    #[track_caller]
    pub fn add_key(&self, level: u16, provider: &str) -> impl Future<Output = u64> {
        let body = json!({
            "SecretKey": CANARY,
            "Name": format!("key of level {level}"),
            "Level": level,
            "Provider": provider,
        });
        async move { id(&self.post("/x-keys", &body).await.ok()["key"]) }
    }

    /// Adds a key for every model: the key, and a `LEVEL_MAPPER` for `*`.
    pub async fn serve_all(&self, provider: &str) -> u64 {
        let number = self.add_key(1, provider).await;
        self.config(&json!({"LEVEL_MAPPER": {"*": 1}})).await;
        number
    }

    /// Sets configuration keys.
    pub async fn config(&self, patch: &Value) -> Answer {
        let answer = self.put("/x-config", patch).await;
        answer.ok();
        answer
    }

    /// The configuration in force.
    pub async fn configs(&self) -> Value {
        self.get("/x-config").await.ok()["configs"].clone()
    }

    /// All keys.
    pub async fn keys(&self) -> Vec<Value> {
        let body = self.get("/x-keys").await.ok();
        list(&body["keys"])
    }

    /// `/x-conf`, whole.
    pub async fn conf(&self) -> Value {
        self.get("/x-conf").await.ok()
    }

    /// Waits until `/x-conf` shows this key asleep, and gives its entry.
    pub async fn sleeping(&self, key: u64, deadline: Duration) -> Value {
        let what = format!("key {key} asleep on {}", self.base());
        eventually(&what, deadline, async || {
            let conf = self.conf().await;
            list(&conf["SleepingKeys"])
                .into_iter()
                .find(|entry| entry["ID"] == key)
                .ok_or_else(|| conf["SleepingKeys"].to_string())
        })
        .await
    }

    /// The rows of the fleet view.
    pub async fn fleet(&self) -> Vec<Value> {
        let body = self.get("/admin/v1/fleet").await.ok();
        match &body {
            Value::Array(rows) => rows.clone(),
            _ => list(&body["items"]),
        }
    }
}

/// The `ID` of a key.
#[track_caller]
pub fn id(key: &Value) -> u64 {
    key["ID"]
        .as_u64()
        .unwrap_or_else(|| panic!("a key without ID: {key}"))
}

/// The entries of a list; a missing one is a fault.
#[track_caller]
pub fn list(value: &Value) -> Vec<Value> {
    let entries = value.as_array();
    entries
        .unwrap_or_else(|| panic!("not a list: {value}"))
        .clone()
}
