//! Streams, both ways.

mod brackets;
mod calls;
mod writer;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::stop_of;
use super::usage::Said;
use crate::dialect::{Event, Piece, ReadStream, Stop, Text};
pub(crate) use writer::Writer;

/// Reads an upstream's events. What it does not know, it passes over: Anthropic
/// adds events without a new version.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    said: Said,
    blocks: Vec<Block>,
    calls: u32,
    stop: Option<Stop<'static>>,
    ended: bool,
}

/// A block that has begun.
#[derive(Debug)]
struct Block {
    index: u32,
    /// Which call it is, if it is one.
    call: Option<u32>,
    /// Whether its pieces are of a kind that others know.
    known: bool,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    index: Option<u32>,
    #[serde(borrow)]
    content_block: Option<Start<'a>>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'a>>,
}

impl ReadStream for Reader {
    fn read(&mut self, name: Option<&[u8]>, data: &str, sink: &mut dyn FnMut(Event<'_>)) {
        if self.ended {
            return;
        }
        let read = serde_json::from_str::<Data<'_>>(data);
        let told = read.as_ref().is_ok_and(|data| data.r#type.is("error"));
        if told || name == Some(b"error") {
            self.ended = true;
            return sink(Event::Error(data));
        }
        let Ok(data) = read else {
            return;
        };
        match data.r#type.clone().plain().as_ref() {
            "message_start" => self.start(data, sink),
            "content_block_start" => self.block(data, sink),
            "content_block_delta" => self.delta(data, sink),
            "message_delta" => self.message_delta(data, sink),
            "message_stop" => self.end(sink),
            "ping" => sink(Event::Ping),
            _ => {}
        }
    }

    fn finish(&mut self, _: &mut dyn FnMut(Event<'_>)) {}
}

impl Reader {
    fn start(&mut self, data: Data<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(message) = data.message else {
            return;
        };
        sink(Event::Start {
            id: message.id.unwrap_or_default(),
            model: message.model.unwrap_or_default(),
        });
        self.hear(message.usage, sink);
    }

    /// Usage is cumulative, and each event says only some of it.
    fn hear(&mut self, usage: Option<&RawValue>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(usage) = usage else {
            return;
        };
        self.said.hear(usage.get());
        if let Some(used) = self.said.quantities() {
            sink(Event::Usage(used));
        }
    }

    fn block(&mut self, data: Data<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let (Some(index), Some(start)) = (data.index, data.content_block) else {
            return;
        };
        let kind = start.r#type.plain();
        let mut block = Block {
            index,
            call: None,
            known: true,
        };
        let some = |text: &Option<Text<'_>>| text.as_ref().is_some_and(|text| !text.is_empty());
        match kind.as_ref() {
            "text" if some(&start.text) => {
                say(Piece::Text(start.text.unwrap_or_default()), sink);
            }
            "thinking" if some(&start.thinking) => {
                say(Piece::Thinking(start.thinking.unwrap_or_default()), sink);
            }
            "text" | "thinking" => {}
            "redacted_thinking" => {
                say(Piece::Redacted(start.data.unwrap_or_default()), sink);
            }
            "tool_use" => {
                let call = self.calls;
                self.calls = call.saturating_add(1);
                block.call = Some(call);
                let piece = Piece::Call {
                    call,
                    id: start.id.unwrap_or_default(),
                    name: start.name.unwrap_or_default(),
                    signature: None,
                };
                say(piece, sink);
            }
            _ => block.known = false,
        }
        self.blocks.push(block);
    }

    fn delta(&mut self, data: Data<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let (Some(index), Some(delta)) = (data.index, data.delta) else {
            return;
        };
        let block = self.blocks.iter().rev().find(|block| block.index == index);
        let Some(block) = block.filter(|block| block.known) else {
            return;
        };
        if let Some((call, json)) = block.call.zip(delta.partial_json) {
            if !json.is_empty() {
                say(Piece::Arguments { call, json }, sink);
            }
            return;
        }
        let pieces = [
            delta.text.map(Piece::Text),
            delta.thinking.map(Piece::Thinking),
            delta.signature.map(Piece::Signature),
        ];
        for piece in pieces.into_iter().flatten() {
            say(piece, sink);
        }
    }

    fn message_delta(&mut self, data: Data<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let delta = data.delta.unwrap_or_default();
        if let Some(reason) = delta.stop_reason {
            let sequence = delta.stop_sequence.map(Text::into_owned);
            self.stop = Some(stop_of(&reason.plain(), sequence));
        }
        self.hear(data.usage, sink);
    }

    fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        self.ended = true;
        let stop = self.stop.take().unwrap_or(Stop::End);
        sink(Event::Stop { candidate: 0, stop });
        sink(Event::End);
    }
}

fn say(piece: Piece<'_>, sink: &mut dyn FnMut(Event<'_>)) {
    sink(Event::Piece {
        candidate: 0,
        piece,
    });
}
