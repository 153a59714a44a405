//! What an answer says about tokens, and the hiding of what the client did not
//! ask to see. Everything else of an answer passes as it came.

mod answer;
mod chunk;

use serde_json::Value;

pub(crate) use answer::{Tail, of_whole};
pub(crate) use chunk::{Keep, Says, Watch, says};

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
        let count = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
        let detail = |part: &str, name: &str| value.get(part).and_then(|part| count(part, name));
        let prompt = count(&value, "prompt_tokens");
        let completion = count(&value, "completion_tokens");
        let total = count(&value, "total_tokens");
        prompt.or(completion).or(total)?;
        let completion = completion.unwrap_or(0);
        Some(Self {
            prompt: prompt.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(completion)),
            completion,
            cached: detail("prompt_tokens_details", "cached_tokens").unwrap_or(0),
            reasoning: detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests;
