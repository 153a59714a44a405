//! How a test reads through one control plane what was written through the other.

use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Answer, holds};
use http::Method;
use serde_json::{Value, json};

use super::people::World;

impl World {
    /// The second control plane with a key that was made through the first, once it
    /// knows the key.
    pub(crate) async fn known(&self, key: &str) -> Admin {
        let admin = self.fleet.controls[1].admin_with(key);
        holds("the other control plane knows the key", SOON, async || {
            admin.get("/dashboard/status").await.status == 200
        })
        .await;
        admin
    }

    /// A new admin key of this role.
    pub(crate) async fn admin_key(&self, name: &str, role: &str) -> String {
        let body = json!({"name": name, "role": role});
        let issued = self.controls[0].post("/admin/v1/admin_keys", &body).await;
        shown_once(&issued.ok()["key"])
    }

    /// The newest record that the owner's history lists.
    pub(crate) async fn newest(&self) -> Value {
        let page = self.controls[0].get("/admin/v1/history?limit=1").await;
        page.ok()["items"][0].clone()
    }
}

/// A key that was issued just now.
#[track_caller]
pub(crate) fn shown_once(key: &Value) -> String {
    let secret = key.as_str().or_else(|| key["SecretKey"].as_str());
    secret
        .unwrap_or_else(|| panic!("no key is shown: {key}"))
        .to_owned()
}

/// Reads what is there at a revision or later.
pub(crate) async fn get_at(admin: &Admin, path: &str, revision: u64) -> Answer {
    with(
        admin,
        Method::GET,
        path,
        &[("x-foldgate-min-revision", &revision.to_string())],
        None,
    )
    .await
}

/// A request with headers.
pub(crate) async fn with(
    admin: &Admin,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let name = format!("{method} {path}");
    let mut request = admin.request(method, path);
    for (header, value) in headers {
        request = request.header(*header, *value);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    finish(&name, request).await
}
