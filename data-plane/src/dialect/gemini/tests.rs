//! What golden files (`dialect/tests`) do not show: models, usage, errors, counts.

use bytes::Bytes;
use foldgate_proto::Quantities;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{read_answer, usage, write_count, write_request};
use crate::dialect::{
    Aim, Call, Caller, Event, House, Outcome, Part, Refusal, Request, Role, Stop, Target, Text,
    Turn,
};

fn written(body: &Value, model: &str) -> Result<Value, Refusal> {
    let body = Bytes::from(body.to_string());
    let request = Caller::OpenAi.read_request(std::str::from_utf8(&body).unwrap())?;
    let aim = Aim {
        model,
        house: House::Own,
    };
    let written = write_request(&request, &aim, &body)?;
    Ok(serde_json::from_slice(&written.join()).unwrap())
}

fn chat(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

#[test]
fn thoughts_are_asked_for_as_each_model_takes_them() {
    let config = |model: &str, effort: &str| {
        let body = chat(&json!({"reasoning_effort": effort}));
        let mut config =
            written(&body, model).unwrap()["generationConfig"]["thinkingConfig"].take();
        if let Some(config) = config.as_object_mut() {
            let shown = config.remove("includeThoughts");
            assert_eq!(shown.is_some(), effort != "none", "{model} {effort}");
        }
        config
    };
    for (model, effort, expected) in [
        ("gemini-2.5-pro", "low", json!({"thinkingBudget": 1024})),
        ("gemini-2.5-pro", "high", json!({"thinkingBudget": 24576})),
        ("gemini-2.5-pro", "none", json!({"thinkingBudget": 128})),
        (
            "gemini-2.5-flash",
            "medium",
            json!({"thinkingBudget": 8192}),
        ),
        ("gemini-2.5-flash", "none", json!({"thinkingBudget": 0})),
        (
            "gemini-2.5-flash-lite",
            "none",
            json!({"thinkingBudget": 0}),
        ),
        (
            "google/gemini-3-pro-preview",
            "minimal",
            json!({"thinkingLevel": "low"}),
        ),
        (
            "gemini-3-pro-preview",
            "medium",
            json!({"thinkingLevel": "high"}),
        ),
        (
            "gemini-3-pro-preview",
            "none",
            json!({"thinkingLevel": "low"}),
        ),
        ("gemini-2.0-flash", "high", Value::Null),
        ("1234567890", "high", Value::Null),
    ] {
        assert_eq!(config(model, effort), expected, "{model} {effort}");
    }
    let body = Bytes::from(
        json!({
            "model": "m", "max_tokens": 9000,
            "thinking": {"type": "enabled", "budget_tokens": 40000},
            "messages": [{"role": "user", "content": "hi"}],
        })
        .to_string(),
    );
    let request = Caller::Anthropic.read_request(std::str::from_utf8(&body).unwrap());
    let aim = Aim {
        model: "gemini-2.5-flash",
        house: House::Vertex,
    };
    let made = write_request(&request.unwrap(), &aim, &body)
        .unwrap()
        .join();
    let made: Value = serde_json::from_slice(&made).unwrap();
    let expected = json!({
        "maxOutputTokens": 9000,
        "thinkingConfig": {"thinkingBudget": 24576, "includeThoughts": true},
    });
    assert_eq!(made["generationConfig"], expected);
}

#[test]
fn what_there_is_no_word_for_is_refused_by_its_name() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (field, more) in [
        ("logprobs", json!({"logprobs": true})),
        ("logit_bias", json!({"logit_bias": {"5": 1}})),
        ("service_tier", json!({"service_tier": "flex"})),
        ("seed", json!({"seed": 5_000_000_000_i64})),
        (
            "parallel_tool_calls",
            json!({"parallel_tool_calls": false, "tools": tools}),
        ),
    ] {
        let refusal = written(&chat(&more), "gemini-2.5-pro").unwrap_err();
        assert_eq!(refusal.field, field);
        let message = format!("{field} cannot be expressed for a model of Google");
        assert_eq!(refusal.message(), message);
    }
    for more in [
        json!({"parallel_tool_calls": false}),
        json!({"user": "u", "service_tier": "default", "n": 1}),
    ] {
        written(&chat(&more), "gemini-2.5-pro").unwrap();
    }
}

fn turn(role: Role, parts: Vec<Part<'static>>) -> Turn<'static> {
    Turn { role, parts }
}

fn of_turns(turns: Vec<Turn<'static>>, model: &str) -> Result<Value, Refusal> {
    let request = Request {
        turns,
        ..Request::default()
    };
    let aim = Aim {
        model,
        house: House::Own,
    };
    let made = write_request(&request, &aim, &Bytes::new())?.join();
    let made: Value = serde_json::from_slice(&made).unwrap();
    Ok(made["contents"].clone())
}

fn call(name: &'static str, signature: Option<&'static str>) -> Part<'static> {
    Part::Call(Call {
        id: Text::of("1"),
        name: Text::of(name),
        input: r#"{"a":1}"#.into(),
        signature: signature.map(Text::of),
    })
}

fn outcome(name: Option<&'static str>, said: &'static str, is_error: bool) -> Part<'static> {
    Part::Outcome(Outcome {
        id: Text::of("1"),
        name: name.map(Text::of),
        parts: vec![Part::Text(Text::of(said))],
        is_error,
    })
}

#[test]
fn outcomes_stand_in_a_content_of_their_own() {
    let turns = vec![turn(
        Role::User,
        vec![
            outcome(Some("f"), "{\"t\": 21}", false),
            Part::Text(Text::of("and now?")),
            outcome(Some("g"), "no \"such\" place", true),
            outcome(Some("h"), "{no json", false),
        ],
    )];
    let expected = json!([
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"output": {"t": 21}}}},
            {"functionResponse": {"name": "g", "response": {"error": "no \"such\" place"}}},
            {"functionResponse": {"name": "h", "response": {"output": "{no json"}}},
        ]},
        {"role": "user", "parts": [{"text": "and now?"}]},
    ]);
    assert_eq!(of_turns(turns, "gemini-2.5-pro").unwrap(), expected);
    let lost = vec![turn(Role::User, vec![outcome(None, "x", false)])];
    let refusal = of_turns(lost, "gemini-2.5-pro").unwrap_err();
    assert_eq!(refusal.field, "messages");
}

#[test]
fn a_call_from_elsewhere_is_marked_for_gemini_3_only() {
    let seals = |model: &str, first: Option<&'static str>| {
        let turns = vec![turn(
            Role::Assistant,
            vec![call("f", first), call("g", None)],
        )];
        let contents = of_turns(turns, model).unwrap();
        let seal = |at: usize| contents[0]["parts"][at]["thoughtSignature"].clone();
        (seal(0), seal(1))
    };
    let foreign = json!("skip_thought_signature_validator");
    assert_eq!(seals("gemini-3-pro", None), (foreign, Value::Null));
    assert_eq!(
        seals("gemini-3-pro", Some("c2VhbA==")),
        (json!("c2VhbA=="), Value::Null)
    );
    assert_eq!(seals("gemini-2.5-pro", None), (Value::Null, Value::Null));
    assert_eq!(
        seals("gemini-2.5-pro", Some("s")),
        (json!("s"), Value::Null)
    );
}

#[test]
fn a_count_asks_for_the_conversation_alone() {
    let body = Bytes::from(
        json!({
            "model": "m", "max_tokens": 5, "system": "be brief",
            "messages": [{"role": "user", "content": "hi"}],
        })
        .to_string(),
    );
    let request = Caller::Anthropic
        .read_request(std::str::from_utf8(&body).unwrap())
        .unwrap();
    let made = |house| {
        let aim = Aim {
            model: "gemini-2.5-pro",
            house,
        };
        let made = write_count(&request, &aim, &body).unwrap().join();
        serde_json::from_slice::<Value>(&made).unwrap()
    };
    let mut conversation = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    });
    assert_eq!(made(House::Vertex), conversation);
    conversation["model"] = json!("models/gemini-2.5-pro");
    assert_eq!(
        made(House::Own),
        json!({"generateContentRequest": conversation})
    );
}

#[test]
fn usage_is_disjoint_and_bills_thoughts() {
    let read = |usage: Value| usage::read(&usage.to_string());
    let said = read(json!({
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 30,
        "thoughtsTokenCount": 11, "toolUsePromptTokenCount": 3, "totalTokenCount": 144,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 60},
            {"modality": "AUDIO", "tokenCount": 25},
            {"modality": "IMAGE", "tokenCount": 15},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
        "candidatesTokensDetails": [
            {"modality": "AUDIO", "tokenCount": 8}, {"modality": "IMAGE", "tokenCount": 12},
        ],
    }));
    let expected = Quantities {
        input: 28,
        cached: 35,
        cached_audio: 5,
        input_audio: 20,
        input_image: 15,
        output: 10,
        reasoning: 11,
        output_audio: 8,
        output_image: 12,
        ..Quantities::default()
    };
    assert_eq!(said, Some(expected));
    assert_eq!((expected.read(), expected.written()), (103, 41));
    assert_eq!(read(json!({})), None);
    assert_eq!(read(json!({"trafficType": "ON_DEMAND"})), None);
    assert_eq!(read(json!([])), None);
    let blocked = read(json!({"promptTokenCount": 8, "totalTokenCount": 8})).unwrap();
    assert_eq!((blocked.input, blocked.written()), (8, 0));
}

#[test]
fn the_last_usage_of_a_stream_is_the_whole() {
    let stream = [5, 9, 12].map(|count| {
        let usage = json!({"promptTokenCount": 3, "candidatesTokenCount": count});
        json!({"candidates": [{"index": 0}], "usageMetadata": usage}).to_string()
    });
    let mut reader = Target::Gemini.reader();
    let mut last = None;
    for data in &stream {
        reader.read(None, data, &mut |event| {
            if let Event::Usage(used) = event {
                last = Some(used.output);
            }
        });
    }
    assert_eq!(last, Some(12));
}

#[test]
fn why_an_answer_ends() {
    for (reason, stop) in [
        ("STOP", Stop::End),
        ("MAX_TOKENS", Stop::MaxTokens),
        ("SAFETY", Stop::Filter),
        ("RECITATION", Stop::Filter),
        ("BLOCKLIST", Stop::Filter),
        ("PROHIBITED_CONTENT", Stop::Filter),
        ("SPII", Stop::Filter),
        ("IMAGE_SAFETY", Stop::Filter),
        ("MALFORMED_FUNCTION_CALL", Stop::End),
        ("LANGUAGE", Stop::End),
        ("OTHER", Stop::End),
        ("A_NEW_ONE", Stop::End),
    ] {
        let body = json!({"candidates": [{"finishReason": reason}]}).to_string();
        assert_eq!(
            read_answer(&body).unwrap().candidates[0].stop,
            stop,
            "{reason}"
        );
    }
    let call = json!({"functionCall": {"name": "f"}});
    let body = json!({"candidates": [{
        "content": {"parts": [call]}, "finishReason": "STOP",
    }]});
    assert_eq!(
        read_answer(&body.to_string()).unwrap().candidates[0].stop,
        Stop::Calls
    );
    for none in [
        r#"{"error":{"code":400}}"#,
        "[]",
        "{}",
        "no json",
        r#"{"candidates":5}"#,
    ] {
        assert_eq!(read_answer(none), None, "{none}");
    }
}

proptest! {
    #[test]
    fn no_answer_or_event_is_a_panic(
        text in ".{0,8}", index: Option<u32>, count: u64, reason in "[A-Z_]{0,8}", thought: bool,
    ) {
        let part = json!({
            "text": text, "thought": thought, "thoughtSignature": text,
            "functionCall": {"name": text, "args": count},
        });
        let data = json!({
            "candidates": [{"content": {"parts": [part]}, "index": index, "finishReason": reason}],
            "usageMetadata": {
                "promptTokenCount": count, "cachedContentTokenCount": u64::MAX,
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": u64::MAX}],
                "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": u64::MAX}],
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": u64::MAX}],
            },
        })
        .to_string();
        prop_assert!(read_answer(&data).is_some());
        for end in 0..=data.len() {
            let Some(cut) = data.get(..end) else { continue };
            let _ = read_answer(cut);
            let mut reader = Target::Gemini.reader();
            let mut events = 0;
            reader.read(None, cut, &mut |_| events += 1);
            reader.read(None, &data, &mut |_| events += 1);
            reader.finish(&mut |_| events += 1);
            prop_assert!(events > 0);
        }
    }
}
