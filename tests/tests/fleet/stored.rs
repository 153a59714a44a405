//! Resources that are stored and not acted upon yet: the same on every control plane,
//! with one history, and brought back with their secrets.

use foldgate_tests::admin::{CANARY, list};
use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, FakeUpstream, Fleet, eventually};
use http::Method;
use serde_json::{Value, json};

use super::must_chat;

const EXPORTERS: &str = "/admin/v1/observability_exporters";
const KEYS: &str = "/admin/v1/provider_keys";

/// Makes a resource; gives its path and the revision of that.
async fn made(admin: &Admin, all: &str, body: &Value) -> (String, u64) {
    let answer = admin.post(all, body).await;
    let entry = answer.ok();
    assert!(!answer.text().contains(CANARY), "{entry}");
    let id = entry["id"].as_str().expect("an id");
    (format!("{all}/{id}"), answer.revision())
}

/// What a control plane lists once it has folded a revision, with no secret in it.
async fn listed(admin: &Admin, all: &str, revision: u64) -> Vec<Value> {
    let request = admin.request(Method::GET, all);
    let request = request.header("x-foldgate-min-revision", revision.to_string());
    let answer = finish(all, request).await;
    assert!(!answer.text().contains(CANARY), "{}", answer.text());
    list(&answer.ok())
}

/// The records of definitions since a revision, once a control plane has indexed
/// them up to another.
async fn history(admin: &Admin, (from, to): (u64, u64)) -> Vec<Value> {
    eventually("the history", SOON, async || {
        let answer = admin.get("/admin/v1/history?limit=50&order=asc").await;
        assert!(!answer.text().contains(CANARY), "{}", answer.text());
        let mut items = list(&answer.ok()["items"]);
        items.retain(|item| item["revision"].as_u64() > Some(from));
        let last = items.last().and_then(|item| item["revision"].as_u64());
        if last == Some(to) {
            Ok(items)
        } else {
            Err(format!("at {last:?} of {to}"))
        }
    })
    .await
}

fn exporter() -> Value {
    json!({
        "kind": "otlp_http", "name": "traces", "endpoint": "https://otel.example.com/v1/traces",
        "headers": {"authorization": CANARY, "x-tenant": "sk-tenant-0123456789abcdef"},
    })
}

#[tokio::test]
async fn what_is_only_stored_is_the_same_on_both_control_planes_and_comes_back_whole() {
    let fleet = Fleet::start(2, 1).await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    let before = one.get(EXPORTERS).await.revision();
    let bodies = [
        (
            "/admin/v1/guardrails",
            json!({
                "kind": "keyword", "name": "words", "patterns": [{"kind": "literal", "value": "secret"}],
            }),
        ),
        (
            "/admin/v1/rate_limit_policies",
            json!({
                "name": "few", "limits": {"rpm": 60}, "group_by": ["api_key"],
            }),
        ),
        (EXPORTERS, exporter()),
    ];
    let mut last = before;
    let mut paths = Vec::new();
    for (all, body) in &bodies {
        // The answer of the write says that nothing acts on it yet.
        let entry = one.post(&format!("{all}?dry_run=true"), body).await.ok();
        assert!(entry["warnings"].to_string().contains("not"), "{entry}");
        let (path, revision) = made(&one, all, body).await;
        paths.push(path);
        last = revision;
    }
    assert_eq!(
        last,
        before + 3,
        "one record each, and none of what was tried"
    );
    for (all, body) in &bodies {
        let entries = listed(&other, all, last).await;
        assert_eq!(entries, listed(&one, all, last).await, "{all}");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0]["value"]["name"], body["name"]);
    }
    let masked = listed(&other, EXPORTERS, last).await[0].clone();
    let headers = masked["value"]["headers"].as_object().expect("headers");
    assert_eq!(headers.len(), 2, "{masked}");
    // The masks stand for what they mask: put back elsewhere, nothing changes.
    let same = other.put(&paths[2], &masked["value"]).await.ok();
    assert_eq!(same["revision"], masked["revision"], "{same}");

    // It goes on one control plane and comes back on the other.
    one.delete(&paths[2], None).await.ok();
    let restore = format!("/admin/v1/state/restore?at={last}");
    let restored = other.post(&restore, &json!({})).await;
    restored.ok();
    let back = listed(&one, EXPORTERS, restored.revision()).await;
    assert_eq!(back.len(), 1);
    assert_eq!(
        (&back[0]["id"], &back[0]["value"]),
        (&masked["id"], &masked["value"])
    );
    // Its masks have secrets behind them, as before.
    let same = one.put(&paths[2], &masked["value"]).await.ok();
    assert_eq!(same["revision"], back[0]["revision"], "{same}");

    let end = restored.revision();
    assert_eq!(end, before + 5);
    let seen = history(&one, (before, end)).await;
    assert_eq!(seen, history(&other, (before, end)).await, "one history");
    let kinds: Vec<&Value> = seen.iter().map(|item| &item["kind"]).collect();
    let expected = [
        "GuardrailPut",
        "RateLimitPolicyPut",
        "ObservabilityExporterPut",
        "ObservabilityExporterRemoved",
        "StateRestored",
    ];
    assert_eq!(kinds, expected);
    a_provider_key_comes_back(&fleet).await;
}

/// Of a provider key, calls show that its secret came back.
async fn a_provider_key_comes_back(fleet: &Fleet) {
    let upstream = FakeUpstream::start().await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    let config = one.config(&json!({"LEVEL_MAPPER": {"m": 7}})).await;
    let key = json!({
        "display_name": "fake", "api_base": upstream.url(), "api_key": CANARY, "level": 7,
    });
    let (path, then) = made(&other, KEYS, &key).await;
    assert_eq!(then, config.revision() + 1);
    let gone = one.delete(&format!("{path}?wait=fleet"), None).await.ok();
    assert_eq!(gone["deleted"], true);
    let refused = fleet.nodes[0].proxy();
    let refused = refused.post(super::CHAT, &super::chat("m")).await;
    assert_ne!(refused.status, 200, "{}", refused.text());
    let id = path.rsplit('/').next().expect("an id");
    let restore =
        format!("/admin/v1/state/restore?at={then}&resource=provider_key/{id}&wait=fleet");
    other.post(&restore, &json!({})).await.ok();
    must_chat(&fleet.nodes[0].proxy(), "m").await;
    assert_eq!(upstream.last().credential(), Some(CANARY));
}
