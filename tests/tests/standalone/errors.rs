//! The shapes of errors: always JSON, always saying what to do.

use foldgate_tests::client::finish;
use foldgate_tests::{Client, Settings};
use http::Method;
use serde_json::json;

use super::{CHAT, World, chat};

#[tokio::test]
async fn the_owner_api_wants_the_owner_key() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for path in [
        "/x-keys",
        "/x-config",
        "/x-conf",
        "/dashboard/news",
        "/admin/v1/fleet",
    ] {
        let error = admin.with_key(None).get(path).await.refusal(401);
        assert_eq!(error.code.as_deref(), Some("missing_api_key"), "{path}");
        admin
            .with_key(Some("sk-wrong-wrong-wrong-wrong"))
            .get(path)
            .await
            .refusal(401);
        let request = admin.with_key(None).request(Method::GET, path);
        let request = request.header("x-api-key", foldgate_tests::foldgate::OWNER_KEY);
        finish(path, request).await.ok();
    }
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_owner_apis_shape() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.get("/x-nothing").await.refusal(404);
    admin.get("/").await.refusal(404);
    admin.delete("/x-conf", None).await.refusal(405);
    for body in [
        "",
        "{",
        "[1]",
        "\"text\"",
        "null",
        "{\"a\":1} x",
        "{\"Level\":1,\"Level\":2}",
    ] {
        admin.post_bytes("/x-keys", body).await.refusal(400);
    }
    let text = admin
        .request(Method::POST, "/x-keys")
        .header("content-type", "text/plain");
    finish("text", text.body("{}")).await.refusal(415);
    let large = format!("{{\"Name\": \"{}\"}}", "x".repeat(1024 * 1024));
    admin.post_bytes("/x-keys", large).await.refusal(413);
    let deep = "[".repeat(100_000);
    admin.post_bytes("/x-keys", deep).await.refusal(400);
    // Nothing of it hurt the process.
    admin.get("/x-keys").await.ok();
}

#[tokio::test]
async fn errors_below_admin_and_playground_are_in_the_admin_apis_shape() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let stranger = admin.with_key(None);
    let text = admin
        .request(Method::POST, "/admin/v1/admin_keys")
        .header("content-type", "text/plain")
        .body("{}");
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024));
    let wrong_method = admin.delete("/admin/v1/owners", None).await;
    assert_eq!(wrong_method.header("allow"), Some("GET,HEAD,POST"));
    let answers = [
        (404, admin.get("/admin").await),
        (404, admin.get("/admin/v1/nothing").await),
        (404, admin.get("/playground/nothing").await),
        (405, wrong_method),
        (401, stranger.get("/admin/v1/fleet").await),
        (400, admin.post_bytes("/admin/v1/admin_keys", "{").await),
        (413, admin.post_bytes("/admin/v1/admin_keys", large).await),
        (415, finish("text", text).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let body = answer.expect(status);
        assert!(body["error_msg"].is_string(), "{body}");
        assert!(body["code"].is_string(), "{body}");
        assert!(body.get("success").is_none(), "{body}");
        assert!(body.get("error").is_none(), "{body}");
    }
    // A path that only begins with the same letters is the owner API's.
    let other = admin.get("/administrators").await.expect(404);
    assert_eq!(other["success"], false, "{other}");
}

#[tokio::test]
async fn the_proxy_answers_in_openais_shape() {
    let world = World::new().await;
    let proxy = &world.proxy;
    let openai = |error: foldgate_tests::client::ErrorBody, body: serde_json::Value| {
        assert!(body.get("success").is_none(), "{body}");
        assert!(body["error"].get("param").is_some(), "{body}");
        error
    };
    let answer = proxy.with_key(None).post(CHAT, &chat("m")).await;
    assert_eq!(
        openai(answer.error(401), answer.json()).code.as_deref(),
        Some("invalid_api_key")
    );
    let answer = proxy
        .with_key(Some("sk-wrong"))
        .post(CHAT, &chat("m"))
        .await;
    openai(answer.error(401), answer.json());
    let answer = proxy.get("/v1/nothing").await;
    openai(answer.error(404), answer.json());
    let answer = proxy.get(CHAT).await;
    openai(answer.error(405), answer.json());
    for body in [
        "{",
        "[]",
        "{\"messages\": []}",
        "{\"model\": 5}",
        "{\"model\": \"\"}",
    ] {
        let answer = proxy.post_bytes(CHAT, body).await;
        openai(answer.error(400), answer.json());
    }
    world
        .admin
        .config(&json!({"LEVEL_MAPPER": {"known": 1}}))
        .await;
    let answer = proxy.post(CHAT, &chat("unknown")).await;
    let error = openai(answer.error(404), answer.json());
    assert_eq!(error.code.as_deref(), Some("model_not_found"));
    assert!(error.message.contains("unknown"), "{}", error.message);
    assert_eq!(world.upstream.count(), 0);
}

#[tokio::test]
async fn each_listener_has_its_own_routes() {
    let foldgate = Settings::standalone().start().await;
    for path in [
        "/x-keys",
        "/x-config",
        "/x-conf",
        "/dashboard/news",
        "/admin/v1/fleet",
    ] {
        foldgate.proxy().get(path).await.error(404);
        assert_eq!(foldgate.status().get(path).await.status, 404, "{path}");
    }
    for path in ["/v1/models", "/models"] {
        assert_eq!(foldgate.proxy().get(path).await.ok()["object"], "list");
        assert_eq!(foldgate.admin().get(path).await.ok()["object"], "list");
        foldgate.proxy().with_key(None).get(path).await.error(401);
        foldgate.admin().with_key(None).get(path).await.error(401);
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(foldgate.status().get(path).await.status, 200, "{path}");
        let stranger = foldgate.admin().with_key(None);
        let here = stranger.get(path).await;
        assert_eq!(here.status, 200, "{path}");
        let there = foldgate.status().get(path).await;
        assert_eq!(here.header("content-type"), there.header("content-type"));
        stranger.post(path, &json!({})).await.refusal(405);
    }
    let whole = foldgate.admin().with_key(None).get("/readyz?verbose").await;
    assert!(whole.text().contains("\n[+]fold ok\n"), "{}", whole.text());
    // The proxy is not reachable by a rebuilt path or host.
    let odd = Client::new(foldgate.proxy().base().trim_start_matches("http://"), None);
    let request = odd
        .request(Method::GET, "/v1/../x-keys")
        .header("host", "x/#@y");
    assert!(finish("odd", request).await.status >= 400);
}
