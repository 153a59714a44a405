//! No more calls at once than a caller key or a Model allows, over all data planes
//! together; and the places of one that died come free.

use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Step;
use foldgate_tests::{Client, FakeUpstream, Fleet, Reply, eventually};
use http::Method;
use reqwest::Response;
use serde_json::{Value, json};

use super::{CHAT, streamed};

const LIMIT: usize = 4;

struct World {
    fleet: Fleet,
    _upstream: FakeUpstream,
}

/// Three data planes; answers begin, and do not end before the caller leaves.
async fn world() -> World {
    let fleet = Fleet::start(1, 3).await;
    let upstream = FakeUpstream::start().await;
    upstream.always(Reply::stream(vec![Step::chunk("one"), Step::Hang]));
    fleet.admin().serve_all(&upstream.url()).await;
    fleet.acquainted().await;
    World {
        fleet,
        _upstream: upstream,
    }
}

impl World {
    /// Makes a resource, known to all.
    async fn made(&self, kind: &str, body: &Value) -> Value {
        let path = format!("/admin/v1/{kind}");
        let answer = self.fleet.admin().post(&path, body).await;
        self.fleet.folded(answer.revision()).await;
        answer.ok()
    }

    /// A client of each node that calls with a key; one that they have not folded yet
    /// is unknown.
    fn callers(&self, key: Option<&str>) -> Vec<Client> {
        let proxies = self.fleet.nodes.iter().map(|node| node.proxy());
        proxies
            .map(|proxy| key.map_or_else(|| proxy.clone(), |key| proxy.with_key(Some(key))))
            .collect()
    }
}

/// Begins a stream at a node, if it may.
async fn begin(node: &Client, model: &str) -> Result<Response, String> {
    let request = node.request(Method::POST, CHAT).json(&streamed(model));
    let response = request.send().await.expect("a head");
    match response.status().as_u16() {
        200 => Ok(response),
        429 => Err(response.text().await.expect("a body")),
        other => panic!("{other}: {}", response.text().await.expect("a body")),
    }
}

/// Begins a stream at one of the nodes as soon as one may.
async fn must_begin(nodes: &[Client], model: &str) -> Response {
    let mut turn = nodes.iter().cycle();
    eventually("there is a place", SOON, async || {
        begin(turn.next().expect("a node"), model).await
    })
    .await
}

/// Every node refuses one more, and says nothing of it in its headers.
async fn all_refuse(nodes: &[Client], model: &str) {
    for node in nodes {
        let request = node.request(Method::POST, CHAT).json(&streamed(model));
        let refused = finish("one more", request).await;
        let code = refused.error(429).code;
        assert_eq!(code.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(refused.header("x-ratelimit-limit-requests"), None);
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn calls_at_once_are_counted_over_all_nodes_and_a_dead_one_s_places_come_free() {
    let mut world = world().await;
    let issue = json!({"allowed_models": ["*"], "rate_limit": {"concurrency": LIMIT}});
    let made = world.made("api_keys", &issue).await;
    let nodes = world.callers(made["plaintext"].as_str());
    let mut held = Vec::new();
    for place in 0..LIMIT {
        // Two at the first node.
        let node = place % nodes.len();
        held.push(must_begin(&nodes[node..=node], "any").await);
    }
    all_refuse(&nodes, "any").await;
    // One that ends at a node makes room at another.
    drop(held.remove(1));
    held.push(must_begin(&nodes[2..], "any").await);
    all_refuse(&nodes, "any").await;

    world.fleet.nodes[0].kill();
    let nodes = &nodes[1..];
    for _ in 0..2 {
        held.push(must_begin(nodes, "any").await);
    }
    all_refuse(nodes, "any").await;
}

#[tokio::test]
async fn calls_of_a_model_at_once_are_counted_over_all_nodes() {
    let world = world().await;
    let direct = |name: &str, most: usize| {
        json!({
            "display_name": name, "model_name": "m", "level": 1,
            "rate_limit": {"concurrency": most},
        })
    };
    world.made("models", &direct("target", LIMIT)).await;
    world.made("models", &direct("other", 1)).await;
    let lead = json!({
        "display_name": "lead",
        "routing": {"strategy": "failover", "targets": [{"model": "other"}, {"model": "target"}]},
    });
    world.made("models", &lead).await;
    let nodes = world.callers(None);
    let mut held = Vec::new();
    for _ in 0..LIMIT {
        held.push(must_begin(&nodes, "target").await);
    }
    all_refuse(&nodes, "target").await;
    // What leads there has one more elsewhere.
    let last = must_begin(&nodes, "lead").await;
    assert_eq!(last.headers()["x-foldgate-served-by"], "other");
    all_refuse(&nodes, "lead").await;
    drop(held.pop());
    let last = must_begin(&nodes, "lead").await;
    assert_eq!(last.headers()["x-foldgate-served-by"], "target");
    all_refuse(&nodes, "target").await;
}
