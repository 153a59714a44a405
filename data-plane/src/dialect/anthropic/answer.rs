//! Whole answers, both ways.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::object;
use super::{reason_of, stop_of, usage};
use crate::dialect::{Answer, Call, Candidate, Json, Part, Reply, Stop, Text, Thinking};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// Reads an upstream's answer. `None`: it is none. Blocks of tools that the vendor
/// ran itself are passed over.
pub(crate) fn read_answer(json: &str) -> Option<Answer<'_>> {
    let body: Body<'_> = serde_json::from_str(json).ok()?;
    let reason = body.stop_reason.unwrap_or_default();
    let mut parts = Vec::with_capacity(body.content.len());
    for block in body.content {
        parts.extend(block.read()?);
    }
    let candidate = Candidate {
        parts,
        stop: stop_of(&reason.plain(), body.stop_sequence),
    };
    Some(Answer {
        id: body.id.unwrap_or_default(),
        model: body.model.unwrap_or_default(),
        candidates: vec![candidate],
        usage: body.usage.and_then(|usage| usage::read(usage.get())),
    })
}

impl<'a> Block<'a> {
    /// `None`: the block is broken; an empty one inside: it is passed over.
    #[expect(clippy::option_option, reason = "the two are different things")]
    fn read(self) -> Option<Option<Part<'a>>> {
        let kind = self.r#type.plain();
        Some(Some(match kind.as_ref() {
            "text" => Part::Text(self.text?),
            "thinking" => Part::Thinking(Thinking {
                text: self.thinking.unwrap_or_default(),
                signature: self.signature.filter(|seal| !seal.is_empty()),
            }),
            "redacted_thinking" => Part::Redacted(self.data?),
            "tool_use" => Part::Call(Call {
                id: self.id?,
                name: self.name?,
                input: object(self.input)?,
                signature: None,
            }),
            _ => return Some(None),
        }))
    }
}

/// Writes an answer to a caller: the first, where there are several.
pub(crate) fn write_answer(answer: &Answer<'_>, _: &Reply) -> Bytes {
    let first = answer.candidates.first();
    let stop = first.map_or(&Stop::End, |first| &first.stop);
    let mut json = Json::default();
    json.object(|json| {
        json.key("id").text(&answer.id);
        json.key("type").string("message");
        json.key("role").string("assistant");
        json.key("model").text(&answer.model);
        json.key("content").list(|json| {
            for part in first.into_iter().flat_map(|first| &first.parts) {
                write_block(part, json);
            }
        });
        write_stop(stop, json);
        let used = answer.usage.unwrap_or_default();
        usage::write(&used, json.key("usage"));
    });
    json.into_vec().into()
}

/// Writes `stop_reason` and `stop_sequence`.
pub(super) fn write_stop(stop: &Stop<'_>, json: &mut Json<'_>) {
    json.key("stop_reason").string(reason_of(stop));
    match stop {
        Stop::Sequence(Some(sequence)) => json.key("stop_sequence").text(sequence),
        _ => json.key("stop_sequence").null(),
    }
}

fn write_block(part: &Part<'_>, json: &mut Json<'_>) {
    match part {
        Part::Text(text) => json.object(|json| {
            json.key("type").string("text");
            json.key("text").text(text);
        }),
        Part::Thinking(thinking) => json.object(|json| {
            json.key("type").string("thinking");
            json.key("thinking").text(&thinking.text);
            // Who seals no thoughts gives an empty seal; it comes back as none.
            match &thinking.signature {
                Some(signature) => json.key("signature").text(signature),
                None => json.key("signature").string(""),
            }
        }),
        Part::Redacted(data) => json.object(|json| {
            json.key("type").string("redacted_thinking");
            json.key("data").text(data);
        }),
        Part::Call(call) => json.object(|json| {
            json.key("type").string("tool_use");
            json.key("id").text(&call.id);
            json.key("name").text(&call.name);
            json.key("input").raw(&call.input);
        }),
        // No reader makes these in an answer.
        Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Outcome(_) => {}
    }
}
