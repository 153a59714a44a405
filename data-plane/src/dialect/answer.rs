//! An answer, whole or in events, in no vendor's words.

use foldgate_proto::Quantities;

use super::{Part, Text};

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer<'a> {
    /// The vendor's id of it; may be empty.
    pub(crate) id: Text<'a>,
    /// The model, as the vendor names it; may be empty.
    pub(crate) model: Text<'a>,
    /// The answers: one, unless more were asked for.
    pub(crate) candidates: Vec<Candidate<'a>>,
    /// What it cost; `None` when the vendor does not say.
    pub(crate) usage: Option<Quantities>,
}

/// One of the answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate<'a> {
    /// Text, thoughts and calls, in order; may be empty.
    pub(crate) parts: Vec<Part<'a>>,
    /// Why it ends.
    pub(crate) stop: Stop<'a>,
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop<'a> {
    /// The model was done.
    End,
    /// As many tokens as were allowed.
    MaxTokens,
    /// A text at which it was to end; which one, where the vendor says.
    Sequence(Option<Text<'a>>),
    /// Functions are to be called.
    Calls,
    /// A long turn was paused; the caller may send it back to go on.
    Pause,
    /// The model declines.
    Refusal,
    /// A filter of the vendor's cut it.
    Filter,
    /// The model's context is full.
    ContextFull,
}

/// One step of an answer that is streamed. A reader says them in this order:
/// `Start` first, then parts, then `Stop` (of each candidate), then `End`; `Usage`
/// may come anywhere between. Nothing else follows an `Error`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event<'a> {
    /// The answer begins.
    Start {
        /// The vendor's id of it; may be empty.
        id: Text<'a>,
        /// The model, as the vendor names it; may be empty.
        model: Text<'a>,
    },
    /// What it cost until now: all of it, not what came since the last.
    Usage(Quantities),
    /// A piece of a candidate.
    Piece {
        /// Which candidate, from zero.
        candidate: u32,
        /// The piece.
        piece: Piece<'a>,
    },
    /// A candidate ends.
    Stop {
        /// Which candidate, from zero.
        candidate: u32,
        /// Why.
        stop: Stop<'a>,
    },
    /// The answer is complete.
    End,
    /// Nothing, so that the connection lives.
    Ping,
    /// The upstream's error, as it stands in its event.
    Error(&'a str),
}

/// A piece of an answer. Pieces of one kind that follow each other are one part;
/// a writer that needs beginnings and ends makes them itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Words.
    Text(Text<'a>),
    /// Thoughts.
    Thinking(Text<'a>),
    /// The seal on the thoughts before it, which end here.
    Signature(Text<'a>),
    /// Thoughts that only the vendor reads; whole.
    Redacted(Text<'a>),
    /// A call begins.
    Call {
        /// Which call of this candidate, from zero.
        call: u32,
        /// What the outcome will refer to.
        id: Text<'a>,
        /// The function.
        name: Text<'a>,
        /// The vendor's seal on the thoughts that led to it (Gemini).
        signature: Option<Text<'a>>,
    },
    /// A piece of a call's arguments, which together are a JSON object; none at
    /// all means an empty one.
    Arguments {
        /// Which call of this candidate.
        call: u32,
        /// The piece.
        json: Text<'a>,
    },
}

/// Reads the events of one upstream's stream.
pub(crate) trait ReadStream: Send + Sync + std::fmt::Debug {
    /// Reads the data of one event, and its name if it has one. What is no event
    /// of the dialect is passed over.
    fn read(&mut self, name: Option<&[u8]>, data: &str, sink: &mut dyn FnMut(Event<'_>));

    /// The connection ended; a dialect whose streams have no last event says
    /// `End` now, if its answer was complete.
    fn finish(&mut self, sink: &mut dyn FnMut(Event<'_>));
}

/// Writes the events of one caller's stream.
pub(crate) trait WriteStream: Send + Sync + std::fmt::Debug {
    /// Appends what an event is in the caller's dialect; may be nothing. `Error`
    /// is not for it to write: an error's words are the relay's.
    fn write(&mut self, event: &Event<'_>, out: &mut Vec<u8>);
}
