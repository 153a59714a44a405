//! Every form a configuration value may come in, and every one it may not.

use serde_json::{Value, json};

use crate::node::Node;

async fn put(node: &Node, key: &str, value: Value) -> Value {
    let body = json!({ key: value });
    node.put("/x-config", &body).await.ok()["updated"][key].clone()
}

#[tokio::test]
async fn forms_that_mean_the_same() {
    let node = Node::start().await;
    let paths = json!({"/v1/chat/completions": {}, "/v1/embeddings": {}});
    let cases = [
        (
            "MODEL_MAPPER",
            json!({"a*": "b"}),
            vec![json!(" a* = b ,"), json!({"a*": "b"})],
        ),
        ("MODEL_MAPPER", json!({}), vec![json!(""), json!({})]),
        (
            "LEVEL_MAPPER",
            json!({"a*": 2}),
            vec![json!("a*=2"), json!({"a*": 2}), json!({"a*": "2"})],
        ),
        (
            "SWITCH_OVER",
            json!({"1": 2}),
            vec![json!("1=2"), json!({"1": 2}), json!({"1": "2"})],
        ),
        (
            "RESOURCES",
            paths.clone(),
            vec![
                json!("/v1/chat/completions, /v1/embeddings"),
                json!("/v1/chat/completions /v1/embeddings"),
                json!(["/v1/chat/completions", "/v1/embeddings"]),
                paths,
            ],
        ),
        (
            "EMAIL_TLS",
            json!(true),
            vec![json!(true), json!("true"), json!("TRUE"), json!("1")],
        ),
        (
            "EMAIL_TLS",
            json!(false),
            vec![json!(false), json!("false"), json!("off")],
        ),
        ("EMAIL_PORT", json!("587"), vec![json!(587), json!("587")]),
        (
            "FACTOR",
            json!(1.15),
            vec![json!(1.15), json!("1.15"), json!(" 1.150 ")],
        ),
        ("FACTOR", json!(2), vec![json!(2), json!("2"), json!(2.0)]),
        (
            "XAI_MAIL",
            json!("a@b.c"),
            vec![json!("a@b.c"), json!(" a@b.c ")],
        ),
    ];
    for (key, expected, forms) in cases {
        for form in forms {
            assert_eq!(
                put(&node, key, form.clone()).await,
                expected,
                "{key}: {form}"
            );
        }
    }
}

#[tokio::test]
async fn limits_as_an_object_add_and_as_a_string_replace() {
    let node = Node::start().await;
    put(
        &node,
        "MODEL_LIMITS",
        json!("{\"a\": {\"rpm\": 1}, \"b\": {\"rpm\": 2}}"),
    )
    .await;
    let merged = put(
        &node,
        "MODEL_LIMITS",
        json!({"b": {"tpm": 9}, "c": {"rpd": 3}}),
    )
    .await;
    assert_eq!(
        merged,
        json!({"a": {"rpm": 1}, "b": {"rpm": 2, "tpm": 9}, "c": {"rpd": 3}})
    );
    let less = put(&node, "MODEL_LIMITS", json!({"b": null, "nobody": null})).await;
    assert_eq!(less, json!({"a": {"rpm": 1}, "c": {"rpd": 3}}));
    let cleared = json!({"a": {"tpm": 5, "rpm": null}, "c": {"rpd": null}});
    let less = put(&node, "MODEL_LIMITS", cleared).await;
    assert_eq!(less, json!({"a": {"tpm": 5}}), "null takes one limit away");
    let same = put(&node, "MODEL_LIMITS", less.clone()).await;
    assert_eq!(same, less, "and what GET shows may come back");
    let replaced = put(&node, "MODEL_LIMITS", json!("{\"c\": {\"rpm\": 4}}")).await;
    assert_eq!(replaced, json!({"c": {"rpm": 4}}));
}

#[tokio::test]
async fn pricing_is_kept_as_it_was_written() {
    let node = Node::start().await;
    let text = "{\n  \"ChatPricing\": {\n \"gpt-4o\": {\"InputText\": 3.50, \"Rates\": 1e0}}}";
    assert_eq!(put(&node, "PRICING", json!(text)).await, json!(text));
    let body = format!("{{\"PRICING\": {text}}}");
    let request = node.request(reqwest::Method::PUT, "/x-config");
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let written = crate::node::answer(request).await.ok();
    assert_eq!(written["updated"]["PRICING"], text);
}

/// Values that each break their key's rule.
fn bad_values() -> Vec<(&'static str, Value)> {
    let dear = format!(
        "{{\"ChatPricing\": {{\"{}\": {{}}}}}}",
        "x".repeat(128 * 1024)
    );
    let many: serde_json::Map<String, Value> = (0..1025)
        .map(|n| (format!("m{n}"), json!({"Call": 0})))
        .collect();
    vec![
        ("MODEL_MAPPER", json!("a*")),
        ("MODEL_MAPPER", json!("a=b*")),
        ("MODEL_MAPPER", json!({"a": 1})),
        ("MODEL_MAPPER", json!(["a=b"])),
        ("LEVEL_MAPPER", json!("a*=two")),
        ("LEVEL_MAPPER", json!({"a*": 10_000})),
        ("LEVEL_MAPPER", json!({"a*": 1.5})),
        ("LEVEL_MAPPER", json!({"a*": true})),
        ("SWITCH_OVER", json!("1=1")),
        ("SWITCH_OVER", json!({"1": -2})),
        ("SWITCH_OVER", json!({"x": 2})),
        ("SWITCH_OVER", json!({"1": 2, "01": 3})),
        ("RESOURCES", json!("")),
        ("RESOURCES", json!([])),
        ("RESOURCES", json!({})),
        ("RESOURCES", json!("v1/chat")),
        ("RESOURCES", json!(["/v1", 7])),
        ("RESOURCES", json!({"/v1": 1})),
        ("MODEL_LIMITS", json!("{\"a\": {\"rps\": 1}}")),
        ("MODEL_LIMITS", json!({"a": {"rpm": -1}})),
        ("MODEL_LIMITS", json!({"a": {"rpm": "1"}})),
        ("MODEL_LIMITS", json!({"a": [1]})),
        ("MODEL_LIMITS", json!("{\"a\": {\"rpm\": 1}, \"a\": {}}")),
        ("MODEL_LIMITS", json!("[]")),
        ("MODEL_LIMITS", json!(7)),
        ("PRICING", json!("not json")),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"a\": {\"InputTxt\": 1}}}"),
        ),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"a\": {\"InputText\": -1}}}"),
        ),
        (
            "PRICING",
            json!("{\"ChatPricing\": {\"a\": {\"InputText\": 1e999}}}"),
        ),
        ("PRICING", json!("{\"Prices\": {}}")),
        ("PRICING", json!(dear)),
        ("PRICING", json!(json!({"CallPricing": many}).to_string())),
        ("PRICING", json!(["x"])),
        ("XAI_MAIL", json!("nobody")),
        ("XAI_MAIL", json!("")),
        ("EMAIL_SMTP", json!(25)),
        ("EMAIL_SMTP", json!("two words")),
        ("EMAIL_PORT", json!("http")),
        ("EMAIL_PORT", json!(0)),
        ("EMAIL_PORT", json!("+587")),
        ("EMAIL_PASS", json!("sk-proj...WXYZ")),
        ("EMAIL_PASS", json!("...")),
        ("EMAIL_PASS", json!("two\nlines")),
        ("EMAIL_PORT", json!(65_536)),
        ("EMAIL_PASS", json!("")),
        ("EMAIL_PASS", json!("x".repeat(1025))),
        ("FACTOR", json!(0)),
        ("FACTOR", json!(-1)),
        ("FACTOR", json!(1_000.000_001)),
        ("FACTOR", json!("two")),
        ("FACTOR", json!("1_5")),
        ("FACTOR", json!("1,5")),
        ("FACTOR", json!("1.")),
        ("FACTOR", json!(true)),
        ("EMAIL_TLS", json!("maybe")),
        ("EMAIL_TLS", json!(1)),
    ]
}

#[tokio::test]
async fn one_bad_key_refuses_the_whole_and_is_named() {
    let node = Node::start().await;
    for (key, value) in bad_values() {
        let body = json!({"EMAIL_AUTH": "a@b.c", key: value});
        let error = node
            .put("/x-config", &body)
            .await
            .refused(400, "invalid_config");
        let shown: String = value.to_string().chars().take(80).collect();
        assert_eq!(error["param"], key, "{shown}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(key) && message.len() < 500, "{message}");
        for jargon in [
            "expected",
            "u64",
            "invalid type",
            "unknown field",
            "backtick",
        ] {
            assert!(
                key != "MODEL_LIMITS" || !message.contains(jargon),
                "{message}"
            );
        }
    }
    let body = json!({"EMAIL_AUTH": "a@b.c", "EMIAL_TLS": true});
    let error = node
        .put("/x-config", &body)
        .await
        .refused(400, "invalid_field");
    assert_eq!(error["param"], "EMIAL_TLS");
    node.put("/x-config", &json!({}))
        .await
        .refused(400, "nothing_to_change");
    let configs = node.get("/x-config").await.ok()["configs"].clone();
    assert_eq!(configs, json!({}), "nothing of a refused request is kept");
}

#[tokio::test]
async fn null_is_refused_with_a_hint() {
    let node = Node::start().await;
    let body = json!({"PRICING": null});
    let error = node
        .put("/x-config", &body)
        .await
        .refused(400, "invalid_config");
    assert!(
        error["message"].as_str().unwrap().contains("DELETE"),
        "{error}"
    );
}

#[tokio::test]
async fn a_change_that_will_hurt_is_warned_of() {
    let node = Node::start().await;
    let warnings =
        async |body: Value| node.put("/x-config", &body).await.ok()["warnings"].to_string();
    let blocked = warnings(json!({"RESOURCES": "/v1/embeddings"})).await;
    assert!(blocked.contains("/v1/chat/completions"), "{blocked}");
    let empty = warnings(json!({"SWITCH_OVER": "1=2"})).await;
    assert!(empty.contains("1=2"), "{empty}");
}
