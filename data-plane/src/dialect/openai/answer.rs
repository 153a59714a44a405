//! Whole answers, both ways.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::object;
use super::{reason_of, stop_of, usage};
use crate::dialect::{Answer, Call, Candidate, Json, Part, Reply, Text, Thinking};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: Vec<ChoiceIn<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChoiceIn<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallIn<'a>>>,
}

#[derive(Deserialize)]
struct CallIn<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Vec<Words<'a>>>,
}

#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

/// Reads an upstream's answer. `None`: it is none.
pub(crate) fn read_answer(json: &str) -> Option<Answer<'_>> {
    let body: Body<'_> = serde_json::from_str(json).ok()?;
    let candidates = body.choices.into_iter().map(candidate);
    Some(Answer {
        id: body.id.unwrap_or_default(),
        model: body.model.unwrap_or_default(),
        candidates: candidates.collect::<Option<_>>()?,
        usage: body.usage.and_then(|usage| usage::read(usage.get())),
    })
}

fn candidate(choice: ChoiceIn<'_>) -> Option<Candidate<'_>> {
    let message = choice.message;
    let mut parts = Vec::new();
    let reasoning = message.reasoning.and_then(|raw| Text::literal(raw.get()));
    let thoughts = message.reasoning_content.or(reasoning);
    parts.extend(thoughts.and_then(thinking));
    parts.extend(content(message.content)?);
    let refusal = message.refusal.filter(|refusal| !refusal.is_empty());
    parts.extend(refusal.map(Part::Text));
    let mut calls = false;
    for (at, call) in message.tool_calls.into_iter().flatten().enumerate() {
        calls = true;
        let id = call.id.filter(|id| !id.is_empty());
        parts.push(Part::Call(Call {
            id: id.unwrap_or_else(|| Text::of(format!("call_{at}"))),
            name: call.function.name,
            input: object(call.function.arguments.unwrap_or_default())?,
            signature: None,
        }));
    }
    let reason = choice.finish_reason.unwrap_or_default();
    Some(Candidate {
        stop: stop_of(&reason.plain(), calls),
        parts,
    })
}

fn thinking(text: Text<'_>) -> Option<Part<'_>> {
    (!text.is_empty()).then_some(Part::Thinking(Thinking {
        text,
        signature: None,
    }))
}

/// A text, or (Mistral) a list of texts and thoughts.
fn content(given: Option<&RawValue>) -> Option<Vec<Part<'_>>> {
    let Some(given) = given else {
        return Some(Vec::new());
    };
    if let Some(text) = Text::literal(given.get()) {
        let said = (!text.is_empty()).then_some(Part::Text(text));
        return Some(said.into_iter().collect());
    }
    let chunks: Vec<Chunk<'_>> = serde_json::from_str(given.get()).ok()?;
    let mut parts = Vec::new();
    for chunk in chunks {
        let thoughts = chunk.thinking.into_iter().flatten();
        parts.extend(thoughts.filter_map(|words| words.text.and_then(thinking)));
        parts.extend(chunk.text.map(Part::Text));
    }
    Some(parts)
}

/// Writes an answer to a caller.
pub(crate) fn write_answer(answer: &Answer<'_>, reply: &Reply) -> Bytes {
    let mut json = Json::default();
    json.object(|json| {
        json.key("id").text(&answer.id);
        json.key("object").string("chat.completion");
        json.key("created").raw(&reply.created.to_string());
        json.key("model").text(&answer.model);
        json.key("choices").list(|json| {
            for (at, candidate) in answer.candidates.iter().enumerate() {
                json.object(|json| {
                    json.key("index").raw(&at.to_string());
                    json.key("message")
                        .object(|json| write_message(&candidate.parts, json));
                    json.key("logprobs").null();
                    json.key("finish_reason").string(reason_of(&candidate.stop));
                });
            }
        });
        if let Some(quantities) = &answer.usage {
            usage::write(quantities, json.key("usage"));
        }
    });
    json.into_vec().into()
}

fn write_message(parts: &[Part<'_>], json: &mut Json<'_>) {
    let mut words = Vec::new();
    let mut thoughts = Vec::new();
    let mut calls = Vec::new();
    let mut sealed = false;
    for part in parts {
        match part {
            Part::Text(text) => words.push(text.escaped()),
            Part::Thinking(thinking) => {
                sealed |= thinking.signature.is_some();
                thoughts.push(thinking.text.escaped());
            }
            Part::Redacted(_) => sealed = true,
            Part::Call(call) => calls.push(call),
            Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Outcome(_) => {}
        }
    }
    json.key("role").string("assistant");
    if words.is_empty() && !calls.is_empty() {
        json.key("content").null();
    } else {
        json.key("content").joined(&words);
    }
    json.key("refusal").null();
    if thoughts.iter().any(|thought| !thought.is_empty()) {
        json.key("reasoning_content").joined(&thoughts);
    }
    if sealed {
        json.key("thinking_blocks").list(|json| {
            for part in parts {
                write_block(part, json);
            }
        });
    }
    if !calls.is_empty() {
        json.key("tool_calls").list(|json| {
            for call in calls {
                write_call(call, json);
            }
        });
    }
}

/// A sealed thought, as the caller sends it back.
pub(super) fn write_block(part: &Part<'_>, json: &mut Json<'_>) {
    match part {
        Part::Thinking(Thinking {
            text,
            signature: Some(signature),
        }) => json.object(|json| {
            json.key("type").string("thinking");
            json.key("thinking").text(text);
            json.key("signature").text(signature);
        }),
        Part::Redacted(data) => json.object(|json| {
            json.key("type").string("redacted_thinking");
            json.key("data").text(data);
        }),
        _ => {}
    }
}

fn write_call(call: &Call<'_>, json: &mut Json<'_>) {
    json.object(|json| {
        json.key("id").text(&call.id);
        json.key("type").string("function");
        json.key("function").object(|json| {
            json.key("name").text(&call.name);
            json.key("arguments").string(&call.input);
        });
        write_seal(call.signature.as_ref(), json);
    });
}

/// The seal of a call, where Google's own OpenAI-shaped endpoint has it.
pub(super) fn write_seal(signature: Option<&Text<'_>>, json: &mut Json<'_>) {
    if let Some(signature) = signature {
        json.key("extra_content").object(|json| {
            json.key("google")
                .object(|json| json.key("thought_signature").text(signature));
        });
    }
}
