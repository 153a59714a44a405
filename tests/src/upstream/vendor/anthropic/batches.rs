//! Batches of messages: each is at once what it is asked to be.

use serde_json::{Value, json};

use super::error;
use crate::upstream::vendor::text;
use crate::upstream::{Reply, Seen};

const ID: &str = "msgbatch_1";

/// Where Anthropic says that results are; nobody who is tested here gets there.
const RESULTS: &str = "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results";

/// Answers what lies below the path of batches.
pub(super) fn answer(seen: &Seen, method: &str, path: &[&str]) -> Result<Reply, Reply> {
    let batch = |status| Ok(Reply::json(200, &batch(status)));
    match (method, path) {
        ("POST", []) => made(&seen.json()),
        ("GET", []) => {
            let page = json!({"data": [self::batch("ended")], "has_more": false, "first_id": ID, "last_id": ID});
            Ok(Reply::json(200, &page))
        }
        ("GET", [ID]) => batch("ended"),
        ("POST", [ID, "cancel"]) => batch("canceling"),
        ("DELETE", [ID]) => {
            let deleted = json!({"id": ID, "type": "message_batch_deleted"});
            Ok(Reply::json(200, &deleted))
        }
        ("GET", [ID, "results"]) => Ok(results()),
        _ => Err(error(404, "not_found_error", "Not Found")),
    }
}

fn made(body: &Value) -> Result<Reply, Reply> {
    let jobs = body["requests"].as_array().cloned().unwrap_or_default();
    let wrong = |job: &Value| text(&job["custom_id"]).is_empty() || !job["params"].is_object();
    if jobs.is_empty() || jobs.iter().any(wrong) {
        return Err(error(
            400,
            "invalid_request_error",
            "requests: Field required",
        ));
    }
    Ok(Reply::json(200, &batch("in_progress")))
}

fn batch(status: &str) -> Value {
    let ended = status == "ended";
    json!({
        "id": ID, "type": "message_batch", "processing_status": status,
        "request_counts": {
            "processing": u8::from(!ended), "succeeded": u8::from(ended), "errored": 0,
            "canceled": 0, "expired": 0,
        },
        "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z",
        "ended_at": ended.then_some("2026-01-01T01:00:00Z"), "archived_at": null,
        "cancel_initiated_at": null, "results_url": ended.then_some(RESULTS),
    })
}

fn results() -> Reply {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "done"}], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 5},
    });
    let result = json!({"type": "succeeded", "message": message});
    let line = json!({"custom_id": "one", "result": result});
    Reply::bytes(200, "application/x-jsonl", format!("{line}\n"))
}
