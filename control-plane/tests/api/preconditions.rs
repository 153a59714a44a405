//! `If-Match` and `If-None-Match` of writes, as RFC 9110 has them, in both APIs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::entries::{id, told, with_header};
use crate::node::Node;

/// Something of every sort that can be changed: where, and by which request.
async fn resources(node: &Node) -> Vec<(String, Method, String, Value)> {
    let number = node.add_key(1, "https://api.openai.com").await;
    let key = format!("/x-keys/{number}");
    node.add_user("team", &json!({})).await;
    let model = json!({"display_name": "fast", "model_name": "gpt-4o", "level": 1});
    let keys = "/admin/v1/provider_keys";
    let provider =
        json!({"display_name": "k", "provider": "openai", "api_key": "sk-0123456789abcdefghij"});
    let caller = json!({"allowed_models": ["a"]});
    let mut all = vec![
        (
            key.clone(),
            Method::PUT,
            key.clone(),
            json!({"Name": "other"}),
        ),
        (key.clone(), Method::DELETE, key, json!({})),
        (
            "/x-config".to_owned(),
            Method::PUT,
            "/x-config".to_owned(),
            json!({"LEVEL_MAPPER": "a=1"}),
        ),
        (
            "/x-users/2".to_owned(),
            Method::PUT,
            "/x-users/2".to_owned(),
            json!({"Alias": "b"}),
        ),
    ];
    for (list, body) in [
        ("/admin/v1/models", &model),
        (keys, &provider),
        ("/admin/v1/api_keys", &caller),
    ] {
        let made = id(&node.post(list, body).await.ok());
        let one = format!("{list}/{made}");
        let value = node.get(&one).await.ok()["value"].clone();
        all.push((one.clone(), Method::PUT, one.clone(), value));
        all.push((one.clone(), Method::DELETE, one, json!({})));
        if list.ends_with("api_keys") {
            let one = format!("{list}/{made}");
            all.push((
                one.clone(),
                Method::POST,
                format!("{one}/rotate"),
                json!({}),
            ));
        }
    }
    all
}

#[tokio::test]
async fn what_is_well_formed_matches_or_does_not() {
    let node = Node::start().await;
    for (shown, method, path, body) in resources(&node).await {
        let etag = node.get(&shown).await.header("etag").to_owned();
        let digits = etag.trim_matches('"');
        let cases = [
            ("if-match", "*".to_owned(), 200),
            ("if-match", etag.clone(), 200),
            ("if-match", format!("\"x\", ,W/\"y,z\" ,{etag}"), 200),
            // Of nobody; only alike; written otherwise; greater than any.
            ("if-match", "\"x\"".to_owned(), 412),
            ("if-match", "\"\"".to_owned(), 412),
            ("if-match", format!("W/{etag}"), 412),
            ("if-match", format!("\"0{digits}\""), 412),
            ("if-match", format!("\"{digits}{}\"", "9".repeat(30)), 412),
            ("if-match", format!("\"{digits},\", \"x\""), 412),
            ("if-match", digits.to_owned(), 400),
            ("if-match", format!("\"{digits}"), 400),
            ("if-match", format!("w/{etag}"), 400),
            ("if-match", format!("*, {etag}"), 400),
            ("if-match", format!("{etag} {etag}"), 400),
            ("if-match", "\"a b\"".to_owned(), 400),
            ("if-match", String::new(), 400),
            ("if-match", [etag.as_str(); 17].join(","), 400),
            ("if-none-match", "*".to_owned(), 412),
            ("if-none-match", etag.clone(), 412),
            ("if-none-match", format!("\"x\", W/{etag}"), 412),
            ("if-none-match", "\"x\", W/\"y\"".to_owned(), 200),
            ("if-none-match", "x".to_owned(), 400),
        ];
        let trial = format!("{path}?dry_run=true");
        for (header, value, status) in cases {
            let request = (method.clone(), trial.as_str());
            let answer = with_header(&node, request, (header, &value), &body).await;
            if status == 200 {
                answer.ok();
                continue;
            }
            let message = told(&answer, status);
            let error = answer.body.get("error").unwrap_or(&answer.body);
            let param = error["param"].as_str().unwrap_or_default();
            assert!(
                param.eq_ignore_ascii_case(header),
                "{method} {path} {header}: {value}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_there_yet_may_be_asked_not_to_be() {
    let node = Node::start().await;
    node.add_key(1, "https://api.openai.com").await;
    let model = json!({"display_name": "fast", "model_name": "gpt-4o", "level": 1});
    let models = "/admin/v1/models";
    let any = ("if-none-match", "*");
    let made = with_header(&node, (Method::POST, models), any, &model).await;
    let one = format!("{models}/{}", id(&made.ok()));
    let put = with_header(&node, (Method::PUT, &one), any, &model).await;
    let message = told(&put, 412);
    assert!(message.starts_with("this model is at"), "{message}");
    assert_eq!(put.body["param"], "If-None-Match");
}
