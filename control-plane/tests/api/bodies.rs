//! Bodies, headers and parameters that are not what they should be, and dry runs.

use foldgate_proto::ActorKind;
use reqwest::Method;
use serde_json::json;

use crate::node::{Node, SECRET, answer, new_key};

async fn post_raw(node: &Node, content_type: Option<&str>, body: String) -> crate::node::Answer {
    let mut request = node.request(Method::POST, "/x-keys").body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    answer(request).await
}

#[tokio::test]
async fn only_json_is_read() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com").to_string();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
    ] {
        let refused = post_raw(&node, content_type, body.clone()).await;
        refused.refused(415, "unsupported_media_type");
    }
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/a+json",
    ] {
        post_raw(&node, Some(content_type), body.clone()).await.ok();
    }
}

#[tokio::test]
async fn bad_json_says_where() {
    let node = Node::start().await;
    let cases = [
        ("{\"Level\": 1,\n  oops}", "line 2 column"),
        ("", "line 1 column 0"),
        ("{\"Level\": 1e999}", "line 1"),
        ("{} trailing", "line 1"),
    ];
    for (body, expected) in cases {
        let refused = post_raw(&node, Some("application/json"), body.to_owned()).await;
        let error = refused.refused(400, "invalid_json");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(expected), "{body:?}: {message}");
    }
    let cases = [
        ("[]", "must be a JSON object, not an array"),
        ("null", "must be a JSON object, not null"),
        ("{\"Level\": 1, \"Level\": 2}", "\"Level\" stands twice"),
    ];
    for (body, expected) in cases {
        let refused = post_raw(&node, Some("application/json"), body.to_owned()).await;
        let error = refused.refused(400, "invalid_body");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(expected), "{body:?}: {message}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let refused = post_raw(&node, Some("application/json"), deep).await;
    refused.refused(400, "invalid_json");
}

#[tokio::test]
async fn a_body_beyond_a_mebibyte_is_refused_announced_or_not() {
    let node = Node::start().await;
    let large = "x".repeat(1024 * 1024 + 1);
    let announced = post_raw(&node, Some("application/json"), large.clone()).await;
    announced.refused(413, "body_too_large");
    let chunks = (0..17).map(|_| Ok::<_, std::io::Error>("x".repeat(64 * 1024)));
    let stream = futures_util::stream::iter(chunks);
    let request = node.request(Method::POST, "/x-keys");
    let request = request.header("content-type", "application/json");
    let unannounced = answer(request.body(reqwest::Body::wrap_stream(stream))).await;
    unannounced.refused(413, "body_too_large");
}

#[tokio::test]
async fn the_record_tells_who_why_and_in_which_request() {
    let node = Node::start().await;
    let request = node.request(Method::POST, "/x-keys");
    let request = request
        .header("x-foldgate-reason", "größere Quote")
        .header("x-request-id", "req-7")
        .json(&new_key(1, "https://api.openai.com"));
    let written = answer(request).await;
    assert_eq!(written.header("x-foldgate-revision"), "2");
    let named = written.header("x-foldgate-record").to_owned();
    written.ok();
    let record = node.records().await.pop().unwrap();
    assert_eq!(record.id.to_string(), named);
    assert_eq!(record.reason.as_deref(), Some("größere Quote"));
    assert_eq!(record.request_id.as_deref(), Some("req-7"));
    assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
    assert_eq!(record.actor.kind, ActorKind::Owner);
    assert_eq!(record.actor.name, "root");
    assert_eq!(record.command, "AddKey");
}

#[tokio::test]
async fn a_reason_too_long_is_refused() {
    let node = Node::start().await;
    let send = async |reason: String| {
        let request = node.request(Method::POST, "/x-news");
        let body = json!({"title": "t", "content": "c"});
        answer(request.header("x-foldgate-reason", reason).json(&body)).await
    };
    send("ü".repeat(500)).await.ok();
    let refused = send("ü".repeat(501)).await.refused(400, "invalid_field");
    assert_eq!(refused["param"], "X-Foldgate-Reason");
}

#[tokio::test]
async fn a_dry_run_shows_the_events_and_writes_nothing() {
    let node = Node::start().await;
    let body = new_key(1, "https://api.openai.com");
    let dry = node.post("/x-keys?dry_run=true", &body).await;
    assert_eq!(dry.header("x-foldgate-revision"), "1");
    assert!(!dry.headers.contains_key("x-foldgate-record"));
    let dry = dry.ok();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["key"]["ID"], 1);
    let kinds: Vec<&String> = dry["events"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|event| event.as_object().unwrap().keys())
        .collect();
    assert_eq!(kinds, ["KeyAdded", "LevelMapperCompleted"]);
    assert!(dry["events"][0]["KeyAdded"]["secret"].is_string());
    assert!(!dry.to_string().contains(SECRET));
    assert!(!dry.to_string().contains("sealed"));
    assert_eq!(node.records().await.len(), 1);
    let refused = node.post("/x-keys?dry_run=perhaps", &body).await;
    refused.refused(400, "invalid_field");
    let refused = node.delete("/x-keys/9?dry_run=1").await;
    refused.refused(404, "key_not_found");
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let node = Node::start().await;
    let send = async |coding: &str| {
        let request = node.request(Method::POST, "/x-news");
        let request = request.header("content-encoding", coding);
        answer(request.json(&json!({"title": "t", "content": "c"}))).await
    };
    for coding in ["gzip", "br", "identity, gzip"] {
        let refused = send(coding).await;
        refused.refused(415, "unsupported_content_encoding");
    }
    send("identity").await.ok();
}

#[tokio::test]
async fn parameters_nobody_knows_and_doubled_ones_are_refused_by_name() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    for (path, param) in [
        ("/x-keys?levle=1", "levle"),
        ("/x-keys?level=1&level=2", "level"),
        ("/x-keys/1?dry_run=true", "dry_run"),
        ("/x-config?page=1", "page"),
        ("/x-conf?x", "x"),
        ("/dashboard/news?al=true", "al"),
        ("/dashboard/news?all=true&all=false", "all"),
        ("/v1/models?limit=5", "limit"),
        ("/admin/v1/fleet?x=1", "x"),
        ("/healthz?x=1", "x"),
        ("/x-conf/?x=1", "x"),
    ] {
        let error = node.get(path).await.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{path}");
    }
    let body = json!({"Level": 2});
    for path in ["/x-keys/1?dryrun=true", "/x-keys/1?dry_run=1&dry_run=0"] {
        node.put(path, &body).await.refused(400, "invalid_field");
    }
    assert_eq!(
        node.put("/x-keys/1?dry_run=TRUE", &body).await.ok()["dry_run"],
        true
    );
    assert_eq!(node.records().await.len(), 2);
}

#[tokio::test]
async fn a_dry_run_compares_and_says_would_be() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let before = node.records().await.len();

    let dry = node
        .put("/x-keys/1?dry_run=true", &json!({"Level": 2}))
        .await
        .ok();
    assert_eq!(dry["changes"]["before"]["Level"], 1);
    assert_eq!(dry["changes"]["after"]["Level"], 2);
    assert!(!dry.to_string().contains(SECRET) && !dry.to_string().contains("sealed"));

    let same = node
        .put("/x-keys/1?dry_run=true", &json!({"Level": 1}))
        .await
        .ok();
    assert_eq!(same["dry_run"], true);
    assert_eq!(same["changes"]["before"], same["changes"]["after"]);
    assert_eq!(same["events"], json!([]));

    let gone = node.delete("/x-keys/1?dry_run=true").await.ok();
    assert_eq!(gone["dry_run"], true);
    assert_eq!(gone["changes"]["before"]["ID"], 1);
    assert_eq!(gone["changes"]["after"], json!(null));
    assert!(
        gone["message"]
            .as_str()
            .unwrap()
            .contains("would be deleted")
    );

    let body = json!({"MODEL_MAPPER": "a=b", "EMAIL_PASS": "correct horse battery"});
    let config = node.put("/x-config?dry_run=true", &body).await.ok();
    assert_eq!(config["changes"]["before"], json!({}));
    assert_eq!(
        config["changes"]["after"]["MODEL_MAPPER"],
        json!({"a": "b"})
    );
    assert!(!config.to_string().contains("horse"));
    assert!(
        config["message"]
            .as_str()
            .unwrap()
            .contains("would be updated")
    );
    let keys = json!({"keys": ["PRICING"]});
    let reset = node.delete_with("/x-config?dry_run=true", &keys).await.ok();
    assert_eq!(reset["dry_run"], true);
    assert!(
        reset["message"]
            .as_str()
            .unwrap()
            .contains("would be deleted")
    );
    assert_eq!(node.records().await.len(), before);
}
