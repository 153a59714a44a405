//! Why a command was refused. Only `decide` refuses; the APIs give each kind
//! its status and envelope.

use std::fmt;

use foldgate_proto::{
    AccountNumber, AdminKeyNumber, CallerKeyNumber, ConfigKey, DefinitionId, DefinitionKind,
    KeyNumber, NewsNumber, ResourceId, Revision,
};

use crate::definition::Fault;

/// What sort of refusal it is; an API maps each to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input breaks a rule.
    Invalid,
    /// What the command speaks of does not exist.
    NotFound,
    /// The input is fine but today's state does not allow it.
    Conflict,
    /// The resource is no longer as the client saw it.
    Stale,
    /// A limit on how much there may be.
    TooMany,
    /// A limit on how much there may be at a time: waiting helps.
    Busy,
}

/// A definition that speaks of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Which.
    pub id: DefinitionId,
    /// Its name; empty of a kind without names.
    pub name: String,
}

/// The most referrers that a message names.
const MAX_NAMED: usize = 5;

fn listed(by: &[Referrer]) -> String {
    let named = by.iter().take(MAX_NAMED).map(|referrer| {
        let Referrer { kind, id, name } = referrer;
        let name = if name.is_empty() {
            id.to_string()
        } else {
            format!("{name:?}")
        };
        format!("{} {name}", kind.spoken())
    });
    let mut named: Vec<String> = named.collect();
    if by.len() > MAX_NAMED {
        named.push(format!("{} more", by.len() - MAX_NAMED));
    }
    named.join(", ")
}

fn referred(what: impl fmt::Display, by: &[Referrer]) -> String {
    format!(
        "{what} stays as long as it is referred to, by {}",
        listed(by)
    )
}

fn named(what: impl fmt::Display, by: &[Referrer]) -> String {
    format!(
        "{what} cannot be renamed while it is spoken of by its name, by {}",
        listed(by)
    )
}

fn stale(what: impl fmt::Display, now: Revision) -> String {
    format!("{what} is not as you saw it: it is at revision {now}; read it again")
}

fn seen(what: impl fmt::Display, now: Revision) -> String {
    format!("{what} is at revision {now}, which If-None-Match rules out")
}

fn stale_missing(what: impl fmt::Display) -> String {
    format!("{what} does not exist, so no If-Match can hold")
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
    /// There may be only so many: of an owner, or of what `what` names.
    #[error("there are {limit} {what} already, the most there may be")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// So many idempotency keys were used within a day that none can be added.
    #[error("{0} idempotency keys were used within a day; send the request without one, or later")]
    TooManyRetryKeys(usize),
    /// A definition's value breaks a rule.
    #[error(transparent)]
    Definition(#[from] Fault),
    /// No definition of this kind with this id.
    #[error("no {} has this id", .0.spoken())]
    NoSuchDefinition(DefinitionKind),
    /// What is to go is spoken of by definitions.
    #[error("{}", referred(resource, by))]
    Referred {
        /// What.
        resource: ResourceId,
        /// By which.
        by: Vec<Referrer>,
    },
    /// What is to be renamed is spoken of by its name.
    #[error("{}", named(resource, by))]
    Named {
        /// What.
        resource: ResourceId,
        /// By which.
        by: Vec<Referrer>,
    },
    /// No account with this number, or not one of those the caller may manage.
    #[error("no account with id {0}")]
    NoSuchAccount(AccountNumber),
    /// No caller key with this number.
    #[error("no caller key with id {0}")]
    NoSuchCallerKey(CallerKeyNumber),
    /// No admin key with this number.
    #[error("no admin key with id {0}")]
    NoSuchAdminKey(AdminKeyNumber),
    /// The name is another's.
    #[error("{field} {value:?} is taken; choose another")]
    Taken {
        /// The field's name in the API.
        field: &'static str,
        /// What is taken.
        value: String,
    },
    /// Another definition ties the same together.
    #[error("the {} {id} does the same; change that one", .kind.spoken())]
    Tied {
        /// Of which kind.
        kind: DefinitionKind,
        /// Which.
        id: DefinitionId,
    },
    /// An account with accounts below it stays.
    #[error("account {0} has accounts below it; remove those first")]
    HasChildren(AccountNumber),
    /// An account gave its child credit.
    #[error("only the owner grants credit, to the accounts directly below its own")]
    OwnerGrants,
    /// The presented key's hash is in use.
    #[error("this key is in use already")]
    KeyTaken,
    /// The resource has another revision than the client saw.
    #[error("{}", stale(resource, *now))]
    Stale {
        /// Which resource.
        resource: ResourceId,
        /// What it is at.
        now: Revision,
    },
    /// The resource is what the client says that it may not be.
    #[error("{}", seen(resource, *now))]
    Seen {
        /// Which resource.
        resource: ResourceId,
        /// What it is at.
        now: Revision,
    },
    /// The client says it saw a resource that does not exist.
    #[error("{}", stale_missing(.0))]
    StaleMissing(ResourceId),
    /// Something later builds on what is to be undone.
    #[error(
        "revision {revision} cannot be undone: {resource}{field} has changed since{}; undo the \
         later change first, or restore that resource as it was: \
         POST /admin/v1/state/restore?at={}&resource={resource}",
        since.map(|at| format!(", at revision {at}")).unwrap_or_default(),
        revision.0.saturating_sub(1)
    )]
    BuiltUpon {
        /// The record to undo.
        revision: Revision,
        /// What has changed since.
        resource: ResourceId,
        /// Which field of it, with a dot before it; empty for the whole.
        field: String,
        /// The revision that changed it last; `None` if it is gone.
        since: Option<Revision>,
    },
    /// An undo is not undone but restored.
    #[error(
        "revision {revision} is itself the undo of {undid}; to have that again, restore what it changed \
         (GET /admin/v1/history/{undid} names it), one resource at a time: POST \
         /admin/v1/state/restore?at={undid}&resource=..."
    )]
    UndoOfUndo {
        /// The record to undo.
        revision: Revision,
        /// What it undid.
        undid: Revision,
    },
    /// The first record of an owner stays.
    #[error("revision {0} made the owner and cannot be undone")]
    NotUndoable(Revision),
    /// What is to come back does not fit into today's state.
    #[error("{resource} cannot come back as it was: {problem}")]
    DoesNotFit {
        /// Which resource.
        resource: ResourceId,
        /// Why.
        problem: String,
    },
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

    /// The words, where what it is about is called `what`: not every API knows
    /// resources by their numbers.
    pub fn said_of(&self, what: &str) -> String {
        match self {
            Self::Referred { by, .. } => referred(what, by),
            Self::Named { by, .. } => named(what, by),
            Self::Stale { now, .. } => stale(what, *now),
            Self::StaleMissing(_) => stale_missing(what),
            Self::Seen { now, .. } => seen(what, *now),
            other => other.to_string(),
        }
    }

    /// What sort of refusal it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Field { .. }
            | Self::Config { .. }
            | Self::Definition(_)
            | Self::NothingToChange => Kind::Invalid,
            Self::NoSuchOwner
            | Self::NoSuchKey(_)
            | Self::NoSuchNews(_)
            | Self::NoSuchAccount(_)
            | Self::NoSuchCallerKey(_)
            | Self::NoSuchAdminKey(_)
            | Self::NoSuchDefinition(_) => Kind::NotFound,
            Self::OwnerExists(_)
            | Self::KeyIdTaken
            | Self::IdempotencyMismatch
            | Self::Taken { .. }
            | Self::Tied { .. }
            | Self::HasChildren(_)
            | Self::KeyTaken
            | Self::OwnerGrants
            | Self::Referred { .. }
            | Self::Named { .. }
            | Self::BuiltUpon { .. }
            | Self::UndoOfUndo { .. }
            | Self::NotUndoable(_)
            | Self::DoesNotFit { .. } => Kind::Conflict,
            Self::Stale { .. } | Self::StaleMissing(_) | Self::Seen { .. } => Kind::Stale,
            Self::TooMany { .. } => Kind::TooMany,
            Self::TooManyRetryKeys(_) => Kind::Busy,
        }
    }

    /// A short constant name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchOwner => "owner_not_found",
            Self::OwnerExists(_) => "owner_exists",
            Self::Field { .. } | Self::Definition(_) => "invalid_field",
            Self::NoSuchDefinition(_) => "not_found",
            Self::Referred { .. } | Self::Named { .. } => "referred",
            Self::Config { .. } => "invalid_config",
            Self::NoSuchKey(_) => "key_not_found",
            Self::NoSuchNews(_) => "news_not_found",
            Self::NothingToChange => "nothing_to_change",
            Self::KeyIdTaken => "key_id_taken",
            Self::TooMany { .. } => "too_many",
            Self::TooManyRetryKeys(_) => "too_many_idempotency_keys",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::NoSuchAccount(_) => "account_not_found",
            Self::NoSuchCallerKey(_) => "caller_key_not_found",
            Self::NoSuchAdminKey(_) => "admin_key_not_found",
            Self::Taken { .. } | Self::Tied { .. } => "taken",
            Self::HasChildren(_) => "has_children",
            Self::KeyTaken => "key_taken",
            Self::OwnerGrants => "owner_grants",
            Self::Stale { .. } | Self::StaleMissing(_) | Self::Seen { .. } => "stale",
            Self::BuiltUpon { .. } => "built_upon",
            Self::UndoOfUndo { .. } => "undo_of_undo",
            Self::NotUndoable(_) => "not_undoable",
            Self::DoesNotFit { .. } => "does_not_fit",
        }
    }

    /// The field or configuration key it is about.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Field { field, .. } | Self::Taken { field, .. } => Some(field),
            Self::Config { key, .. } => Some(key.as_str()),
            Self::Definition(fault) => Some(&fault.path)
                .filter(|p| !p.is_empty())
                .map(String::as_str),
            Self::Stale { .. } | Self::StaleMissing(_) => Some("If-Match"),
            Self::Seen { .. } => Some("If-None-Match"),
            Self::OwnerGrants => Some("CreditGranted"),
            Self::NoSuchKey(_)
            | Self::NoSuchNews(_)
            | Self::NoSuchAccount(_)
            | Self::NoSuchCallerKey(_)
            | Self::NoSuchAdminKey(_)
            | Self::NoSuchDefinition(_) => Some("id"),
            _ => None,
        }
    }
}
