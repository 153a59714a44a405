//! Callers other than the owner, and accounts to call for.

use foldgate_vault::caller_key::is_well_formed;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::node::{Answer, Node, answer};

/// Somebody with a key of their own.
pub(crate) struct As<'n> {
    pub(crate) node: &'n Node,
    pub(crate) key: String,
}

impl Node {
    /// Asks with another key than the owner's.
    pub(crate) fn with(&self, key: &str) -> As<'_> {
        As {
            node: self,
            key: key.to_owned(),
        }
    }

    /// Adds a child of the owner with these fields; gives its number and its key.
    pub(crate) async fn add_user(&self, name: &str, more: &Value) -> (u64, String) {
        made(self.post("/x-users", &user(name, more)).await)
    }

    /// A second owner with this name; gives its key.
    pub(crate) async fn add_owner(&self, name: &str) -> String {
        let body = json!({"name": name});
        let made = self.post("/admin/v1/owners", &body).await.ok();
        made["key"].as_str().unwrap().to_owned()
    }

    /// An admin key of this role.
    pub(crate) async fn add_admin_key(&self, role: &str) -> String {
        let body = json!({"name": format!("an {role}"), "role": role});
        let made = self.post("/admin/v1/admin_keys", &body).await.ok();
        made["key"].as_str().unwrap().to_owned()
    }
}

impl As<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.node.base);
        let client = &self.node.client;
        client.request(method, url).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    /// Adds a child of this account.
    pub(crate) async fn add_user(&self, name: &str, more: &Value) -> (u64, String) {
        made(self.post("/x-users", &user(name, more)).await)
    }
}

/// A new account's body.
pub(crate) fn user(name: &str, more: &Value) -> Value {
    let mut body = json!({"Name": name, "Email": format!("{name}@example.com")});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

#[track_caller]
fn made(answer: Answer) -> (u64, String) {
    let body = answer.ok();
    let key = secret(&body["key"]);
    (body["user"]["ID"].as_u64().unwrap(), key)
}

/// The key that an answer shows, which must be one that Foldgate draws.
#[track_caller]
pub(crate) fn secret(key: &Value) -> String {
    let secret = key["SecretKey"]
        .as_str()
        .unwrap_or_else(|| panic!("no secret: {key}"));
    assert!(is_well_formed(secret), "{secret}");
    secret.to_owned()
}
