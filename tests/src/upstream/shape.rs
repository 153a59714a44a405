//! The JSON that an OpenAI-shaped upstream answers with.

use serde_json::{Value, json};

use super::{Reply, Step};
use crate::sse;

const CREATED: u64 = 1_700_000_000;

/// Answers a request as the real upstream would.
pub fn answer(line: &str, body: &[u8]) -> Reply {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let model = body["model"].as_str().unwrap_or("fake-model");
    let path = line.split(['?', ' ']).nth(1).unwrap_or_default();
    match path {
        "/v1/chat/completions" if body["stream"] == true => chat_stream(model, &body),
        "/v1/chat/completions" if body["tools"].is_array() => {
            Reply::json(200, &tool_call(model, &body))
        }
        "/v1/chat/completions" => Reply::json(200, &chat(model, &echo(&body))),
        "/v1/completions" if body["stream"] == true => completion_stream(model, &body),
        "/v1/completions" => Reply::json(200, &completion(model, &body)),
        "/v1/embeddings" => Reply::json(200, &embedding(model)),
        "/v1/models" => Reply::json(200, &json!({"object": "list", "data": []})),
        _ => Reply::error(404, "invalid_request_error", None, "Unknown request URL"),
    }
}

/// A chat completion.
pub fn chat(model: &str, text: &str) -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": CREATED, "model": model,
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": text, "refusal": null},
        }],
        "usage": usage(),
        "system_fingerprint": "fp_fake",
    })
}

/// A chunk of a chat stream.
pub fn chunk(model: &str, text: &str) -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": model,
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}],
    })
}

/// The chunk that says why a chat ended.
pub fn last_chunk() -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": "fake-model",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    })
}

/// The chunk that `include_usage` asks for.
pub fn usage_chunk(model: &str) -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": model,
        "choices": [], "usage": usage(),
    })
}

/// Google's way of saying when to come back.
pub fn resource_exhausted(delay: &str) -> Value {
    json!({"error": {
        "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Resource has been exhausted",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}],
    }})
}

fn usage() -> Value {
    json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12})
}

/// What the last message says, so that a test sees its own words come back.
fn echo(body: &Value) -> String {
    let last = body["messages"]
        .as_array()
        .and_then(|messages| messages.last());
    match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => format!("echo: {text}"),
        Some(other) => format!("echo: {other}"),
        None => "echo".to_owned(),
    }
}

fn chat_stream(model: &str, body: &Value) -> Reply {
    let asked = body["stream_options"]["include_usage"] == true;
    let with_usage = |mut chunk: Value| {
        if asked {
            chunk["usage"] = Value::Null;
        }
        Step::event(&chunk)
    };
    let mut steps: Vec<Step> = echo(body)
        .split_inclusive(' ')
        .map(|word| with_usage(chunk(model, word)))
        .collect();
    let mut last = last_chunk();
    last["model"] = model.into();
    steps.push(with_usage(last));
    if asked {
        steps.push(Step::event(&usage_chunk(model)));
    }
    steps.push(Step::Send(sse::DONE.into()));
    Reply::stream(steps)
}

fn tool_call(model: &str, body: &Value) -> Value {
    let name = &body["tools"][0]["function"]["name"];
    let call = json!({
        "id": "call_1", "type": "function",
        "function": {"name": name, "arguments": "{\"city\":\"Paris\"}"},
    });
    let mut answer = chat(model, "");
    answer["choices"][0]["message"]["content"] = Value::Null;
    answer["choices"][0]["message"]["tool_calls"] = json!([call]);
    answer["choices"][0]["finish_reason"] = "tool_calls".into();
    answer
}

fn completion(model: &str, body: &Value) -> Value {
    let text = format!("echo: {}", body["prompt"].as_str().unwrap_or_default());
    json!({
        "id": "cmpl-fake", "object": "text_completion", "created": CREATED, "model": model,
        "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": null}],
        "usage": usage(),
    })
}

fn completion_stream(model: &str, body: &Value) -> Reply {
    let mut whole = completion(model, body);
    if let Some(fields) = whole.as_object_mut() {
        fields.remove("usage");
    }
    let mut steps = vec![Step::event(&whole)];
    if body["stream_options"]["include_usage"] == true {
        let mut last = whole;
        last["choices"] = json!([]);
        last["usage"] = usage();
        steps.push(Step::event(&last));
    }
    steps.push(Step::Send(sse::DONE.into()));
    Reply::stream(steps)
}

fn embedding(model: &str) -> Value {
    json!({
        "object": "list", "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 1.0]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    })
}
