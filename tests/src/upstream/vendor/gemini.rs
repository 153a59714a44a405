//! `generateContent` as Google has it, at Gemini's own API and at Vertex AI.

use serde_json::{Value, json};

use super::{Misfortune, SEAL, Said, Say, THOUGHT, items, pieces, text, unknown};
use crate::upstream::shape::resource_exhausted;
use crate::upstream::{Reply, Seen, Step};

const KNOWN: [&str; 5] = [
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
];

/// Answers as Gemini's own API does.
pub(super) fn answer(seen: &Seen) -> Result<Reply, Reply> {
    if !seen.headers.contains_key("x-goog-api-key") || seen.credential().is_some() {
        let message = "API key not valid. Please pass a valid API key.";
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID", "domain": "googleapis.com",
        }]);
        let mut body = error(400, "INVALID_ARGUMENT", message);
        body["error"]["details"] = details;
        return Err(Reply::json(400, &body));
    }
    let call = seen.line.strip_prefix("POST /v1beta/models/");
    let (model, verb) = call
        .and_then(|call| call.split_once(':'))
        .ok_or_else(not_found)?;
    let body = seen.json();
    match verb {
        "countTokens" => {
            let inner = &body["generateContentRequest"];
            if inner["model"] != format!("models/{model}") {
                return Err(invalid("model is missing"));
            }
            count(inner)
        }
        "batchEmbedContents" => vectors(&body, model),
        verb => generate(&body, model, verb),
    }
}

/// Answers one of the verbs of a conversation.
pub(super) fn generate(body: &Value, model: &str, verb: &str) -> Result<Reply, Reply> {
    if let Some(name) = unknown(body, &KNOWN) {
        return Err(invalid(&format!("Unknown name \"{name}\"")));
    }
    let mut said = read(body)?;
    model.clone_into(&mut said.model);
    match said.misfortune() {
        Some(Misfortune::Limited) => return Err(Reply::json(429, &resource_exhausted("60s"))),
        Some(Misfortune::Refused) => return Err(invalid("bad field")),
        Some(Misfortune::Overloaded) => {
            let body = error(503, "UNAVAILABLE", "The model is overloaded.");
            return Err(Reply::json(503, &body));
        }
        None => {}
    }
    match verb {
        "generateContent" => {
            let (parts, reason) = spoken(&said);
            Ok(Reply::json(200, &event(&said, &parts, (Some(reason), 5))))
        }
        "streamGenerateContent?alt=sse" => Ok(stream(&said)),
        _ => Err(not_found()),
    }
}

/// Counts tokens.
pub(super) fn count(body: &Value) -> Result<Reply, Reply> {
    read(body)?;
    Ok(Reply::json(200, &json!({"totalTokens": 14})))
}

fn vectors(body: &Value, model: &str) -> Result<Reply, Reply> {
    let mut vectors = Vec::new();
    for request in items(body, "requests") {
        let words = &request["content"]["parts"][0]["text"];
        if request["model"] != format!("models/{model}") || !words.is_string() {
            return Err(invalid("bad request"));
        }
        vectors.push(json!({"values": [0.25, -0.5, 1.0]}));
    }
    Ok(Reply::json(200, &json!({"embeddings": vectors})))
}

fn error(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status}})
}

pub(super) fn invalid(message: &str) -> Reply {
    Reply::json(400, &error(400, "INVALID_ARGUMENT", message))
}

pub(super) fn not_found() -> Reply {
    Reply::json(
        404,
        &error(404, "NOT_FOUND", "Requested entity was not found."),
    )
}

fn read(body: &Value) -> Result<Said, Reply> {
    let mut said = Said {
        thinks: body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true,
        ..Said::default()
    };
    let system = items(&body["systemInstruction"], "parts").iter();
    said.system = system.map(|part| text(&part["text"])).collect();
    let declared = &body["tools"][0]["functionDeclarations"][0]["name"];
    said.tool = declared.as_str().map(str::to_owned);
    let mut called: Vec<String> = Vec::new();
    let mut before = "";
    for content in items(body, "contents") {
        let parts = items(content, "parts");
        match content["role"].as_str() {
            Some("user") => {
                if before == "model" {
                    said.words.clear();
                    said.images.clear();
                }
                before = "user";
                user(parts, &called, &mut said)?;
            }
            Some("model") => {
                before = "model";
                let calls = parts.iter();
                called = calls
                    .map(|part| text(&part["functionCall"]["name"]))
                    .collect();
            }
            _ => return Err(invalid("Please use a valid role: user, model.")),
        }
    }
    if before != "user" {
        return Err(invalid("contents is not specified"));
    }
    Ok(said)
}

fn user(parts: &[Value], called: &[String], said: &mut Said) -> Result<(), Reply> {
    for part in parts {
        let response = &part["functionResponse"];
        if let Some(words) = part["text"].as_str() {
            said.words.push(words.to_owned());
        } else if let Some(kind) = part["inlineData"]["mimeType"].as_str() {
            said.images.push(kind.to_owned());
        } else if called.contains(&text(&response["name"])) {
            said.outcomes.push(text(&response["response"]["output"]));
        } else {
            return Err(invalid("a part of no kind that is known"));
        }
    }
    Ok(())
}

fn spoken(said: &Said) -> (Vec<Value>, &'static str) {
    let part = match said.answered() {
        Say::Text(text) => json!({"text": text}),
        Say::Call(name, input) => {
            json!({"functionCall": {"name": name, "args": input}, "thoughtSignature": SEAL})
        }
    };
    let thought = json!({"text": THOUGHT, "thought": true});
    let mut parts = vec![thought, part];
    if !said.thinks {
        parts.remove(0);
    }
    (parts, "STOP")
}

fn event(said: &Said, parts: &[Value], (reason, written): (Option<&str>, u64)) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if let Some(reason) = reason {
        candidate["finishReason"] = reason.into();
    }
    json!({
        "candidates": [candidate], "modelVersion": said.model, "responseId": "resp1",
        "usageMetadata": {
            "promptTokenCount": 7, "cachedContentTokenCount": 4,
            "candidatesTokenCount": written, "totalTokenCount": 7 + written,
        },
    })
}

/// Each event has the usage until then; there is no last one.
fn stream(said: &Said) -> Reply {
    let mut events = Vec::new();
    let thoughts = pieces(THOUGHT).filter(|_| said.thinks);
    events.extend(thoughts.map(|piece| {
        let parts = [json!({"text": piece, "thought": true})];
        event(said, &parts, (None, 0))
    }));
    match said.answered() {
        Say::Text(text) => {
            let words = (1..).zip(pieces(&text));
            events.extend(words.map(|(at, piece)| {
                let parts = [json!({"text": piece})];
                event(said, &parts, (None, at))
            }));
        }
        Say::Call(..) => events.push(event(said, &spoken(said).0, (None, 4))),
    }
    events.push(event(said, &[json!({"text": ""})], (Some("STOP"), 5)));
    let send = |event: &Value| Step::Send(format!("data: {event}\r\n\r\n").into());
    Reply::stream(events.iter().map(send).collect())
}
