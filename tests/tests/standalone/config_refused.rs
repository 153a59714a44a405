//! Every reason to refuse a configuration; one bad key refuses the whole request.

use foldgate_tests::Settings;
use serde_json::{Value, json};

fn refused() -> Vec<(&'static str, Value)> {
    let big = format!(
        "{{\"ChatPricing\": {{\"{}\": {{}}}}}}",
        "x".repeat(129 * 1024)
    );
    let many: Vec<String> = (0..1025).map(|n| format!("\"m{n}\": {{}}")).collect();
    let many = format!("{{\"ChatPricing\": {{{}}}}}", many.join(","));
    vec![
        ("MODEL_MAPPER", json!("a")),
        ("MODEL_MAPPER", json!("a=")),
        ("MODEL_MAPPER", json!("=b")),
        ("MODEL_MAPPER", json!({"a": 1})),
        ("MODEL_MAPPER", json!(5)),
        ("LEVEL_MAPPER", json!("a=b")),
        ("LEVEL_MAPPER", json!("a=10000")),
        ("LEVEL_MAPPER", json!("a=-1")),
        ("LEVEL_MAPPER", json!({"a": 1.5})),
        ("SWITCH_OVER", json!("1=x")),
        ("SWITCH_OVER", json!({"x": 1})),
        ("SWITCH_OVER", json!("1=10000")),
        ("RESOURCES", json!("")),
        ("RESOURCES", json!("v1/chat")),
        ("RESOURCES", json!(["x"])),
        ("MODEL_LIMITS", json!("not json")),
        ("MODEL_LIMITS", json!({"m": {"rpm": -1}})),
        ("MODEL_LIMITS", json!({"m": {"rpq": 1}})),
        ("MODEL_LIMITS", json!({"m": {"rpm": "many"}})),
        ("PRICING", json!("not json")),
        ("PRICING", json!("[]")),
        ("PRICING", json!("{\"OtherPricing\": {}}")),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"m\": {\"Input\": 1}}}"),
        ),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"m\": {\"InputText\": -1}}}"),
        ),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"m\": {\"InputText\": 1e999}}}"),
        ),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"m\": {\"InputText\": \"1\"}}}"),
        ),
        ("PRICING", json!(big)),
        ("PRICING", json!(many)),
        ("XAI_MAIL", json!("no address")),
        ("EMAIL_PORT", json!("0")),
        ("EMAIL_PORT", json!("65536")),
        ("EMAIL_PORT", json!("mail")),
        ("EMAIL_TLS", json!("perhaps")),
        ("EMAIL_SMTP", json!(5)),
        ("NO_SUCH_KEY", json!("x")),
    ]
}

#[tokio::test]
async fn a_bad_key_refuses_all_and_is_named() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin
        .config(&json!({"EMAIL_SMTP": "before.example.com"}))
        .await;
    let before = admin.configs().await;
    let revision = admin.get("/x-config").await.revision();
    for (key, value) in refused() {
        let mut body = json!({"EMAIL_AUTH": "new@example.com"});
        body[key] = value;
        let text = body.to_string();
        let shown = &text[..text.len().min(100)];
        let error = admin.put("/x-config", &body).await.refusal(400);
        assert_eq!(
            error.param.as_deref(),
            Some(key),
            "{shown}: {}",
            error.message
        );
        assert!(error.message.contains(key), "{shown}: {}", error.message);
    }
    assert_eq!(admin.configs().await, before);
    assert_eq!(admin.get("/x-config").await.revision(), revision);
}

#[tokio::test]
async fn limits_are_exact() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let entries: Vec<String> = (0..1024).map(|n| format!("\"m{n}\":{{}}")).collect();
    let most = format!("{{\"ChatPricing\":{{{}}}}}", entries.join(","));
    admin.config(&json!({"PRICING": most})).await;
    assert_eq!(admin.configs().await["PRICING"], json!(most));
    admin.config(&json!({"LEVEL_MAPPER": "a=0, b=9999"})).await;
}

#[tokio::test]
async fn an_empty_change_and_bad_deletes_are_refused() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.put("/x-config", &json!({})).await.refusal(400);
    admin.put("/x-config", &json!([])).await.refusal(400);
    for body in [
        json!({}),
        json!({"keys": []}),
        json!({"keys": ["NO_SUCH_KEY"]}),
        json!({"keys": "PRICING"}),
    ] {
        admin.delete("/x-config", Some(&body)).await.refusal(400);
    }
}
