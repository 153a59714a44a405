//! Broadcast notifications.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountNumber, NewsId, NewsNumber, Revision, Timestamp};

/// A notification, to everybody or to some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Its id for life.
    pub id: NewsId,
    /// Its number within the owner.
    pub number: NewsNumber,
    /// At most 100 characters.
    pub title: String,
    /// At most 1,000 characters.
    pub content: String,
    /// Whom it reaches; `None` is everybody.
    pub target: Option<NewsTarget>,
    /// When it was published.
    pub created_at: Timestamp,
    /// From when on it is no longer shown.
    pub expires_at: Timestamp,
    /// The revision that published it.
    #[serde(default)]
    pub revision: Revision,
}

/// Whom a targeted notification reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewsTarget {
    /// One account by number.
    Account(AccountNumber),
    /// One account by name.
    Name(String),
    /// One account by e-mail address.
    Email(String),
    /// Every account whose DNA path starts with this (`.1.42.`).
    Dna(String),
}

impl fmt::Display for NewsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(number) => number.fmt(f),
            Self::Name(text) | Self::Email(text) | Self::Dna(text) => f.write_str(text),
        }
    }
}
