//! `chat/completions`, as OpenAI has it and many have after it.
//!
//! What becomes of a caller's field that is not translated as it is; every field
//! that is not known here is refused with its name, so is what is said to be:
//!
//! | field | what happens |
//! |---|---|
//! | `messages[]` of `system`, `developer` | all go to the front, in order |
//! | `messages[].name` | left out |
//! | `messages[].refusal` | is text |
//! | `messages[].audio`, `function_call`, role `function` | refused |
//! | content part `file` with a `file_id` | refused |
//! | `reasoning_content`, `thinking_blocks` of the assistant | thoughts; without a signature they are no more than text to their vendor, and Anthropic gets none |
//! | `n` of 1, penalties of 0, an empty `logit_bias`, `logprobs: false`, `service_tier: auto`, `verbosity: medium` | say what is so anyway |
//! | `max_tokens` | as `max_completion_tokens`, which wins |
//! | `safety_identifier` | as `user`, which wins |
//! | `store`, `metadata` | left out: nothing is stored |
//! | `prediction`, `prompt_cache_*`, `stream_options.include_obfuscation` | left out: they change no answer |
//! | `tools[]` of another type than `function`, `tool_choice` of another than that | refused |
//! | `functions`, `function_call` | refused: `tools` are their successor |
//! | `audio`, `modalities` other than text, `web_search_options`, `moderation`, other `verbosity` | refused |
//! | members of messages, parts and tools that OpenAI does not name | left out |
//!
//! Answers of other vendors come with `reasoning_content` (their thoughts) and
//! `thinking_blocks` (the same with the vendor's seal, to be sent back as they are;
//! in a stream the seal alone, since the words came before).

mod answer;
mod read;
mod stream;
pub(crate) mod usage;
mod write;

pub(crate) use answer::{read_answer, write_answer};
pub(crate) use read::read_request;
pub(crate) use stream::{Reader, Writer};
pub(crate) use write::write_request;

use super::Stop;

/// The vendor's name in refusals.
const VENDOR: &str = "OpenAI";

/// A finish reason, as a reason to stop. `calls`: whether functions were called;
/// some upstreams say `stop` then.
fn stop_of(reason: &str, calls: bool) -> Stop<'static> {
    match reason {
        "length" => Stop::MaxTokens,
        "content_filter" => Stop::Filter,
        "tool_calls" | "function_call" => Stop::Calls,
        _ if calls => Stop::Calls,
        _ => Stop::End,
    }
}

/// The finish reason that says it best.
const fn reason_of(stop: &Stop<'_>) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::Pause => "stop",
        Stop::MaxTokens | Stop::ContextFull => "length",
        Stop::Calls => "tool_calls",
        Stop::Refusal | Stop::Filter => "content_filter",
    }
}
