//! Vertex AI: a token for the service account, then Google's models in two dialects and
//! Anthropic's in theirs.

use serde_json::{Value, json};

use super::{anthropic, gemini, items, openai, text};
use crate::upstream::{Reply, Seen};

const TOKEN: &str = "ya29.fake";
const PLACE: &str = "POST /v1/projects/our-project/locations/us-central1/";

/// Answers as Vertex AI does, and as Google's token endpoint does.
pub(super) fn answer(seen: &Seen) -> Result<Reply, Reply> {
    if seen.line == "POST /token" {
        return token(seen);
    }
    if seen.credential() != Some(TOKEN) {
        let error = json!({"code": 401, "message": "bad token", "status": "UNAUTHENTICATED"});
        return Err(Reply::json(401, &json!({ "error": error })));
    }
    let call = seen.line.strip_prefix(PLACE);
    let call = call.ok_or_else(gemini::not_found)?;
    let body = seen.json();
    if call == "endpoints/openapi/chat/completions" {
        let model = text(&body["model"]);
        if !model.starts_with("google/") {
            return Err(gemini::invalid("model must be google/..."));
        }
        return openai::chat(&body, &[]);
    }
    let call = call.strip_prefix("publishers/");
    let call = call.and_then(|call| call.split_once("/models/"));
    let (publisher, call) = call.ok_or_else(gemini::not_found)?;
    let (model, verb) = call.split_once(':').ok_or_else(gemini::not_found)?;
    match publisher {
        "google" => google(&body, model, verb),
        "anthropic" => claude(body, model, verb),
        _ => Err(gemini::not_found()),
    }
}

fn token(seen: &Seen) -> Result<Reply, Reply> {
    let body = String::from_utf8_lossy(&seen.body);
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    if !body.starts_with(grant) {
        return Err(Reply::json(400, &json!({"error": "invalid_grant"})));
    }
    let token = json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"});
    Ok(Reply::json(200, &token))
}

fn google(body: &Value, model: &str, verb: &str) -> Result<Reply, Reply> {
    match verb {
        "countTokens" => gemini::count(body),
        "predict" => {
            let one = |instance: &Value| {
                let count = text(&instance["content"]).split(' ').count();
                let statistics = json!({"token_count": count, "truncated": false});
                json!({"embeddings": {"values": [0.25, -0.5, 1.0], "statistics": statistics}})
            };
            let predictions: Vec<Value> = items(body, "instances").iter().map(one).collect();
            Ok(Reply::json(200, &json!({ "predictions": predictions })))
        }
        verb => gemini::generate(body, model, verb),
    }
}

/// The version stands in the body, the model in the path.
fn claude(mut body: Value, model: &str, verb: &str) -> Result<Reply, Reply> {
    let versioned = body["anthropic_version"] == "vertex-2023-10-16";
    let counts = model == "count-tokens";
    if !versioned || counts != body["model"].is_string() {
        return Err(gemini::invalid("anthropic_version or model is wrong"));
    }
    if let Some(body) = body.as_object_mut() {
        body.remove("anthropic_version");
    }
    let streams = body["stream"] == true;
    match verb {
        "rawPredict" if counts => anthropic::count(&body),
        "rawPredict" if !streams => anthropic::message(&body, model),
        "streamRawPredict" if streams => anthropic::message(&body, model),
        _ => Err(gemini::not_found()),
    }
}
