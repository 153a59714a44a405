//! Accounts and history over two control planes and three data planes: what is
//! written on one holds on all, and is told and taken back by the other.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Client, FakeUpstream, Fleet, eventually, holds};
use http::Method;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

pub(crate) struct World {
    pub(crate) fleet: Fleet,
    /// Both control planes, as the owner.
    pub(crate) controls: [Admin; 2],
    /// What every model is served by.
    pub(crate) upstream: FakeUpstream,
}

impl World {
    /// A fleet that serves every model.
    pub(crate) async fn start() -> Self {
        let fleet = Fleet::start(2, 3).await;
        let upstream = FakeUpstream::start().await;
        let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
        controls[0].serve_all(&upstream.url()).await;
        Self {
            fleet,
            controls,
            upstream,
        }
    }

    /// An account made on the first control plane, known to the whole fleet.
    pub(crate) async fn account(&self, name: &str, more: &Value) -> (Value, String) {
        let mut body = json!({"Name": name, "Email": format!("{name}@example.com")});
        for (field, value) in more.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        let made = self.controls[0]
            .post("/x-users?wait=fleet", &body)
            .await
            .ok();
        assert_eq!(made["fleet"]["reached"], true, "{made}");
        assert_eq!(made["fleet"]["nodes"], 3, "{made}");
        let key = made["key"]["SecretKey"].as_str().expect("shown once");
        (made["user"].clone(), key.to_owned())
    }

    /// What each data plane answers to a chat with this key.
    pub(crate) async fn chats(&self, key: &str, model: &str) -> Vec<u16> {
        let mut statuses = Vec::new();
        let body = json!({"model": model, "messages": []});
        for node in &self.fleet.nodes {
            let caller: Client = node.proxy().with_key(Some(key));
            statuses.push(caller.post(CHAT, &body).await.status);
        }
        statuses
    }
}

/// What the admin API says of a key holds on every node as soon as they have it.
#[tokio::test]
async fn a_key_is_disabled_and_bounded_on_every_node() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let body = json!({"allowed_models": ["gpt-4*"]});
    let made = one.post("/admin/v1/api_keys?wait=fleet", &body).await.ok();
    assert_eq!(made["fleet"]["reached"], true, "{made}");
    let key = made["plaintext"].as_str().expect("shown once");
    assert_eq!(world.chats(key, "gpt-4o").await, [200, 200, 200]);
    assert_eq!(world.chats(key, "o3").await, [403, 403, 403]);
    let path = format!("/admin/v1/api_keys/{}", made["id"].as_str().expect("an id"));
    let write = format!("{path}?wait=fleet");
    let off = json!({"allowed_models": ["*"], "disabled": true});
    other.put(&write, &off).await.ok();
    assert_eq!(world.chats(key, "gpt-4o").await, [401, 401, 401]);
    let on = json!({"allowed_models": ["*"], "disabled": false});
    one.put(&write, &on).await.ok();
    assert_eq!(world.chats(key, "o3").await, [200, 200, 200]);
    other.delete(&write, None).await.ok();
    assert_eq!(world.chats(key, "o3").await, [401, 401, 401]);
}

#[tokio::test]
async fn a_key_lives_and_ends_on_every_node() {
    let world = World::start().await;
    let (user, key) = world.account("team-a", &json!({})).await;
    assert_eq!(world.chats(&key, "gpt-4o").await, [200, 200, 200]);
    let path = format!("/x-users/{}", user["ID"]);

    let off = json!({"Status": false});
    let other = &world.controls[1];
    other.put(&format!("{path}?wait=fleet"), &off).await.ok();
    assert_eq!(world.chats(&key, "gpt-4o").await, [403, 403, 403]);
    let on = json!({"Status": true, "AllowModels": "gpt-4*"});
    other.put(&format!("{path}?wait=fleet"), &on).await.ok();
    assert_eq!(world.chats(&key, "gpt-4o").await, [200, 200, 200]);
    assert_eq!(world.chats(&key, "o3").await, [403, 403, 403]);

    let keys = format!("{path}/keys/1");
    let rotated = other
        .post(
            &format!("{keys}/rotate?wait=fleet"),
            &json!({"OverlapSeconds": 3600}),
        )
        .await
        .ok();
    let new = rotated["key"]["SecretKey"].as_str().expect("shown once");
    assert_eq!(world.chats(&key, "gpt-4o").await, [200, 200, 200]);
    assert_eq!(world.chats(new, "gpt-4o").await, [200, 200, 200]);
    let revoked = other.delete(&format!("{keys}?wait=fleet"), None).await.ok();
    assert_eq!(revoked["fleet"]["reached"], true, "{revoked}");
    assert_eq!(world.chats(&key, "gpt-4o").await, [401, 401, 401]);
    assert_eq!(world.chats(new, "gpt-4o").await, [401, 401, 401]);
}

#[tokio::test]
async fn admin_keys_administer_on_any_control_plane_and_never_call() {
    let world = World::start().await;
    let issue = json!({"name": "ci", "role": "operator"});
    let path = "/admin/v1/admin_keys?wait=fleet";
    let issued = world.controls[0].post(path, &issue).await.ok();
    let key = issued["key"].as_str().expect("shown once").to_owned();
    let operator = world.fleet.controls[1].admin_with(&key);
    holds("the key is known", SOON, async || {
        operator.get("/x-conf").await.status == 200
    })
    .await;
    let mapper = json!({"MODEL_MAPPER": "a=b"});
    operator.put("/x-config", &mapper).await.ok();
    operator.post("/x-keys", &json!({})).await.refusal(403);
    assert_eq!(world.chats(&key, "gpt-4o").await, [401, 401, 401]);
    let path = format!(
        "/admin/v1/admin_keys/{}",
        issued["id"].as_str().expect("an id")
    );
    world.controls[0].delete(&path, None).await.ok();
    holds("the key is revoked", SOON, async || {
        operator.get("/x-conf").await.status == 401
    })
    .await;
}

#[tokio::test]
async fn what_one_control_plane_did_the_other_tells_and_takes_back() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let (user, key) = world.account("team-a", &json!({"RPM": 60})).await;
    let path = format!("/x-users/{}", user["ID"]);
    let removed = one.delete(&path, None).await.revision();
    let told = eventually("the other tells it", SOON, async || {
        let told = other.get(&format!("/admin/v1/history/{removed}")).await;
        if told.status == 200 {
            Ok(told.ok())
        } else {
            Err(told.text())
        }
    })
    .await;
    assert_eq!(told["kind"], "AccountRemoved", "{told}");
    assert_eq!(told["actor"], "owner:owner", "{told}");
    let changed = told["changes"].to_string();
    assert!(changed.contains("team-a") && !changed.contains(&key));

    let undo = format!("/admin/v1/history/{removed}/undo?wait=fleet");
    let undone = other.post(&undo, &json!({})).await.ok();
    assert_eq!(undone["undid"], removed, "{undone}");
    assert_eq!(undone["fleet"]["reached"], true, "{undone}");
    assert_eq!(world.chats(&key, "gpt-4o").await, [200, 200, 200]);
    let again = one.post(&undo, &json!({})).await.ok();
    assert!(again.to_string().contains("nothing"), "{again}");

    // The state before it, and the difference since, are the same on both.
    let at = removed - 1;
    let mut hashes = Vec::new();
    for control in [one, other] {
        let then = control.get(&format!("/admin/v1/state?at={at}")).await.ok();
        assert_eq!(then["accounts"][0]["name"], "team-a", "{then}");
        hashes.push(then["state_hash"].clone());
        let diff = format!("/admin/v1/state/diff?from={at}&to={removed}");
        let diff = control.get(&diff).await.ok();
        assert!(diff["changes"].to_string().contains("account/"), "{diff}");
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn a_write_on_an_old_view_is_refused_wherever_it_comes() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let (user, _) = world.account("team-a", &json!({})).await;
    let path = format!("/x-users/{}", user["ID"]);
    let seen = one.get(&path).await;
    let etag = seen.header("etag").expect("an ETag").to_owned();
    other.put(&path, &json!({"Alias": "first"})).await.ok();
    let put = async |admin: &Admin, etag: &str| {
        let request = admin.request(Method::PUT, &path);
        let request = request.header("if-match", etag);
        foldgate_tests::client::finish("PUT", request.json(&json!({"Alias": "second"}))).await
    };
    let stale = put(one, &etag).await;
    stale.refusal(412);
    let fresh = other.get(&path).await;
    assert_eq!(fresh.ok()["user"]["Alias"], "first");
    put(one, fresh.header("etag").expect("an ETag")).await.ok();
}

#[tokio::test]
async fn a_frozen_node_is_named_by_whoever_waits_for_the_fleet() {
    let mut world = World::start().await;
    world.account("team-a", &json!({})).await;
    world.fleet.nodes[2].process().freeze();
    let path = "/x-config?wait=fleet";
    let mapper = json!({"MODEL_MAPPER": "a=b"});
    let waited = world.controls[0].put(path, &mapper).await.ok();
    world.fleet.nodes[2].process().thaw();
    let fleet = &waited["fleet"];
    assert_eq!(fleet["reached"], false, "it may serve on: {waited}");
    assert_eq!(fleet["nodes"], 3, "{waited}");
    assert_eq!(fleet["lagging"][0]["node"], "node-3", "{waited}");
    assert_eq!(
        fleet["lagging"].as_array().map(Vec::len),
        Some(1),
        "{waited}"
    );
    let again = json!({"MODEL_MAPPER": "a=c"});
    let waited = world.controls[1].put(path, &again).await.ok();
    assert_eq!(waited["fleet"]["reached"], true, "{waited}");
}

#[tokio::test]
async fn news_reach_those_they_are_meant_for() {
    let world = World::start().await;
    let (team, key) = world.account("team-a", &json!({})).await;
    let (_, other_key) = world.account("team-b", &json!({})).await;
    let news = |title: &str| json!({"title": title, "content": "c"});
    let [one, other] = &world.controls;
    for target in [
        team["ID"].to_string(),
        "team-a".to_owned(),
        "team-a@example.com".to_owned(),
        team["DNA"].as_str().expect("a path").to_owned(),
    ] {
        let path = format!("/x-news/{target}");
        one.post(&path, &news(&format!("to {target}"))).await.ok();
    }
    let last = one.post("/x-news?wait=fleet", &news("to all")).await;
    let (last, titles) = (last.revision(), async |key: &str| {
        let reader = world.fleet.controls[1].admin_with(key);
        let shown = reader.get("/dashboard/news").await.ok();
        let all = shown["user_news"].as_array().cloned().unwrap_or_default();
        let system = shown["system_news"].as_array().cloned().unwrap_or_default();
        (all.len(), system.len())
    });
    holds("the other has it", SOON, async || {
        other.get("/x-conf").await.revision() >= last
    })
    .await;
    assert_eq!(titles(&key).await, (4, 1));
    assert_eq!(titles(&other_key).await, (0, 1));
}

#[tokio::test]
async fn whoever_names_a_revision_reads_no_older_one() {
    let fleet = Fleet::start(2, 0).await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    let read = async |revision: u64| {
        let request = other.request(Method::GET, "/x-config");
        let request = request.header("x-foldgate-min-revision", revision);
        foldgate_tests::client::finish("GET", request).await
    };
    let mut last = 0;
    for round in 0..20 {
        let mapper = json!({"MODEL_MAPPER": format!("a=b{round}")});
        last = one.put("/x-config", &mapper).await.revision();
        let seen = read(last).await.ok();
        assert_eq!(seen["configs"]["MODEL_MAPPER"]["a"], format!("b{round}"));
    }
    let ahead = read(last + 100).await;
    assert_eq!(
        ahead.refusal(503).code.as_deref(),
        Some("revision_not_reached")
    );
}
