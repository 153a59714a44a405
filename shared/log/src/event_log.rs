//! The contract of a log: an ordered, hash-chained, append-only sequence of
//! records, appended at the revision they were decided on.

use std::time::Duration;

use async_trait::async_trait;
use foldgate_proto::{DecodeError, Encoded, LogId, Record, RecordHash, RecordId, Revision};

use crate::{Error, Follow, VerifyError, chain};

/// The most records one append takes: one command group of a submitter.
pub const MAX_GROUP: usize = 256;

/// The most bytes one append takes; a sixteenth of what a NATS client may have pending.
pub const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;

/// The most records one read answers with.
pub const MAX_READ: usize = 256;

/// After how many bytes one read stops early.
pub const MAX_READ_BYTES: usize = 4 * 1024 * 1024;

/// How long an append tries to settle an unknown outcome. Longer than a stream
/// is without a leader when that is killed (5 to 7 s) or frozen (11 s).
pub const APPEND_DEADLINE: Duration = Duration::from_secs(15);

/// How often and how long `verify` waits for a copy that is behind.
const MAX_LAGS: u32 = 10;
const LAG: Duration = Duration::from_millis(200);

/// A place in the log: a revision with the hash of the record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The revision.
    pub revision: Revision,
    /// The hash of the record there; of the log's id at revision 0.
    pub hash: RecordHash,
}

impl Position {
    /// Before the first record of a log.
    pub fn genesis(log: LogId) -> Self {
        Self {
            revision: Revision::ZERO,
            hash: RecordHash::genesis(log),
        }
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where.
    pub revision: Revision,
    /// Its bytes, as they were written.
    pub bytes: bytes::Bytes,
    /// Their hash.
    pub hash: RecordHash,
}

impl Stored {
    /// Stored bytes at a revision.
    pub fn new(revision: Revision, bytes: bytes::Bytes) -> Self {
        Self {
            revision,
            hash: RecordHash::of(&bytes),
            bytes,
        }
    }

    /// The record, ready to be appended to another log as the same bytes.
    ///
    /// # Errors
    /// When the bytes are no record this program can read.
    pub fn encoded(&self) -> Result<Encoded, DecodeError> {
        let record = Record::decode(&self.bytes)?;
        Ok(Encoded {
            id: record.id,
            owner: record.owner,
            command: record.command,
            bytes: self.bytes.to_vec(),
            hash: self.hash,
        })
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        Position {
            revision: self.revision,
            hash: self.hash,
        }
    }
}

/// A whole group that is durably written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where its last record stands.
    pub head: Position,
}

/// A group of which only the first records are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stop} (written before it: {written})")]
pub struct AppendError {
    /// How many records, from the first on, are durably written.
    pub written: usize,
    /// Why the next one is not.
    pub stop: Stop,
}

/// Why an append stopped. Except for `Unknown`, the record it stopped at and
/// all behind it are not written and never will be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Another record stands (or none may stand yet) where this one was decided for.
    #[error("the log has moved on to revision {}", head.revision)]
    Conflict {
        /// The log's head, at least as far as it was seen.
        head: Position,
    },
    /// The deadline passed while the record may or may not be written.
    #[error("the outcome of record {id} is unknown")]
    Unknown {
        /// The record in question.
        id: RecordId,
    },
    /// The log could not be reached, and nothing was handed to it.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// The record does not belong there; writing it would break the log.
    #[error("the record was refused: {0}")]
    Refused(String),
}

/// An append-only log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The log's id for life.
    ///
    /// # Errors
    /// When the log was not yet reached since the process began.
    async fn log_id(&self) -> Result<LogId, Error>;

    /// The last position, as the log's leader knows it.
    ///
    /// # Errors
    /// When the leader does not answer.
    async fn head(&self) -> Result<Position, Error>;

    /// Appends consecutive records, decided on `expected`, `expected + 1` and so on.
    ///
    /// # Errors
    /// Says how many records are written, and why the next one is not.
    async fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError>;

    /// Up to `max` consecutive records from `from` on; fewer when there are no
    /// more or they are large, none at the end.
    ///
    /// # Errors
    /// When a record is missing or damaged, or the log does not answer.
    async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error>;

    /// Follows the log from behind a position that was already folded.
    fn follow(&self, from: Position) -> Follow;

    /// Reads the whole log and checks every link; `progress` hears how far it is.
    ///
    /// # Errors
    /// The first broken link, or why the log could not be read.
    async fn verify(
        &self,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<Position, VerifyError> {
        let head = self.head().await.map_err(VerifyError::from)?;
        let genesis = Position::genesis(self.log_id().await.map_err(VerifyError::from)?);
        let mut at = genesis;
        let mut lags = 0;
        loop {
            let chunk = self.read(at.revision.next(), MAX_READ).await?;
            if chunk.is_empty() {
                // The copy that answered may be behind the leader that named the head.
                if at.revision >= head.revision || lags >= MAX_LAGS {
                    break;
                }
                lags += 1;
                tokio::time::sleep(LAG).await;
                continue;
            }
            for stored in &chunk {
                chain::link(at, stored)?;
                at = stored.position();
            }
            progress(at);
        }
        chain::reaches(at, head)?;
        Ok(at)
    }
}
