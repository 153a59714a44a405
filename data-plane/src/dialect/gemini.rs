//! `generateContent`, as Google has it at Gemini's own API and at Vertex AI.
//!
//! What becomes of a request that is written in this dialect:
//!
//! | field | what happens |
//! |---|---|
//! | system texts | are the `systemInstruction` |
//! | outcomes of calls | stand in a content of their own, before what else was said; what is JSON is sent as JSON |
//! | images and files in outcomes | follow behind the outcomes |
//! | ids of calls | left out: outcomes are told apart by function and order |
//! | thoughts | left out: only the seal on a call goes back. Gemini 3 wants one: a call without is marked as coming from elsewhere |
//! | empty texts | left out: Google refuses them |
//! | pictures and files by URL | as `fileData`; their type is what the URL ends in, else JPEG or PDF |
//! | effort | `thinkingBudget` of Gemini 2.5, within what the model takes; `thinkingLevel` of Gemini 3; left out for models that do not think |
//! | `strict`, names and descriptions of schemas, an image's `detail` | left out |
//! | `user`, `service_tier` of `default` | left out |
//! | `parallel_tool_calls: false` with tools, `logprobs`, `logit_bias`, `service_tier` of `flex` and `priority`, a `seed` beyond 32 bits | refused |
//!
//! What becomes of an answer:
//!
//! | field | what happens |
//! |---|---|
//! | calls without an id | have one made of the answer's |
//! | `SAFETY`, `RECITATION`, `BLOCKLIST`, `PROHIBITED_CONTENT`, `SPII` and their like, a blocked prompt | a filter's cut |
//! | `MALFORMED_FUNCTION_CALL` and what else is unknown | the end: what was said until then is all there is |
//! | pictures, code that was run, citations | left out |

mod answer;
pub(crate) mod embeddings;
pub(crate) mod images;
mod stream;
pub(crate) mod usage;
mod write;

pub(crate) use answer::read_answer;
pub(crate) use stream::Reader;
pub(crate) use write::{write_count, write_request};

use super::{Stop, Text};

/// The vendor's name in refusals.
const VENDOR: &str = "Google";

/// A model's name without whose it is.
fn bare(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Why a candidate ends; `called` when it calls functions.
fn stop_of(reason: &str, called: bool) -> Stop<'static> {
    match reason {
        "MAX_TOKENS" => Stop::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::Filter,
        _ if called => Stop::Calls,
        _ => Stop::End,
    }
}

/// The id of a candidate's `call`th call, where Google gives none: made of the
/// answer's own, in characters that every vendor takes.
fn made_id(answer: &str, candidate: u32, call: u32) -> Text<'static> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let answer: String = answer.chars().map(plain).take(64).collect();
    Text::of(format!("call_{answer}_{candidate}_{call}"))
}

#[cfg(test)]
mod tests;
