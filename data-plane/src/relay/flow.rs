//! A stream of events between upstream and client: split, looked at, edited
//! where it must be. Only whole events go on, so that an answer that breaks off
//! can still end with an event of its own.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

use super::join;
use super::translated::Translated;
use crate::dialect::{Caller, Translation};
use crate::endpoint::Streams;
use crate::error::Problem;
use crate::sse::{Event, Splitter};
use crate::usage::{Keep, Says, Usage, Watch};

/// The largest event that is held back until it is whole: an image in base64
/// fits, and what does not passes unread.
const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// Events on their way.
#[derive(Debug)]
pub(crate) struct Flow {
    splitter: Splitter,
    watch: Watch,
    translated: Option<Box<Translated>>,
    ready: Vec<Bytes>,
    size: usize,
    begun: Beginning,
    error: Option<String>,
    closed: bool,
}

/// What a stream's first words were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// None yet.
    Open,
    /// A part of an answer.
    Answer,
    /// Its end, or an empty event: there is no answer.
    Hollow,
}

impl Flow {
    /// A flow of an endpoint's events that hides usage, or does not.
    pub(crate) fn new(streams: Streams, hide: bool) -> Self {
        Self {
            splitter: Splitter::new(MAX_EVENT_BYTES),
            watch: Watch::new(streams, hide),
            translated: None,
            ready: Vec::new(),
            size: 0,
            begun: Beginning::Open,
            error: None,
            closed: false,
        }
    }

    /// A flow of another dialect's events.
    pub(crate) fn translated(translation: Translation) -> Self {
        Self {
            translated: Some(Box::new(Translated::new(translation))),
            ..Self::new(Streams::Never, false)
        }
    }

    /// Takes a frame of the upstream's.
    pub(crate) fn push(&mut self, frame: &Bytes) {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(0));
        let mut run = Run { frame, at: None };
        splitter.push(frame, |event| self.see(event, &mut run));
        self.add(run.end());
        self.splitter = splitter;
        self.add_translated();
    }

    /// The upstream's stream is over; what it left without a blank line goes on,
    /// unless it is half an event of an answer that breaks off there.
    pub(crate) fn finish(&mut self) {
        let rest = self.splitter.finish();
        if self.translated.is_some() {
            return self.finish_translated(rest);
        }
        let Some(rest) = rest else {
            return;
        };
        let (pieces, size) = (self.ready.len(), self.size);
        let frame = rest.raw.clone();
        let mut run = Run {
            frame: &frame,
            at: None,
        };
        self.see(rest, &mut run);
        self.add(run.end());
        if !self.is_complete() {
            self.ready.truncate(pieces);
            self.size = size;
        }
    }

    /// Whether an event that says something has come (an error does not count).
    pub(crate) fn has_begun(&self) -> bool {
        self.begun == Beginning::Answer
    }

    /// Whether the stream ends, or says nothing, where its answer should begin.
    pub(crate) fn is_hollow(&self) -> bool {
        self.begun == Beginning::Hollow
    }

    /// Whether the stream has said that its answer is over.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.translated {
            Some(translated) => translated.seen().complete,
            None => self.watch.complete,
        }
    }

    /// How many bytes have come, before the answer began, that are no part of one.
    pub(crate) fn preamble(&self) -> usize {
        let held = self.splitter.held();
        let data = held.starts_with(b"data")
            || memmem::find(held, b"\ndata").is_some()
            || memmem::find(held, b"\rdata").is_some();
        self.size + if data { 0 } else { held.len() }
    }

    /// The upstream's error, if one came; nothing behind it goes on.
    pub(crate) fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }

    /// Adds a last event, which says what went wrong.
    pub(crate) fn close_with(&mut self, problem: &Problem) {
        self.closed = true;
        let to = self.translated.as_ref().map(|translated| translated.to);
        let messages = to == Some(Caller::Anthropic) || self.watch.is_messages();
        self.add(Some(if messages {
            problem.to_message_event()
        } else if self.watch.is_named() {
            problem.to_named_event()
        } else {
            problem.to_event()
        }));
    }

    /// The id of what the stream brings, as far as it has said.
    pub(crate) fn made(&self) -> Option<&str> {
        Some(&self.watch.made.as_ref()?.id)
    }

    /// Whether that goes on in the background, as it says itself.
    pub(crate) fn is_background(&self) -> bool {
        let made = self.watch.made.as_ref();
        made.is_some_and(|made| made.background)
    }

    /// How many bytes are ready.
    pub(crate) fn ready(&self) -> usize {
        self.size
    }

    /// All that is ready.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        self.size = 0;
        join(&mut self.ready)
    }

    /// Whether the stream has said its last word: nothing is counted behind it.
    pub(crate) fn is_over(&self) -> bool {
        match &self.translated {
            Some(translated) => translated.seen().complete,
            None => self.watch.over,
        }
    }

    /// How many bytes of text have come.
    pub(crate) fn heard(&self) -> u64 {
        match &self.translated {
            Some(translated) => translated.seen().heard,
            None => self.watch.heard,
        }
    }

    /// How many searches have been made.
    pub(crate) const fn searched(&self) -> u64 {
        self.watch.searched
    }

    /// The usage seen so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        match &self.translated {
            Some(translated) => translated.seen().usage,
            None => self.watch.usage,
        }
    }

    fn see_translated(&mut self, event: &Event) {
        let Some(translated) = &mut self.translated else {
            return;
        };
        if let Some(error) = translated.see(event) {
            self.error = Some(error);
            self.closed = true;
        }
        if self.begun == Beginning::Open {
            let seen = translated.seen();
            self.begun = match (seen.begun, seen.complete) {
                (true, _) => Beginning::Answer,
                (false, true) => Beginning::Hollow,
                (false, false) => Beginning::Open,
            };
        }
    }

    fn finish_translated(&mut self, rest: Option<Event>) {
        if let Some(rest) = rest.filter(|_| !self.closed) {
            self.see_translated(&rest);
        }
        if let Some(translated) = self.translated.as_mut().filter(|_| !self.closed) {
            translated.finish();
        }
        self.add_translated();
    }

    /// What was translated goes on.
    fn add_translated(&mut self) {
        let written = self
            .translated
            .as_mut()
            .map(|translated| translated.written());
        self.add(written);
    }

    fn see(&mut self, event: Event, run: &mut Run<'_>) {
        if self.closed {
            return;
        }
        if self.translated.is_some() {
            return self.see_translated(&event);
        }
        let keep = self.watch.see(&event);
        if let Keep::Error(data) = keep {
            self.error = Some(data);
            self.closed = true;
            return;
        }
        if self.begun == Beginning::Open {
            self.begun = match self.watch.says(&event) {
                Says::Nothing => Beginning::Open,
                Says::NoAnswer => Beginning::Hollow,
                Says::Something => Beginning::Answer,
            };
        }
        match keep {
            Keep::All => {
                let before = run.extend(&event.raw);
                self.add(before);
                if !run.holds(&event.raw) {
                    self.add(Some(event.raw));
                }
            }
            Keep::Without(cut) => {
                self.add(run.end());
                let rest = cut.end.min(event.raw.len());
                self.add(Some(event.raw.slice(..cut.start.min(rest))));
                self.add(Some(event.raw.slice(rest..)));
            }
            Keep::Nothing | Keep::Error(_) => self.add(run.end()),
        }
    }

    fn add(&mut self, piece: Option<Bytes>) {
        if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
            self.size += piece.len();
            self.ready.push(piece);
        }
    }
}

/// Neighbouring events of one frame that go on as they are: one piece of it.
struct Run<'f> {
    frame: &'f Bytes,
    at: Option<Range<usize>>,
}

impl Run<'_> {
    /// Takes an event in, if it lies in the frame. What stood before it and is
    /// no neighbour comes back.
    fn extend(&mut self, event: &Bytes) -> Option<Bytes> {
        let Some(place) = self.place(event) else {
            return self.end();
        };
        match &mut self.at {
            Some(at) if at.end == place.start => {
                at.end = place.end;
                None
            }
            _ => {
                let before = self.end();
                self.at = Some(place);
                before
            }
        }
    }

    fn holds(&self, event: &Bytes) -> bool {
        self.place(event).is_some()
    }

    fn end(&mut self) -> Option<Bytes> {
        self.at.take().map(|at| self.frame.slice(at))
    }

    fn place(&self, event: &Bytes) -> Option<Range<usize>> {
        let start = (event.as_ptr() as usize).checked_sub(self.frame.as_ptr() as usize)?;
        let end = start.checked_add(event.len())?;
        (end <= self.frame.len()).then_some(start..end)
    }
}

#[cfg(test)]
mod tests;
