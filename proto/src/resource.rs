//! Resources by name and by value: what a history says has changed, and what an
//! undo or a restore puts back whole.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountNumber, AdminKey, AdminKeyNumber, CallerKey, CallerKeyNumber, Config,
    Definition, DefinitionKind, DefinitionNumber, KeyNumber, Level, News, NewsNumber, ProviderKey,
};

/// Which resource of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceId {
    /// The owner itself: its name and its key.
    Owner,
    /// The configuration the owner set.
    Config,
    /// LEVEL_MAPPER's other layer, completed from known providers.
    Completed,
    /// A provider key.
    Key(KeyNumber),
    /// A notification.
    News(NewsNumber),
    /// An account.
    Account(AccountNumber),
    /// A caller key.
    CallerKey(CallerKeyNumber),
    /// An admin key.
    AdminKey(AdminKeyNumber),
    /// A definition.
    Definition(DefinitionKind, DefinitionNumber),
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Config => f.write_str("config"),
            Self::Completed => f.write_str("completed"),
            Self::Key(number) => write!(f, "key/{number}"),
            Self::News(number) => write!(f, "news/{number}"),
            Self::Account(number) => write!(f, "account/{number}"),
            Self::CallerKey(number) => write!(f, "caller_key/{number}"),
            Self::AdminKey(number) => write!(f, "admin_key/{number}"),
            Self::Definition(kind, number) => write!(f, "{kind}/{number}"),
        }
    }
}

/// A text that names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a resource is owner, config, completed, or one of key, news, account, caller_key, admin_key, \
     model, guardrail, guardrail_attachment, cache_policy, rate_limit_policy, \
     observability_exporter, mcp_server, a2a_agent with a number, as in key/12"
)]
pub struct UnknownResource;

impl FromStr for ResourceId {
    type Err = UnknownResource;

    fn from_str(text: &str) -> Result<Self, UnknownResource> {
        match text {
            "owner" => return Ok(Self::Owner),
            "config" => return Ok(Self::Config),
            "completed" => return Ok(Self::Completed),
            _ => {}
        }
        let (kind, number) = text.split_once('/').ok_or(UnknownResource)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UnknownResource);
        }
        let number = number.parse().map_err(|_| UnknownResource)?;
        Ok(match kind {
            "key" => Self::Key(KeyNumber(number)),
            "news" => Self::News(NewsNumber(number)),
            "account" => Self::Account(AccountNumber(number)),
            "caller_key" => Self::CallerKey(CallerKeyNumber(number)),
            "admin_key" => Self::AdminKey(AdminKeyNumber(number)),
            kind => {
                let kind = kind.parse().map_err(|_| UnknownResource)?;
                Self::Definition(kind, DefinitionNumber(number))
            }
        })
    }
}

/// A resource's whole value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// See [`ResourceId::Owner`].
    Owner(Box<OwnerProfile>),
    /// See [`ResourceId::Config`].
    Config(Box<Config>),
    /// See [`ResourceId::Completed`].
    Completed(BTreeMap<String, Level>),
    /// See [`ResourceId::Key`].
    Key(Box<ProviderKey>),
    /// See [`ResourceId::News`].
    News(Box<News>),
    /// See [`ResourceId::Account`].
    Account(Box<Account>),
    /// See [`ResourceId::CallerKey`].
    CallerKey(Box<CallerKey>),
    /// See [`ResourceId::AdminKey`].
    AdminKey(Box<AdminKey>),
    /// See [`ResourceId::Definition`].
    Definition(Box<Definition>),
}

/// What is kept of an owner itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerProfile {
    /// Its name.
    pub name: String,
    /// SHA-256 of the owner key.
    #[serde(with = "serde_bytes")]
    pub key_hash: Vec<u8>,
    /// What may be shown of the owner key.
    pub key_mask: String,
}

/// One resource, as it is from now on; `None` is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub resource: ResourceId,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Resource>,
}
