//! The dialects of conversations, as pure translations. A caller's dialect is
//! read into words that are no vendor's ([`Request`]) and an upstream's written
//! from them; its answer, whole or streamed, goes the other way ([`Answer`],
//! [`Event`]). Where both speak the same dialect nothing here is entered: the
//! bytes pass.
//!
//! A dialect is a module. One that upstreams speak has
//!
//! - `write_request(&Request, &Aim, &Bytes) -> Result<Segments, Refusal>`; the bytes
//!   are the caller's body, of which large texts become slices ([`Json::from`]),
//! - `read_answer(&str) -> Option<Answer>`; `None`: it is no answer of the dialect,
//! - a type that is [`ReadStream`],
//! - `usage::read(&str) -> Option<Quantities>`, for its usage object.
//!
//! One that callers speak has
//!
//! - `read_request(&str) -> Result<Request, Refusal>`,
//! - `write_answer(&Answer, &Reply) -> Bytes`,
//! - a type that is [`WriteStream`],
//! - the envelope of an error.
//!
//! Transport, keys and failures know no dialect, and a dialect knows none of them.

mod answer;
mod json;
mod parse;
mod refusal;
mod request;
mod text;

pub(crate) use answer::{Answer, Candidate, Event, Piece, ReadStream, Stop, WriteStream};
pub(crate) use json::Json;
pub(crate) use parse::parse;
pub(crate) use refusal::Refusal;
pub(crate) use request::{
    Call, Effort, File, Format, Image, Outcome, Part, Raw, Reasoning, Request, Role, Source,
    Thinking, Tier, Tool, ToolChoice, Turn,
};
pub(crate) use text::Text;

/// What callers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// `chat/completions`.
    OpenAi,
    /// `messages`.
    Anthropic,
}

/// What upstreams speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// `chat/completions`, at OpenAI or anyone who does as it does.
    OpenAi,
    /// `messages`.
    Anthropic,
    /// `generateContent`.
    Gemini,
}

/// What a request is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aim<'a> {
    /// The model, as the upstream names it. Dialects that have it in the path do
    /// not write it.
    pub(crate) model: &'a str,
    /// Whose house it is, where one dialect has several.
    pub(crate) house: House,
}

/// Whose API a dialect is spoken at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum House {
    /// Its maker's.
    Own,
    /// Somebody's who does alike: older names of fields are the safer ones.
    Alike,
    /// Vertex AI, where Claude's model stands in the path and the version of its
    /// dialect in the body.
    Vertex,
}
