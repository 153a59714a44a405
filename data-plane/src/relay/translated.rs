//! A stream whose upstream speaks another dialect than its caller: each event is read
//! in the one and written in the other at once.

use bytes::Bytes;

use crate::dialect::{Caller, Event, ReadStream, Translation, WriteStream};
use crate::sse;
use crate::usage::{Usage, text_in};

/// The translation of one stream.
#[derive(Debug)]
pub(super) struct Translated {
    /// What the caller speaks.
    pub(super) to: Caller,
    reader: Box<dyn ReadStream>,
    writer: Box<dyn WriteStream>,
    seen: Seen,
}

/// What has been seen of the stream.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The last usage.
    pub(super) usage: Option<Usage>,
    /// Whether a piece of an answer has come, or the reason why there is none.
    pub(super) begun: bool,
    /// How many bytes of text have come.
    pub(super) heard: u64,
    /// Whether the answer is over.
    pub(super) complete: bool,
    error: Option<String>,
    out: Vec<u8>,
}

impl Translated {
    pub(super) fn new(translation: Translation) -> Self {
        Self {
            to: translation.to,
            reader: translation.from.reader(),
            writer: translation.to.writer(translation.reply),
            seen: Seen::default(),
        }
    }

    /// What has been seen until now.
    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Reads an event; the upstream's error comes back.
    pub(super) fn see(&mut self, event: &sse::Event) -> Option<String> {
        if !event.whole {
            return Some("an event is too large to be translated".to_owned());
        }
        self.seen.heard += text_in(&event.raw);
        let data = event.data()?;
        let data = std::str::from_utf8(&data).ok()?;
        let (seen, writer) = (&mut self.seen, &mut self.writer);
        let mut sink = |event: Event<'_>| seen.take(&event, writer.as_mut());
        self.reader.read(event.name(), data, &mut sink);
        self.seen.error.take()
    }

    /// The connection has ended.
    pub(super) fn finish(&mut self) {
        let (seen, writer) = (&mut self.seen, &mut self.writer);
        let mut sink = |event: Event<'_>| seen.take(&event, writer.as_mut());
        self.reader.finish(&mut sink);
    }

    /// What was written since this was last called.
    pub(super) fn written(&mut self) -> Bytes {
        std::mem::take(&mut self.seen.out).into()
    }
}

impl Seen {
    fn take(&mut self, event: &Event<'_>, writer: &mut dyn WriteStream) {
        match event {
            Event::Error(data) => self.error = Some((*data).to_owned()),
            Event::Usage(used) => self.usage = Some(Usage::from(*used)),
            Event::Piece { .. } | Event::Stop { .. } => self.begun = true,
            Event::End => self.complete = true,
            Event::Start { .. } | Event::Ping => {}
        }
        writer.write(event, &mut self.out);
    }
}
