//! The proxy on a good day: what reaches the upstream, what comes back.

use foldgate_tests::admin::{CANARY, list};
use foldgate_tests::client::finish;
use foldgate_tests::{Reply, sse};
use http::Method;
use serde_json::{Value, json};

use super::{CHAT, World, chat, streamed};

/// A body with everything a proxy might touch: exotic spaces, escapes, numbers
/// that floats cannot hold, unknown fields, images, tools.
const EXOTIC: &str = "{ \"messages\" :\n\t[ {\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\u00e9 \u{e9} \\/\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]} ] , \"model\" : \"m\",\"n\":2,\"logprobs\":true, \"big\":12345678901234567890123, \"float\":1.0e-7,\"zero\":-0.0, \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}],\"unknown\":{\"model\":\"inner\",\"a\":null}}\r\n";

#[tokio::test]
async fn bodies_pass_byte_for_byte() {
    let world = World::new().await;
    let reply = "{ \"id\" : \"x\",\n\t\"choices\":[ ] , \"big\":12345678901234567890123, \"usage\":null }\n\n";
    world
        .upstream
        .next(Reply::bytes(200, "application/json; charset=utf-8", reply));
    let answer = world.proxy.post_bytes(CHAT, EXOTIC).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), reply);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let seen = world.upstream.last();
    assert_eq!(String::from_utf8_lossy(&seen.body), EXOTIC);
    assert_eq!(seen.line, format!("POST {CHAT}"));
    assert_eq!(seen.credential(), Some(CANARY));
}

#[tokio::test]
async fn a_mapped_model_is_the_only_change() {
    let world = World::new().await;
    world
        .admin
        .config(&json!({"MODEL_MAPPER": {"m": "vendor/real:model"}}))
        .await;
    world.proxy.post_bytes(CHAT, EXOTIC).await.ok();
    let expected = EXOTIC.replace("\"model\" : \"m\"", "\"model\" : \"vendor/real:model\"");
    assert_eq!(
        String::from_utf8_lossy(&world.upstream.last().body),
        expected
    );
}

#[tokio::test]
async fn mappers_choose_model_and_level() {
    let world = World::new().await;
    let other = foldgate_tests::FakeUpstream::start().await;
    world.admin.add_key(2, &other.url()).await;
    world
        .admin
        .config(&json!({
            "MODEL_MAPPER": "gpt-3.5*=gpt-4o-mini, gpt-3.5-turbo-16k=gpt-4o",
            "LEVEL_MAPPER": "gpt-4o=2, gpt-4*=1",
        }))
        .await;
    for (asked, sent, level) in [
        ("gpt-3.5-turbo", "gpt-4o-mini", 1),
        ("gpt-3.5-turbo-16k", "gpt-4o", 2),
        ("gpt-4o", "gpt-4o", 2),
        ("gpt-4-turbo", "gpt-4-turbo", 1),
    ] {
        world.proxy.post(CHAT, &chat(asked)).await.ok();
        let upstream = if level == 1 { &world.upstream } else { &other };
        assert_eq!(upstream.last().json()["model"], sent, "{asked}");
    }
    assert_eq!((world.upstream.count(), other.count()), (2, 2));
    world.proxy.post(CHAT, &chat("claude-3")).await.error(404);
}

#[tokio::test]
async fn every_endpoint_is_served() {
    let world = World::new().await;
    let answer = world
        .proxy
        .post("/v1/completions", &json!({"model": "m", "prompt": "hi"}))
        .await;
    assert_eq!(answer.ok()["choices"][0]["text"], "echo: hi");
    let embeddings = json!({"model": "m", "input": ["a", "b"], "encoding_format": "base64"});
    let answer = world.proxy.post("/v1/embeddings", &embeddings).await;
    assert_eq!(answer.ok()["data"][0]["object"], "embedding");
    assert_eq!(world.upstream.last().json(), embeddings);
    let answer = world.proxy.post(CHAT, &streamed("m")).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(sse::chat_text(&answer.events()), "echo: hello");
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
}

#[tokio::test]
async fn usage_is_asked_for_and_hidden_unless_wanted() {
    let world = World::new().await;
    for (wanted, shown) in [
        (None, false),
        (Some(json!({"include_usage": false})), false),
        (Some(json!({"include_usage": true})), true),
    ] {
        let mut body = streamed("m");
        if let Some(options) = wanted.clone() {
            body["stream_options"] = options;
        }
        let answer = world.proxy.post(CHAT, &body).await;
        let seen = world.upstream.last().json();
        assert_eq!(seen["stream_options"]["include_usage"], true, "{wanted:?}");
        let events = answer.events();
        let usage = events.iter().any(|event| event.contains("prompt_tokens"));
        assert_eq!(usage, shown, "{wanted:?}: {events:?}");
        let nulls = events.iter().any(|event| event.contains("\"usage\":null"));
        assert_eq!(nulls, shown, "{wanted:?}: {events:?}");
        assert_eq!(sse::chat_text(&events), "echo: hello");
        assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    }
    // Not a stream: nothing is asked for and nothing is hidden.
    let answer = world.proxy.post(CHAT, &chat("m")).await.ok();
    assert_eq!(answer["usage"]["total_tokens"], 12);
    assert!(world.upstream.last().json().get("stream_options").is_none());
}

#[tokio::test]
async fn models_are_listed_from_the_mappers() {
    let world = World::new().await;
    // Everything leads to a provider of which nothing is known.
    let body = world.proxy.get("/v1/models").await.ok();
    assert_eq!(body["data"], json!([]));
    world
        .admin
        .config(&json!({"LEVEL_MAPPER": "my-model=1, gpt-4*=1", "MODEL_MAPPER": "alias=my-model"}))
        .await;
    let body = world.proxy.get("/v1/models").await.ok();
    assert_eq!(body["object"], "list");
    let models = list(&body["data"]);
    let ids: Vec<&str> = models
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert!(
        ids.contains(&"my-model") && ids.contains(&"alias"),
        "{ids:?}"
    );
    assert!(!ids.iter().any(|id| id.contains('*')), "{ids:?}");
    for model in &models {
        assert_eq!(model["object"], "model");
        assert!(
            model["created"].is_u64() && model["owned_by"].is_string(),
            "{model}"
        );
    }
    assert_eq!(world.upstream.count(), 0);
}

#[tokio::test]
async fn headers_go_where_they_should() {
    let world = World::new().await;
    let reply = Reply::chat("hi")
        .header("openai-organization", "org-secret")
        .header("set-cookie", "a=b")
        .header("x-ratelimit-remaining-requests", "5")
        .header("server", "upstream-server");
    world.upstream.next(reply);
    let request = world
        .proxy
        .request(Method::POST, CHAT)
        .json(&chat("m"))
        .header("cookie", "session=1")
        .header("x-forwarded-for", "1.2.3.4")
        .header("openai-organization", "org-of-the-caller")
        .header("connection", "x-hop")
        .header("x-hop", "1");
    let answer = finish(CHAT, request).await;
    answer.ok();
    let seen = world.upstream.last();
    for name in ["cookie", "x-forwarded-for", "x-hop", "x-api-key"] {
        assert!(
            !seen.headers.contains_key(name),
            "{name} reached the upstream"
        );
    }
    let host = seen.headers.get("host").and_then(|host| host.to_str().ok());
    assert_eq!(host, world.upstream.url().strip_prefix("http://"));
    for name in ["openai-organization", "set-cookie", "server"] {
        assert!(
            !answer.headers.contains_key(name),
            "{name} reached the client"
        );
    }
    assert!(
        answer
            .header("x-request-id")
            .is_some_and(|id| !id.is_empty())
    );
    assert_eq!(
        answer.revision(),
        world.admin.get("/x-keys").await.revision()
    );
}

#[tokio::test]
async fn callers_may_use_either_header() {
    let world = World::new().await;
    let request = world
        .proxy
        .with_key(None)
        .request(Method::POST, CHAT)
        .json(&chat("m"));
    let request = request.header("x-api-key", foldgate_tests::foldgate::OWNER_KEY);
    finish(CHAT, request).await.ok();
    assert_eq!(world.upstream.last().credential(), Some(CANARY));
    assert!(!world.upstream.last().headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn resources_allow_by_path_segments() {
    let world = World::new().await;
    let answer = world
        .admin
        .config(&json!({"RESOURCES": "/v1/embeddings"}))
        .await;
    let warnings = list(&answer.json()["warnings"]);
    assert!(
        !warnings.is_empty(),
        "a list that blocks chat is worth a warning"
    );
    world.proxy.post(CHAT, &chat("m")).await.error(403);
    world
        .proxy
        .post("/v1/embeddings", &json!({"model": "m", "input": "a"}))
        .await
        .ok();
    world.admin.config(&json!({"RESOURCES": "/v1/chat"})).await;
    world.proxy.post(CHAT, &chat("m")).await.ok();
    world.admin.config(&json!({"RESOURCES": "/v1/cha"})).await;
    world.proxy.post(CHAT, &chat("m")).await.error(403);
    world
        .admin
        .delete("/x-config", Some(&json!({"keys": ["RESOURCES"]})))
        .await
        .ok();
    world.proxy.post(CHAT, &chat("m")).await.ok();
}

#[tokio::test]
async fn load_is_spread_over_a_level() {
    let world = World::new().await;
    let second = foldgate_tests::FakeUpstream::start().await;
    world.admin.add_key(1, &second.url()).await;
    for _ in 0..10 {
        world.proxy.post(CHAT, &chat("m")).await.ok();
    }
    assert_eq!((world.upstream.count(), second.count()), (5, 5));
}

#[tokio::test]
async fn a_request_that_comes_back_is_stopped() {
    let world = World::new().await;
    let seen = {
        world.proxy.post(CHAT, &chat("m")).await.ok();
        world.upstream.last()
    };
    // What Foldgate sent, sent to it again with the caller's key: a loop.
    let mut request = world.proxy.request(Method::POST, CHAT).json(&chat("m"));
    for (name, value) in &seen.headers {
        if name.as_str().starts_with("x-foldgate") {
            request = request.header(name, value);
        }
    }
    let answer = finish("loop", request).await;
    answer.error(508);
    assert_eq!(world.upstream.count(), 1);
}

#[tokio::test]
async fn a_large_body_passes_and_a_larger_one_does_not() {
    let world = World::new().await;
    let content = |bytes: usize| -> Value {
        json!({"model": "m", "messages": [{"role": "user", "content": "x".repeat(bytes)}]})
    };
    let body = content(8 * 1024 * 1024);
    world.proxy.post(CHAT, &body).await.ok();
    assert_eq!(world.upstream.last().body.len(), body.to_string().len());
    let answer = world.proxy.post(CHAT, &content(33 * 1024 * 1024)).await;
    answer.error(413);
}
