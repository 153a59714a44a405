//! Resources as clients name them: by number, as the history prints them
//! (`key/12`), or by id, as the APIs do (`model/<uuid>`), which also finds what is
//! gone. What the admin API calls provider keys and API keys are the keys and caller
//! keys of the history.

use std::str::FromStr;

use foldgate_domain::OwnerState;
use foldgate_proto::resource::UnknownResource;
use foldgate_proto::{DefinitionId, DefinitionKind, KeyId, ResourceId};
use uuid::Uuid;

use crate::history::Term;

/// The admin API's names for what the history calls otherwise.
const OTHER_NAMES: &[(&str, &str)] = &[("provider_key", "key"), ("api_key", "caller_key")];

/// Sorts of resources that have ids, beside definitions.
const WITH_IDS: &[&str] = &["key", "account", "caller_key", "admin_key"];

/// A length that no number has: an id, as APIs print it.
const ID_CHARS: usize = 36;

/// A resource, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// By number, or the only one of its sort.
    Number(ResourceId),
    /// By sort and id.
    Id(String, Uuid),
}

/// A sort of resources by the name that the history has for it.
pub(super) fn sort(name: &str) -> &str {
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
    other.map_or(name, |(_, sort)| sort)
}

impl FromStr for Named {
    type Err = UnknownResource;

    fn from_str(text: &str) -> Result<Self, UnknownResource> {
        let Some((name, which)) = text.split_once('/') else {
            return ResourceId::from_str(text).map(Self::Number);
        };
        let sort = sort(name);
        if which.len() != ID_CHARS {
            return ResourceId::from_str(&format!("{sort}/{which}")).map(Self::Number);
        }
        let id = Uuid::parse_str(which).map_err(|_| UnknownResource)?;
        if WITH_IDS.contains(&sort) || DefinitionKind::from_str(sort).is_ok() {
            return Ok(Self::Id(sort.to_owned(), id));
        }
        Err(UnknownResource)
    }
}

impl Named {
    /// What the history finds it by.
    pub(super) fn term(&self) -> Term {
        match self {
            Self::Number(resource) => Term::resource(&resource.to_string()),
            Self::Id(sort, id) => Term::resource(&format!("{sort}/{id}")),
        }
    }

    /// Which it is of an owner's, if it is there.
    pub(super) fn of(&self, owner: &OwnerState) -> Option<ResourceId> {
        let (sort, id) = match self {
            Self::Number(resource) => return Some(*resource),
            Self::Id(sort, id) => (sort.as_str(), *id),
        };
        match sort {
            "key" => owner.key(KeyId(id)).map(|key| ResourceId::Key(key.number)),
            "account" => {
                let found = owner.accounts.values().find(|account| account.id.0 == id);
                found.map(|account| ResourceId::Account(account.number))
            }
            "caller_key" => {
                let found = owner.caller_keys.values().find(|key| key.id.0 == id);
                found.map(|key| ResourceId::CallerKey(key.number))
            }
            "admin_key" => {
                let found = owner.admin_keys.values().find(|key| key.id.0 == id);
                found.map(|key| ResourceId::AdminKey(key.number))
            }
            kind => {
                let kind = kind.parse().ok()?;
                let found = owner.definition(kind, DefinitionId(id))?;
                Some(ResourceId::Definition(kind, found.number))
            }
        }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(resource) => write!(f, "{resource}"),
            Self::Id(sort, id) => write!(f, "{sort}/{id}"),
        }
    }
}
