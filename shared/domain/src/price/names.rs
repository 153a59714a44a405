//! Other names of the models that rows are for. One rule, for every section and for
//! the owner's rows as for the shipped ones: where a name is not a row's own, its base is
//! looked for too, and the row that names either more exactly gives the price.
//!
//! | name | base | where it is called so |
//! |---|---|---|
//! | `claude-sonnet-4-5@20250929` | `claude-sonnet-4-5` | Claude on Vertex |
//! | `google/gemini-2.5-pro` | `gemini-2.5-pro` | Vertex's OpenAI-shaped endpoint, resellers |
//! | `anthropic/claude-opus-4-1` | `claude-opus-4-1` | resellers |
//!
//! Nothing else is cut off: a dated snapshot may have another price than its successor
//! (`gpt-4o-2024-05-13` has), so one that is in no row has none. Case counts, as it does
//! upstream: `GPT-4O` is no model of OpenAI's, so it has no price unless the owner gives
//! it one.

use crate::pattern::{Pattern, PatternMap};

/// Publishers whose names stand before those of their models.
const PUBLISHERS: [&str; 2] = ["google/", "anthropic/"];

/// The base of a name, if it has one.
fn base(model: &str) -> Option<&str> {
    let mut publishers = PUBLISHERS.iter();
    let unpublished = publishers.find_map(|publisher| model.strip_prefix(publisher));
    let undated = unpublished.unwrap_or(model).split('@').next();
    let base = undated.unwrap_or_default();
    (base.len() < model.len() && !base.is_empty()).then_some(base)
}

/// The row for a model, by its name or its base.
pub(super) fn find<'t, R>(rows: &'t PatternMap<R>, model: &str) -> Option<(&'t Pattern, &'t R)> {
    let whole = rows.get(model);
    if whole.is_some_and(|(pattern, _)| pattern.as_str() == model) {
        return whole;
    }
    let Some(base) = base(model).and_then(|base| rows.get(base)) else {
        return whole;
    };
    match whole {
        Some(whole) if whole.0.rank() >= base.0.rank() => Some(whole),
        _ => Some(base),
    }
}
