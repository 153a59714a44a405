//! Reads what `generateContent` answers: whole, or one event of a stream, which has
//! the same form.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{made_id, stop_of, usage};
use crate::dialect::{Answer, Call, Candidate, Part, Raw, Stop, Text, Thinking};

/// What is read of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(borrow, default)]
    pub(super) candidates: Option<Vec<Said<'a>>>,
    #[serde(borrow)]
    prompt_feedback: Option<Feedback<'a>>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model_version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) response_id: Option<Text<'a>>,
}

/// A candidate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    pub(super) index: Option<u32>,
}

#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Option<Vec<Piece<'a>>>,
}

/// A part of a candidate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    thought: Option<bool>,
    #[serde(borrow)]
    thought_signature: Option<Text<'a>>,
    #[serde(borrow)]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Text<'a>>,
}

/// Reads an upstream's answer. `None`: it is none.
pub(crate) fn read_answer(json: &str) -> Option<Answer<'_>> {
    let body: Body<'_> = serde_json::from_str(json).ok()?;
    if body.candidates.is_none() && !body.is_blocked() {
        return None;
    }
    let used = body.usage();
    let is_blocked = body.is_blocked();
    let id = body.response_id.unwrap_or_default();
    let name = namesake(&id);
    let said = body.candidates.unwrap_or_default();
    let mut candidates: Vec<_> = (0..)
        .zip(said)
        .map(|(at, said)| said.read(&name, at))
        .collect();
    if candidates.is_empty() {
        candidates.push(Candidate {
            parts: Vec::new(),
            stop: if is_blocked { Stop::Filter } else { Stop::End },
        });
    }
    Some(Answer {
        id,
        model: body.model_version.unwrap_or_default(),
        candidates,
        usage: used,
    })
}

/// What ids of calls are made of: the answer's id, or something as good.
pub(super) fn namesake(id: &Text<'_>) -> String {
    if id.is_empty() {
        Uuid::new_v4().simple().to_string()
    } else {
        id.plain().into_owned()
    }
}

impl Body<'_> {
    /// Whether nothing is answered because of what was asked.
    pub(super) fn is_blocked(&self) -> bool {
        let feedback = self.prompt_feedback.as_ref();
        feedback.is_some_and(|feedback| feedback.block_reason.is_some())
    }

    /// What it cost until now.
    pub(super) fn usage(&self) -> Option<foldgate_proto::Quantities> {
        usage::read(self.usage_metadata?.get())
    }
}

impl<'a> Said<'a> {
    fn read(self, name: &str, at: u32) -> Candidate<'a> {
        let reason = self.finish_reason.clone().unwrap_or_default();
        let mut parts = Vec::new();
        let mut calls = 0;
        for piece in self.pieces() {
            let id = made_id(name, at, calls);
            if let Some(part) = piece.read(id) {
                calls += u32::from(matches!(part, Part::Call(_)));
                parts.push(part);
            }
        }
        Candidate {
            parts,
            stop: stop_of(&reason.plain(), calls > 0),
        }
    }

    /// Its parts.
    pub(super) fn pieces(self) -> Vec<Piece<'a>> {
        let content = self.content.unwrap_or_default();
        content.parts.unwrap_or_default()
    }
}

impl<'a> Piece<'a> {
    /// What it is, if it is something that others know; `id` is for a call without.
    pub(super) fn read(self, id: Text<'a>) -> Option<Part<'a>> {
        let signature = self.thought_signature.filter(|seal| !seal.is_empty());
        if let Some(call) = self.function_call {
            return Some(Part::Call(Call {
                id: call.id.filter(|id| !id.is_empty()).unwrap_or(id),
                name: call.name,
                input: arguments(call.args),
                signature,
            }));
        }
        let text = self.text?;
        if self.thought == Some(true) {
            return Some(Part::Thinking(Thinking { text, signature }));
        }
        (!text.is_empty()).then_some(Part::Text(text))
    }
}

/// Arguments are an object, whatever stands there.
fn arguments(args: Option<&RawValue>) -> Raw<'_> {
    let args = args.map_or("{}", RawValue::get);
    Raw::Borrowed(if args.starts_with('{') { args } else { "{}" })
}
