//! Lists, mappers and owners over two control planes and three data planes, and
//! the history as the other control plane tells it.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, FakeUpstream, Fleet, eventually, holds};
use http::Method;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

/// What each data plane answers to a call with this key.
async fn calls(fleet: &Fleet, key: &str, path: &str, model: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    let body = json!({"model": model, "messages": [], "input": "x"});
    for node in &fleet.nodes {
        let caller = node.proxy().with_key(Some(key));
        statuses.push(caller.post(path, &body).await.status);
    }
    statuses
}

fn secret(made: &Value) -> String {
    made["key"]["SecretKey"]
        .as_str()
        .expect("shown once")
        .to_owned()
}

/// The first records that an event stream from behind a revision tells.
async fn streamed(admin: &Admin, after: u64, count: usize) -> Vec<u64> {
    let request = admin
        .request(Method::GET, "/admin/v1/history/stream")
        .header("last-event-id", after);
    let mut response = request.send().await.expect("a stream");
    assert_eq!(response.status().as_u16(), 200);
    let mut text = String::new();
    let reading = async {
        while text.matches("event: record").count() < count {
            let chunk = response.chunk().await.expect("it goes on");
            let chunk = chunk.expect("it does not end");
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(SOON, reading)
        .await
        .expect("the records come");
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    let ids = ids.map(|id| id.parse().expect("a revision"));
    ids.take(count).collect()
}

#[tokio::test]
async fn lists_and_mappers_of_an_account_hold_on_every_node() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    one.serve_all(&upstream.url()).await;
    let team = json!({
        "Name": "team-a", "Email": "a@example.com", "AllowModels": "cheap, gpt-4o",
        "Resources": "/v1/chat", "ModelMapper": "cheap=gpt-4o",
    });
    let made = one.post("/x-users?wait=fleet", &team).await.ok();
    let key = secret(&made);
    let path = format!("/x-users/{}", made["user"]["ID"]);
    assert_eq!(calls(&fleet, &key, CHAT, "cheap").await, [200; 3]);
    assert_eq!(upstream.last().json()["model"], "gpt-4o");
    assert_eq!(calls(&fleet, &key, CHAT, "o3").await, [403; 3]);
    let embed = "/v1/embeddings";
    assert_eq!(calls(&fleet, &key, embed, "gpt-4o").await, [403; 3]);
    for (change, status) in [
        (json!({"AllowIPs": "192.0.2.0/24"}), 403),
        (json!({"AllowIPs": "*, 127.0.0.0/8"}), 200),
        (json!({"AllowLevels": "7"}), 403),
        (json!({"AllowLevels": "*"}), 200),
    ] {
        other.put(&format!("{path}?wait=fleet"), &change).await.ok();
        let statuses = calls(&fleet, &key, CHAT, "gpt-4o").await;
        assert_eq!(statuses, [status; 3], "{change}");
    }
    // What the owner sees below it, on either control plane.
    for control in [&one, &other] {
        let path = format!("/x-dna/{}", made["user"]["DNA"].as_str().expect("a path"));
        let below = control.get(&path).await.ok();
        assert_eq!(below["users"][0]["Name"], "team-a", "{below}");
        let explained = control
            .get("/admin/v1/explain?model=cheap&account=team-a")
            .await
            .ok();
        assert_eq!(explained["upstream_model"], "gpt-4o", "{explained}");
        assert_eq!(explained["routed"], true, "{explained}");
    }
}

#[tokio::test]
async fn a_key_takes_its_successor_and_the_old_one_ends_everywhere() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let team = json!({"Name": "team-a", "Email": "a@example.com"});
    let made = fleet.admin().post("/x-users?wait=fleet", &team).await.ok();
    let old = secret(&made);
    let account = fleet.controls[1].admin_with(&old);
    holds("the other control plane knows the key", SOON, async || {
        account.get("/dashboard/status").await.status == 200
    })
    .await;
    // A wrong confirmation is told the right one.
    let wrong = account.post("/x-self", &json!({"confirm": "yes"})).await;
    let told = wrong.refusal(400).message;
    let confirm = told.split('"').nth(1).expect("it stands in quotes");
    assert!(confirm.ends_with("-ROTATE-SELF"), "{told}");
    let confirm = json!({"confirm": confirm});
    let rotated = account.post("/x-self?wait=fleet", &confirm).await.ok();
    let new = secret(&rotated);
    assert_eq!(calls(&fleet, &old, CHAT, "gpt-4o").await, [401; 3]);
    assert_eq!(calls(&fleet, &new, CHAT, "gpt-4o").await, [200; 3]);
}

#[tokio::test]
async fn owners_in_one_log_are_strangers_on_every_node() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let first = fleet.admin();
    first.serve_all(&upstream.url()).await;
    let made = first
        .post("/admin/v1/owners?wait=fleet", &json!({"name": "second"}))
        .await
        .ok();
    let key = made["key"].as_str().expect("shown once").to_owned();
    // Its own keys and models are none, whatever the first one has.
    assert_eq!(calls(&fleet, &key, CHAT, "gpt-4o").await, [404; 3]);
    let second = fleet.controls[1].admin_with(&key);
    holds(
        "the other control plane knows the owner",
        SOON,
        async || second.get("/x-keys").await.status == 200,
    )
    .await;
    assert_eq!(second.get("/x-keys").await.ok()["keys"], json!([]));
    second.get("/x-keys/1").await.refusal(404);
    let own = FakeUpstream::start().await;
    second.serve_all(&own.url()).await;
    let last = second
        .put("/x-config?wait=fleet", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    assert_eq!(last["fleet"]["reached"], true, "{last}");
    assert_eq!(calls(&fleet, &key, CHAT, "a").await, [200; 3]);
    assert_eq!(own.last().json()["model"], "b");
    assert_eq!(upstream.count(), 0, "nobody else's upstream was asked");
}

#[tokio::test]
async fn the_other_control_plane_tells_on_and_brings_all_back() {
    let fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    one.serve_all(&upstream.url()).await;
    let good = one
        .put("/x-config?wait=fleet", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .revision();
    let mut last = good;
    for round in 0..3 {
        let mapper = json!({"MODEL_MAPPER": format!("a=c{round}")});
        last = one.put("/x-config", &mapper).await.revision();
    }
    // A tail that began on one goes on, on the other, where it stopped.
    let seen = streamed(&one, good - 1, 2).await;
    assert_eq!(seen, [good, good + 1]);
    let rest = streamed(&other, good + 1, 2).await;
    assert_eq!(rest, [good + 2, last]);

    let path = format!("/admin/v1/state/restore?at={good}");
    let dry = other
        .post(&format!("{path}&dry_run=true"), &json!({}))
        .await;
    assert_eq!(dry.ok()["dry_run"], true);
    assert_eq!(
        one.get("/admin/v1/history?limit=1").await.ok()["items"][0]["revision"],
        last
    );
    let back = other
        .post(&format!("{path}&wait=fleet"), &json!({}))
        .await
        .ok();
    assert_eq!(back["fleet"]["reached"], true, "{back}");
    for node in &fleet.nodes {
        let reply = node.proxy().post(CHAT, &json!({"model": "a"})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(upstream.last().json()["model"], "b");
    }
    // A refused write stands in the journal of the process that refused it.
    other
        .post("/x-keys", &json!({"Level": "x"}))
        .await
        .refusal(400);
    let journal = eventually("the journal has it", SOON, async || {
        let journal = other.get("/admin/v1/access_log").await.ok();
        if journal["items"][0]["path"] == "/x-keys" {
            Ok(journal)
        } else {
            Err(journal.to_string())
        }
    })
    .await;
    assert_eq!(journal["items"][0]["status"], 400, "{journal}");
}
