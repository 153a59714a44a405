//! What nodes tell each other of rate limits: how much each has let through. The
//! counts are cumulative, so that losing a message, or hearing one twice or late,
//! does no harm. Core NATS carries them; nothing keeps them.

use serde::{Deserialize, Serialize};

use crate::DecodeError;

/// The greatest encoded message, in bytes.
pub const MAX_COUNTS_BYTES: usize = 64 * 1024;

/// The most counts of one message; encoded, they stay below [`MAX_COUNTS_BYTES`].
pub const MAX_COUNTS: usize = 1000;

/// What is limited: a hash of what names it, so that it is small and tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct LimitId(pub [u8; 16]);

impl From<LimitId> for serde_bytes::ByteBuf {
    fn from(id: LimitId) -> Self {
        Self::from(id.0.to_vec())
    }
}

impl TryFrom<serde_bytes::ByteBuf> for LimitId {
    type Error = &'static str;

    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, &'static str> {
        <[u8; 16]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| "what is limited has an id of 16 bytes")
    }
}

/// What a node has let through, or a region, for which one of its nodes speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The node that speaks.
    pub node: String,
    /// Its region.
    pub region: String,
    /// When this run of it began, in milliseconds since 1970.
    pub life: u64,
    /// Grows with each message of this run.
    pub seq: u64,
    /// For how many nodes of the region it speaks; `None` is for itself alone.
    pub nodes: Option<u32>,
    /// It has just come and asks for all that is counted.
    pub hello: bool,
    /// The counts that changed.
    pub counts: Vec<Count>,
}

/// What was let through of one limited thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What is limited.
    pub id: LimitId,
    /// Requests or tokens, and over which time.
    pub kind: u8,
    /// When this count began, in milliseconds of the run.
    pub born: u64,
    /// All that was let through since then, less what was given back.
    pub total: i64,
    /// What of it counts now: in the time that slides, or on this day.
    pub window: u64,
    /// Of a day, which (counted from 1970); 0 for a time that slides.
    pub day: u32,
    /// How many calls lately wanted to be let through.
    pub wants: u32,
}

/// Encodes a message: MessagePack without field names.
///
/// # Errors
/// Refuses what the codec cannot write.
pub fn encode(counts: &Counts) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    rmp_serde::to_vec(counts)
}

/// Reads a message. Total: any bytes give a message or an error.
///
/// # Errors
/// Refuses bytes that are no such message, and more than [`MAX_COUNTS_BYTES`].
pub fn decode(bytes: &[u8]) -> Result<Counts, DecodeError> {
    if bytes.len() > MAX_COUNTS_BYTES {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    rmp_serde::from_slice(bytes).map_err(|e| DecodeError::Codec(e.to_string()))
}

#[cfg(test)]
mod tests;
