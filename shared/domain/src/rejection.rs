//! Why a command was refused. Only `decide` refuses; the APIs give each kind
//! its status and envelope.

use foldgate_proto::{ConfigKey, KeyNumber, NewsNumber};

/// What sort of refusal it is; an API maps each to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input breaks a rule.
    Invalid,
    /// What the command speaks of does not exist.
    NotFound,
    /// The input is fine but today's state does not allow it.
    Conflict,
    /// A limit on how much there may be.
    TooMany,
    /// A limit on how much there may be at a time: waiting helps.
    Busy,
}

/// A refused command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nobody has claimed this owner.
    #[error("no such owner")]
    NoSuchOwner,
    /// The owner was claimed already.
    #[error("an owner named {0:?} exists already")]
    OwnerExists(String),
    /// A field breaks its rule.
    #[error("{field}: {problem}")]
    Field {
        /// The field's name in the API.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A configuration value breaks its rule.
    #[error("{key}: {problem}")]
    Config {
        /// Which configuration key.
        key: ConfigKey,
        /// What is wrong with it.
        problem: String,
    },
    /// No key with this number.
    #[error("no key with id {0}")]
    NoSuchKey(KeyNumber),
    /// No news item with this number.
    #[error("no news with id {0}")]
    NoSuchNews(NewsNumber),
    /// A command that would change nothing needs at least one field.
    #[error("nothing to change: give at least one field")]
    NothingToChange,
    /// The key's secret was drawn for another id.
    #[error("a key with this id exists already")]
    KeyIdTaken,
    /// An owner may hold only so many.
    #[error("there are {limit} {what} already, the most an owner may hold")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// So many idempotency keys were used within a day that none can be added.
    #[error("{0} idempotency keys were used within a day; send the request without one, or later")]
    TooManyRetryKeys(usize),
    /// The same idempotency key came with another request.
    #[error("this idempotency key was used for another request")]
    IdempotencyMismatch,
}

impl Rejection {
    /// A field that breaks its rule.
    pub fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field {
            field,
            problem: problem.into(),
        }
    }

    /// A configuration value that breaks its rule.
    pub fn config(key: ConfigKey, problem: impl Into<String>) -> Self {
        Self::Config {
            key,
            problem: problem.into(),
        }
    }

    /// What sort of refusal it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Field { .. } | Self::Config { .. } | Self::NothingToChange => Kind::Invalid,
            Self::NoSuchOwner | Self::NoSuchKey(_) | Self::NoSuchNews(_) => Kind::NotFound,
            Self::OwnerExists(_) | Self::KeyIdTaken | Self::IdempotencyMismatch => Kind::Conflict,
            Self::TooMany { .. } => Kind::TooMany,
            Self::TooManyRetryKeys(_) => Kind::Busy,
        }
    }

    /// A short constant name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchOwner => "owner_not_found",
            Self::OwnerExists(_) => "owner_exists",
            Self::Field { .. } => "invalid_field",
            Self::Config { .. } => "invalid_config",
            Self::NoSuchKey(_) => "key_not_found",
            Self::NoSuchNews(_) => "news_not_found",
            Self::NothingToChange => "nothing_to_change",
            Self::KeyIdTaken => "key_id_taken",
            Self::TooMany { .. } => "too_many",
            Self::TooManyRetryKeys(_) => "too_many_idempotency_keys",
            Self::IdempotencyMismatch => "idempotency_mismatch",
        }
    }

    /// The field or configuration key it is about.
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::Config { key, .. } => Some(key.as_str()),
            Self::NoSuchKey(_) | Self::NoSuchNews(_) => Some("id"),
            _ => None,
        }
    }
}
