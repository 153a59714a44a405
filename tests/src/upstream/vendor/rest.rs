//! What OpenAI has beside chats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{items, pieces, text};
use crate::upstream::shape;
use crate::upstream::{Reply, Seen, Step};

const CREATED: u64 = 1_700_000_000;

/// The vector of every text.
const VECTOR: [f32; 3] = [0.25, -0.5, 1.0];

/// Answers all endpoints but chats.
pub(super) fn answer(seen: &Seen) -> Reply {
    let (line, _) = seen.line.split_once('?').unwrap_or((&seen.line, ""));
    let (method, path) = line.split_once(" /v1/").unwrap_or(("", ""));
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("POST", ["responses"]) => response(&seen.json()),
        ("GET", ["responses", id]) => Reply::json(200, &made(id, "", "kept")),
        ("DELETE", ["responses" | "files", id]) => Reply::json(200, &deleted(id)),
        ("GET", ["responses", _, "input_items"]) => list(&[]),
        (_, ["files" | "batches", ..]) => kept(seen, (method, &parts)),
        ("POST", ["audio", "speech"]) => speech(&seen.json()),
        ("POST", ["audio", kind]) => heard(seen, kind),
        ("POST", ["images", "generations"]) => images(&seen.json()),
        ("POST", ["images", "edits" | "variations"]) => edited(seen),
        ("POST", ["moderations"]) => judged(&seen.json()),
        _ => shape::answer(&seen.line, &seen.body),
    }
}

/// Answers embeddings, as numbers or in base64.
pub(super) fn embeddings(body: &Value) -> Reply {
    let count = body["input"].as_array().map_or(1, Vec::len);
    let bytes: Vec<u8> = VECTOR.iter().flat_map(|n| n.to_le_bytes()).collect();
    let vector = if body["encoding_format"] == "base64" {
        json!(STANDARD.encode(bytes))
    } else {
        json!(VECTOR)
    };
    let one = |index| json!({"object": "embedding", "index": index, "embedding": vector});
    let data: Vec<Value> = (0..count).map(one).collect();
    let usage = json!({"prompt_tokens": count, "total_tokens": count});
    let answer = json!({"object": "list", "data": data, "model": body["model"], "usage": usage});
    Reply::json(200, &answer)
}

/// Answers a call of the Responses API.
pub(super) fn response(body: &Value) -> Reply {
    let said = format!("said: {}", text(&body["input"]));
    let before = text(&body["previous_response_id"]);
    if !before.is_empty() && before != "resp_1" {
        let message = "Previous response not found";
        let kind = "invalid_request_error";
        return Reply::error(400, kind, Some("previous_response_not_found"), message);
    }
    let whole = made("resp_1", &text(&body["model"]), &said);
    if body["stream"] != true {
        return Reply::json(200, &whole);
    }
    let mut begun = whole.clone();
    begun["status"] = "in_progress".into();
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let mut events = vec![("response.created", json!({"response": begun}))];
    let item = json!({"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []});
    events.push((
        "response.output_item.added",
        json!({"output_index": 0, "item": item}),
    ));
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    let place = json!({"output_index": 0, "content_index": 0, "item_id": "msg_1", "part": part});
    events.push(("response.content_part.added", place.clone()));
    for piece in pieces(&said) {
        let mut delta = place.clone();
        delta["delta"] = piece.into();
        events.push(("response.output_text.delta", delta));
    }
    events.push(("response.completed", json!({ "response": whole })));
    named(events)
}

fn made(id: &str, model: &str, said: &str) -> Value {
    let content = json!({"type": "output_text", "text": said, "annotations": []});
    let item = json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [content]});
    json!({
        "id": id, "object": "response", "created_at": CREATED, "status": "completed",
        "model": model, "output": [item], "parallel_tool_calls": true, "tool_choice": "auto",
        "tools": [], "usage": {
            "input_tokens": 7, "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        },
    })
}

/// Events with names and running numbers.
fn named(events: Vec<(&str, Value)>) -> Reply {
    let numbered = (0..).zip(events).map(|(at, (name, mut data))| {
        data["type"] = name.into();
        data["sequence_number"] = Value::from(at);
        Step::Send(format!("event: {name}\ndata: {data}\n\n").into())
    });
    Reply::stream(numbered.collect())
}

fn deleted(id: &str) -> Value {
    json!({"id": id, "object": "file", "deleted": true})
}

fn list(data: &[Value]) -> Reply {
    let answer = json!({"object": "list", "data": data, "has_more": false});
    Reply::json(200, &answer)
}

/// Files and batches.
fn kept(seen: &Seen, (method, path): (&str, &[&str])) -> Reply {
    let file = |id: &str, bytes: usize| {
        json!({
            "id": id, "object": "file", "bytes": bytes, "created_at": CREATED,
            "filename": "in.jsonl", "purpose": "batch", "status": "processed",
        })
    };
    let batch = |id: &str, status: &str| {
        json!({
            "id": id, "object": "batch", "endpoint": "/v1/chat/completions",
            "input_file_id": "file-1", "completion_window": "24h", "status": status,
            "created_at": CREATED, "output_file_id": "file-2",
        })
    };
    match (method, path) {
        ("POST", ["files"]) => {
            let sent = part(&seen.body, "file").unwrap_or_default();
            Reply::json(200, &file("file-1", sent.len()))
        }
        ("GET", ["files"]) => list(&[file("file-1", 3), file("file-of-others", 9)]),
        ("GET", ["files", _, "content"]) => Reply::bytes(200, "application/octet-stream", "kept\n"),
        ("GET", ["files", id]) => Reply::json(200, &file(id, 3)),
        ("POST", ["batches"]) => Reply::json(200, &batch("batch_1", "validating")),
        ("GET", ["batches"]) => list(&[batch("batch_1", "completed")]),
        ("POST", ["batches", id, "cancel"]) => Reply::json(200, &batch(id, "cancelling")),
        ("GET", ["batches", id]) => Reply::json(200, &batch(id, "completed")),
        _ => Reply::error(404, "invalid_request_error", None, "Unknown request URL"),
    }
}

fn speech(body: &Value) -> Reply {
    let sound = format!("sound of {}", text(&body["input"]));
    if body["stream_format"] != "sse" {
        return Reply::bytes(200, "audio/mpeg", sound);
    }
    let usage = json!({"input_tokens": 7, "output_tokens": 5, "total_tokens": 12});
    named(vec![
        (
            "speech.audio.delta",
            json!({"audio": STANDARD.encode(sound)}),
        ),
        ("speech.audio.done", json!({ "usage": usage })),
    ])
}

/// Transcriptions and translations: which model wrote down how many bytes.
fn heard(seen: &Seen, kind: &str) -> Reply {
    let field = |name| part(&seen.body, name).unwrap_or_default();
    let heard = format!(
        "{kind} of {} bytes by {}",
        field("file").len(),
        field("model")
    );
    if field("response_format") == "text" {
        return Reply::bytes(200, "text/plain; charset=utf-8", heard);
    }
    let usage = json!({"type": "duration", "seconds": 3});
    if field("stream") == "true" {
        return named(vec![
            ("transcript.text.delta", json!({"delta": heard})),
            (
                "transcript.text.done",
                json!({"text": heard, "usage": usage}),
            ),
        ]);
    }
    Reply::json(200, &json!({"text": heard, "usage": usage}))
}

fn images(body: &Value) -> Reply {
    drawn(&text(&body["model"]), body["n"].as_u64().unwrap_or(1))
}

fn edited(seen: &Seen) -> Reply {
    drawn(&part(&seen.body, "model").unwrap_or_default(), 1)
}

/// Pictures that hold the model's name.
fn drawn(model: &str, count: u64) -> Reply {
    let image = json!({"b64_json": STANDARD.encode(model)});
    let data: Vec<Value> = (0..count).map(|_| image.clone()).collect();
    let usage = json!({
        "input_tokens": 7, "input_tokens_details": {"text_tokens": 7, "image_tokens": 0},
        "output_tokens": 5, "total_tokens": 12,
    });
    Reply::json(
        200,
        &json!({"created": CREATED, "data": data, "usage": usage}),
    )
}

fn judged(body: &Value) -> Reply {
    let count = items(body, "input").len().max(1);
    let one = json!({
        "flagged": false, "categories": {}, "category_scores": {},
        "category_applied_input_types": {},
    });
    let results = vec![one; count];
    let answer = json!({"id": "modr-1", "model": body["model"], "results": results});
    Reply::json(200, &answer)
}

/// The value of a form's field, without what its head says.
fn part(body: &[u8], name: &str) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let boundary = body.lines().next()?.to_owned();
    let wanted = format!("name=\"{name}\"");
    let parts = body.split(boundary.as_str());
    let found = parts.filter_map(|part| part.split_once("\r\n\r\n"));
    let mut found = found.filter(|(head, _)| head.contains(&wanted));
    let (_, value) = found.next()?;
    Some(value.strip_suffix("\r\n").unwrap_or(value).to_owned())
}
