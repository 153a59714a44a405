//! Reads a stream of `alt=sse`: each event is an answer as far as it has come. There is
//! no last event; the usage that came last is the whole of it.

use super::answer::{Body, Said, namesake};
use super::{made_id, stop_of};
use crate::dialect::{Event, Part, Piece, ReadStream, Stop, Text};

/// The most candidates that are kept apart; Google makes 8 at most.
const MAX_CANDIDATES: u32 = 16;

/// Reads an upstream's events.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// What ids of calls are made of; `None` until the answer begins.
    name: Option<String>,
    candidates: Vec<State>,
    failed: bool,
}

/// How far a candidate has come.
#[derive(Debug, Default)]
struct State {
    calls: u32,
    ended: bool,
}

impl ReadStream for Reader {
    fn read(&mut self, _: Option<&[u8]>, data: &str, sink: &mut dyn FnMut(Event<'_>)) {
        if self.failed {
            return;
        }
        if is_error(data) {
            self.failed = true;
            return sink(Event::Error(data));
        }
        let Ok(body) = serde_json::from_str::<Body<'_>>(data) else {
            return;
        };
        let is_blocked = body.is_blocked();
        let used = body.usage();
        if body.candidates.is_none() && !is_blocked && used.is_none() {
            return;
        }
        if self.name.is_none() {
            let id = body.response_id.unwrap_or_default();
            self.name = Some(namesake(&id));
            let model = body.model_version.unwrap_or_default();
            if let Some(used) = used {
                // Before the start, which says what was read, as far as that is known.
                sink(Event::Usage(used));
            }
            sink(Event::Start { id, model });
        }
        for said in body.candidates.unwrap_or_default() {
            self.candidate(said, sink);
        }
        if is_blocked && self.candidates.is_empty() {
            self.candidates.push(State {
                calls: 0,
                ended: true,
            });
            let stop = Stop::Filter;
            sink(Event::Stop { candidate: 0, stop });
        }
        if let Some(used) = used {
            sink(Event::Usage(used));
        }
    }

    fn finish(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let complete = self.candidates.iter().all(|state| state.ended);
        if complete && !self.candidates.is_empty() && !self.failed {
            self.failed = true;
            sink(Event::End);
        }
    }
}

impl Reader {
    fn candidate(&mut self, said: Said<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let index = said.index.unwrap_or(0);
        if index >= MAX_CANDIDATES {
            return;
        }
        let name = self.name.clone().unwrap_or_default();
        let Some(state) = state(&mut self.candidates, index) else {
            return;
        };
        if state.ended {
            return;
        }
        let reason = said.finish_reason.as_ref();
        let reason = reason.map(|reason| reason.plain().into_owned());
        let mut say = |piece| {
            let candidate = index;
            sink(Event::Piece { candidate, piece });
        };
        for piece in said.pieces() {
            let call = state.calls;
            match piece.read(made_id(&name, index, call)) {
                Some(Part::Text(text)) => say(Piece::Text(text)),
                Some(Part::Thinking(thinking)) => {
                    if !thinking.text.is_empty() {
                        say(Piece::Thinking(thinking.text));
                    }
                    if let Some(signature) = thinking.signature {
                        say(Piece::Signature(signature));
                    }
                }
                Some(Part::Call(made)) => {
                    state.calls = call.saturating_add(1);
                    say(Piece::Call {
                        call,
                        id: made.id,
                        name: made.name,
                        signature: made.signature,
                    });
                    let json = Text::of(made.input);
                    say(Piece::Arguments { call, json });
                }
                _ => {}
            }
        }
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            state.ended = true;
            let stop = stop_of(&reason, state.calls > 0);
            sink(Event::Stop {
                candidate: index,
                stop,
            });
        }
    }
}

fn state(candidates: &mut Vec<State>, index: u32) -> Option<&mut State> {
    let at = usize::try_from(index).ok()?;
    while candidates.len() <= at {
        candidates.push(State::default());
    }
    candidates.get_mut(at)
}

/// Whether an event is an error, which Google may wrap in a list.
fn is_error(data: &str) -> bool {
    let text = data.trim_start();
    let text = text.strip_prefix('[').map_or(text, str::trim_start);
    let name = text.strip_prefix('{').map(str::trim_start);
    name.is_some_and(|name| name.starts_with("\"error\""))
}
