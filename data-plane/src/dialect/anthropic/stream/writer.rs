//! Writes the events of a caller's stream.

use foldgate_proto::Quantities;

use super::super::answer::write_stop;
use super::super::usage;
use super::calls::Calls;
use crate::dialect::{Event, Json, Piece, Stop, Text, WriteStream};

/// Writes the events of one message. Of several candidates it takes the first.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    open: Option<Open>,
    /// Blocks that were begun.
    blocks: u32,
    calls: Calls,
    used: Quantities,
    stop: Option<Stop<'static>>,
}

/// What the open block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    /// Thoughts that are sealed: further ones are another block.
    Sealed,
    Call,
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => self.start(id, model, out),
            Event::Usage(used) => self.used = *used,
            Event::Piece {
                candidate: 0,
                piece,
            } => self.piece(piece, out),
            Event::Stop { candidate: 0, stop } => self.stop = Some(owned(stop)),
            Event::Piece { .. } | Event::Stop { .. } | Event::Error(_) => {}
            Event::End => self.end(out),
            Event::Ping => say("ping", out, |_| {}),
        }
    }
}

impl Writer {
    fn start(&self, id: &Text<'_>, model: &Text<'_>, out: &mut Vec<u8>) {
        say("message_start", out, |json| {
            json.key("message").object(|json| {
                json.key("id").text(id);
                json.key("type").string("message");
                json.key("role").string("assistant");
                json.key("model").text(model);
                json.key("content").list(|_| {});
                json.key("stop_reason").null();
                json.key("stop_sequence").null();
                usage::write(&self.used, json.key("usage"));
            });
        });
    }

    fn piece(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => {
                self.turn_to(Open::Text, out);
                self.delta("text_delta", ("text", text), out);
            }
            Piece::Thinking(text) => {
                self.turn_to(Open::Thinking, out);
                self.delta("thinking_delta", ("thinking", text), out);
            }
            Piece::Signature(seal) => {
                self.turn_to(Open::Thinking, out);
                self.delta("signature_delta", ("signature", seal), out);
                self.open = Some(Open::Sealed);
            }
            Piece::Redacted(data) => {
                self.close_all(out);
                self.block(out, |json| {
                    json.key("type").string("redacted_thinking");
                    json.key("data").text(data);
                });
                self.open = Some(Open::Sealed);
            }
            Piece::Call { call, id, name, .. } if self.calls.is_busy() => {
                self.calls.wait(*call, id, name);
            }
            Piece::Call { call, id, name, .. } => self.call(*call, (id, name), out),
            Piece::Arguments { call, json } => {
                if self.calls.takes(*call, json) {
                    self.delta("input_json_delta", ("partial_json", json), out);
                    self.go_on(out);
                }
            }
        }
    }

    /// Opens a block of this kind, if it is not open.
    fn turn_to(&mut self, kind: Open, out: &mut Vec<u8>) {
        if self.open == Some(kind) {
            return;
        }
        self.close_all(out);
        self.block(out, |json| {
            let (name, field) = match kind {
                Open::Thinking | Open::Sealed => ("thinking", "thinking"),
                Open::Text | Open::Call => ("text", "text"),
            };
            json.key("type").string(name);
            json.key(field).string("");
            if name == "thinking" {
                json.key("signature").string("");
            }
        });
        self.open = Some(kind);
    }

    fn call(&mut self, call: u32, (id, name): (&Text<'_>, &Text<'_>), out: &mut Vec<u8>) {
        self.close(out);
        self.block(out, |json| {
            json.key("type").string("tool_use");
            json.key("id").text(id);
            json.key("name").text(name);
            json.key("input").object(|_| {});
        });
        self.open = Some(Open::Call);
        self.calls.begin(call);
    }

    /// Calls that waited follow the one that is complete.
    fn go_on(&mut self, out: &mut Vec<u8>) {
        while let Some(next) = self.calls.next() {
            self.call(next.call, (&next.id, &next.name), out);
            let quoted = format!("\"{}\"", next.json);
            if let Some(json) = Text::literal(&quoted).filter(|json| !json.is_empty()) {
                self.calls.takes(next.call, &json);
                self.delta("input_json_delta", ("partial_json", &json), out);
            }
        }
    }

    fn block(&self, out: &mut Vec<u8>, members: impl FnOnce(&mut Json<'_>)) {
        say("content_block_start", out, |json| {
            json.key("index").count(self.blocks.into());
            json.key("content_block").object(members);
        });
    }

    fn delta(&self, kind: &str, (field, text): (&str, &Text<'_>), out: &mut Vec<u8>) {
        say("content_block_delta", out, |json| {
            json.key("index").count(self.blocks.into());
            json.key("delta").object(|json| {
                json.key("type").string(kind);
                json.key(field).text(text);
            });
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_none() {
            return;
        }
        say("content_block_stop", out, |json| {
            json.key("index").count(self.blocks.into());
        });
        self.blocks = self.blocks.saturating_add(1);
    }

    /// Closes the open block, and sends what waited before.
    fn close_all(&mut self, out: &mut Vec<u8>) {
        loop {
            self.calls.close();
            self.go_on(out);
            if !self.calls.is_busy() {
                break;
            }
        }
        self.calls.close();
        self.close(out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.close_all(out);
        let stop = self.stop.take().unwrap_or(Stop::End);
        say("message_delta", out, |json| {
            json.key("delta").object(|json| write_stop(&stop, json));
            usage::write(&self.used, json.key("usage"));
        });
        say("message_stop", out, |_| {});
    }
}

/// Appends an event; `members` writes what its data has beside its type.
fn say(name: &str, out: &mut Vec<u8>, members: impl FnOnce(&mut Json<'_>)) {
    let mut json = Json::behind(std::mem::take(out));
    json.around("event: ");
    json.around(name);
    json.around("\ndata: ");
    json.object(|json| {
        json.key("type").string(name);
        members(json);
    });
    json.around("\n\n");
    *out = json.into_vec();
}

fn owned(stop: &Stop<'_>) -> Stop<'static> {
    match stop {
        Stop::Sequence(sequence) => Stop::Sequence(sequence.clone().map(Text::into_owned)),
        Stop::End => Stop::End,
        Stop::MaxTokens => Stop::MaxTokens,
        Stop::Calls => Stop::Calls,
        Stop::Pause => Stop::Pause,
        Stop::Refusal => Stop::Refusal,
        Stop::Filter => Stop::Filter,
        Stop::ContextFull => Stop::ContextFull,
    }
}
