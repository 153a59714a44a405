//! Writes the chunks of a caller's stream.

use foldgate_proto::Quantities;

use super::super::answer::{write_block, write_seal};
use super::super::{reason_of, usage};
use crate::dialect::{Event, Json, Part, Piece, Reply, Text, Thinking, WriteStream};

/// Writes the chunks of one answer.
#[derive(Debug)]
pub(crate) struct Writer {
    reply: Reply,
    /// What every chunk begins with.
    head: String,
    used: Option<Quantities>,
    candidates: Vec<Candidate>,
}

/// What is remembered of a candidate.
#[derive(Debug, Default)]
struct Candidate {
    number: u32,
    /// Calls that have no arguments yet.
    bare: Vec<u32>,
}

impl Writer {
    /// For one answer.
    pub(crate) fn new(reply: Reply) -> Self {
        Self {
            reply,
            head: String::new(),
            used: None,
            candidates: Vec::new(),
        }
    }

    fn begin(&mut self, id: &Text<'_>, model: &Text<'_>) {
        self.head = format!(
            "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":\"{}\",",
            id.escaped(),
            self.reply.created,
            model.escaped(),
        );
    }

    /// A chunk with one choice; `inside` writes its delta.
    fn chunk(
        &self,
        candidate: u32,
        reason: Option<&str>,
        out: &mut Vec<u8>,
        inside: impl FnOnce(&mut Json<'_>),
    ) {
        let mut json = Json::behind(std::mem::take(out));
        json.around(&self.head);
        json.key("choices").list(|json| {
            json.object(|json| {
                json.key("index").count(candidate.into());
                json.key("delta").object(inside);
                json.key("logprobs").null();
                match reason {
                    Some(reason) => json.key("finish_reason").string(reason),
                    None => json.key("finish_reason").null(),
                }
            });
        });
        if self.reply.include_usage {
            json.key("usage").null();
        }
        json.around("}\n\n");
        *out = json.into_vec();
    }

    fn candidate(&mut self, number: u32, out: &mut Vec<u8>) -> &mut Candidate {
        let known = self
            .candidates
            .iter()
            .position(|known| known.number == number);
        let at = known.unwrap_or_else(|| {
            self.chunk(number, None, out, |json| {
                json.key("role").string("assistant");
                json.key("content").string("");
                json.key("refusal").null();
            });
            let bare = Vec::new();
            self.candidates.push(Candidate { number, bare });
            self.candidates.len() - 1
        });
        &mut self.candidates[at]
    }

    fn piece(&mut self, candidate: u32, piece: &Piece<'_>, out: &mut Vec<u8>) {
        let known = self.candidate(candidate, out);
        match piece {
            Piece::Call { call, .. } => known.bare.push(*call),
            Piece::Arguments { call, .. } => known.bare.retain(|bare| bare != call),
            _ => {}
        }
        self.chunk(candidate, None, out, |json| write_piece(piece, json));
    }

    /// A call without arguments has an empty object of them; clients read it as JSON.
    fn stop(&mut self, candidate: u32, reason: &str, out: &mut Vec<u8>) {
        let bare = std::mem::take(&mut self.candidate(candidate, out).bare);
        for call in bare {
            let json = Text::of("{}");
            let piece = Piece::Arguments { call, json };
            self.chunk(candidate, None, out, |json| write_piece(&piece, json));
        }
        self.chunk(candidate, Some(reason), out, |_| {});
    }

    fn end(&self, out: &mut Vec<u8>) {
        if let Some(used) = self.used.filter(|_| self.reply.include_usage) {
            let mut json = Json::behind(std::mem::take(out));
            json.around(&self.head);
            json.key("choices").list(|_| {});
            usage::write(&used, json.key("usage"));
            json.around("}\n\n");
            *out = json.into_vec();
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => self.begin(id, model),
            Event::Usage(used) => self.used = Some(*used),
            Event::Piece { candidate, piece } => self.piece(*candidate, piece, out),
            Event::Stop { candidate, stop } => self.stop(*candidate, reason_of(stop), out),
            Event::End => self.end(out),
            // A comment is what keeps such a stream alive.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(_) => {}
        }
    }
}

fn write_piece(piece: &Piece<'_>, json: &mut Json<'_>) {
    match piece {
        Piece::Text(text) => json.key("content").text(text),
        Piece::Thinking(text) => json.key("reasoning_content").text(text),
        Piece::Signature(seal) => {
            let part = Part::Thinking(Thinking {
                text: Text::default(),
                signature: Some(seal.by_ref()),
            });
            json.key("thinking_blocks")
                .list(|json| write_block(&part, json));
        }
        Piece::Redacted(data) => {
            let part = Part::Redacted(data.by_ref());
            json.key("thinking_blocks")
                .list(|json| write_block(&part, json));
        }
        Piece::Call {
            call,
            id,
            name,
            signature,
        } => tool_call(*call, json, |json| {
            json.key("id").text(id);
            json.key("type").string("function");
            json.key("function").object(|json| {
                json.key("name").text(name);
                json.key("arguments").string("");
            });
            write_seal(signature.as_ref(), json);
        }),
        Piece::Arguments { call, json: piece } => tool_call(*call, json, |json| {
            json.key("function")
                .object(|json| json.key("arguments").text(piece));
        }),
    }
}

fn tool_call(call: u32, json: &mut Json<'_>, members: impl FnOnce(&mut Json<'_>)) {
    json.key("tool_calls").list(|json| {
        json.object(|json| {
            json.key("index").count(call.into());
            members(json);
        });
    });
}
