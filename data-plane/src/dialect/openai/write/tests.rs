//! What golden files do not show: houses that do as OpenAI does.

use bytes::Bytes;
use serde_json::{Value, json};

use super::write_request;
use crate::dialect::{Aim, Caller, House, Refusal};

/// What a request of Anthropic's with these further fields becomes.
fn written(house: House, more: &Value) -> Result<Value, Refusal> {
    let mut body = json!({
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Go"}],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let body = Bytes::from(body.to_string());
    let text = std::str::from_utf8(&body).unwrap();
    let request = Caller::Anthropic.read_request(text).unwrap();
    let aim = Aim {
        model: "gpt",
        house,
    };
    let written = write_request(&request, &aim, &body)?.join();
    Ok(serde_json::from_slice(&written).unwrap())
}

#[test]
fn openai_knows_the_new_name_of_the_most_tokens_and_others_the_old() {
    let own = written(House::Own, &json!({})).unwrap();
    assert_eq!(
        (&own["max_completion_tokens"], &own["max_tokens"]),
        (&json!(9), &Value::Null)
    );
    let alike = written(House::Alike, &json!({})).unwrap();
    assert_eq!(
        (&alike["max_completion_tokens"], &alike["max_tokens"]),
        (&Value::Null, &json!(9))
    );
}

#[test]
fn older_versions_are_asked_for_no_usage_and_by_the_old_name() {
    let body = written(House::Older, &json!({"stream": true})).unwrap();
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"], Value::Null);
    assert_eq!(body["max_tokens"], 9);
    let refusal = written(House::Older, &json!({"top_k": 5})).unwrap_err();
    assert_eq!(refusal.field, "top_k");
}

#[test]
fn others_sample_among_the_best_tokens() {
    let more = json!({"top_k": 5});
    assert_eq!(written(House::Alike, &more).unwrap()["top_k"], 5);
    let refusal = written(House::Own, &more).unwrap_err();
    assert_eq!(refusal.field, "top_k");
}

/// Who seals no thoughts wants them back as they came; a sealed one is its vendor's.
#[test]
fn unsealed_thoughts_go_back_to_those_who_do_alike() {
    let thought = |seal: &str| {
        json!({"messages": [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": seal},
                {"type": "text", "text": "So."},
            ]},
        ]})
    };
    let said = |house, seal| {
        let body = written(house, &thought(seal)).unwrap();
        body["messages"][1]["reasoning_content"].clone()
    };
    assert_eq!(said(House::Alike, ""), "Hm.");
    assert_eq!(said(House::Alike, "c2ln"), Value::Null);
    assert_eq!(said(House::Own, ""), Value::Null);
}

#[test]
fn a_budget_is_as_much_effort_as_it_is_enough_for() {
    for (budget, effort) in [
        (1024, "low"),
        (2048, "low"),
        (2049, "medium"),
        (16_385, "high"),
    ] {
        let more = json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
        assert_eq!(
            written(House::Own, &more).unwrap()["reasoning_effort"],
            effort
        );
    }
    let off = json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}});
    assert_eq!(
        written(House::Own, &off).unwrap()["reasoning_effort"],
        Value::Null
    );
}

#[test]
fn a_document_by_url_is_refused() {
    let more = json!({"messages": [{"role": "user", "content": [
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]}]});
    let refusal = written(House::Own, &more).unwrap_err();
    assert_eq!(refusal.field, "messages");
}
