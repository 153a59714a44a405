//! The record: one decision, as one entry of the log.

use serde::{Deserialize, Serialize};

use crate::{Event, OwnerId, RecordHash, RecordId, Timestamp};

/// The newest record schema this code writes and reads.
pub const SCHEMA: u16 = 1;

/// The greatest encoded record, in bytes: half of NATS's default payload limit.
pub const MAX_BYTES: usize = 512 * 1024;

/// How deep a record may nest; far above what any event needs.
const MAX_DEPTH: usize = 64;

/// One decision: who asked for what, when, and the events it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unique id (UUID v7), drawn once per decision.
    pub id: RecordId,
    /// The schema it was written in.
    pub schema: u16,
    /// The version of the program that wrote it.
    pub writer_version: String,
    /// When it was decided; never earlier than the record before it.
    pub at: Timestamp,
    /// The tenant it belongs to.
    pub owner: OwnerId,
    /// Who asked.
    pub actor: Actor,
    /// From which network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Why, in the actor's own words (at most 500 characters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The client's own retry key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// The command's name, imperative (`AddKey`).
    pub command: String,
    /// Hash of the record before it; of the log's id for the first.
    pub prev: RecordHash,
    /// What happened.
    pub events: Vec<Event>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Which one: an account's name, a node's name.
    pub name: String,
}

impl Actor {
    /// Foldgate itself.
    pub fn system(name: impl Into<String>) -> Self {
        Self {
            kind: ActorKind::System,
            name: name.into(),
        }
    }

    /// The owner.
    pub fn owner(name: impl Into<String>) -> Self {
        Self {
            kind: ActorKind::Owner,
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.name)
    }
}

/// The kinds of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A tenant's root account.
    Owner,
    /// An account below it.
    Account,
    /// An admin key that may change routing.
    Operator,
    /// An admin key that may only read.
    Auditor,
    /// A data node that saw something.
    Node,
    /// Foldgate itself.
    System,
}

impl ActorKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Account => "account",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Node => "node",
            Self::System => "system",
        }
    }
}

/// A client's own retry key with what it was first used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key the client chose.
    pub key: String,
    /// Hash of the request it first stood on.
    pub request_hash: RecordHash,
}

/// A record's stored bytes with their hash. The bytes are never encoded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The record's id.
    pub id: RecordId,
    /// The subject tokens it is filed under: owner and command.
    pub owner: OwnerId,
    /// See [`Record::command`].
    pub command: String,
    /// What is stored.
    pub bytes: Vec<u8>,
    /// Hash of `bytes`.
    pub hash: RecordHash,
}

/// A record that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Larger than [`MAX_BYTES`].
    #[error("a record of {0} bytes is larger than {MAX_BYTES}")]
    TooLarge(usize),
    /// The codec refused.
    #[error("the record cannot be encoded")]
    Codec(#[from] rmp_serde::encode::Error),
}

/// Bytes that are no record this code can read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Larger than [`MAX_BYTES`].
    #[error("{0} bytes are more than a record may have")]
    TooLarge(usize),
    /// Written by a newer program.
    #[error("record schema {0} is newer than {SCHEMA}")]
    NewerSchema(u16),
    /// Not a record, or one with a kind of event this code does not know.
    #[error("not a readable record: {0}")]
    Codec(String),
    /// Bytes behind the record.
    #[error("{0} bytes stand behind the record")]
    Trailing(usize),
}

impl Record {
    /// The bytes to store: MessagePack with field names.
    ///
    /// # Errors
    /// Refuses a record larger than [`MAX_BYTES`].
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        let bytes = rmp_serde::to_vec_named(self)?;
        if bytes.len() > MAX_BYTES {
            return Err(EncodeError::TooLarge(bytes.len()));
        }
        Ok(Encoded {
            id: self.id,
            owner: self.owner,
            command: self.command.clone(),
            hash: RecordHash::of(&bytes),
            bytes,
        })
    }

    /// Reads stored bytes. Total: any bytes give a record or an error.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u16,
        }
        if bytes.len() > MAX_BYTES {
            return Err(DecodeError::TooLarge(bytes.len()));
        }
        let mut rest = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
        rest.set_max_depth(MAX_DEPTH);
        match Self::deserialize(&mut rest) {
            Ok(record) if record.schema > SCHEMA => Err(DecodeError::NewerSchema(record.schema)),
            Ok(record) => {
                let read = usize::try_from(rest.position()).unwrap_or(usize::MAX);
                match bytes.len().saturating_sub(read) {
                    0 => Ok(record),
                    behind => Err(DecodeError::Trailing(behind)),
                }
            }
            Err(error) => match rmp_serde::from_slice::<Schema>(bytes) {
                Ok(Schema { schema }) if schema > SCHEMA => Err(DecodeError::NewerSchema(schema)),
                _ => Err(DecodeError::Codec(error.to_string())),
            },
        }
    }
}
