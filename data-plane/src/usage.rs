//! What an answer says about tokens, and the hiding of what the client did not
//! ask to see. Everything else of an answer passes as it came.

mod answer;
mod chunk;
mod messages;
mod named;

use foldgate_proto::Quantities;
use serde_json::Value;

use crate::dialect::anthropic;
pub(crate) use answer::{Tail, of_whole};
pub(crate) use chunk::{Keep, Says, Watch};

/// Tokens of one request, as the upstream counted them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read, cached ones among them.
    pub prompt: u64,
    /// Tokens written, reasoning among them.
    pub completion: u64,
    /// Prompt tokens that came from the upstream's cache.
    pub cached: u64,
    /// Completion tokens spent on reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Reads a `usage` object. `None` when it is none, or says nothing.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        // Anthropic's excludes what was read from and written to the cache.
        let excluding = ["cache_read_input_tokens", "cache_creation_input_tokens"];
        if excluding.iter().any(|name| value.get(name).is_some()) {
            return anthropic::usage::read(json).map(Self::from);
        }
        let count = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
        let detail = |part: &str, name: &str| value.get(part).and_then(|part| count(part, name));
        let either = |one: &str, other: &str| count(&value, one).or_else(|| count(&value, other));
        let prompt = either("prompt_tokens", "input_tokens");
        let completion = either("completion_tokens", "output_tokens");
        let total = count(&value, "total_tokens");
        prompt.or(completion).or(total)?;
        let completion = completion.unwrap_or(0);
        // Chat, Responses, Realtime.
        let cached = [
            "prompt_tokens_details",
            "input_tokens_details",
            "input_token_details",
        ];
        let cached = cached.iter().find_map(|part| detail(part, "cached_tokens"));
        let reasoning = ["completion_tokens_details", "output_tokens_details"];
        let reasoning = reasoning
            .iter()
            .find_map(|part| detail(part, "reasoning_tokens"));
        Some(Self {
            prompt: prompt.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(completion)),
            completion,
            cached: cached.unwrap_or(0),
            reasoning: reasoning.unwrap_or(0),
        })
    }
}

impl From<Quantities> for Usage {
    fn from(quantities: Quantities) -> Self {
        Self {
            prompt: quantities.read(),
            completion: quantities.written(),
            cached: quantities.cached.saturating_add(quantities.cached_audio),
            reasoning: quantities.reasoning,
        }
    }
}

#[cfg(test)]
mod tests;
