//! Why a log, a snapshot or a report stream cannot be used. No variant ever
//! carries a credential.

use std::path::PathBuf;

use foldgate_proto::Revision;

/// What went wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer for now; trying again may help.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// There is no log where one was expected.
    #[error("there is no log: {0}")]
    Missing(String),
    /// What is stored is not what was written.
    #[error("the log is damaged at revision {revision}: {reason}")]
    Damaged {
        /// The first revision that cannot be trusted.
        revision: Revision,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process holds it.
    #[error("the log in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It would not keep what it acknowledges.
    #[error("the log is weaker than required: {0}")]
    Weak(String),
    /// Its strength cannot be read.
    #[error("the strength of the log cannot be read: {0}")]
    StrengthUnknown(String),
    /// It is another log than the one that was expected.
    #[error("another log stands there: {0}")]
    Mismatch(String),
    /// The log in the data directory is not the one that this node has folded so far.
    #[error("the log was exchanged: {0}")]
    Exchanged(String),
    /// A setting that cannot be used.
    #[error("invalid setting: {0}")]
    Invalid(String),
    /// The disk refused.
    #[error("{0}")]
    Io(String),
}

impl Error {
    /// An input or output error, with what was being done.
    pub(crate) fn io(doing: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::Io(format!("{doing}: {error}"))
    }
}
