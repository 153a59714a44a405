//! What every admin write has: a revision, a dry run, a safe retry, warnings.

use foldgate_tests::Settings;
use foldgate_tests::admin::{CANARY, list};
use foldgate_tests::client::finish;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn each_write_is_one_revision() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let first = admin
        .config(&json!({"EMAIL_SMTP": "a.example.com"}))
        .await
        .revision();
    let second = admin
        .config(&json!({"EMAIL_SMTP": "b.example.com"}))
        .await
        .revision();
    assert!(first >= 1);
    assert_eq!(second, first + 1);
    let read = admin.get("/x-config").await.revision();
    assert_eq!(read, second);
    assert_eq!(foldgate.proxy().get("/v1/models").await.revision(), second);
    admin
        .put("/x-config", &json!({"EMAIL_SMTP": 5}))
        .await
        .refusal(400);
    assert_eq!(admin.get("/x-config").await.revision(), second);
}

#[tokio::test]
async fn a_dry_run_tells_and_writes_nothing() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let before = admin.get("/x-keys").await.revision();
    let body = json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://api.openai.com"});
    let answer = admin.post("/x-keys?dry_run=true", &body).await;
    answer.ok();
    let text = answer.text();
    assert!(
        text.contains("KeyAdded") && text.contains("LevelMapperCompleted"),
        "{text}"
    );
    assert!(!text.contains(CANARY), "{text}");
    assert!(admin.keys().await.is_empty());
    assert_eq!(admin.get("/x-keys").await.revision(), before);
    admin
        .put("/x-config?dry_run=true", &json!({"EMAIL_TLS": "x"}))
        .await
        .refusal(400);
}

#[tokio::test]
async fn an_idempotency_key_makes_a_retry_safe() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let body = json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://api.openai.com"});
    let post = async |body: &serde_json::Value, key: &str| {
        let request = admin.request(Method::POST, "/x-keys").json(body);
        finish("POST /x-keys", request.header("idempotency-key", key)).await
    };
    let first = post(&body, "retry-1").await;
    let second = post(&body, "retry-1").await;
    assert_eq!(first.ok()["key"]["ID"], second.ok()["key"]["ID"]);
    assert_eq!(first.revision(), second.revision());
    assert_eq!(admin.keys().await.len(), 1);
    let mut other = body.clone();
    other["Level"] = 2.into();
    post(&other, "retry-1").await.refusal(422);
    post(&other, "retry-2").await.ok();
    assert_eq!(admin.keys().await.len(), 2);
}

#[tokio::test]
async fn legal_changes_that_hurt_come_with_warnings() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for change in [
        json!({"RESOURCES": "/v1/embeddings"}),
        json!({"SWITCH_OVER": "1=7"}),
    ] {
        let answer = admin.config(&change).await.json();
        assert!(!list(&answer["warnings"]).is_empty(), "{change}: {answer}");
    }
    // A Level that no pattern leads to.
    let body = json!({"SecretKey": CANARY, "Level": 55, "Provider": "https://llm.example.com"});
    let answer = admin.post("/x-keys", &body).await.ok();
    assert!(!list(&answer["warnings"]).is_empty(), "{answer}");
}

#[tokio::test]
async fn many_writers_at_once_all_get_through() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let before = admin.get("/x-keys").await.revision();
    let mut writers = Vec::new();
    for _ in 0..20 {
        let admin = admin.clone();
        writers.push(tokio::spawn(async move {
            let body =
                json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://llm.example.com"});
            admin.post("/x-keys", &body).await
        }));
    }
    let mut revisions = Vec::new();
    for writer in writers {
        let answer = writer.await.expect("a writer ends");
        answer.ok();
        revisions.push(answer.revision());
    }
    revisions.sort_unstable();
    let expected: Vec<u64> = (before + 1..=before + 20).collect();
    assert_eq!(revisions, expected);
    assert_eq!(admin.keys().await.len(), 20);
}

#[tokio::test]
async fn a_min_revision_is_waited_for_or_refused() {
    let foldgate = Settings::standalone().start().await;
    let revision = foldgate
        .admin()
        .config(&json!({"EMAIL_SMTP": "a.example.com"}))
        .await
        .revision();
    let ask = async |wanted: &str| {
        let request = foldgate.proxy().request(Method::GET, "/v1/models");
        finish("models", request.header("x-foldgate-min-revision", wanted)).await
    };
    ask(&revision.to_string()).await.ok();
    ask("many").await.error(400);
    ask(&(revision + 1000).to_string()).await.error(503);
    // Nor is it a log-in that fails, whoever asks.
    let admin = foldgate.admin();
    let ask = async |wanted: &str| {
        let request = admin.request(Method::GET, "/x-keys");
        finish("keys", request.header("x-foldgate-min-revision", wanted)).await
    };
    ask("many").await.refusal(400);
    ask(&(revision + 1000).to_string()).await.refusal(503);
    let metrics = foldgate.metrics().await;
    let failed = "foldgate_admin_login_failures_total";
    let mut failures = metrics.lines().filter(|line| line.starts_with(failed));
    assert!(failures.all(|line| line.ends_with(" 0")), "{metrics}");
    assert!(
        metrics.contains("foldgate_admin_requests_total"),
        "{metrics}"
    );
}
