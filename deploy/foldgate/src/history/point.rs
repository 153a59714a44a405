//! A place in history, as people name it: a revision or a time.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use foldgate_proto::{Revision, Timestamp};

#[cfg(test)]
mod tests;

/// See the module.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The end of the log.
    #[default]
    Newest,
    /// Right behind this record.
    Revision(Revision),
    /// Behind the last record that was decided by then.
    Time(Timestamp),
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let number = text.parse().map_err(|_| "there is no such revision")?;
            return Ok(Self::Revision(Revision(number)));
        }
        let time = DateTime::parse_from_rfc3339(text)
            .map_err(|_| "neither a revision nor a time in RFC 3339 (2026-01-31T12:00:00Z)")?;
        Ok(Self::Time(time.with_timezone(&Utc).into()))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("the end of the log"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

impl Point {
    /// As a query parameter; `None` is the default.
    pub(super) fn parameter(self) -> Option<String> {
        match self {
            Self::Newest => None,
            Self::Revision(revision) => Some(revision.to_string()),
            // Display is RFC 3339 in UTC: nothing in it wants escaping.
            Self::Time(time) => Some(time.to_string()),
        }
    }
}
