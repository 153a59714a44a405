//! One event of a stream: what it tells, and how much of it the client sees.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Usage;
use crate::json::{members, range_in};
use crate::sse::Event;

/// What an event holds if there is something to read in it; searchers that are
/// made once, since there are many events.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));

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
}

impl Watch {
    /// Looks at one event.
    pub(crate) fn see(&mut self, event: &Event) -> Keep {
        if !event.whole {
            return Keep::All;
        }
        let raw = &event.raw;
        if USAGE.find(raw).is_some() || ERROR.find(raw).is_some() {
            return self.read(event).unwrap_or(Keep::All);
        }
        Keep::All
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

/// Whether this value of a member `error` speaks of one.
pub(crate) fn is_error(error: Option<&str>) -> bool {
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
