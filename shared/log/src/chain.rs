//! The hash chain: what makes a hole, a swap or a flipped bit visible.

use std::sync::Arc;

use foldgate_proto::{Encoded, Record, RecordHash, Revision};

use crate::event_log::{MAX_GROUP, MAX_GROUP_BYTES};
use crate::{Error, Position, Stored};

/// The first place where a log is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log is broken at revision {revision}: {reason}")]
pub struct BrokenLink {
    /// Where.
    pub revision: Revision,
    /// What is wrong there.
    pub reason: String,
}

/// Why a log could not be found whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is broken.
    #[error(transparent)]
    Broken(#[from] BrokenLink),
    /// It could not be read.
    #[error(transparent)]
    Unread(Error),
}

impl From<Error> for VerifyError {
    fn from(error: Error) -> Self {
        match error {
            Error::Damaged { revision, reason } => Self::Broken(BrokenLink { revision, reason }),
            other => Self::Unread(other),
        }
    }
}

/// The record that stands behind `at`, if `stored` is that.
///
/// # Errors
/// What is wrong with it.
pub fn link(at: Position, stored: &Stored) -> Result<Arc<Record>, BrokenLink> {
    let next = at.revision.next();
    let broken = |reason: String| BrokenLink {
        revision: next,
        reason,
    };
    if stored.revision != next {
        return Err(broken(format!(
            "it is missing, revision {} comes next",
            stored.revision
        )));
    }
    let record = Record::decode(&stored.bytes).map_err(|error| broken(error.to_string()))?;
    if record.prev != at.hash {
        return Err(broken(format!(
            "it names {} as the record before it, which is {}",
            record.prev, at.hash
        )));
    }
    Ok(Arc::new(record))
}

/// Whether reading that ended at `at` has reached the head that was announced.
///
/// # Errors
/// Where it ends, or how it differs.
pub fn reaches(at: Position, head: Position) -> Result<(), BrokenLink> {
    if at.revision < head.revision {
        return Err(BrokenLink {
            revision: at.revision.next(),
            reason: format!("it is missing, the log's head is {}", head.revision),
        });
    }
    if at.revision == head.revision && at.hash != head.hash {
        return Err(BrokenLink {
            revision: at.revision,
            reason: format!("it is {}, the log's head is {}", at.hash, head.hash),
        });
    }
    Ok(())
}

/// Whether a group may be appended behind a record with this hash. A record that
/// would break the chain must never reach a log: nothing could mend it.
pub(crate) fn admit(prev: RecordHash, group: &[Encoded]) -> Result<(), String> {
    let bytes: usize = group.iter().map(|record| record.bytes.len()).sum();
    if group.is_empty() {
        return Err("an empty group cannot be appended".to_owned());
    }
    if group.len() > MAX_GROUP || bytes > MAX_GROUP_BYTES {
        return Err(format!(
            "a group of {} records and {bytes} bytes is larger than {MAX_GROUP} records and \
             {MAX_GROUP_BYTES} bytes",
            group.len()
        ));
    }
    let mut prev = prev;
    for encoded in group {
        let record = Record::decode(&encoded.bytes).map_err(|error| error.to_string())?;
        let hash = RecordHash::of(&encoded.bytes);
        if hash != encoded.hash || record.id != encoded.id {
            return Err(format!("record {} is not what its bytes say", encoded.id));
        }
        if record.prev != prev {
            return Err(format!(
                "record {} was decided behind {}, and {prev} stands there",
                encoded.id, record.prev
            ));
        }
        prev = hash;
    }
    Ok(())
}
