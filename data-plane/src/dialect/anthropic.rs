//! `messages`, as Anthropic has it.
//!
//! What becomes of a caller's field that is not translated as it is; every field
//! that is not known here is refused with its name, so is what is said to be:
//!
//! | field | what happens |
//! |---|---|
//! | `cache_control`, everywhere | left out: the others cache by themselves |
//! | `messages[]` of `system` | go to the front, behind `system` |
//! | `thinking`, `output_config.effort` | how hard to try; a budget of up to 2048 tokens is `low`, up to 16384 `medium`, above `high`. `disabled` is said to Gemini only |
//! | `thinking` and `redacted_thinking` blocks | thoughts: left out but at their vendor, and unsealed ones at those who do as OpenAI does |
//! | blocks of documents with plain text or blocks in them | are those |
//! | blocks of images and documents with a `file_id` | refused |
//! | `tool_result.is_error` | OpenAI has no word for it: left out there |
//! | blocks of server tools, `search_result`, and tools other than `custom` | refused |
//! | `citations`, `title` of plain text, `context` | left out |
//! | `context_management`, `diagnostics` | left out: they only save tokens, or watch |
//! | `service_tier: auto`, `speed: standard` | say what is so anyway |
//! | `container`, `mcp_servers`, `inference_geo`, other `speed` | refused |
//! | members of messages, blocks and tools that Anthropic does not name | left out |
//!
//! What becomes of a request that is written in this dialect:
//!
//! | field | what happens |
//! |---|---|
//! | no most tokens | 32000; 8192 for Claude 3.5 and 4096 before it, which can do no more |
//! | a temperature above 1 | is 1; none where the model thinks, which has its own |
//! | `temperature`, `top_p`, `top_k` to models since 4.7 | left out: they refuse every number, and most clients send one unasked |
//! | `top_p` beside a `temperature` to models since 4.1 | left out: they take one of the two |
//! | effort `xhigh` to models of 4.6 | `high` |
//! | `top_k`, and `top_p` below 0.95, where the model thinks | left out, as Anthropic wants it |
//! | effort | as `thinking: adaptive` with an effort; models before 4.6 get a budget of tokens, at most one less than the most tokens |
//! | effort where a function must be called, where fewer than 1025 tokens are left, or where the turn that called the functions has lost its thoughts | left out: Anthropic thinks then not |
//! | ids of calls | characters that Anthropic does not take are `_` |
//! | a function's `strict: true` | models before 4.6 do not hear of it |
//! | `seed` | left out: it promised little |
//! | `parallel_tool_calls: false` | as `disable_parallel_tool_use` |
//! | `n`, `logprobs`, `logit_bias`, penalties, `response_format` of any JSON, sound, `service_tier` of `flex` and `priority` | refused |
//!
//! Of an answer of this dialect, citations and what server tools did are left out.

mod answer;
mod read;
mod stream;
pub(crate) mod usage;
mod write;

pub(crate) use answer::{read_answer, write_answer};
pub(crate) use read::{read_count, read_request};
pub(crate) use stream::{Reader, Writer};
pub(crate) use write::write_request;

use super::{Stop, Text};

/// The vendor's name in refusals.
const VENDOR: &str = "Anthropic";

/// A stop reason; one that is not known is an end.
fn stop_of<'a>(reason: &str, sequence: Option<Text<'a>>) -> Stop<'a> {
    match reason {
        "max_tokens" => Stop::MaxTokens,
        "stop_sequence" => Stop::Sequence(sequence),
        "tool_use" => Stop::Calls,
        "pause_turn" => Stop::Pause,
        "refusal" => Stop::Refusal,
        "model_context_window_exceeded" => Stop::ContextFull,
        _ => Stop::End,
    }
}

const fn reason_of(stop: &Stop<'_>) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(None) => "end_turn",
        Stop::MaxTokens => "max_tokens",
        Stop::Sequence(Some(_)) => "stop_sequence",
        Stop::Calls => "tool_use",
        Stop::Pause => "pause_turn",
        Stop::Refusal | Stop::Filter => "refusal",
        Stop::ContextFull => "model_context_window_exceeded",
    }
}
