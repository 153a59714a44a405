//! Whatever comes: no panic, and what is written is JSON.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::golden::{CALLERS, REPLY, TARGETS, translated};
use crate::dialect::{Aim, House};

/// Names and words that the dialects know, so that what is made gets somewhere.
const KNOWN: [&str; 44] = [
    "model",
    "messages",
    "role",
    "content",
    "type",
    "text",
    "user",
    "assistant",
    "tool",
    "system",
    "tool_calls",
    "id",
    "function",
    "name",
    "arguments",
    "tool_call_id",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "input",
    "thinking",
    "signature",
    "source",
    "base64",
    "media_type",
    "data",
    "image",
    "image_url",
    "url",
    "tools",
    "max_tokens",
    "choices",
    "message",
    "finish_reason",
    "stop_reason",
    "usage",
    "delta",
    "index",
    "content_block",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "stop",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        1 => ".{0,6}",
        1 => Just("data:image/png;base64,AA".to_owned()),
        1 => Just("{\"a\":1}".to_owned()),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..9000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..7)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn is_json(bytes: &[u8]) {
    serde_json::from_slice::<Value>(bytes).unwrap();
}

proptest! {
    #[test]
    fn any_json_as_a_request_is_translated_or_refused(value in json(), messages in json()) {
        let whole = serde_json::json!({
            "model": "m", "max_tokens": 5, "messages": [messages],
        });
        for value in [value, whole] {
            let body = Bytes::from(value.to_string());
            let text = std::str::from_utf8(&body).unwrap();
            for (_, caller) in CALLERS {
                let Ok(request) = caller.read_request(text) else { continue };
                for (_, target) in TARGETS {
                    let aim = Aim { model: "m", house: House::Alike };
                    if let Ok(written) = target.write_request(&request, &aim, &body) {
                        is_json(&written.join());
                    }
                }
            }
        }
    }

    #[test]
    fn any_json_as_an_answer_is_translated_or_none(value in json(), inside in json()) {
        let openai = serde_json::json!({ "choices": [{ "message": inside }] });
        let anthropic = serde_json::json!({ "content": [inside] });
        for value in [value, openai, anthropic] {
            let text = value.to_string();
            for (_, target) in TARGETS {
                let Some(answer) = target.read_answer(&text) else { continue };
                for (_, caller) in CALLERS {
                    is_json(&caller.write_answer(&answer, &REPLY));
                }
            }
        }
    }

    #[test]
    fn any_json_in_a_stream_is_translated_or_passed_over(
        values in proptest::collection::vec(json(), 0..6),
    ) {
        let mut stream = String::new();
        for value in values {
            stream.extend(["data: ", &value.to_string(), "\n\n"]);
        }
        for (_, target) in TARGETS {
            for (_, caller) in CALLERS {
                let made = translated(target, caller, &[stream.as_bytes()]);
                for line in String::from_utf8(made).unwrap().lines() {
                    if let Some(data) = line.strip_prefix("data: ").filter(|data| *data != "[DONE]") {
                        is_json(data.as_bytes());
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for (_, caller) in CALLERS {
            let _ = caller.read_request(&text);
            for (_, target) in TARGETS {
                let _ = target.read_answer(&text);
                let _ = translated(target, caller, &[&bytes]);
            }
        }
    }
}
