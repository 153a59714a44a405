//! What nodes tell each other beside the log: which keys sleep, and that they
//! live. Reports are state, not configuration; losing one costs a moment.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DecodeError, KeyId, OwnerId, RecordHash, Revision, Timestamp};

/// The greatest encoded report, in bytes.
pub const MAX_REPORT_BYTES: usize = 256 * 1024;

/// The most sleeps one heartbeat repeats.
pub const MAX_HEARTBEAT_SLEEPS: usize = 512;

/// Which life of a key a report speaks of. A report of a lower generation never
/// overrules one of a higher.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Generation {
    /// The revision that set the secret in use.
    pub secret: Revision,
    /// Raised by each wake: an operator's, or a success after half-open.
    pub wake: u64,
}

/// A key (or a key for one model) that a node put to sleep or woke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SleepReport {
    /// Whose key.
    pub owner: OwnerId,
    /// Which key.
    pub key: KeyId,
    /// For this upstream model only; `None` is for all.
    pub model: Option<String>,
    /// Which life of the key.
    pub generation: Generation,
    /// Asleep until then; in the past (or zero) for a wake.
    pub until: Timestamp,
    /// Why.
    pub cause: SleepCause,
    /// The upstream's status, if there was an answer.
    pub status: Option<u16>,
    /// What the upstream said, shortened and without secrets.
    pub detail: String,
    /// Failures in a row that led here.
    pub failures: u32,
    /// A trial after a sleep for the same cause failed the same way.
    pub confirmed: bool,
    /// When the reporting node saw it.
    pub at: Timestamp,
    /// The reporting node.
    pub node: String,
    /// Its region.
    pub region: String,
}

/// Why a key sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SleepCause {
    /// Too many requests or tokens for now.
    RateLimit,
    /// The upstream failed (5xx, 529, 408, 409, a broken answer).
    UpstreamError,
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// The account behind the key has no quota or money left.
    Exhausted,
    /// The credential is refused.
    Dead,
    /// The key does not serve this model.
    NotHere,
    /// Not asleep: an operator, a success or a new secret woke it.
    Awake,
}

impl SleepCause {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::UpstreamError => "upstream_error",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Exhausted => "exhausted",
            Self::Dead => "dead",
            Self::NotHere => "not_here",
            Self::Awake => "awake",
        }
    }
}

impl fmt::Display for SleepCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Both planes in one process.
    Standalone,
    /// Admin writes.
    ControlPlane,
    /// Traffic.
    DataPlane,
}

impl Role {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::ControlPlane => "control-plane",
            Self::DataPlane => "data-plane",
        }
    }
}

/// A node's sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The node's name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// What it does.
    pub role: Role,
    /// The program's version.
    pub version: String,
    /// This run of the process.
    pub boot: Uuid,
    /// When it was sent.
    pub at: Timestamp,
    /// The revision it has folded.
    pub revision: Revision,
    /// The chain hash there.
    pub chain: RecordHash,
    /// The hash of its whole state, at the revision it was last computed for.
    pub state_hash: Option<StateHash>,
    /// Why it stopped folding, if it did.
    pub held: Option<String>,
    /// Its listeners (`host:port`); a provider may not point at one.
    pub listeners: Vec<String>,
    /// Sleeps it caused, so that lost reports heal; at most [`MAX_HEARTBEAT_SLEEPS`].
    pub sleeping: Vec<SleepReport>,
    /// How many keys it holds asleep in all.
    pub sleeping_total: u64,
    /// Where its days begin: a name of the IANA database. Older nodes do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A hash of the whole state, and where in the log it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// The revision it is the hash of.
    pub revision: Revision,
    /// BLAKE3 over the state's bytes.
    pub hash: RecordHash,
    /// The version of the fold that made it; hashes compare only within one.
    pub fold_version: u32,
}

/// Encodes a report: MessagePack with field names.
///
/// # Errors
/// Refuses what the codec cannot write.
pub fn encode<T: Serialize>(report: &T) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    rmp_serde::to_vec_named(report)
}

/// Reads a report. Total: any bytes give a report or an error.
///
/// # Errors
/// Refuses bytes that are no such report, and more than [`MAX_REPORT_BYTES`].
pub fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    rmp_serde::from_slice(bytes).map_err(|e| DecodeError::Codec(e.to_string()))
}
