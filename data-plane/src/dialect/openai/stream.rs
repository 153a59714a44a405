//! Streams, both ways.

mod writer;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{stop_of, usage};
use crate::dialect::{Event, Piece, ReadStream, Text};
pub(crate) use writer::Writer;

/// The data of a stream's last event.
const DONE: &str = "[DONE]";

/// Reads an upstream's chunks.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    started: bool,
    stopped: bool,
    ended: bool,
    choices: Vec<Choice>,
}

/// The calls of one choice.
#[derive(Debug, Default)]
struct Choice {
    index: u32,
    calls: Vec<Known>,
}

/// A call that has begun.
#[derive(Debug)]
struct Known {
    index: u64,
    id: String,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: Option<Vec<ChoiceIn<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChoiceIn<'a> {
    index: Option<u32>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
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
    index: Option<u64>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

impl ReadStream for Reader {
    fn read(&mut self, name: Option<&[u8]>, data: &str, sink: &mut dyn FnMut(Event<'_>)) {
        if self.ended {
            return;
        }
        if data.trim() == DONE {
            self.ended = true;
            return sink(Event::End);
        }
        let chunk = serde_json::from_str::<Chunk<'_>>(data);
        let told = chunk.as_ref().is_ok_and(|chunk| is_error(chunk.error));
        if told || name == Some(b"error") {
            self.ended = true;
            return sink(Event::Error(data));
        }
        let Ok(chunk) = chunk else {
            return;
        };
        let choices = chunk.choices.unwrap_or_default();
        // Azure's first chunk has none; it does not begin the answer.
        if !self.started && !choices.is_empty() {
            self.started = true;
            sink(Event::Start {
                id: chunk.id.unwrap_or_default(),
                model: chunk.model.unwrap_or_default(),
            });
        }
        for choice in choices {
            self.choice(choice, sink);
        }
        if let Some(used) = chunk.usage.and_then(|usage| usage::read(usage.get())) {
            sink(Event::Usage(used));
        }
    }

    fn finish(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        // Some who do alike forget the last event.
        if self.stopped && !self.ended {
            self.ended = true;
            sink(Event::End);
        }
    }
}

impl Reader {
    fn choice(&mut self, given: ChoiceIn<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let candidate = given.index.unwrap_or(0);
        let delta = given.delta.unwrap_or_default();
        let mut say = |piece: Piece<'_>| sink(Event::Piece { candidate, piece });
        let thought = delta.reasoning_content;
        let thought = thought.or_else(|| delta.reasoning.and_then(literal));
        if let Some(text) = thought.filter(|text| !text.is_empty()) {
            say(Piece::Thinking(text));
        }
        for text in [delta.content.and_then(literal), delta.refusal] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                say(Piece::Text(text));
            }
        }
        let calls = delta.tool_calls.unwrap_or_default();
        let known = of(&mut self.choices, candidate);
        for call in calls {
            known.call(call, &mut say);
        }
        let called = !known.calls.is_empty();
        if let Some(reason) = given.finish_reason.filter(|reason| !reason.is_empty()) {
            self.stopped = true;
            let stop = stop_of(&reason.plain(), called);
            sink(Event::Stop { candidate, stop });
        }
    }
}

fn of(choices: &mut Vec<Choice>, index: u32) -> &mut Choice {
    let at = choices.iter().position(|choice| choice.index == index);
    let at = at.unwrap_or_else(|| {
        let calls = Vec::new();
        choices.push(Choice { index, calls });
        choices.len() - 1
    });
    &mut choices[at]
}

impl Choice {
    /// A call begins with an index, or an id, that was not there before: some count
    /// all calls as the first.
    fn call(&mut self, given: CallIn<'_>, say: &mut dyn FnMut(Piece<'_>)) {
        let function = given.function.unwrap_or_default();
        let id = given.id.filter(|id| !id.is_empty());
        let index = given.index.unwrap_or(match (&id, self.calls.last()) {
            (None, Some(last)) => last.index,
            _ => u64::try_from(self.calls.len()).unwrap_or(u64::MAX),
        });
        let known = self.calls.iter().rposition(|known| {
            let same = id.as_ref().is_none_or(|id| id.escaped() == known.id);
            known.index == index && same
        });
        let at = known.unwrap_or_else(|| {
            let at = self.calls.len();
            let id = id.unwrap_or_else(|| Text::of(format!("call_{at}")));
            say(Piece::Call {
                call: number(at),
                id: id.by_ref(),
                name: function.name.unwrap_or_default(),
                signature: None,
            });
            let id = id.escaped().to_owned();
            self.calls.push(Known { index, id });
            at
        });
        if let Some(json) = function.arguments.filter(|json| !json.is_empty()) {
            let call = number(at);
            say(Piece::Arguments { call, json });
        }
    }
}

fn literal(raw: &RawValue) -> Option<Text<'_>> {
    Text::literal(raw.get())
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether a member `error` speaks of one.
fn is_error(error: Option<&RawValue>) -> bool {
    error.is_some_and(|error| !matches!(error.get(), "null" | "false" | "\"\"" | "{}" | "[]"))
}
