//! Identifiers and positions. Each is a type of its own, so that a key's number
//! never stands where an account's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// A tenant: the root account that owns keys, configuration and accounts.
    OwnerId
}
uuid_id! {
    /// A provider key, for life: survives changes of its secret.
    KeyId
}
uuid_id! {
    /// An account, for life.
    AccountId
}
uuid_id! {
    /// A caller key, for life: survives its rotations.
    CallerKeyId
}
uuid_id! {
    /// An admin key.
    AdminKeyId
}
uuid_id! {
    /// A news item.
    NewsId
}
uuid_id! {
    /// A definition, for life.
    DefinitionId
}
uuid_id! {
    /// One record of the log (UUID v7); what settles an append of unknown outcome.
    RecordId
}
uuid_id! {
    /// One log, for ever: drawn when the log is created, copied by mirrors and imports.
    LogId
}
number! {
    /// An account's number, unique over all owners (DNA paths are made of them).
    AccountNumber
}
number! {
    /// A provider key's number, unique within its owner; what `/x-keys` shows as `ID`.
    KeyNumber
}
number! {
    /// A news item's number, unique within its owner.
    NewsNumber
}
number! {
    /// A caller key's number, unique within its owner.
    CallerKeyNumber
}
number! {
    /// An admin key's number, unique within its owner.
    AdminKeyNumber
}
number! {
    /// A definition's number, unique within its owner over all kinds.
    DefinitionNumber
}
number! {
    /// A position in the log. The first record stands at 1; 0 is the empty log.
    Revision
}

impl Revision {
    /// Before the first record.
    pub const ZERO: Self = Self(0);
}

/// A pool of provider keys: a whole number from 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Level(u16);

impl Level {
    /// The greatest Level.
    pub const MAX: u16 = 9999;

    /// The Level with this number, if there may be one.
    pub fn new(number: u64) -> Option<Self> {
        u16::try_from(number)
            .ok()
            .filter(|n| *n <= Self::MAX)
            .map(Self)
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A Level outside 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Level is a whole number from 0 to {}", Level::MAX)]
pub struct LevelOutOfRange;

impl TryFrom<u64> for Level {
    type Error = LevelOutOfRange;

    fn try_from(number: u64) -> Result<Self, LevelOutOfRange> {
        Self::new(number).ok_or(LevelOutOfRange)
    }
}

impl From<Level> for u64 {
    fn from(level: Level) -> Self {
        Self::from(level.0)
    }
}

impl FromStr for Level {
    type Err = LevelOutOfRange;

    fn from_str(text: &str) -> Result<Self, LevelOutOfRange> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(LevelOutOfRange);
        }
        text.parse().ok().and_then(Self::new).ok_or(LevelOutOfRange)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The BLAKE3 hash of a record's stored bytes; a link of the log's chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct RecordHash(pub [u8; 32]);

impl RecordHash {
    /// The hash of stored bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }

    /// What the first record of a log names as its predecessor.
    pub fn genesis(log: LogId) -> Self {
        Self::of(log.0.as_bytes())
    }
}

impl From<RecordHash> for serde_bytes::ByteBuf {
    fn from(hash: RecordHash) -> Self {
        Self::from(hash.0.to_vec())
    }
}

impl TryFrom<serde_bytes::ByteBuf> for RecordHash {
    type Error = &'static str;

    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, &'static str> {
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| "a record hash has 32 bytes")
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| "a record hash has 64 hex digits")?;
        Ok(Self(bytes))
    }
}
