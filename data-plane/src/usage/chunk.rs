//! One event of a stream: what it tells, and how much of it the client sees.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use foldgate_domain::failure::from_stream_error;
use memchr::memmem::Finder;

use super::choices::ByChoice;
use super::{Usage, messages, text_in};
use crate::dialect::anthropic;
use crate::endpoint::Streams;
use crate::json::{members, range_in};
use crate::sse::Event;

/// What an event holds if there is something to read in it; searchers that are
/// made once, since there are many events.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));
static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"choices\""));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"finish_reason\""));

/// A finish reason that is none; how nearly every chunk has it.
const UNFINISHED: &[u8] = b"\"finish_reason\":null";

/// The data of a stream's last event.
pub(super) const DONE: &[u8] = b"[DONE]";

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It passes as it is.
    All,
    /// It passes without these bytes.
    Without(Range<usize>),
    /// The client did not ask for it.
    Nothing,
    /// It is an error; the relay says it in its own words. The text is the
    /// event's data.
    Error(String),
}

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whether usage is hidden from the client.
    pub(crate) hide: bool,
    /// The last usage seen.
    pub(crate) usage: Option<Usage>,
    /// Whether the stream has said that its answer is over.
    pub(crate) complete: bool,
    /// Whether it has said its last word: nothing is counted any more.
    pub(crate) over: bool,
    /// What is counted within choices.
    by_choice: ByChoice,
    /// How many bytes of text came.
    pub(crate) heard: u64,
    /// How many searches a response has made.
    pub(crate) searched: u64,
    /// Where `choices` stood in the chunk before: mostly it stands there again.
    choices_at: usize,
    /// How far from its end the finish reason stood.
    finish_from_end: usize,
    /// The events that end it, if its events have names.
    pub(super) ends: Option<&'static [&'static str]>,
    /// What a stream of Anthropic's messages has said of its usage.
    pub(super) said: Option<anthropic::usage::Said>,
    /// What it brings, if its events have names.
    pub(crate) made: Option<Brings>,
}

/// What a stream brings, as its first event says.
#[derive(Debug, Default)]
pub(crate) struct Brings {
    /// Its id.
    pub(crate) id: String,
    /// Whether it goes on in the background.
    pub(crate) background: bool,
}

/// What an event's data amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// It has none.
    Nothing,
    /// It is empty, or only ends the stream.
    NoAnswer,
    /// A part of an answer.
    Something,
}

impl Watch {
    /// At a stream's beginning.
    pub(crate) fn new(streams: Streams, hide: bool) -> Self {
        Self {
            hide,
            ends: match streams {
                Streams::Named(ends) => Some(ends),
                Streams::Never | Streams::Chunks | Streams::Messages => None,
            },
            said: (streams == Streams::Messages).then(Default::default),
            ..Self::default()
        }
    }

    /// Whether its events have names.
    pub(crate) const fn is_named(&self) -> bool {
        self.ends.is_some()
    }

    /// Whether they are of Anthropic's messages.
    pub(crate) const fn is_messages(&self) -> bool {
        self.said.is_some()
    }

    /// What an event says, for the question whether an answer has begun.
    pub(crate) fn says(&self, event: &Event) -> Says {
        if !event.whole {
            return Says::Something;
        }
        match event.data().as_deref().map(<[u8]>::trim_ascii) {
            None => Says::Nothing,
            Some(b"" | DONE) => Says::NoAnswer,
            Some(_) if self.is_messages() => messages::says(event),
            Some(_) => Says::Something,
        }
    }

    /// Looks at one event.
    pub(crate) fn see(&mut self, event: &Event) -> Keep {
        if !event.whole {
            // Nobody read it; it may have said so.
            self.complete = true;
            return Keep::All;
        }
        if let Some(ends) = self.ends {
            return self.see_named(event, ends);
        }
        if self.is_messages() {
            return self.see_message(event);
        }
        let raw = &event.raw;
        if !self.has_choices(raw) {
            return self.see_other(event);
        }
        if !is_plain(raw) && event.name() == Some(b"error") {
            return error(event);
        }
        self.heard += text_in(raw);
        self.complete = self.complete || self.finishes(raw);
        if USAGE.find(raw).is_some() || ERROR.find(raw).is_some() {
            return self.read(event).unwrap_or(Keep::All);
        }
        Keep::All
    }

    /// An event that is no chunk of an answer; there are few.
    fn see_other(&mut self, event: &Event) -> Keep {
        let Some(data) = event.data() else {
            return Keep::All;
        };
        if data.trim_ascii() == DONE {
            self.complete = true;
            self.over = true;
            return Keep::All;
        }
        if event.name() == Some(b"error") || from_stream_error(&data).is_some() {
            return error(event);
        }
        self.read(event).unwrap_or(Keep::All)
    }

    fn has_choices(&mut self, raw: &[u8]) -> bool {
        let name = CHOICES.needle();
        let here = raw.get(self.choices_at..self.choices_at.saturating_add(name.len()));
        if here == Some(name) {
            return true;
        }
        let Some(at) = CHOICES.find(raw) else {
            return false;
        };
        self.choices_at = at;
        true
    }

    /// Whether a choice of the chunk has a finish reason.
    fn finishes(&mut self, raw: &[u8]) -> bool {
        let usual = raw.len().saturating_sub(self.finish_from_end);
        let end = raw.get(usual..).unwrap_or_default();
        if end.starts_with(UNFINISHED) {
            // Of several choices in one chunk this is the last; one before it that
            // is finished does not end the stream.
            return false;
        }
        let mut rest = raw.get(self.choices_at..).unwrap_or_default();
        while let Some(at) = FINISH.find(rest) {
            let behind = rest.get(at + FINISH.needle().len()..).unwrap_or_default();
            let value = behind.trim_ascii_start();
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii_start();
            if !value.starts_with(b"null") && !value.starts_with(b"\"\"") {
                return true;
            }
            self.finish_from_end = rest.len() - at;
            rest = behind;
        }
        false
    }

    /// `None` when the event is not of the shape that is known: it passes.
    fn read(&mut self, event: &Event) -> Option<Keep> {
        let data = event.data()?;
        let text = std::str::from_utf8(&data).ok()?;
        let found = members(text, &["usage", "choices", "error"]).ok()?;
        let [usage, choices, error] = found.values;
        if found.duplicate.is_some() {
            return None;
        }
        if is_error(error) {
            return Some(Keep::Error(text.to_owned()));
        }
        if usage.is_none_or(|usage| usage == "null")
            && let Some(choices) = choices
        {
            self.by_choice.read(choices);
            self.usage = self.by_choice.all().or(self.usage);
        }
        let usage = usage?;
        if usage != "null" {
            if let Some(usage) = Usage::read(usage) {
                self.usage = Some(usage);
            }
            let alone = choices.is_some_and(is_empty_array);
            return Some(if alone && self.hide {
                Keep::Nothing
            } else {
                Keep::All
            });
        }
        let Cow::Borrowed(line) = &data else {
            return None;
        };
        if !self.hide {
            return None;
        }
        let member = member_around(text, &range_in(text, usage))?;
        let offset = (line.as_ptr() as usize).checked_sub(event.raw.as_ptr() as usize)?;
        Some(Keep::Without(member.start + offset..member.end + offset))
    }
}

/// Whether an event is one line of data, as nearly all are.
fn is_plain(raw: &[u8]) -> bool {
    raw.starts_with(b"data:") && (raw.ends_with(b"}\n\n") || raw.ends_with(b"}\r\n\r\n"))
}

/// The event as an error, in the words it has.
pub(super) fn error(event: &Event) -> Keep {
    let data = event.data().unwrap_or_default();
    Keep::Error(String::from_utf8_lossy(&data).into_owned())
}

/// Whether this value of a member `error` speaks of one.
pub(super) fn is_error(error: Option<&str>) -> bool {
    error.is_some_and(|error| !matches!(error, "null" | "false" | "\"\"" | "{}" | "[]"))
}

fn is_empty_array(value: &str) -> bool {
    value
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim_start() == "]")
}

/// The member `"usage": <value>` with one of the commas beside it.
fn member_around(text: &str, value: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..value.start)?.trim_end().strip_suffix(':')?;
    let before = before.trim_end().strip_suffix("\"usage\"")?;
    let lead = before.trim_end();
    if let Some(lead) = lead.strip_suffix(',') {
        return Some(lead.len()..value.end);
    }
    let rest = text.get(value.end..)?;
    let after = rest.trim_start();
    let end = match after.strip_prefix(',') {
        Some(after) => text.len() - after.len(),
        None => value.end,
    };
    Some(before.len()..end)
}
