//! What golden files do not show: models, houses, and what hangs on thinking.

use bytes::Bytes;
use serde_json::{Value, json};

use super::write_request;
use crate::dialect::{Aim, Caller, House};

const NEWER: &str = "claude-opus-4-6";
const OLDER: &str = "claude-sonnet-4-5-20250929";

/// What a request of OpenAI's with these further fields becomes.
fn written(model: &str, house: House, more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Go"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let body = Bytes::from(body.to_string());
    let text = std::str::from_utf8(&body).unwrap();
    let request = Caller::OpenAi.read_request(text).unwrap();
    let aim = Aim { model, house };
    let written = write_request(&request, &aim, &body).unwrap().join();
    serde_json::from_slice(&written).unwrap()
}

fn own(model: &str, more: &Value) -> Value {
    written(model, House::Own, more)
}

#[test]
fn at_vertex_the_version_stands_in_the_body_and_the_model_does_not() {
    let body = written(NEWER, House::Vertex, &json!({}));
    assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
    assert_eq!(body["model"], Value::Null);
    let body = own(NEWER, &json!({}));
    assert_eq!(body["anthropic_version"], Value::Null);
    assert_eq!(body["model"], NEWER);
}

#[test]
fn a_request_that_says_nothing_asks_for_what_the_model_can() {
    for (model, most) in [
        (NEWER, 32_000),
        ("claude-3-7-sonnet-latest", 32_000),
        ("claude-3-5-haiku-20241022", 8192),
        ("claude-3-opus-20240229", 4096),
        ("claude-2.1", 4096),
    ] {
        assert_eq!(own(model, &json!({}))["max_tokens"], most, "{model}");
    }
}

#[test]
fn older_models_have_a_budget_and_newer_ones_an_effort() {
    for (effort, budget) in [
        ("minimal", 1024),
        ("low", 1024),
        ("medium", 8192),
        ("high", 24_576),
    ] {
        let body = own(OLDER, &json!({"reasoning_effort": effort}));
        let thinking = json!({"type": "enabled", "budget_tokens": budget});
        assert_eq!(body["thinking"], thinking, "{effort}");
        assert_eq!(body["output_config"], Value::Null);
    }
    let body = own(NEWER, &json!({"reasoning_effort": "minimal"}));
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "low"}));
}

#[test]
fn a_budget_is_less_than_the_most_tokens_or_there_is_none() {
    let ask = |most: u64| {
        own(
            OLDER,
            &json!({"reasoning_effort": "high", "max_tokens": most, "temperature": 0.5}),
        )
    };
    assert_eq!(ask(5000)["thinking"]["budget_tokens"], 4999);
    assert_eq!(ask(5000)["temperature"], Value::Null);
    assert_eq!(ask(1025)["thinking"]["budget_tokens"], 1024);
    assert_eq!(ask(1024)["thinking"], Value::Null);
    assert_eq!(ask(1024)["temperature"], 0.5);
}

#[test]
fn a_model_that_thinks_has_its_own_way_of_sampling() {
    let ask = |more: Value| {
        let mut all = json!({"reasoning_effort": "low", "temperature": 0.2, "top_k": 5});
        all["top_p"] = more;
        own(NEWER, &all)
    };
    let body = ask(json!(0.9));
    for name in ["temperature", "top_k", "top_p"] {
        assert_eq!(body[name], Value::Null, "{name}");
    }
    assert_eq!(ask(json!(0.95))["top_p"], 0.95);
}

#[test]
fn models_are_told_to_sample_as_far_as_they_take_it() {
    let all = json!({"temperature": 0.4, "top_p": 0.8, "top_k": 5});
    for (model, temperature, top_p, top_k) in [
        ("claude-3-7-sonnet-latest", json!(0.4), json!(0.8), json!(5)),
        ("claude-sonnet-4-20250514", json!(0.4), json!(0.8), json!(5)),
        (
            "claude-opus-4-1-20250805",
            json!(0.4),
            Value::Null,
            json!(5),
        ),
        (
            "claude-sonnet-4-5@20250929",
            json!(0.4),
            Value::Null,
            json!(5),
        ),
        ("claude-opus-4-6", json!(0.4), Value::Null, json!(5)),
        ("claude-opus-4-7", Value::Null, Value::Null, Value::Null),
        ("claude-sonnet-5", Value::Null, Value::Null, Value::Null),
        ("somebody-elses", json!(0.4), json!(0.8), json!(5)),
    ] {
        let body = own(model, &all);
        assert_eq!(body["temperature"], temperature, "{model}");
        assert_eq!(body["top_p"], top_p, "{model}");
        assert_eq!(body["top_k"], top_k, "{model}");
    }
    let alone = own("claude-opus-4-6", &json!({"top_p": 0.8}));
    assert_eq!(alone["top_p"], 0.8);
}

#[test]
fn the_second_highest_effort_is_new() {
    for (model, effort) in [("claude-opus-4-6", "high"), ("claude-opus-4-7", "xhigh")] {
        let body = own(model, &json!({"reasoning_effort": "xhigh"}));
        assert_eq!(body["output_config"]["effort"], effort, "{model}");
    }
}

#[test]
fn a_temperature_above_one_is_one() {
    assert_eq!(own(NEWER, &json!({"temperature": 2}))["temperature"], 1.0);
    assert_eq!(own(NEWER, &json!({"temperature": 0.3}))["temperature"], 0.3);
}

#[test]
fn only_newer_models_hear_that_a_function_is_strict() {
    let tool = json!({"type": "function", "function": {"name": "f", "strict": true}});
    let ask = |model| own(model, &json!({"tools": [tool]}));
    assert_eq!(ask(NEWER)["tools"][0]["strict"], true);
    assert_eq!(ask(OLDER)["tools"][0]["strict"], Value::Null);
}

/// Nobody's unsealed thoughts would be taken, and a turn of nothing else is none.
#[test]
fn thoughts_without_a_seal_are_left_out() {
    let messages = json!([
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "reasoning_content": "Hm."},
        {"role": "user", "content": "Well?"},
    ]);
    let body = own(NEWER, &json!({"messages": messages}));
    let roles: Vec<&Value> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert_eq!(roles, ["user", "user"]);
    assert!(!body.to_string().contains("Hm."));
}
