//! Usage of a JSON answer that is too large to be held: found in its last
//! bytes, where every known upstream puts it.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde_json::value::RawValue;

use super::Usage;
use crate::json::members;

/// How much of an answer's end is kept; `usage` and what follows it are far
/// smaller.
const TAIL_BYTES: usize = 16 * 1024;

/// The last bytes of an answer.
#[derive(Debug, Default)]
pub(crate) struct Tail(BytesMut);

impl Tail {
    /// Takes the next piece of the answer.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        if piece.len() >= TAIL_BYTES {
            self.0.clear();
        }
        let from = piece.len().saturating_sub(TAIL_BYTES);
        self.0
            .extend_from_slice(piece.get(from..).unwrap_or_default());
        if self.0.len() > 4 * TAIL_BYTES {
            let surplus = self.0.len() - TAIL_BYTES;
            bytes::Buf::advance(&mut self.0, surplus);
        }
    }

    /// The usage in them: the last member of that name. (Within a JSON string
    /// its quotes would be escaped.)
    pub(crate) fn usage(&self) -> Option<Usage> {
        let name = b"\"usage\"";
        let at = memmem::rfind(&self.0, name)? + name.len();
        let rest = std::str::from_utf8(self.0.get(at..)?).ok()?;
        let rest = rest.trim_start().strip_prefix(':')?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        Usage::read(values.next()?.ok()?.get())
    }
}

/// The usage of a whole JSON answer.
pub(crate) fn of_whole(answer: &[u8]) -> Option<Usage> {
    let text = std::str::from_utf8(answer).ok()?;
    let [usage] = members(text, &["usage"]).ok()?.values;
    Usage::read(usage?)
}
