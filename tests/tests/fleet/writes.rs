//! What every write takes beside its body, sent by turns to both control planes, and
//! what is kept of writes that are refused.

use foldgate_tests::admin::CANARY;
use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Answer, eventually};
use http::Method;
use serde_json::{Value, json};

use super::people::World;
use super::reads::{get_at, shown_once, with};

#[tokio::test]
async fn a_retry_or_a_trial_writes_nothing_wherever_it_comes() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let headers = [("idempotency-key", "once")];
    let body = json!({"Name": "team-a", "Email": "a@example.com"});
    let post = async |control: &Admin, body: &Value| {
        with(
            control,
            Method::POST,
            "/x-users?wait=fleet",
            &headers,
            Some(body),
        )
        .await
    };
    let first = post(one, &body).await;
    let key = shown_once(&first.ok()["key"]);
    assert_eq!(first.ok()["fleet"]["nodes"], 3, "{}", first.text());
    let again = post(other, &body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.revision(), first.revision());
    assert_eq!(again.ok()["user"]["ID"], first.ok()["user"]["ID"]);
    assert!(!again.text().contains(&key), "it is shown once");
    let changed = json!({"Name": "team-b", "Email": "b@example.com"});
    let error = post(other, &changed).await.refusal(422);
    assert_eq!(error.code.as_deref(), Some("idempotency_mismatch"));

    let before = world.newest().await;
    assert_eq!(before["revision"], first.revision());
    for (control, method, path, body) in [
        (one, Method::POST, "/x-users", changed),
        (
            other,
            Method::PUT,
            "/x-users/team-a",
            json!({"Status": false}),
        ),
        (
            one,
            Method::POST,
            "/x-users/team-a/keys/1/rotate",
            json!({}),
        ),
        (
            other,
            Method::PUT,
            "/x-config",
            json!({"LEVEL_MAPPER": {"*": 2}}),
        ),
        (one, Method::DELETE, "/x-keys/1", json!({})),
        (
            other,
            Method::POST,
            "/x-news",
            json!({"title": "t", "content": "c"}),
        ),
        (
            one,
            Method::POST,
            "/admin/v1/admin_keys",
            json!({"name": "x", "role": "owner"}),
        ),
    ] {
        let path = format!("{path}?dry_run=true");
        let dry = control.send(method, &path, Some(&body)).await;
        let told = dry.ok();
        assert_eq!(told["dry_run"], true, "{path}: {told}");
        assert!(
            !told["events"].as_array().expect("events").is_empty(),
            "{path}: {told}"
        );
        assert!(
            told["changes"].is_object() || told["changes"].is_array(),
            "{path}: {told}"
        );
        let shows_key = told["key"].is_string() || told["key"]["SecretKey"].is_string();
        assert!(
            !shows_key && !told.to_string().contains(CANARY),
            "{path}: {told}"
        );
    }
    assert_eq!(world.newest().await, before);
    assert_eq!(world.chats(&key, "gpt-4o").await, [200; 3]);
}

/// The same write twice on one view, the second one through the other control plane.
async fn only_once(world: &World, path: &str, bodies: [Value; 2]) {
    let [one, other] = &world.controls;
    let seen = one.get(path).await;
    let etag = seen.header("etag").expect("an ETag").to_owned();
    let put = async |control: &Admin, etag: &str, body: &Value| {
        with(
            control,
            Method::PUT,
            path,
            &[("if-match", etag)],
            Some(body),
        )
        .await
    };
    let written = put(one, &etag, &bodies[0]).await;
    written.ok();
    let stale = put(other, &etag, &bodies[1]).await;
    let error = stale.refusal(412);
    assert_eq!(error.code.as_deref(), Some("stale"), "{path}");
    assert!(!error.message.is_empty());
    let fresh = get_at(other, path, written.revision()).await;
    let fresh = fresh.header("etag").expect("an ETag").to_owned();
    assert_ne!(fresh, etag, "{path}");
    put(other, &fresh, &bodies[1]).await.ok();
}

#[tokio::test]
async fn views_and_revisions_hold_over_the_whole_fleet() {
    let world = World::start().await;
    world.account("team-a", &json!({})).await;
    only_once(
        &world,
        "/x-users/team-a",
        [json!({"RPM": 1}), json!({"RPM": 2})],
    )
    .await;
    only_once(
        &world,
        "/x-keys/1",
        [json!({"Name": "a"}), json!({"Name": "b"})],
    )
    .await;
    let mappers = ["a=b", "a=c"].map(|mapper| json!({"MODEL_MAPPER": mapper}));
    only_once(&world, "/x-config", mappers).await;
    let names = ["a", "b"].map(|name| json!({"Name": name}));
    only_once(&world, "/x-users/team-a/keys/1", names).await;

    // Whoever names the revision of a write is served by it, on any node.
    let chat = async |node: usize, revision: u64| -> Answer {
        let proxy = world.fleet.nodes[node].proxy();
        let request = proxy.request(Method::POST, super::CHAT);
        let request = request.header("x-foldgate-min-revision", revision);
        finish(super::CHAT, request.json(&super::chat("asked"))).await
    };
    let mut last = 0;
    for round in 0..6 {
        let model = format!("m{round}");
        let control = &world.controls[round % 2];
        let patch = json!({"MODEL_MAPPER": {"asked": model}});
        last = control.config(&patch).await.revision();
        for node in 0..3 {
            chat(node, last).await.ok();
            assert_eq!(world.upstream.last().json()["model"], json!(model));
        }
    }
    let calls = world.upstream.count();
    let ahead = chat(2, last + 100).await.error(503);
    assert_eq!(ahead.code.as_deref(), Some("revision_not_reached"));
    assert_eq!(world.upstream.count(), calls);
}

#[tokio::test]
async fn refusals_are_counted_logged_and_kept_by_the_control_plane_that_refused() {
    let world = World::start().await;
    let auditor = world.admin_key("books", "auditor").await;
    let auditor = world.known(&auditor).await;
    let before = world.newest().await;
    let there = &world.fleet.controls[1];
    let stranger = there.admin_with("sk-nobody-0123456789abcdef0123");
    stranger.get("/x-keys").await.refusal(401);
    let news = json!({"title": "t", "content": "c"});
    auditor.post("/x-news", &news).await.refusal(403);
    let odd = [("x-request-id", "odd-1")];
    let body = json!({"Level": "x"});
    with(
        &world.controls[1],
        Method::POST,
        "/x-keys",
        &odd,
        Some(&body),
    )
    .await
    .refusal(400);
    let journal = async |control: &Admin, query: &str| {
        control
            .get(&format!("/admin/v1/access_log{query}"))
            .await
            .ok()
    };
    let kept = eventually("the journal has them", SOON, async || {
        let kept = journal(&world.controls[1], "").await;
        let rows = foldgate_tests::admin::list(&kept["items"]);
        if rows.len() >= 3 && rows[0]["request_id"] == "odd-1" {
            Ok(rows)
        } else {
            Err(kept.to_string())
        }
    })
    .await;
    let told: Vec<Value> = kept[..3]
        .iter()
        .map(|row| {
            json!([
                row["status"],
                row["actor"],
                row["method"],
                row["path"],
                row["node"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([400, "owner:owner", "POST", "/x-keys", "control-2"]),
            json!([403, "auditor:books", "POST", "/x-news", "control-2"]),
            json!([401, null, "GET", "/x-keys", "control-2"]),
        ]
    );
    // Page by page it is the same; the other control plane has its own.
    let first = journal(&world.controls[1], "?limit=1").await;
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let next = journal(&world.controls[1], &format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(
        [&first["items"][0], &next["items"][0]],
        [&kept[0], &kept[1]]
    );
    let own = journal(&world.controls[0], "").await;
    assert_eq!(
        (&own["node"], &own["items"]),
        (&json!("control-1"), &json!([]))
    );

    let metrics = there.metrics().await;
    let counted = |name: &str, label: &str| {
        let mut lines = metrics.lines().filter(|line| line.starts_with(name));
        lines.any(|line| line.contains(label) && !line.ends_with(" 0"))
    };
    assert!(
        counted("foldgate_admin_login_failures_total", "invalid_api_key"),
        "{metrics}"
    );
    assert!(
        counted("foldgate_admin_requests_total", "status=\"403\""),
        "{metrics}"
    );
    assert!(
        there.output().contains("admin write refused"),
        "{}",
        there.output()
    );
    assert_eq!(world.newest().await, before, "none of it is a record");
}
