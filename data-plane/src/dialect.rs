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
pub(crate) mod anthropic;
pub(crate) mod gemini;
mod json;
pub(crate) mod openai;
mod parse;
mod refusal;
mod request;
pub(crate) mod rerank;
mod text;

use bytes::Bytes;
use foldgate_proto::Quantities;

pub(crate) use answer::{Answer, Candidate, Event, Piece, ReadStream, Stop, WriteStream};
pub(crate) use json::Json;
pub(crate) use parse::parse;
pub(crate) use refusal::Refusal;
pub(crate) use request::{
    Call, Effort, File, Format, Image, Outcome, Part, Raw, Reasoning, Request, Role, Source,
    Thinking, Tier, Tool, ToolChoice, Turn,
};
pub(crate) use text::Text;

use crate::json::members;
use crate::splice::Segments;
use gemini::embeddings::Encoding;

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

impl Caller {
    /// The same dialect at upstreams: between the two nothing is translated.
    pub(crate) const fn same(self) -> Target {
        match self {
            Self::OpenAi => Target::OpenAi,
            Self::Anthropic => Target::Anthropic,
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it, or can be said in no other dialect.
    pub(crate) fn read_request(self, json: &str) -> Result<Request<'_>, Refusal> {
        match self {
            Self::OpenAi => openai::read_request(json),
            Self::Anthropic => anthropic::read_request(json),
        }
    }

    /// Writes a whole answer.
    pub(crate) fn write_answer(self, answer: &Answer<'_>, reply: &Reply) -> Bytes {
        match self {
            Self::OpenAi => openai::write_answer(answer, reply),
            Self::Anthropic => anthropic::write_answer(answer, reply),
        }
    }

    /// What writes a streamed one.
    pub(crate) fn writer(self, reply: Reply) -> Box<dyn WriteStream> {
        match self {
            Self::OpenAi => Box::new(openai::Writer::new(reply)),
            Self::Anthropic => Box::new(anthropic::Writer::default()),
        }
    }
}

impl Target {
    /// Writes a request; large texts are slices of `source`, which it was read from.
    ///
    /// # Errors
    /// What the target has no word for, named as OpenAI does.
    pub(crate) fn write_request(
        self,
        request: &Request<'_>,
        aim: &Aim<'_>,
        source: &Bytes,
    ) -> Result<Segments, Refusal> {
        match self {
            Self::OpenAi => openai::write_request(request, aim, source),
            Self::Anthropic => anthropic::write_request(request, aim, source),
            Self::Gemini => gemini::write_request(request, aim, source),
        }
    }

    /// Writes a request to count its tokens.
    ///
    /// # Errors
    /// What the target has no word for; counting itself, where it has none for that.
    pub(crate) fn write_count(
        self,
        request: &Request<'_>,
        aim: &Aim<'_>,
        source: &Bytes,
    ) -> Result<Segments, Refusal> {
        match self {
            Self::Gemini => gemini::write_count(request, aim, source),
            Self::OpenAi | Self::Anthropic => Err(Refusal::wrong(
                "model",
                "its provider counts tokens in no way that could be translated",
            )),
        }
    }

    /// Reads a whole answer; `None` when it is none.
    pub(crate) fn read_answer(self, json: &str) -> Option<Answer<'_>> {
        match self {
            Self::OpenAi => openai::read_answer(json),
            Self::Anthropic => anthropic::read_answer(json),
            Self::Gemini => gemini::read_answer(json),
        }
    }

    /// What reads a streamed one.
    pub(crate) fn reader(self) -> Box<dyn ReadStream> {
        match self {
            Self::OpenAi => Box::new(openai::Reader::default()),
            Self::Anthropic => Box::new(anthropic::Reader::default()),
            Self::Gemini => Box::new(gemini::Reader::default()),
        }
    }
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
    /// Its maker's of some years ago, as older versions of Azure's API keep it: older
    /// names, and no usage in streams.
    Older,
    /// Somebody's who does alike: older names of fields are the safer ones.
    Alike,
    /// Vertex AI, where Claude's model stands in the path and the version of its
    /// dialect in the body.
    Vertex,
}

/// Which way an answer is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Translation {
    /// What the upstream speaks.
    pub(crate) from: Target,
    /// What the caller speaks.
    pub(crate) to: Caller,
    /// What was asked for.
    pub(crate) wanted: Wanted,
    /// What the answer is written with.
    pub(crate) reply: Reply,
}

/// What is asked of an upstream in another dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The next turn of a conversation.
    Answer,
    /// The count of its tokens.
    Count,
    /// Texts as vectors.
    Vectors(Encoding),
    /// Pictures.
    Images,
}

impl Translation {
    /// A whole answer in the caller's dialect, with what it cost; `model` is what the
    /// caller asked for. `None`: it is none.
    pub(crate) fn whole(&self, json: &str, model: &str) -> Option<(Bytes, Option<Quantities>)> {
        match self.wanted {
            Wanted::Answer => {}
            Wanted::Count => return Some((counted(json)?, None)),
            Wanted::Vectors(encoding) => return gemini::embeddings::read(json, (model, encoding)),
            Wanted::Images => return gemini::images::read(json, self.reply.created),
        }
        let answer = self.from.read_answer(json)?;
        let written = self.to.write_answer(&answer, &self.reply);
        Some((written, answer.usage))
    }
}

/// Gemini's count as Anthropic's; there are no others.
fn counted(json: &str) -> Option<Bytes> {
    let [total] = members(json, &["totalTokens"]).ok()?.values;
    let total: u64 = total?.parse().ok()?;
    Some(format!("{{\"input_tokens\":{total}}}").into())
}

/// What an answer is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    /// When, in seconds of Unix time; OpenAI's answers say so.
    pub(crate) created: i64,
    /// Whether the caller asked for OpenAI's usage chunk.
    pub(crate) include_usage: bool,
}

#[cfg(test)]
mod tests;
