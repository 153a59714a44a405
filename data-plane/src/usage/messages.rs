//! The events of Anthropic's messages: usage comes at the beginning and, cumulative,
//! with what changes in the message; `message_stop` ends it, and no `[DONE]` follows.

use super::chunk::{Keep, Watch, error};
use super::{Says, Usage, text_in};
use crate::json::members;
use crate::sse::Event;

/// Nearly every event.
const DELTA: &[u8] = b"content_block_delta";

impl Watch {
    /// Looks at one event.
    pub(super) fn see_message(&mut self, event: &Event) -> Keep {
        let name = event.name();
        if name == Some(DELTA) {
            self.heard += text_in(&event.raw);
            return Keep::All;
        }
        if name == Some(b"error") {
            return error(event);
        }
        let data = event.data();
        let text = data
            .as_deref()
            .and_then(|data| std::str::from_utf8(data).ok());
        let found = text.and_then(|text| members(text, &["type", "message", "usage"]).ok());
        let [kind, message, usage] = found.map_or([None; 3], |found| found.values);
        match kind {
            Some("\"error\"") => return error(event),
            Some("\"message_stop\"") => {
                self.complete = true;
                self.over = true;
            }
            _ => {}
        }
        let inner = message.and_then(|text| members(text, &["usage"]).ok());
        let inner = inner.and_then(|found| found.values[0]);
        if let Some(said) = &mut self.said
            && let Some(usage) = usage.or(inner)
        {
            said.hear(usage);
            self.usage = said.quantities().map(Usage::from);
        }
        Keep::All
    }
}

/// What an event says, for the question whether an answer has begun: its frame is no
/// part of it, since an error may follow.
pub(super) fn says(event: &Event) -> Says {
    match event.name() {
        Some(b"message_start" | b"ping") => Says::Nothing,
        _ => Says::Something,
    }
}
