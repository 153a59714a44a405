//! Splits a byte stream into server-sent events without changing a byte. The
//! events' raw bytes, put together, are the input, however it was cut into
//! chunks; an event that lies in one chunk is a slice of it.
//!
//! A line ends in LF, CR or CRLF. When a blank line's CR ends an event, the LF
//! that may follow belongs to it, unless the lines end in lone CRs: then the
//! event is over at once.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// One event with its blank line, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its bytes.
    pub(crate) raw: Bytes,
    /// False for a piece of an event that is larger than the splitter holds:
    /// such an event passes unread.
    pub(crate) whole: bool,
    /// Whether a byte order mark may lead it.
    first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// Nothing.
    No,
    /// The CR of a line with content was read; an LF belongs to it.
    Line,
    /// The CR of a blank line was read; an LF belongs to it, then the event ends.
    Blank,
    /// A lone CR ended the event before; an LF is no line of its own.
    Ended,
}

/// The state between two chunks.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing to remember of the bytes before"
)]
pub(crate) struct Splitter {
    held: BytesMut,
    limit: usize,
    pending: Pending,
    line_empty: bool,
    lone_cr: bool,
    oversized: bool,
    first: bool,
}

impl Splitter {
    /// Holds at most about `limit` bytes of an unfinished event.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            held: BytesMut::new(),
            limit,
            pending: Pending::No,
            line_empty: true,
            lone_cr: false,
            oversized: false,
            first: true,
        }
    }

    /// Takes the next chunk and gives every event that it completes to `sink`.
    pub(crate) fn push(&mut self, chunk: &Bytes, mut sink: impl FnMut(Event)) {
        let mut start = 0;
        let mut at = 0;
        while let Some(&next) = chunk.get(at) {
            let pending = std::mem::replace(&mut self.pending, Pending::No);
            if pending != Pending::No {
                let paired = next == b'\n';
                at += usize::from(paired);
                if pending == Pending::Blank {
                    sink(self.complete(chunk, start..at));
                    start = at;
                } else if pending == Pending::Line && paired {
                    self.lone_cr = false;
                }
                continue;
            }
            let Some(hit) = memchr2(b'\n', b'\r', chunk.get(at..).unwrap_or_default()) else {
                self.line_empty = false;
                break;
            };
            let blank = self.line_empty && hit == 0;
            let feed = chunk.get(at + hit) == Some(&b'\n');
            at += hit + 1;
            self.line_empty = true;
            if blank && (feed || self.lone_cr) {
                let cr = !feed;
                sink(self.complete(chunk, start..at));
                start = at;
                if cr {
                    self.pending = Pending::Ended;
                }
            } else if blank {
                self.pending = Pending::Blank;
            } else {
                self.lone_cr = !feed;
                if !feed {
                    self.pending = Pending::Line;
                }
            }
        }
        self.hold(chunk, start, &mut sink);
    }

    /// The bytes of an unfinished event, as far as they are held.
    pub(crate) fn held(&self) -> &[u8] {
        &self.held
    }

    /// What is left when the stream ends: an event without its blank line.
    pub(crate) fn finish(&mut self) -> Option<Event> {
        let rest = self.held.split().freeze();
        (!rest.is_empty()).then(|| self.event(rest))
    }

    fn complete(&mut self, chunk: &Bytes, at: std::ops::Range<usize>) -> Event {
        let raw = if self.held.is_empty() {
            chunk.slice(at)
        } else {
            self.held
                .extend_from_slice(chunk.get(at).unwrap_or_default());
            self.held.split().freeze()
        };
        let event = self.event(raw);
        self.oversized = false;
        self.line_empty = true;
        self.lone_cr = false;
        event
    }

    fn hold(&mut self, chunk: &Bytes, start: usize, sink: &mut impl FnMut(Event)) {
        let rest = chunk.get(start..).unwrap_or_default();
        if self.held.len() + rest.len() > self.limit {
            self.oversized = true;
            self.held.extend_from_slice(rest);
            let raw = self.held.split().freeze();
            let event = self.event(raw);
            sink(event);
        } else {
            self.held.extend_from_slice(rest);
        }
    }

    fn event(&mut self, raw: Bytes) -> Event {
        Event {
            raw,
            whole: !self.oversized,
            first: std::mem::replace(&mut self.first, false),
        }
    }
}

impl Event {
    /// The event's data: the values of its `data` lines, joined by LF. `None`
    /// when it has none (a comment, or another field alone).
    pub(crate) fn data(&self) -> Option<Cow<'_, [u8]>> {
        let mut data: Option<Cow<'_, [u8]>> = None;
        for value in self.lines().filter_map(|line| value_of(line, b"data")) {
            match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(first) => {
                    let joined = first.to_mut();
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                }
            }
        }
        data
    }

    /// The event's name: the value of its last `event` line.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.lines()
            .filter_map(|line| value_of(line, b"event"))
            .last()
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.raw;
        if self.first {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        }
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            Some(line)
        })
    }
}

fn value_of<'l>(line: &'l [u8], field: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(field)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
