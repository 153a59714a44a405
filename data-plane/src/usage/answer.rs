//! Usage of a JSON answer that is too large to be held: found in its last
//! bytes, where every known upstream puts it.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde_json::value::RawValue;

use foldgate_domain::price::Tariff;
use foldgate_proto::Quantities;

use super::Usage;
use crate::dialect::openai::usage::Made;
use crate::endpoint::Endpoint;
use crate::json::members;

/// How much of an answer's end is kept; `usage` and what follows it are far
/// smaller.
const TAIL_BYTES: usize = 16 * 1024;

/// The last bytes of an answer.
#[derive(Debug)]
pub(crate) struct Tail {
    bytes: BytesMut,
    made: Made,
}

impl Tail {
    /// Of an answer of an endpoint's that begins.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let images = Tariff::of_path(endpoint.path) == Tariff::Images;
        Self {
            bytes: BytesMut::new(),
            made: if images { Made::Images } else { Made::Text },
        }
    }

    /// Takes the next piece of the answer.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        if piece.len() >= TAIL_BYTES {
            self.bytes.clear();
        }
        let from = piece.len().saturating_sub(TAIL_BYTES);
        self.bytes
            .extend_from_slice(piece.get(from..).unwrap_or_default());
        if self.bytes.len() > 4 * TAIL_BYTES {
            let surplus = self.bytes.len() - TAIL_BYTES;
            bytes::Buf::advance(&mut self.bytes, surplus);
        }
    }

    /// The usage in them: the last member of that name. (Within a JSON string
    /// its quotes would be escaped.)
    pub(crate) fn usage(&self) -> Option<Usage> {
        let name = b"\"usage\"";
        let at = memmem::rfind(&self.bytes, name)? + name.len();
        let rest = std::str::from_utf8(self.bytes.get(at..)?).ok()?;
        let rest = rest.trim_start().strip_prefix(':')?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        Usage::made(values.next()?.ok()?.get(), self.made)
    }
}

/// The usage of a whole JSON answer of an endpoint's.
pub(crate) fn of_whole(endpoint: &Endpoint, answer: &[u8]) -> Option<Usage> {
    let text = std::str::from_utf8(answer).ok()?;
    match Tariff::of_path(endpoint.path) {
        Tariff::Free | Tariff::Call => None,
        Tariff::Tokens => {
            let [usage] = members(text, &["usage"]).ok()?.values;
            Usage::read(usage?)
        }
        Tariff::Images => {
            let [usage, data] = members(text, &["usage", "data"]).ok()?.values;
            let counted = usage.and_then(|usage| Usage::made(usage, Made::Images));
            let made: Vec<&RawValue> = serde_json::from_str(data?).ok()?;
            Some(counted.unwrap_or_default().with_images(made.len() as u64))
        }
        Tariff::Sound => {
            let [usage, duration] = members(text, &["usage", "duration"]).ok()?.values;
            let counted = usage.and_then(Usage::read);
            counted.or_else(|| seconds(duration?))
        }
        Tariff::Rerank => {
            let [usage, meta] = members(text, &["usage", "meta"]).ok()?.values;
            meta.and_then(Usage::of_rerank)
                .or_else(|| usage.and_then(Usage::of_rerank))
        }
    }
}

/// The length of what was heard, where nothing else is said (`verbose_json`).
fn seconds(duration: &str) -> Option<Usage> {
    let seconds = duration.trim_matches('"').parse().ok()?;
    let length = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    Some(Usage(Quantities {
        sound_ms: u64::try_from(length.as_millis()).ok()?,
        ..Quantities::default()
    }))
}
