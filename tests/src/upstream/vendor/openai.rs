//! Chats as OpenAI has them, there and at Azure.

use serde_json::{Value, json};

use super::{DEPLOYMENT, Misfortune, Said, Say, THOUGHT, items, pieces, rest, text, unknown};
use crate::sse;
use crate::upstream::{Hint, Reply, Seen, Step};

const KNOWN: [&str; 21] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "response_format",
    "reasoning_effort",
    "service_tier",
    "user",
    "seed",
    "metadata",
];

/// Answers as OpenAI does.
pub(super) fn answer(seen: &Seen) -> Result<Reply, Reply> {
    if seen.credential().is_none() || seen.headers.contains_key("x-api-key") {
        return Err(Reply::unauthorized());
    }
    match seen.line.as_str() {
        "POST /v1/chat/completions" => chat(&seen.json(), &[]),
        "POST /v1/embeddings" => Ok(rest::embeddings(&seen.json())),
        _ => Ok(rest::answer(seen)),
    }
}

/// Answers as Azure does: with the deployment in the path, and chunks of its own.
pub(super) fn azure(seen: &Seen) -> Result<Reply, Reply> {
    let is_keyed = seen.headers.contains_key("api-key");
    if !is_keyed || seen.headers.contains_key("authorization") {
        let message = "Access denied due to invalid subscription key";
        let body = json!({"error": {"code": "401", "message": message}});
        return Err(Reply::json(401, &body));
    }
    let (path, query) = seen.line.split_once('?').unwrap_or((&seen.line, ""));
    if !query.starts_with("api-version=20") {
        let body = json!({"error": {"code": "404", "message": "Resource not found"}});
        return Err(Reply::json(404, &body));
    }
    let deployed = format!("POST /openai/deployments/{DEPLOYMENT}/");
    let filtered = json!({
        "id": "", "object": "", "created": 0, "model": "", "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
    });
    match path.strip_prefix(&deployed) {
        Some("chat/completions") => chat(&seen.json(), &[filtered]),
        Some("embeddings") => Ok(rest::embeddings(&seen.json())),
        _ if path == "POST /openai/responses" && seen.json()["model"] == DEPLOYMENT => {
            Ok(rest::response(&seen.json()))
        }
        _ => {
            let message = "The API deployment for this resource does not exist.";
            let body = json!({"error": {"code": "DeploymentNotFound", "message": message}});
            Err(Reply::json(404, &body))
        }
    }
}

/// Answers a chat; a stream begins with the chunks `first`.
pub(super) fn chat(body: &Value, first: &[Value]) -> Result<Reply, Reply> {
    if let Some(name) = unknown(body, &KNOWN) {
        return Err(refused(&format!("Unrecognized argument: {name}")));
    }
    let said = read(body)?;
    match said.misfortune() {
        Some(Misfortune::Limited) => return Err(Reply::rate_limited(Hint::Seconds(60))),
        Some(Misfortune::Refused) => return Err(refused("bad field")),
        Some(Misfortune::Overloaded) => return Err(Reply::failing(503)),
        None => {}
    }
    let asked = body["stream_options"]["include_usage"] == true;
    Ok(if said.stream {
        stream(&said, asked, first)
    } else {
        whole(&said)
    })
}

fn refused(message: &str) -> Reply {
    Reply::error(400, "invalid_request_error", Some("bad_field"), message)
}

fn read(body: &Value) -> Result<Said, Reply> {
    let mut said = Said {
        model: text(&body["model"]),
        stream: body["stream"] == true,
        // As those do who do as OpenAI does; it shows no thoughts itself.
        thinks: body["reasoning_effort"].is_string(),
        ..Said::default()
    };
    let tools = items(body, "tools").first();
    said.tool = tools.map(|tool| text(&tool["function"]["name"]));
    let mut called: Vec<String> = Vec::new();
    for message in items(body, "messages") {
        let content = &message["content"];
        match message["role"].as_str() {
            Some("system" | "developer") => said.system.push(text(content)),
            Some("user") => {
                said.words.clear();
                said.images.clear();
                user(content, &mut said)?;
            }
            Some("assistant") => {
                let calls = items(message, "tool_calls").iter();
                called = calls.map(|call| text(&call["id"])).collect();
            }
            Some("tool") => {
                if !called.contains(&text(&message["tool_call_id"])) {
                    return Err(refused("tool_call_id does not match a call"));
                }
                said.outcomes.push(text(content));
            }
            _ => return Err(refused("unknown role")),
        }
    }
    Ok(said)
}

fn user(content: &Value, said: &mut Said) -> Result<(), Reply> {
    if let Some(words) = content.as_str() {
        said.words.push(words.to_owned());
        return Ok(());
    }
    for part in content.as_array().into_iter().flatten() {
        match part["type"].as_str() {
            Some("text") => said.words.push(text(&part["text"])),
            Some("image_url") => {
                let url = text(&part["image_url"]["url"]);
                let kind = url
                    .strip_prefix("data:")
                    .and_then(|rest| rest.split(';').next());
                said.images.push(kind.unwrap_or("image by URL").to_owned());
            }
            _ => return Err(refused("unknown part")),
        }
    }
    Ok(())
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn whole(said: &Said) -> Reply {
    let (mut message, reason) = match said.answered() {
        Say::Text(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Say::Call(name, input) => {
            let function = json!({"name": name, "arguments": input.to_string()});
            let call = json!({"id": "call_1", "type": "function", "function": function});
            let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            (message, "tool_calls")
        }
    };
    if said.thinks {
        message["reasoning_content"] = THOUGHT.into();
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": reason});
    let answer = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000,
        "model": said.model, "choices": [choice], "usage": usage(),
    });
    Reply::json(200, &answer)
}

fn stream(said: &Said, asked: bool, first: &[Value]) -> Reply {
    let chunk = |choices: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": said.model, "choices": choices,
        });
        if asked {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let delta = |delta: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": null}]));
    let mut chunks = first.to_vec();
    chunks.push(delta(json!({"role": "assistant", "content": ""})));
    let thoughts = pieces(THOUGHT).filter(|_| said.thinks);
    chunks.extend(thoughts.map(|piece| delta(json!({"reasoning_content": piece}))));
    let reason = match said.answered() {
        Say::Text(text) => {
            chunks.extend(pieces(&text).map(|piece| delta(json!({"content": piece}))));
            "stop"
        }
        Say::Call(name, input) => {
            let function = json!({"name": name, "arguments": ""});
            let call =
                json!({"index": 0, "id": "call_1", "type": "function", "function": function});
            chunks.push(delta(json!({"tool_calls": [call]})));
            for piece in pieces(&input.to_string().replace(':', ": ")) {
                let call = json!({"index": 0, "function": {"arguments": piece}});
                chunks.push(delta(json!({"tool_calls": [call]})));
            }
            "tool_calls"
        }
    };
    chunks.push(chunk(
        json!([{"index": 0, "delta": {}, "finish_reason": reason}]),
    ));
    if asked {
        let mut last = chunk(json!([]));
        last["usage"] = usage();
        chunks.push(last);
    }
    let mut steps: Vec<Step> = chunks.iter().map(Step::event).collect();
    steps.push(Step::Send(sse::DONE.into()));
    Reply::stream(steps)
}
