//! What a session is about, as far as it is paid for: heard from the events of both
//! ends, of which nothing is kept but counts.
//!
//! A response is counted by its provider, in `response.done`. One that is under way when
//! the session ends is not; it is estimated by what was heard of it:
//!
//! | what | counts |
//! |---|---|
//! | sound that was committed since the response before | a token for 100 ms, as audio read |
//! | what else the client said since then | a token for 4 bytes, as text read |
//! | what the response before had read and written | the same, as read from the cache |
//! | sound of the answer | a token for 50 ms, as audio written |
//! | text of the answer, its transcript and its calls | a token for 4 bytes, as text written |
//!
//! Sound that no response came of is not paid for, so it does not count either. That it
//! is written down is paid for beside it: as the provider counts it, and where it does not
//! (the first sessions' events had no usage) or the session ends before it has, by the
//! length of the sound that was committed.

use foldgate_proto::Quantities;
use serde_json::Value;

use super::frames::Close;
use crate::account::bill::{BYTES_PER_TOKEN, text_bytes};
use crate::json::{Members, members, strings};
use crate::usage::Usage;

/// Milliseconds of sound in a token: of what is heard, and of what is said.
/// (OpenAI, "Managing costs" of the Realtime API.)
const HEARD_MS: u64 = 100;
const SAID_MS: u64 = 50;

/// Bytes in a millisecond of PCM, of 16 bits at 24 kHz, and of G.711.
const PCM: u64 = 48;
const G711: u64 = 8;

/// The most models that one event may name.
const MAX_MODELS: usize = 16;

/// The most pieces of sound that one item holds.
const MAX_PIECES: usize = 64;

/// Events of a client's that name no model.
const PLAIN: [&str; 4] = [
    "input_audio_buffer.append",
    "conversation.item.create",
    "response.create",
    "response.cancel",
];

/// What is to be paid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Used {
    /// A response is over.
    Response(Quantities),
    /// What was heard is written down, by this model if it is known.
    Transcript(Option<String>, Quantities),
    /// The same, by a model that is known, of which nobody counted what it used.
    Uncounted(String, Quantities),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Talk {
    /// Bytes in a millisecond of what is heard, and of what is said.
    formats: (u64, u64),
    /// The model that writes down what is heard.
    transcriber: Option<String>,
    /// Milliseconds of sound that the client sent in all, and how many of them are
    /// committed or dropped.
    sent_ms: u64,
    taken_ms: u64,
    /// Bytes that were sent of a millisecond that is not whole.
    rest: u64,
    /// Milliseconds of it that are committed and not written down yet.
    untold_ms: u64,
    /// What was said since the last response.
    turn_ms: u64,
    turn_bytes: u64,
    /// What came of the response under way.
    answer_sound: u64,
    answer_bytes: u64,
    /// What the last response used.
    last: Quantities,
    /// Whether a response is asked for that did not begin.
    asked: bool,
    /// How many have begun and are not over.
    open: u64,
    /// Whether a response ended that nobody counted.
    pub(super) guessed: bool,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            formats: (PCM, PCM),
            transcriber: None,
            sent_ms: 0,
            taken_ms: 0,
            untold_ms: 0,
            rest: 0,
            turn_ms: 0,
            turn_bytes: 0,
            answer_sound: 0,
            answer_bytes: 0,
            last: Quantities::default(),
            asked: false,
            open: 0,
            guessed: false,
        }
    }
}

impl Talk {
    /// Hears an event of the client's. Every model that it wants the session to use must
    /// be one that `allows`.
    ///
    /// # Errors
    /// One is not, or cannot be read.
    pub(super) fn hear_client(
        &mut self,
        event: &[u8],
        allows: impl Fn(&str) -> bool,
    ) -> Result<(), Close> {
        // Providers may read what is no UTF-8 in their own way: names are looked for.
        let text = String::from_utf8_lossy(event);
        let found = members(&text, &["type", "audio"]).ok();
        let found = found.filter(|found| found.duplicate.is_none());
        let [kind, audio] = found.map_or([None; 2], |found| found.values);
        let kind = word(kind);
        let is_plain = kind.as_deref().is_some_and(|kind| PLAIN.contains(&kind));
        if !is_plain {
            let models = strings(&text, &["model"], MAX_MODELS).map_err(|_| Close::REFUSED)?;
            if models.len() == MAX_MODELS || !models.iter().all(|model| allows(model)) {
                return Err(Close::REFUSED);
            }
        }
        match kind.as_deref() {
            Some("input_audio_buffer.append") => self.append(audio),
            Some("input_audio_buffer.commit") => self.commit(),
            Some("input_audio_buffer.clear") => self.taken_ms = self.sent_ms,
            Some("response.create") => {
                self.asked = true;
                self.say(&text);
            }
            Some("conversation.item.create" | "session.update") => self.say(&text),
            _ => {}
        }
        Ok(())
    }

    /// Hears an event of the provider's.
    pub(super) fn hear_provider(&mut self, event: &[u8]) -> Option<Used> {
        let text = std::str::from_utf8(event).ok()?;
        let names = [
            "type",
            "delta",
            "response",
            "session",
            "usage",
            "audio_start_ms",
        ];
        let Members { values, .. } = members(text, &names).ok()?;
        let [kind, delta, response, session, usage, start] = values;
        match word(kind)?.as_str() {
            "response.created" => {
                self.asked = false;
                self.open = self.open.saturating_add(1);
            }
            "response.done" => return self.done(response),
            "error" => self.asked = false,
            "session.created"
            | "session.updated"
            | "transcription_session.created"
            | "transcription_session.updated" => self.set(session?),
            "input_audio_buffer.speech_started" => {
                let start = start.and_then(|start| start.parse().ok()).unwrap_or(0);
                self.taken_ms = self.taken_ms.max(u64::min(start, self.sent_ms));
            }
            "input_audio_buffer.committed" => self.commit(),
            "conversation.item.input_audio_transcription.completed" => {
                let Some(Usage(used)) = usage.and_then(Usage::read) else {
                    return self.untold();
                };
                self.untold_ms = 0;
                return Some(Used::Transcript(self.transcriber.clone(), used));
            }
            "response.output_audio.delta" | "response.audio.delta" => {
                let sound = delta.map_or(0, decoded);
                self.answer_sound = self.answer_sound.saturating_add(sound);
            }
            kind if is_delta(kind) => {
                let bytes = delta.map_or(0, |delta| delta.len().saturating_sub(2) as u64);
                self.answer_bytes = self.answer_bytes.saturating_add(bytes);
            }
            _ => {}
        }
        None
    }

    /// What is being written down and nobody has counted, now taken for counted.
    pub(super) fn untold(&mut self) -> Option<Used> {
        let sound_ms = std::mem::take(&mut self.untold_ms);
        let model = self.transcriber.clone().filter(|_| sound_ms > 0)?;
        let used = Quantities {
            sound_ms,
            ..Quantities::default()
        };
        Some(Used::Uncounted(model, used))
    }

    /// What a response has used, about, that is under way; `None` where none is.
    pub(super) fn unfinished(&self) -> Option<Quantities> {
        (self.asked || self.open > 0).then(|| self.estimate())
    }

    fn estimate(&self) -> Quantities {
        let last = &self.last;
        let text = Quantities {
            input_audio: 0,
            cached_audio: 0,
            output_audio: 0,
            reasoning: 0,
            ..*last
        };
        let sound = [last.input_audio, last.cached_audio, last.output_audio];
        let (_, spoken) = self.formats;
        Quantities {
            input: self.turn_bytes.div_ceil(BYTES_PER_TOKEN),
            cached: text.read().saturating_add(text.written()),
            input_audio: self.turn_ms.div_ceil(HEARD_MS),
            cached_audio: sound.into_iter().fold(0, u64::saturating_add),
            output: self.answer_bytes.div_ceil(BYTES_PER_TOKEN),
            output_audio: self.answer_sound.div_ceil(spoken * SAID_MS),
            ..Quantities::default()
        }
    }

    fn done(&mut self, response: Option<&str>) -> Option<Used> {
        let usage = response.and_then(|response| members(response, &["usage"]).ok());
        let [usage] = usage.map_or([None], |found| found.values);
        let counted = usage.and_then(Usage::read).map(|Usage(used)| used);
        let was_heard = self.answer_sound > 0 || self.answer_bytes > 0;
        let used = counted.or_else(|| {
            self.guessed |= was_heard;
            was_heard.then(|| self.estimate())
        });
        self.open = self.open.saturating_sub(1);
        self.last = used.unwrap_or(self.last);
        (self.turn_ms, self.turn_bytes) = (0, 0);
        (self.answer_sound, self.answer_bytes) = (0, 0);
        used.map(Used::Response)
    }

    /// What a provider says of the session.
    fn set(&mut self, session: &str) {
        let Ok(session) = serde_json::from_str::<Value>(session) else {
            return;
        };
        let at = |one: &str, other: &str| session.pointer(one).or_else(|| session.pointer(other));
        let format = |one: &str, other: &str| match at(one, other) {
            Some(Value::Object(format)) => format.get("type").and_then(Value::as_str),
            other => other.and_then(Value::as_str),
        };
        let bytes = |format: Option<&str>| match format {
            Some("g711_ulaw" | "g711_alaw" | "audio/pcmu" | "audio/pcma") => G711,
            _ => PCM,
        };
        let heard = format("/audio/input/format", "/input_audio_format");
        let said = format("/audio/output/format", "/output_audio_format");
        self.formats = (bytes(heard), bytes(said));
        let model = at(
            "/audio/input/transcription/model",
            "/input_audio_transcription/model",
        );
        self.transcriber = model.and_then(Value::as_str).map(str::to_owned);
    }

    fn append(&mut self, audio: Option<&str>) {
        let (heard, _) = self.formats;
        let bytes = self.rest.saturating_add(audio.map_or(0, decoded));
        self.sent_ms = self.sent_ms.saturating_add(bytes / heard);
        self.rest = bytes % heard;
    }

    /// What was sent until now is said.
    fn commit(&mut self) {
        let more = self.sent_ms.saturating_sub(self.taken_ms);
        self.turn_ms = self.turn_ms.saturating_add(more);
        self.untold_ms = self.untold_ms.saturating_add(more);
        self.taken_ms = self.sent_ms;
    }

    /// Something is said in an event: text, and sound beside it.
    fn say(&mut self, event: &str) {
        let pieces = strings(event, &["audio"], MAX_PIECES).unwrap_or_default();
        let sound: usize = pieces.iter().map(String::len).sum();
        let (heard, _) = self.formats;
        let more = (sound as u64) / 4 * 3 / heard;
        self.turn_ms = self.turn_ms.saturating_add(more);
        let bytes = text_bytes(event.as_bytes()).saturating_sub(sound as u64);
        self.turn_bytes = self.turn_bytes.saturating_add(bytes);
    }
}

/// Whether an event brings a piece of an answer.
fn is_delta(kind: &str) -> bool {
    kind.strip_prefix("response.")
        .is_some_and(|rest| rest.rsplit('.').next() == Some("delta"))
}

/// What a string is; `None` of anything else.
fn word(json: Option<&str>) -> Option<String> {
    json.and_then(|json| serde_json::from_str(json).ok())
}

/// How many bytes a string of base64 stands for.
fn decoded(json: &str) -> u64 {
    json.len().saturating_sub(2) as u64 / 4 * 3
}

#[cfg(test)]
mod tests;
