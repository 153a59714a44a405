//! How many tokens a request may come to, before anybody knows: as many as the answer
//! may have, and a quarter of its bytes. What it did come to is settled later: what was
//! reserved is what keeps calls at once from going far beyond a limit.

use foldgate_domain::Limited;
use foldgate_domain::limits::Unit;

use crate::json::members;

/// Bytes of a request per token, about.
const BYTES_PER_TOKEN: u64 = 4;

/// The most that a request's bytes count for: beyond it they are images, not text.
const MOST_BY_BYTES: u64 = 32_768;

/// How long an answer may be, by the names that endpoints have for it; the first that
/// says it goes before.
const BOUNDS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// What an answer is taken to have whose request does not bound it.
const UNBOUNDED: u64 = 1_000;

/// The estimate for a request's body; not made where no limit on tokens asks for it.
/// `talks` where an answer is made of tokens.
pub(crate) fn tokens(limits: &[Limited], body: &[u8], talks: bool) -> u64 {
    let wanted = limits
        .iter()
        .any(|limit| limit.rule.kind.unit == Unit::Tokens);
    if !wanted {
        return 0;
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let found = members(text, &BOUNDS).ok();
    let bounds = found
        .filter(|found| found.duplicate.is_none())
        .map_or([None; 3], |found| found.values);
    let answer = bounds
        .into_iter()
        .flatten()
        .find_map(|bound| bound.parse::<u64>().ok());
    let asked = (body.len() as u64 / BYTES_PER_TOKEN).min(MOST_BY_BYTES);
    let unbounded = if talks { UNBOUNDED } else { 0 };
    asked.saturating_add(answer.unwrap_or(unbounded)).max(1)
}
