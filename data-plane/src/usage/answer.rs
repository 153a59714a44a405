//! Usage of a JSON answer that is too large to be held: found in its last
//! bytes, where every known upstream puts it; what a client sent and the upstream says
//! again (metadata) may stand behind it.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde_json::value::RawValue;

use foldgate_domain::price::Tariff;
use foldgate_proto::Quantities;

use super::Usage;
use super::ear::Ear;
use crate::dialect::openai::usage::Made;
use crate::endpoint::Endpoint;
use crate::json::members;

/// How much of an answer's end is kept: metadata of a response, which follow its usage,
/// are 16 pairs of at most 64 and 512 characters, each written with six bytes at most.
const TAIL_BYTES: usize = 64 * 1024;

/// How many objects of that name are looked at for one that counts.
const MOST_TRIES: usize = 64;

/// The last bytes of an answer.
#[derive(Debug)]
pub(crate) struct Tail {
    bytes: BytesMut,
    made: Made,
    /// Counts its text, where that is what is paid for.
    ear: Option<Ear>,
}

impl Tail {
    /// Of an answer of an endpoint's that begins.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let tariff = endpoint.tariff();
        let images = tariff == Tariff::Images;
        Self {
            bytes: BytesMut::new(),
            made: if images { Made::Images } else { Made::Text },
            ear: (tariff == Tariff::Tokens).then(Ear::default),
        }
    }

    /// Takes the next piece of the answer.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        if let Some(ear) = &mut self.ear {
            ear.hear(piece);
        }
        if piece.len() >= TAIL_BYTES {
            self.bytes.clear();
        }
        let from = piece.len().saturating_sub(TAIL_BYTES);
        self.bytes
            .extend_from_slice(piece.get(from..).unwrap_or_default());
        if self.bytes.len() > 2 * TAIL_BYTES {
            let surplus = self.bytes.len() - TAIL_BYTES;
            bytes::Buf::advance(&mut self.bytes, surplus);
        }
    }

    /// How many bytes of text have come.
    pub(crate) fn heard(&self) -> u64 {
        self.ear.as_ref().map_or(0, Ear::heard)
    }

    /// The usage in them: the last member of that name that is an object with counts.
    /// (Within a JSON string its quotes would be escaped; a string of that name, and a
    /// member that is none, have no object behind them.)
    pub(crate) fn usage(&self) -> Option<Usage> {
        let name = b"\"usage\"";
        let objects = memmem::rfind_iter(&self.bytes, name).filter_map(|at| {
            let behind = self.bytes.get(at + name.len()..)?.trim_ascii_start();
            let value = behind.strip_prefix(b":")?.trim_ascii_start();
            value.starts_with(b"{").then_some(value)
        });
        objects.take(MOST_TRIES).find_map(|object| {
            let mut values = serde_json::Deserializer::from_slice(object).into_iter::<&RawValue>();
            Usage::made(values.next()?.ok()?.get(), self.made)
        })
    }
}

/// The usage of a whole JSON answer of an endpoint's.
pub(crate) fn of_whole(endpoint: &Endpoint, answer: &[u8]) -> Option<Usage> {
    let text = std::str::from_utf8(answer).ok()?;
    match endpoint.tariff() {
        Tariff::Free | Tariff::Call => None,
        Tariff::Tokens => {
            let [usage, output] = members(text, &["usage", "output"]).ok()?.values;
            Some(Usage::read(usage?)?.with_searches(output, 0))
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
