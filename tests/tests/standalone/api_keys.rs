//! Both sorts of keys, made by the admin API, on a real process: what they say holds
//! on the proxy.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Client, FakeUpstream, Foldgate, Settings, eventually};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CHAT, chat};

const KEYS: &str = "/admin/v1/api_keys";

/// A process that serves every model by a provider key of the admin API.
async fn world() -> (Foldgate, FakeUpstream) {
    let upstream = FakeUpstream::start().await;
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let key = json!({
        "display_name": "fake", "api_base": upstream.url(), "api_key": "EMPTY", "level": 1,
    });
    admin.post("/admin/v1/provider_keys", &key).await.ok();
    admin.config(&json!({"LEVEL_MAPPER": {"*": 1}})).await;
    (foldgate, upstream)
}

/// The hash of a key as its bearer writes it.
fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// Makes a key; gives the path of its entry, and the answer.
async fn made(foldgate: &Foldgate, body: &Value) -> (String, Value) {
    let entry = foldgate.admin().post(KEYS, body).await.ok();
    let id = entry["id"].as_str().expect("an id");
    (format!("{KEYS}/{id}"), entry)
}

fn plaintext(answer: &Value) -> String {
    let key = answer["plaintext"].as_str().expect("shown once");
    key.to_owned()
}

fn caller(foldgate: &Foldgate, key: &str) -> Client {
    foldgate.proxy().with_key(Some(key))
}

#[tokio::test]
async fn an_issued_key_calls_with_the_provider_key_that_was_made() {
    let (foldgate, upstream) = world().await;
    let (_, entry) = made(&foldgate, &json!({"allowed_models": ["*"]})).await;
    let caller = caller(&foldgate, &plaintext(&entry));
    caller.post(CHAT, &chat("gpt-4o")).await.ok();
    assert_eq!(upstream.last().credential(), Some("EMPTY"));
    let models = caller.get("/v1/models").await.ok();
    assert_eq!(models["object"], "list");
}

#[tokio::test]
async fn allowed_models_bound_the_key() {
    let (foldgate, upstream) = world().await;
    let body = json!({"allowed_models": ["gpt-4*", "o3"]});
    let (path, entry) = made(&foldgate, &body).await;
    let caller = caller(&foldgate, &plaintext(&entry));
    for (model, status) in [("gpt-4o", 200), ("o3", 200), ("o3-mini", 403), ("x", 403)] {
        let answer = caller.post(CHAT, &chat(model)).await;
        assert_eq!(answer.status, status, "{model}: {}", answer.text());
    }
    let admin = foldgate.admin();
    admin.put(&path, &json!({"allowed_models": []})).await.ok();
    let refused = caller.post(CHAT, &chat("gpt-4o")).await.error(403);
    assert_eq!(refused.code.as_deref(), Some("model_not_allowed"));
    admin
        .put(&path, &json!({"allowed_models": ["*"]}))
        .await
        .ok();
    caller.post(CHAT, &chat("x")).await.ok();
    assert_eq!(upstream.count(), 3);
}

#[tokio::test]
async fn a_disabled_key_is_refused_and_comes_back() {
    let (foldgate, upstream) = world().await;
    let (path, entry) = made(&foldgate, &json!({"allowed_models": ["*"]})).await;
    let caller = caller(&foldgate, &plaintext(&entry));
    let off = json!({"allowed_models": ["*"], "disabled": true});
    foldgate.admin().put(&path, &off).await.ok();
    for refused in [
        caller.post(CHAT, &chat("gpt-4o")).await.error(401),
        caller.get("/v1/models").await.error(401),
    ] {
        assert_eq!(refused.code.as_deref(), Some("disabled_api_key"));
        assert_eq!(refused.kind, "authentication_error");
    }
    assert_eq!(upstream.count(), 0);
    let on = json!({"allowed_models": ["*"]});
    foldgate.admin().put(&path, &on).await.ok();
    caller.post(CHAT, &chat("gpt-4o")).await.ok();
}

#[tokio::test]
async fn a_key_ends_when_it_expires() {
    let (foldgate, _upstream) = world().await;
    let soon = chrono::Utc::now() + chrono::Duration::seconds(2);
    let body = json!({"allowed_models": ["*"], "expires_at": soon.to_rfc3339()});
    let (path, entry) = made(&foldgate, &body).await;
    let caller = caller(&foldgate, &plaintext(&entry));
    eventually("the key expires", SOON, async || {
        let answer = caller.post(CHAT, &chat("gpt-4o")).await;
        if answer.status == 200 {
            return Err("it is good still".to_owned());
        }
        let refused = answer.error(401);
        assert_eq!(refused.code.as_deref(), Some("expired_api_key"));
        Ok(())
    })
    .await;
    let longer = json!({"allowed_models": ["*"], "expires_at": "2099-01-01T00:00:00Z"});
    foldgate.admin().put(&path, &longer).await.ok();
    caller.post(CHAT, &chat("gpt-4o")).await.ok();
}

/// Only the hash is known; the key may look like anything that a header holds.
#[tokio::test]
async fn a_key_of_any_form_works_by_its_hash() {
    let (foldgate, _upstream) = world().await;
    let long = "k".repeat(512);
    for key in ["x", "not sk- at all: {\"a\"}", long.as_str()] {
        let body = json!({"allowed_models": ["*"], "key_hash": hash(key)});
        made(&foldgate, &body).await;
        caller(&foldgate, key)
            .post(CHAT, &chat("gpt-4o"))
            .await
            .ok();
    }
    let longer = "k".repeat(513);
    let body = json!({"allowed_models": ["*"], "key_hash": hash(&longer)});
    made(&foldgate, &body).await;
    let refused = caller(&foldgate, &longer).post(CHAT, &chat("gpt-4o")).await;
    refused.error(401);
}

#[tokio::test]
async fn a_rotated_key_is_another_one() {
    let mut world = world().await;
    let (foldgate, _upstream) = (&mut world.0, &world.1);
    let (path, entry) = made(foldgate, &json!({"allowed_models": ["*"]})).await;
    let rotate = format!("{path}/rotate");
    let kept = json!({"overlap_seconds": 3600});
    let first = plaintext(&entry);
    let second = plaintext(&foldgate.admin().post(&rotate, &kept).await.ok());
    for key in [&first, &second] {
        caller(foldgate, key).post(CHAT, &chat("gpt-4o")).await.ok();
    }
    let third = plaintext(&foldgate.admin().post(&rotate, &json!({})).await.ok());
    foldgate.restart().await;
    for (key, status) in [(&first, 401), (&second, 401), (&third, 200)] {
        let answer = caller(foldgate, key).post(CHAT, &chat("gpt-4o")).await;
        assert_eq!(answer.status, status);
    }
    foldgate.admin().delete(&path, None).await.ok();
    let gone = caller(foldgate, &third).post(CHAT, &chat("gpt-4o")).await;
    gone.error(401);
}
