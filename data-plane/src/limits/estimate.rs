//! How many tokens a request may come to, before anybody knows: its prompt, as it is
//! estimated for the bill, and as many as the answer may have. What it did come to is
//! settled later: what was reserved is what keeps calls at once from going far beyond a
//! limit.

use foldgate_domain::Limited;
use foldgate_domain::limits::Unit;

use crate::account::bill::Asked;
use crate::json::members;

/// How long an answer may be, by the names that endpoints have for it; the first that
/// says it goes before.
const BOUNDS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// What an answer is taken to have whose request does not bound it. More than what is
/// billed of an answer that nobody saw: it is given back.
const UNBOUNDED: u64 = 1_000;

/// The estimate for a request, with what its body says in words; not made where no limit
/// on tokens asks for it.
pub(crate) fn tokens(limits: &[Limited], asked: &Asked, said: &[u8]) -> u64 {
    let wanted = limits
        .iter()
        .any(|limit| limit.rule.kind.unit == Unit::Tokens);
    if !wanted {
        return 0;
    }
    // What says nothing is a session: each of its responses counts when it is over.
    let answer = if asked.answers() && !said.is_empty() {
        bound(said).unwrap_or(UNBOUNDED)
    } else {
        0
    };
    asked.prompt().saturating_add(answer).max(1)
}

/// The most tokens of an answer, where the request says it.
fn bound(said: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(said).unwrap_or_default();
    let found = members(text, &BOUNDS).ok();
    let bounds = found.filter(|found| found.duplicate.is_none())?.values;
    let mut bounds = bounds.into_iter().flatten();
    bounds.find_map(|bound| bound.parse().ok())
}
