//! A record that a node cannot fold: it holds its last good table, says so, and
//! writes nothing on a state that is not the newest.

use async_nats::jetstream;
use foldgate_tests::admin::list;
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Client, FakeUpstream, Fleet, eventually};
use serde_json::{Value, json};

/// Writes what a later version might: the last record, linked to itself as the
/// chain wants it, with `this` replaced by `that`. Gives its revision.
async fn append(fleet: &Fleet, this: &[u8], that: &[u8]) -> u64 {
    let context = jetstream::new(fleet.nats.connect(User::Bootstrap).await);
    let stream = context.get_stream("FOLDGATE_LOG").await;
    let mut stream = stream.expect("the stream is there");
    let last = stream
        .info()
        .await
        .expect("it tells its state")
        .state
        .last_sequence;
    let last = stream.get_raw_message(last).await.expect("its last record");
    let hash = blake3::hash(&last.payload);
    let mut record = last.payload.to_vec();
    let prev = find(&record, b"\xa4prev\xc4\x20") + 7;
    record[prev..prev + 32].copy_from_slice(hash.as_bytes());
    let at = find(&record, this);
    record.splice(at..at + this.len(), that.iter().copied());
    let stored = context.publish(last.subject.clone(), record.into()).await;
    stored.expect("sent").await.expect("stored").sequence
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    let at = bytes.windows(part.len()).position(|window| window == part);
    at.unwrap_or_else(|| panic!("no {} in the record", part.escape_ascii()))
}

/// Waits until the node's readiness page says of its fold why it goes no further.
async fn held(status: &Client, revision: u64) -> String {
    eventually("the fold is held", SOON, async || {
        let page: Value = status.get("/readyz").await.json();
        let parts = list(&page["components"]);
        let fold = parts.iter().find(|part| part["name"] == "fold");
        let reason = fold
            .and_then(|fold| fold["reason"].as_str())
            .unwrap_or_default();
        if reason.contains(&revision.to_string()) {
            Ok(reason.to_owned())
        } else {
            Err(page.to_string())
        }
    })
    .await
}

/// `why` is the word that tells this trouble from others.
async fn holds(this: &[u8], that: &[u8], why: &str) {
    let fleet = Fleet::start(1, 1).await;
    let (admin, node) = (fleet.admin(), &fleet.nodes[0]);
    let upstream = FakeUpstream::start().await;
    admin.serve_all(&upstream.url()).await;
    let last = admin
        .config(&json!({"EMAIL_SMTP": "a.example.com"}))
        .await
        .revision();
    fleet.folded(last).await;
    let poison = append(&fleet, this, that).await;
    assert_eq!(poison, last + 1);

    for status in [fleet.controls[0].status(), node.status()] {
        let reason = held(&status, poison).await;
        assert!(reason.contains(why), "{reason}");
        let page = status.get("/status/config").await.ok();
        assert_eq!(page["state"], "out_of_sync", "{page}");
        assert_eq!(page["applied"]["applied_revision"], last, "{page}");
        let rejected = &page["rejected"][0];
        assert_eq!(rejected["resource_kind"], "record", "{page}");
        assert_eq!(rejected["resource_id"], poison.to_string());
        let failure = &page["last_failure"];
        for told in [rejected, failure] {
            assert_eq!(told["last_error_kind"], "held", "{page}");
            let error = told["last_error"].as_str().unwrap_or_default();
            assert!(error.contains(why), "{page}");
        }
        assert!(rejected["first_seen_at"].is_string(), "{page}");
        assert_eq!(rejected["last_seen_at"], failure["at"], "{page}");
        assert_eq!(
            page["last_reload"],
            json!({"successful": false, "at": failure["at"]}),
            "{page}"
        );
    }
    // What came behind the record that is held is known from the log alone.
    let end = append(&fleet, that, that).await;
    for status in [fleet.controls[0].status(), node.status()] {
        eventually("the log's end is known", SOON, async || {
            let page = status.get("/status/config").await.ok();
            let is_known = page["source"]["observed_revision"] == end;
            is_known.then_some(()).ok_or(page.to_string())
        })
        .await;
    }
    // A write is refused for what it is, not for a time-out.
    let write = json!({"EMAIL_SMTP": "b.example.com"});
    let error = admin.put("/x-config", &write).await.refusal(503);
    assert_eq!(error.code.as_deref(), Some("log_held"), "{error:?}");
    assert!(error.message.contains(&poison.to_string()), "{error:?}");
    // Reads and traffic go on from the last good table.
    assert_eq!(admin.configs().await["EMAIL_SMTP"], "a.example.com");
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let answer = node.proxy().post("/v1/chat/completions", &chat).await;
    answer.ok();
    assert_eq!(answer.revision(), last);
    assert_eq!(upstream.count(), 1);
    assert_eq!(node.status().get("/readyz").await.status, 200, "it serves");
}

#[tokio::test]
async fn an_event_of_an_unknown_kind_is_held() {
    holds(b"ConfigPatched", b"ConfigPainted", "ConfigPainted").await;
}

#[tokio::test]
async fn a_record_of_a_newer_schema_is_held() {
    // A small number in MessagePack is one byte.
    holds(b"\xa6schema\x01", b"\xa6schema\x63", "schema 99").await;
}

#[tokio::test]
async fn a_model_that_a_newer_version_wrote_is_told_and_not_served() {
    let fleet = Fleet::start(1, 1).await;
    let (admin, node) = (fleet.admin(), &fleet.nodes[0]);
    let upstream = FakeUpstream::start().await;
    admin.serve_all(&upstream.url()).await;
    let model = json!({"display_name": "led", "model_name": "up", "level": 1});
    admin.post("/admin/v1/models", &model).await.ok();
    // A field of a name that this version does not know.
    let newer = append(&fleet, b"model_name", b"model_nose").await;
    fleet.folded(newer).await;
    for status in [fleet.controls[0].status(), node.status()] {
        let page = eventually("it is told", SOON, async || {
            let page = status.get("/status/config").await.ok();
            let is_folded = page["applied"]["applied_revision"] == newer;
            is_folded.then_some(page.clone()).ok_or(page.to_string())
        })
        .await;
        let told = json!([{"resource_kind": "model", "field": "*", "count": 1}]);
        assert_eq!(page["partially_compatible"], told, "{page}");
        assert_eq!(page["state"], "synced", "{page}");
        assert_eq!(page["rejected"], json!([]), "{page}");
    }
    let chat = json!({"model": "led", "messages": [{"role": "user", "content": "hello"}]});
    let answer = node.proxy().post("/v1/chat/completions", &chat).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        upstream.last().json()["model"],
        "led",
        "as if there were no such Model"
    );
}
