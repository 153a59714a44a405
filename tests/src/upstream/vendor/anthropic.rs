//! Messages as Anthropic has them, there and at Vertex AI.

mod batches;

use serde_json::{Value, json};

use super::{Misfortune, SEAL, Said, Say, THOUGHT, items, pieces, text, unknown};
use crate::upstream::{Reply, Seen, Step};

const KNOWN: [&str; 15] = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "stream",
    "tools",
    "tool_choice",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "thinking",
    "output_config",
    "service_tier",
];

/// Answers as Anthropic does.
pub(super) fn answer(seen: &Seen) -> Result<Reply, Reply> {
    let has = |name: &str| seen.headers.contains_key(name);
    if !has("x-api-key") || has("authorization") {
        return Err(error(401, "authentication_error", "invalid x-api-key"));
    }
    if !has("anthropic-version") {
        let message = "anthropic-version: header is required";
        return Err(error(400, "invalid_request_error", message));
    }
    let (line, _) = seen.line.split_once('?').unwrap_or((&seen.line, ""));
    if let Some((method, rest)) = line.split_once(" /v1/messages/batches") {
        let path: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        return batches::answer(seen, method, &path);
    }
    let body = seen.json();
    match seen.line.as_str() {
        "POST /v1/messages" => message(&body, &text(&body["model"])),
        "POST /v1/messages/count_tokens" => count(&body),
        _ => Err(error(404, "not_found_error", "Not Found")),
    }
}

/// Counts tokens.
pub(super) fn count(body: &Value) -> Result<Reply, Reply> {
    read(body)?;
    Ok(Reply::json(200, &json!({"input_tokens": 14})))
}

/// Answers a message; `model` stands in the body or in the path.
pub(super) fn message(body: &Value, model: &str) -> Result<Reply, Reply> {
    if let Some(name) = unknown(body, &KNOWN) {
        let message = format!("{name}: Extra inputs are not permitted");
        return Err(error(400, "invalid_request_error", &message));
    }
    if !body["max_tokens"].is_u64() {
        let message = "max_tokens: Field required";
        return Err(error(400, "invalid_request_error", message));
    }
    let mut said = read(body)?;
    model.clone_into(&mut said.model);
    match said.misfortune() {
        Some(Misfortune::Limited) => {
            let limited = error(429, "rate_limit_error", "Number of requests exceeded");
            return Err(limited.header("retry-after", "60"));
        }
        Some(Misfortune::Refused) => {
            return Err(error(400, "invalid_request_error", "bad field"));
        }
        Some(Misfortune::Overloaded) => return Err(error(529, "overloaded_error", "Overloaded")),
        None => {}
    }
    Ok(if said.stream {
        stream(&said)
    } else {
        whole(&said)
    })
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    let error = json!({"type": kind, "message": message});
    let body = json!({"type": "error", "error": error, "request_id": "req_1"});
    Reply::json(status, &body)
}

fn refused(message: &str) -> Reply {
    error(400, "invalid_request_error", message)
}

fn read(body: &Value) -> Result<Said, Reply> {
    let mut said = Said {
        stream: body["stream"] == true,
        thinks: ["enabled", "adaptive"]
            .iter()
            .any(|kind| body["thinking"]["type"] == *kind),
        ..Said::default()
    };
    match &body["system"] {
        Value::String(words) => said.system.push(words.clone()),
        blocks => {
            let blocks = blocks.as_array().into_iter().flatten();
            said.system.extend(blocks.map(|block| text(&block["text"])));
        }
    }
    let tool = items(body, "tools").first();
    said.tool = tool.map(|tool| text(&tool["name"]));
    if tool.is_some_and(|tool| tool["input_schema"]["type"] != "object") {
        return Err(refused("tools.0.input_schema.type: Field required"));
    }
    let mut before = "assistant";
    let mut called: Vec<String> = Vec::new();
    for message in items(body, "messages") {
        let role = message["role"].as_str().unwrap_or_default();
        let turn = match (role, before) {
            ("user", "assistant") => "user",
            ("assistant", "user") => "assistant",
            _ => {
                return Err(refused(
                    "messages: roles must alternate between user and model",
                ));
            }
        };
        before = turn;
        if turn == "user" {
            said.words.clear();
            said.images.clear();
            user(&message["content"], &called, &mut said)?;
        } else {
            let blocks = items(message, "content").iter();
            called = blocks.clone().map(|call| text(&call["id"])).collect();
            let mut thoughts = blocks.filter(|block| block["type"] == "thinking");
            if thoughts.any(|block| block["signature"] != SEAL) {
                return Err(refused("Invalid `signature` in `thinking` block"));
            }
        }
    }
    if before != "user" {
        return Err(refused("messages: at least one message is required"));
    }
    Ok(said)
}

fn user(content: &Value, called: &[String], said: &mut Said) -> Result<(), Reply> {
    if let Some(words) = content.as_str() {
        said.words.push(words.to_owned());
        return Ok(());
    }
    for block in content.as_array().into_iter().flatten() {
        match block["type"].as_str() {
            Some("text") => said.words.push(text(&block["text"])),
            Some("image") => {
                let source = &block["source"];
                let kind = source["media_type"].as_str().unwrap_or("image by URL");
                said.images.push(kind.to_owned());
            }
            Some("tool_result") => {
                if !called.contains(&text(&block["tool_use_id"])) {
                    return Err(refused(
                        "unexpected tool_use_id found in tool_result blocks",
                    ));
                }
                said.outcomes.push(match &block["content"] {
                    Value::String(words) => words.clone(),
                    blocks => text(&blocks[0]["text"]),
                });
            }
            _ => return Err(refused("messages.0.content.0.type: unknown")),
        }
    }
    Ok(())
}

fn usage(output: u64) -> Value {
    json!({
        "input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0,
        "output_tokens": output, "service_tier": "standard",
    })
}

fn whole(said: &Said) -> Reply {
    let (block, reason) = match said.answered() {
        Say::Text(text) => (json!({"type": "text", "text": text}), "end_turn"),
        Say::Call(name, input) => {
            let call = json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": input});
            (call, "tool_use")
        }
    };
    let thought = json!({"type": "thinking", "thinking": THOUGHT, "signature": SEAL});
    let mut content = vec![thought, block];
    if !said.thinks {
        content.remove(0);
    }
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": said.model,
        "content": content, "stop_reason": reason, "stop_sequence": null, "usage": usage(5),
    });
    Reply::json(200, &answer)
}

fn stream(said: &Said) -> Reply {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": said.model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage(1),
    });
    let mut events = vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "ping"}),
    ];
    if said.thinks {
        let thought = json!({"type": "thinking", "thinking": "", "signature": ""});
        events.push(start(0, &thought));
        let words =
            pieces(THOUGHT).map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
        events.extend(words.map(|word| delta(0, &word)));
        events.push(delta(
            0,
            &json!({"type": "signature_delta", "signature": SEAL}),
        ));
        events.push(json!({"type": "content_block_stop", "index": 0}));
    }
    let index = u64::from(said.thinks);
    let reason = match said.answered() {
        Say::Text(text) => {
            events.push(start(index, &json!({"type": "text", "text": ""})));
            let words = pieces(&text).map(|piece| json!({"type": "text_delta", "text": piece}));
            events.extend(words.map(|word| delta(index, &word)));
            "end_turn"
        }
        Say::Call(name, input) => {
            let call = json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": {}});
            events.push(start(index, &call));
            for piece in ["", &input.to_string()] {
                let piece = json!({"type": "input_json_delta", "partial_json": piece});
                events.push(delta(index, &piece));
            }
            "tool_use"
        }
    };
    let stop = json!({"stop_reason": reason, "stop_sequence": null});
    events.extend([
        json!({"type": "content_block_stop", "index": index}),
        json!({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ]);
    let named = |event: &Value| {
        let name = text(&event["type"]);
        Step::Send(format!("event: {name}\ndata: {event}\n\n").into())
    };
    Reply::stream(events.iter().map(named).collect())
}

fn start(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}
