//! What `/admin/v1/models` refuses, and how it says so.

use foldgate_proto::DefinitionKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::definitions::{MODELS, NOBODY, direct, made, path, routing};
use crate::entries::told;
use crate::node::{Answer, Node, answer};

async fn raw(node: &Node, method: Method, path: &str, body: &str) -> Answer {
    let request = node.request(method, path);
    let request = request.header("content-type", "application/json");
    answer(request.body(body.to_owned())).await
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_path() {
    let node = Node::start().await;
    let stored = made(&node, &direct("fast")).await;
    let with = |field: &str, value: Value| {
        let mut body = direct("new");
        body[field] = value;
        body
    };
    let target = |value: Value| json!({"display_name": "new", "routing": {"targets": [{"model": "fast"}, value]}});
    let before = node.records().await.len();
    for (path, body) in [
        (Value::from("display_name"), json!({})),
        ("display_name".into(), json!({"display_name": 1})),
        ("display_name".into(), with("display_name", "".into())),
        (
            "display_name".into(),
            with("display_name", "x".repeat(256).into()),
        ),
        ("display_name".into(), with("display_name", " fast".into())),
        ("level".into(), with("level", json!(10_000))),
        ("level".into(), with("level", json!(-1))),
        ("level".into(), with("level", json!("1"))),
        ("colour".into(), with("colour", json!("red"))),
        (
            "rate_limit.rpx".into(),
            with("rate_limit", json!({"rpx": 1})),
        ),
        (
            "cost.input_per_1k".into(),
            with("cost", json!({"input_per_1k": -1, "output_per_1k": 1})),
        ),
        (
            "cost.output_per_1k".into(),
            with("cost", json!({"input_per_1k": 1})),
        ),
        (
            "allowed_cidrs[1]".into(),
            with("allowed_cidrs", json!(["::1", "here"])),
        ),
        (
            "provider_key_id".into(),
            with("provider_key_id", json!("no-uuid")),
        ),
        (
            "routing.targets".into(),
            json!({"display_name": "new", "routing": {"targets": []}}),
        ),
        (
            "routing.targets[1].model".into(),
            target(json!({"model": "missing"})),
        ),
        (
            "routing.targets[1].model_id".into(),
            target(json!({"model_id": NOBODY})),
        ),
        (
            "routing.targets[1].weight".into(),
            target(json!({"model": "fast", "weight": "1"})),
        ),
        (
            "routing.targets[1].colour".into(),
            target(json!({"model": "fast", "colour": 1})),
        ),
    ] {
        for (method, to) in [(Method::POST, MODELS), (Method::PUT, &stored)] {
            let refused = answer(node.request(method, to).json(&body)).await;
            let error = refused.refused(400, "invalid_field");
            assert_eq!(error["param"], path, "{body}: {error}");
            let named = path.as_str().map(|path| format!("{path}: "));
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(&named.unwrap_or_default()), "{message}");
        }
    }
    assert_eq!(node.records().await.len(), before);
    assert_eq!(node.get(&stored).await.ok()["value"], direct("fast"));
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let node = Node::start().await;
    let stored = made(&node, &direct("fast")).await;
    for (method, to) in [(Method::POST, MODELS), (Method::PUT, stored.as_str())] {
        for (body, code) in [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ("{\"display_name\": \"a\"} more", "invalid_json"),
            ("[]", "invalid_body"),
            ("null", "invalid_body"),
            ("\"model\"", "invalid_body"),
            (
                "{\"display_name\": \"a\", \"display_name\": \"b\"}",
                "invalid_body",
            ),
        ] {
            raw(&node, method.clone(), to, body)
                .await
                .refused(400, code);
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        raw(&node, method.clone(), to, &deep)
            .await
            .refused(400, "invalid_json");
        let large = json!({"display_name": "x".repeat(1024 * 1024)}).to_string();
        raw(&node, method.clone(), to, &large)
            .await
            .refused(413, "body_too_large");
        let text = node.request(method.clone(), to).body("{}");
        answer(text.header("content-type", "text/plain"))
            .await
            .refused(415, "unsupported_media_type");
        let packed = node.request(method.clone(), to).json(&direct("new"));
        answer(packed.header("content-encoding", "gzip"))
            .await
            .refused(415, "unsupported_content_encoding");
        let question = answer(
            node.request(method, &format!("{to}?limit=1"))
                .json(&json!({})),
        );
        assert_eq!(
            question.await.refused(400, "invalid_field")["param"],
            "limit"
        );
    }
}

#[tokio::test]
async fn a_value_may_not_be_too_long() {
    let node = Node::start().await;
    let body = |patterns: usize| {
        let pattern = json!({"kind": "literal", "value": "x".repeat(4000)});
        json!({"kind": "keyword", "name": "long", "patterns": vec![pattern; patterns]})
    };
    let guardrails = "/admin/v1/guardrails";
    let fits = node.post(guardrails, &body(30)).await.ok();
    let path = format!("{guardrails}/{}", fits["id"].as_str().unwrap());
    let refused = node.put(&path, &body(40)).await;
    let error = refused.refused(400, "invalid_field");
    assert_eq!(error["param"], Value::Null);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.ends_with("bytes as text, more than 131072"),
        "{message}"
    );
}

#[tokio::test]
async fn a_guardrail_is_attached_to_a_place_once() {
    const ALL: &str = "/admin/v1/guardrail_attachments";
    let node = Node::start().await;
    let guardrail = json!({"name": "g", "kind": "keyword",
        "patterns": [{"kind": "literal", "value": "x"}]});
    let guardrail = node.post("/admin/v1/guardrails", &guardrail).await.ok();
    let attached = |priority: i32| json!({"guardrail_id": guardrail["id"], "scope_type": "env", "priority": priority});
    let first = node.post(ALL, &attached(1)).await.ok();
    let path = format!("{ALL}/{}", first["id"].as_str().unwrap());
    for priority in [1, 2] {
        let refused = node.post(ALL, &attached(priority)).await;
        let message = refused.refused(409, "taken")["message"].clone();
        let id = first["id"].as_str().unwrap();
        assert!(message.as_str().unwrap().contains(id), "{message}");
    }
    node.put(&path, &attached(3)).await.ok();
}

#[tokio::test]
async fn ids_that_are_none_are_not_there() {
    let node = Node::start().await;
    made(&node, &direct("fast")).await;
    for id in [
        "1",
        "x",
        "%20",
        NOBODY,
        "00000000-0000-0000-0000-000000000000",
    ] {
        let path = format!("{MODELS}/{id}");
        for answer in [
            node.get(&path).await,
            node.put(&path, &direct("new")).await,
            node.delete(&path).await,
        ] {
            assert_eq!(answer.refused(404, "not_found")["param"], "id", "{id}");
        }
    }
}

/// Whatever else is wrong with the request.
#[tokio::test]
async fn of_every_kind_what_is_not_there_is_told_before_its_body_is_read() {
    let node = Node::start().await;
    let lists = DefinitionKind::ALL.iter().map(|kind| kind.plural());
    for list in lists.chain(["api_keys", "apikeys", "provider_keys"]) {
        let path = format!("/admin/v1/{list}/{NOBODY}");
        let refused = node.put(&path, &json!({"bogus": 1})).await;
        assert_eq!(told(&refused, 404), refused.body["error_msg"], "{list}");
        told(&raw(&node, Method::PUT, &path, "{").await, 404);
    }
    let rotate = format!("/admin/v1/api_keys/{NOBODY}/rotate");
    told(&node.post(&rotate, &json!({"bogus": 1})).await, 404);
}

#[tokio::test]
async fn a_name_is_one_model_s_whatever_its_case() {
    let node = Node::start().await;
    let (fast, slow) = (
        made(&node, &direct("Fast")).await,
        made(&node, &direct("slow")).await,
    );
    for name in ["Fast", "fast", "FAST"] {
        let refused = node.post(MODELS, &direct(name)).await;
        assert_eq!(refused.refused(409, "taken")["param"], "display_name");
        node.put(&slow, &direct(name)).await.refused(409, "taken");
    }
    // Its own name may be spelt otherwise.
    node.put(&fast, &direct("FAST")).await.ok();
    node.delete(&fast).await.ok();
    node.put(&slow, &direct("fast")).await.ok();
}

#[tokio::test]
async fn what_others_refer_to_stays_and_says_who() {
    let node = Node::start().await;
    let key = node.add_key(1, "https://api.openai.com").await;
    let key = format!("/x-keys/{key}");
    let id = node.get(&key).await.ok()["keys"][0]["UUID"].clone();
    assert!(id.is_string(), "the key's id");
    let body = json!({"display_name": "direct", "model_name": "m", "provider_key_id": id});
    let direct_entry = node.post(MODELS, &body).await.ok();
    let routes = node.post(MODELS, &routing("routes", "direct")).await.ok();
    let error = node
        .delete(&path(&direct_entry))
        .await
        .refused(409, "referred");
    assert_eq!(error["referrer_count"], 1);
    let expected = json!([{"kind": "model", "id": routes["id"], "name": "routes"}]);
    assert_eq!(error["referrers"], expected);
    // This API knows no numbers.
    let message = "this model stays as long as it is referred to, by model \"routes\"";
    assert_eq!(error["message"], message);
    let error = node
        .delete(&format!("/admin/v1/provider_keys/{}", id.as_str().unwrap()))
        .await;
    let message = "this provider key stays as long as it is referred to, by model \"direct\"";
    assert_eq!(error.refused(409, "referred")["message"], message);
    // A name that looks like a key is told, as it is beside the message.
    let odd = format!("routes-{}", "7f3a9c01d2e4b6".repeat(5));
    let odd_entry = node.post(MODELS, &routing(&odd, "direct")).await.ok();
    let error = node
        .delete(&path(&direct_entry))
        .await
        .refused(409, "referred");
    let told = error["message"].as_str().unwrap();
    assert!(
        told.contains(&format!("model \"{}…\"", &odd[..60])),
        "{told}"
    );
    node.delete(&path(&odd_entry)).await.ok();
    // A provider key as well, in the owner API's own form.
    let error = node.delete(&key).await.refused(409, "referred");
    assert_eq!(error["referrers"][0]["name"], "direct");
    // Whom a cache policy names, too.
    let policy = json!({"name": "cache", "applies_to": "model:routes"});
    let policy = node.post("/admin/v1/cache_policies", &policy).await.ok();
    let error = node.delete(&path(&routes)).await.refused(409, "referred");
    let expected_cache = json!([{"kind": "cache_policy", "id": policy["id"], "name": "cache"}]);
    assert_eq!(error["referrers"], expected_cache);
    let policy = format!(
        "/admin/v1/cache_policies/{}",
        policy["id"].as_str().unwrap()
    );
    node.delete(&policy).await.ok();
    // Who is spoken of by name keeps it, but for its case.
    let renamed = json!({"display_name": "other", "model_name": "m", "level": 1});
    let error = node.put(&path(&direct_entry), &renamed).await;
    let error = error.refused(409, "referred");
    assert_eq!(error["referrers"], expected);
    let message = "this model cannot be renamed while it is spoken of by its name, by model \
                   \"routes\"";
    assert_eq!(error["message"], message);
    node.delete(&path(&routes)).await.ok();
    node.delete(&path(&direct_entry)).await.ok();
    node.delete(&key).await.ok();
}

#[tokio::test]
async fn of_many_referrers_a_hundred_are_named() {
    let node = Node::start().await;
    let base = made(&node, &direct("base")).await;
    for number in 0..120 {
        made(&node, &routing(&format!("r{number}"), "base")).await;
    }
    let error = node.delete(&base).await.refused(409, "referred");
    assert_eq!(error["referrer_count"], 120);
    assert_eq!(error["referrers"].as_array().unwrap().len(), 100);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("115 more"), "{message}");
}
