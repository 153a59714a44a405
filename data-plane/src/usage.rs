//! What an answer says about tokens, and the hiding of what the client did not
//! ask to see. Everything else of an answer passes as it came.

mod answer;
mod choices;
mod chunk;
pub(crate) mod count;
mod ear;
mod messages;
mod named;
mod searches;
mod spoken;

use foldgate_proto::Quantities;
use serde_json::Value;

use crate::dialect::openai::usage::Made;
use crate::dialect::{anthropic, openai, rerank};
pub(crate) use answer::{Tail, of_whole};
pub(crate) use chunk::{Keep, Says, Watch};
pub(crate) use ear::text_in;
pub(crate) use spoken::spoken_ms;

/// What one request used, as the upstream counted it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage(pub(crate) Quantities);

impl Usage {
    /// Reads a `usage` object of whatever dialect. `None` when it is none, or says
    /// nothing.
    pub(crate) fn read(json: &str) -> Option<Self> {
        Self::made(json, Made::Text)
    }

    /// As [`Self::read`], of answers that are made of this.
    pub(crate) fn made(json: &str, made: Made) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        if is_anthropic(&value) {
            return anthropic::usage::read(json).map(Self);
        }
        openai::usage::of(json, made).map(Self)
    }

    /// As [`Self::read`], of a reranker's `usage` or `meta`.
    pub(crate) fn of_rerank(json: &str) -> Option<Self> {
        let read = rerank::read(json)?;
        let counts = [read.input, read.output, read.searches];
        counts
            .iter()
            .all(|count| *count <= count::MOST)
            .then_some(Self(read))
    }

    /// Tokens read, cached ones among them.
    pub(crate) const fn prompt(&self) -> u64 {
        self.0.read()
    }

    /// Tokens written, reasoning among them.
    pub(crate) const fn completion(&self) -> u64 {
        self.0.written()
    }

    /// Tokens read that came from the upstream's cache.
    pub(crate) const fn cached(&self) -> u64 {
        self.0.cached.saturating_add(self.0.cached_audio)
    }

    /// The same, with so many images made.
    pub(crate) fn with_images(self, images: u64) -> Self {
        Self(Quantities { images, ..self.0 })
    }

    /// The same, with the searches that a response says it made, or that were seen while
    /// it came, unless they were counted.
    pub(crate) fn with_searches(self, output: Option<&str>, seen: u64) -> Self {
        let searches = match self.0.searches {
            0 => output.map_or(0, searches::among).max(seen),
            counted => counted,
        };
        Self(Quantities { searches, ..self.0 })
    }

    /// Whether nothing at all is counted.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0 == Quantities::default()
    }

    /// Both together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(self.0.plus(&other.0))
    }
}

/// Whether a usage object excludes what was read from and written to the cache, as
/// Anthropic's does. Proxies put members of its names beside OpenAI's own: those tell.
fn is_anthropic(usage: &Value) -> bool {
    let says = |name: &&str| usage.get(name).is_some_and(|value| !value.is_null());
    let excluding = [
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "server_tool_use",
    ];
    let including = ["prompt_tokens", "completion_tokens", "input_tokens_details"];
    excluding.iter().any(says) && !including.iter().any(says)
}

impl From<Quantities> for Usage {
    fn from(quantities: Quantities) -> Self {
        Self(quantities)
    }
}

#[cfg(test)]
mod tests;
