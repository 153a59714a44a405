//! `/x-config` and `/x-conf`: every key in every format, and the way back.

use foldgate_tests::{Admin, Settings};
use serde_json::{Value, json};

const PRICING: &str = "{\"ChatPricing\": {\"gpt-4o\": {\"InputText\": 3.50, \"Rates\": 1}}}";

/// Sets one key and gives what GET then shows of it.
async fn set(admin: &Admin, key: &str, value: Value) -> Value {
    admin.config(&json!({ key: value })).await;
    admin.configs().await[key].clone()
}

#[tokio::test]
async fn every_key_is_taken_in_every_format_and_answered_typed() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for (key, given, shown) in [
        (
            "MODEL_MAPPER",
            json!("gpt-3.5*=gpt-4o-mini, o*=gpt-4o"),
            json!({"gpt-3.5*": "gpt-4o-mini", "o*": "gpt-4o"}),
        ),
        ("MODEL_MAPPER", json!({"a": "b"}), json!({"a": "b"})),
        (
            "LEVEL_MAPPER",
            json!(" gpt-4*=2 ,claude*=3 "),
            json!({"gpt-4*": 2, "claude*": 3}),
        ),
        ("LEVEL_MAPPER", json!({"gpt-4*": 2}), json!({"gpt-4*": 2})),
        (
            "SWITCH_OVER",
            json!("1=2, 2=3, 3=1"),
            json!({"1": 2, "2": 3, "3": 1}),
        ),
        ("SWITCH_OVER", json!({"1": 2}), json!({"1": 2})),
        (
            "RESOURCES",
            json!("/v1/chat/completions, /v1/embeddings"),
            json!({"/v1/chat/completions": {}, "/v1/embeddings": {}}),
        ),
        (
            "RESOURCES",
            json!("/v1/chat /v1/models"),
            json!({"/v1/chat": {}, "/v1/models": {}}),
        ),
        (
            "RESOURCES",
            json!({"/v1/embeddings": {}}),
            json!({"/v1/embeddings": {}}),
        ),
        (
            "MODEL_LIMITS",
            json!("{\"gpt-4o\": {\"rpm\": 30, \"tpm\": 90000}}"),
            json!({"gpt-4o": {"rpm": 30, "tpm": 90_000}}),
        ),
        ("PRICING", json!(PRICING), json!(PRICING)),
        (
            "XAI_MAIL",
            json!("ops@example.com"),
            json!("ops@example.com"),
        ),
        (
            "EMAIL_SMTP",
            json!("smtp.gmail.com"),
            json!("smtp.gmail.com"),
        ),
        (
            "EMAIL_AUTH",
            json!("auth@example.com"),
            json!("auth@example.com"),
        ),
        ("EMAIL_TLS", json!("true"), json!(true)),
        ("EMAIL_TLS", json!(false), json!(false)),
    ] {
        assert_eq!(
            set(&admin, key, given.clone()).await,
            shown,
            "{key} = {given}"
        );
    }
    for port in [json!("587"), json!(465)] {
        let shown = set(&admin, "EMAIL_PORT", port.clone()).await;
        let text = |value: &Value| value.to_string().replace('"', "");
        assert_eq!(text(&shown), text(&port));
    }
    let shown = set(&admin, "EMAIL_PASS", json!("a-long-mail-password")).await;
    assert!(
        !shown
            .as_str()
            .unwrap_or("a-long-mail-password")
            .contains("long-mail"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_answer_has_the_documented_shape() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let answer = admin
        .put("/x-config", &json!({"MODEL_MAPPER": "a=b"}))
        .await
        .ok();
    assert_eq!(answer["success"], true);
    assert_eq!(
        answer["updated"]["MODEL_MAPPER"],
        json!({"a": "b"}),
        "{answer}"
    );
    admin
        .post("/x-config", &json!({"EMAIL_SMTP": "smtp.example.com"}))
        .await
        .ok();
    let body = admin.get("/x-config").await.ok();
    assert_eq!(body["success"], true);
    assert_eq!(body["oid"], 1);
    assert_eq!(body["configs"]["EMAIL_SMTP"], "smtp.example.com");
    let answer = admin
        .delete(
            "/x-config",
            Some(&json!({"keys": ["MODEL_MAPPER", "PRICING"]})),
        )
        .await
        .ok();
    assert_eq!(answer["success"], true);
    let configs = admin.configs().await;
    assert!(
        configs
            .get("MODEL_MAPPER")
            .is_none_or(|v| v.is_null() || v == &json!({})),
        "{configs}"
    );
    assert_eq!(configs["EMAIL_SMTP"], "smtp.example.com");
}

#[tokio::test]
async fn model_limits_as_an_object_are_incremental_as_a_string_they_replace() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    set(&admin, "MODEL_LIMITS", json!({"a": {"rpm": 1, "tpm": 2}})).await;
    let shown = set(&admin, "MODEL_LIMITS", json!({"b": {"rpd": 3}})).await;
    assert_eq!(shown, json!({"a": {"rpm": 1, "tpm": 2}, "b": {"rpd": 3}}));
    let shown = set(&admin, "MODEL_LIMITS", json!({"a": {"rpm": null}})).await;
    assert_eq!(shown, json!({"a": {"tpm": 2}, "b": {"rpd": 3}}));
    let shown = set(&admin, "MODEL_LIMITS", json!({"a": {"tpm": null}})).await;
    assert_eq!(shown, json!({"b": {"rpd": 3}}));
    let shown = set(&admin, "MODEL_LIMITS", json!("{\"c\": {\"tph\": 4}}")).await;
    assert_eq!(shown, json!({"c": {"tph": 4}}));
}

#[tokio::test]
async fn what_get_exports_put_restores_unchanged() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.add_key(3, "https://api.openai.com").await;
    admin
        .config(&json!({
            "MODEL_MAPPER": "gpt-3.5*=gpt-4o-mini", "LEVEL_MAPPER": "gpt-4*=2", "SWITCH_OVER": "1=2",
            "RESOURCES": "/v1/chat/completions", "MODEL_LIMITS": {"gpt-4o": {"rpm": 30}}, "PRICING": PRICING,
            "XAI_MAIL": "ops@example.com", "EMAIL_SMTP": "smtp.example.com", "EMAIL_PORT": "587",
            "EMAIL_AUTH": "auth@example.com", "EMAIL_PASS": "a-long-mail-password", "EMAIL_TLS": "true",
        }))
        .await;
    let exported = admin.configs().await;
    admin.config(&exported).await;
    assert_eq!(admin.configs().await, exported);
    // Into an empty one, without the password, which the export does not hold.
    let other = Settings::standalone().start().await;
    let mut rest = exported.clone();
    rest.as_object_mut()
        .expect("an object")
        .remove("EMAIL_PASS");
    other.admin().config(&rest).await;
    assert_eq!(other.admin().configs().await, rest);
}

#[tokio::test]
async fn x_conf_is_flat_and_whole() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let number = admin.add_key(1, "https://api.openai.com").await;
    admin
        .put(&format!("/x-keys/{number}"), &json!({"Status": false}))
        .await
        .ok();
    admin
        .config(&json!({"MODEL_MAPPER": "a=b", "SWITCH_OVER": "1=2", "MODEL_LIMITS": {"m": {"rpm": 1}}, "RESOURCES": "/v1/chat/completions"}))
        .await;
    let conf = admin.conf().await;
    assert!(
        conf["Resources"]
            .to_string()
            .contains("/v1/chat/completions"),
        "{conf}"
    );
    assert_eq!(conf["ModelMapper"], json!({"a": "b"}));
    assert_eq!(conf["SwitchOver"], json!({"1": 2}));
    assert_eq!(conf["ModelLimits"], json!({"m": {"rpm": 1}}));
    assert_eq!(conf["SleepingKeys"], json!([]));
    assert_eq!(conf["UserMinBalance"], 2);
    assert_eq!(conf["UserApiBalance"], 20);
    let disabled = &conf["DisabledKeys"][0];
    assert_eq!(disabled["ID"], number);
    assert_eq!(disabled["Level"], 1);
    assert_eq!(disabled["Provider"], "https://api.openai.com");
    for field in ["Name", "Reason", "By", "At"] {
        assert!(disabled[field].is_string(), "{field}: {disabled}");
    }
}
