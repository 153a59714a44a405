//! A stream of events between upstream and client: split, looked at, edited
//! where it must be. Only whole events go on, so that an answer that breaks off
//! can still end with an event of its own.

use std::ops::Range;

use bytes::Bytes;

use super::join;
use crate::sse::{Event, Splitter};
use crate::usage::{Keep, Usage, Watch};

/// The largest event that is held back until it is whole: an image in base64
/// fits, and what does not passes unread.
const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// Events on their way.
#[derive(Debug)]
pub(crate) struct Flow {
    splitter: Splitter,
    watch: Watch,
    ready: Vec<Bytes>,
    size: usize,
    begun: bool,
    error: Option<String>,
    closed: bool,
}

impl Flow {
    /// A flow that hides usage, or does not.
    pub(crate) fn new(hide: bool) -> Self {
        Self {
            splitter: Splitter::new(MAX_EVENT_BYTES),
            watch: Watch {
                hide,
                ..Watch::default()
            },
            ready: Vec::new(),
            size: 0,
            begun: false,
            error: None,
            closed: false,
        }
    }

    /// Takes a frame of the upstream's.
    pub(crate) fn push(&mut self, frame: &Bytes) {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(0));
        let mut run = Run { frame, at: None };
        splitter.push(frame, |event| self.see(event, &mut run));
        self.add(run.end());
        self.splitter = splitter;
    }

    /// The upstream's stream is over; what it left without a blank line goes on.
    pub(crate) fn finish(&mut self) {
        if let Some(rest) = self.splitter.finish() {
            let frame = rest.raw.clone();
            let mut run = Run {
                frame: &frame,
                at: None,
            };
            self.see(rest, &mut run);
            self.add(run.end());
        }
    }

    /// Whether an event that says something has come (an error does not count).
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The upstream's error, if one came; nothing behind it goes on.
    pub(crate) fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }

    /// Adds a last event.
    pub(crate) fn close_with(&mut self, event: Bytes) {
        self.closed = true;
        self.add(Some(event));
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

    /// The usage seen so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.watch.usage
    }

    fn see(&mut self, event: Event, run: &mut Run<'_>) {
        if self.closed {
            return;
        }
        let keep = self.watch.see(&event);
        if let Keep::Error(data) = keep {
            self.error = Some(data);
            self.closed = true;
            return;
        }
        self.begun = self.begun || !event.whole || event.data().is_some();
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
