//! How many tokens a request may come to, before anybody knows: its prompt, as it is
//! estimated for the bill, and as many as the answer may have. What it did come to is
//! settled later: what was reserved is what keeps calls at once from going far beyond a
//! limit, or beyond what may be spent.

use foldgate_domain::Limited;
use foldgate_domain::limits::Unit;

use crate::account::bill::Asked;
use crate::json::members;

/// How long an answer may be, by the names that endpoints have for it; the first that
/// says it goes before. And how many answers there are to be.
const BOUNDS: [&str; 4] = [
    "max_completion_tokens",
    "max_tokens",
    "max_output_tokens",
    "n",
];

/// What an answer is taken to have whose request does not bound it. More than what is
/// billed of an answer that nobody saw: it is given back.
const UNBOUNDED: u64 = 1_000;

/// The most answers to one prompt that are believed to be asked for.
const MOST_ANSWERS: u64 = 128;

/// The estimate for a request, with how many tokens its [`answer`] may have; not made where
/// no limit on tokens asks for it.
pub(crate) fn tokens(limits: &[Limited], asked: &Asked, answer: impl FnOnce() -> u64) -> u64 {
    let wanted = limits
        .iter()
        .any(|limit| limit.rule.kind.unit == Unit::Tokens);
    if !wanted {
        return 0;
    }
    asked.prompt().saturating_add(answer()).max(1)
}

/// How many tokens the answer to a request may have, or its answers, where it asks for
/// several.
pub(crate) fn answer(asked: &Asked, said: &[u8]) -> u64 {
    // What says nothing is a session: each of its responses counts when it is over.
    if !asked.answers() || said.is_empty() {
        return 0;
    }
    let text = std::str::from_utf8(said).unwrap_or_default();
    let found = members(text, &BOUNDS).ok();
    let Some(found) = found.filter(|found| found.duplicate.is_none()) else {
        return UNBOUNDED;
    };
    let number = |said: Option<&str>| said?.parse::<u64>().ok();
    let [bounds @ .., n] = found.values;
    let answers = number(n).unwrap_or(1).clamp(1, MOST_ANSWERS);
    let bound = bounds.into_iter().find_map(number).unwrap_or(UNBOUNDED);
    bound.saturating_mul(answers)
}
