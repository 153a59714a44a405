//! `/admin/v1/api_keys`: what is refused, and who sees what.

use reqwest::Method;
use serde_json::json;

use crate::api_keys::{KEYS, hash, made, team, works};
use crate::entries::{NOBODY, told, with_header};
use crate::node::{Node, answer};

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let node = Node::start().await;
    node.add_user("team-1", &json!({"RPM": 10, "AllowModels": "gpt-4o*"}))
        .await;
    let team = team(&node, "team-1").await;
    let (path, entry) = made(&node, &json!({"allowed_models": ["*"]})).await;
    let long = "x".repeat(256);
    for (field, value) in [
        ("allowed_models", json!(null)),
        ("allowed_models", json!("*")),
        ("allowed_models[0]", json!([""])),
        ("allowed_models[1]", json!(["a", long])),
        ("allowed_models", json!(vec!["m"; 257])),
        ("key_hash", json!("abc")),
        ("key_hash", json!(crate::api_keys::hash(""))),
        ("key_hash", json!("g".repeat(64))),
        ("key_hash", json!("a".repeat(65))),
        ("display_name", json!("")),
        ("display_name", json!(" padded")),
        ("display_name", json!("two\nlines")),
        ("display_name", json!("x".repeat(129))),
        ("team_id", json!("x")),
        ("team_id", json!(NOBODY)),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!(1_900_000_000)),
        ("disabled", json!("yes")),
        ("rate_limit.rpm", json!({"rpm": 0})),
        ("rate_limit.concurrency", json!({"concurrency": 0})),
        ("rate_limit.rps", json!({"rps": -1})),
        ("rate_limit.tpd", json!({"tpd": 1_000_000_000_000_001_u64})),
        ("rate_limit", json!({"tph": 1})),
        ("rate_limit", json!([1, 2, 3, 4, 5, 6, 7])),
        ("mcp_access", json!([["a"], ["b"]])),
        ("mcp_rate_limits.a", json!({"a": [1, 2, 3, 4]})),
        ("allowed_models[1]", json!(["a", "-b"])),
        ("display_name", json!("default")),
        ("user_id", json!("two\nlines")),
        ("jwt_subject", json!("a\u{0}b")),
        ("allowed_tools", json!([""])),
        ("allowed_agents", json!([long])),
        ("user_id", json!("")),
        ("mcp_access", json!({"deny": []})),
        ("mcp_rate_limits", json!({"a": {"rpm": 0}})),
        ("mcp_rate_limits", json!({"": {"rpm": 1}})),
        ("mcp_rate_limits", json!({" ": {"rpm": 1}})),
        ("mcp_rate_limits", json!({"x".repeat(121): {"rpm": 1}})),
        ("plaintext", json!("sk-mine")),
    ] {
        let name = field.split(['.', '[']).next().unwrap();
        let mut body = json!({"allowed_models": ["*"]});
        body[name] = value;
        for (method, path) in [(Method::POST, KEYS), (Method::PUT, path.as_str())] {
            let refused = answer(node.request(method, path).json(&body)).await;
            let message = told(&refused, 400);
            assert!(message.contains(field), "{field}: {message}");
        }
    }
    let message = told(&node.post(KEYS, &json!({})).await, 400);
    assert!(message.contains("allowed_models"), "{message}");
    // Within what the team may.
    for (field, value) in [
        ("allowed_models", json!(["o3"])),
        ("rate_limit", json!({"rpm": 11})),
    ] {
        let mut body = json!({"allowed_models": ["gpt-4o"], "team_id": team});
        body[field] = value;
        let message = told(&node.post(KEYS, &body).await, 400);
        assert!(message.contains(field), "{field}: {message}");
    }
    // What is kept has a limit too.
    let tools = vec!["t".repeat(255); 256];
    let body = json!({"allowed_models": [], "allowed_tools": tools});
    let message = told(&node.post(KEYS, &body).await, 400);
    assert!(message.contains("16384"), "{message}");
    // A key stays with its account.
    let moved = json!({"allowed_models": ["gpt-4o"], "team_id": team});
    let message = told(&node.put(&path, &moved).await, 400);
    assert!(message.contains("team_id"), "{message}");
    for missing in [NOBODY, "1", "x"] {
        let path = format!("{KEYS}/{missing}");
        told(&node.get(&path).await, 404);
        told(&node.put(&path, &json!({"allowed_models": []})).await, 404);
        told(&node.delete(&path).await, 404);
        told(&node.post(&format!("{path}/rotate"), &json!({})).await, 404);
    }
    assert_eq!(node.get(&path).await.ok()["revision"], entry["revision"]);
}

#[tokio::test]
async fn a_name_is_one_keys_in_its_account_even_among_racing_writers() {
    let node = Node::start().await;
    node.add_user("team-1", &json!({})).await;
    let named = |name: &str| json!({"allowed_models": ["*"], "display_name": name});
    let laptop = named("laptop");
    let racers = (0..40).map(|_| node.post(KEYS, &laptop));
    let answers = futures_util::future::join_all(racers).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert!(told(answer, 409).contains("display_name"));
    }
    told(&node.post(KEYS, &named("LapTop")).await, 409);
    let (path, _) = made(&node, &named("desk")).await;
    told(&node.put(&path, &named("LAPTOP")).await, 409);
    node.put(&path, &named("DESK")).await.ok();
    let mut other = named("laptop");
    other["team_id"] = json!(team(&node, "team-1").await);
    made(&node, &other).await;
    // Without a name, there may be many.
    for _ in 0..2 {
        let (_, entry) = made(&node, &json!({"allowed_models": ["*"]})).await;
        assert!(entry["value"].get("display_name").is_none());
    }
}

#[tokio::test]
async fn who_may_not_write_keys_sees_no_hash() {
    let node = Node::start().await;
    let (path, _) = made(&node, &json!({"allowed_models": ["*"]})).await;
    for (role, sees) in [("owner", true), ("operator", false), ("auditor", false)] {
        let key = node.add_admin_key(role).await;
        let reader = node.with(&key);
        let (one, all) = (reader.get(&path).await.ok(), reader.get(KEYS).await.ok());
        assert_eq!(one["value"].get("key_hash").is_some(), sees, "{role}");
        assert_eq!(all[0], one, "{role}");
        let wrote = reader.post(KEYS, &json!({"allowed_models": []})).await;
        assert_eq!(wrote.status == 200, sees, "{role}: {}", wrote.body);
    }
    let (_, account) = node.add_user("alice", &json!({})).await;
    told(&node.with(&account).get(KEYS).await, 403);
}

#[tokio::test]
async fn putting_back_what_was_read_brings_no_rotated_key_back() {
    let node = Node::start().await;
    let body = json!({"allowed_models": ["*"], "display_name": "one"});
    let (path, entry) = made(&node, &body).await;
    let leaked = entry["plaintext"].as_str().unwrap().to_owned();
    let mut first = entry["value"].clone();
    let rotate = format!("{path}/rotate");
    let mut newest = String::new();
    // However often it was rotated since.
    for _ in 0..2 {
        let rotated = node.post(&rotate, &json!({})).await.ok();
        rotated["plaintext"]
            .as_str()
            .unwrap()
            .clone_into(&mut newest);
        let refused = node.put(&path, &first).await;
        assert!(told(&refused, 409).contains("If-Match"));
        assert_eq!(refused.body["code"], "former_key");
        assert_eq!(refused.body["param"], "key_hash");
        assert!(works(&node, &newest).await && !works(&node, &leaked).await);
    }
    let any = with_header(&node, (Method::PUT, &path), ("if-match", "*"), &first).await;
    told(&any, 409);
    // What says nothing of the hash, or the one that is there, is written.
    first["key_hash"] = json!(hash(&newest));
    first["disabled"] = json!(true);
    node.put(&path, &first).await.ok();
    // A key that was never there takes its place without ado.
    let own = json!({"allowed_models": ["*"], "key_hash": hash("a key of my own")});
    node.put(&path, &own).await.ok();
    assert!(works(&node, "a key of my own").await);
    // Who names the newest entry has seen what became of the key.
    let etag = node.get(&path).await.header("etag").to_owned();
    let back = json!({"allowed_models": ["*"], "key_hash": hash(&leaked)});
    let put = with_header(&node, (Method::PUT, &path), ("if-match", &etag), &back).await;
    assert_eq!(put.ok()["value"]["key_hash"], hash(&leaked));
    assert!(works(&node, &leaked).await);
}
