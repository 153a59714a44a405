//! How many tokens a request may come to, before anybody knows: as many as the answer
//! may have, and a quarter of its bytes. What it did come to is settled later.

use foldgate_domain::Limited;
use foldgate_domain::limits::Unit;
use serde::Deserialize;

/// Bytes of a request per token, about.
const BYTES_PER_TOKEN: u64 = 4;

/// The most that a request's bytes count for: beyond it they are images, not text.
const MOST_BY_BYTES: u64 = 32_768;

/// How long an answer may be, by the names that endpoints have for it.
#[derive(Default, Deserialize)]
struct Bounds {
    #[serde(rename = "max_tokens")]
    chat: Option<serde_json::Value>,
    #[serde(rename = "max_completion_tokens")]
    completion: Option<serde_json::Value>,
    #[serde(rename = "max_output_tokens")]
    output: Option<serde_json::Value>,
}

/// The estimate for a request's body; not made where no limit on tokens asks for it.
pub(crate) fn tokens(limits: &[Limited], body: &[u8]) -> u64 {
    let wanted = limits
        .iter()
        .any(|limit| limit.rule.kind.unit == Unit::Tokens);
    if !wanted {
        return 0;
    }
    let bounds: Bounds = serde_json::from_slice(body).unwrap_or_default();
    let bounds = [bounds.completion, bounds.chat, bounds.output];
    let answer = bounds.iter().flatten().find_map(serde_json::Value::as_u64);
    let asked = (body.len() as u64 / BYTES_PER_TOKEN).min(MOST_BY_BYTES);
    asked.saturating_add(answer.unwrap_or(0)).max(1)
}
