//! Caller keys: what clients present to call. Only hashes are kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AccountNumber, Blank, CallerKeyId, CallerKeyNumber, JsonText, List, ModelLimit, Rare, Revision,
    Timestamp,
};

/// The SHA-256 of a key that somebody presents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct KeyHash(pub [u8; 32]);

impl From<KeyHash> for serde_bytes::ByteBuf {
    fn from(hash: KeyHash) -> Self {
        Self::from(hash.0.to_vec())
    }
}

impl TryFrom<serde_bytes::ByteBuf> for KeyHash {
    type Error = &'static str;

    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, &'static str> {
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| "a key's hash has 32 bytes")
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({}…)", hex::encode(&self.0[..4]))
    }
}

/// A key that an account may call with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerKey {
    /// Its id for life.
    pub id: CallerKeyId,
    /// Its number within the owner.
    pub number: CallerKeyNumber,
    /// Whose it is.
    pub account: AccountNumber,
    /// A name to show.
    pub name: String,
    /// The hash of the key in force.
    pub hash: KeyHash,
    /// What may be shown of it; empty where nothing but its hash was ever known.
    pub mask: String,
    /// The key before a rotation, while it is still good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<PreviousHash>>,
    /// What it is good for.
    pub terms: Rare<KeyTerms>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The revision that last changed it.
    pub revision: Revision,
}

/// A rotated key's old hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousHash {
    /// The hash.
    pub hash: KeyHash,
    /// From when on it is refused.
    pub until: Timestamp,
}

/// What a caller key is good for, within what its account is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyTerms {
    /// From when on it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Model patterns that may be named; `None` does not restrict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_models: Option<List<String>>,
    /// Requests and tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<ModelLimit>>,
    /// Out of use until it is put back.
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// Requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rps: Option<u64>,
    /// Calls at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// What is kept for the admin API, whose fields these are, and acted upon by
    /// nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<JsonText>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Blank for KeyTerms {
    fn blank() -> &'static Self {
        const {
            &Self {
                expires_at: None,
                allow_models: None,
                limits: None,
                disabled: false,
                rps: None,
                concurrency: None,
                more: None,
            }
        }
    }
}
