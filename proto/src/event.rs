//! What happened: the events that records are made of. Past tense, never
//! changed once written; an addition is a new optional field, anything else a
//! new kind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

mod subject;

use crate::{
    AccountNumber, Actor, Config, ConfigKey, JsonText, KeyId, KeyNumber, Level, MaskedSecret,
    NewsId, NewsNumber, NewsTarget, ProviderConfig, Secrets, Timestamp,
};

mod definition;
mod people;

pub use definition::{DefinitionPut, DefinitionRemoved};
pub use people::{
    AccountAdded, AccountPatched, AccountRemoved, AdminKeyIssued, AdminKeyRevoked, CallerKeyIssued,
    CallerKeyPatched, CallerKeyRevoked, CallerKeyRotated, CreditGranted, OwnerKeyRotated,
    RecordUndone, StateRestored,
};

/// One thing that happened to one owner (the record names which).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A tenant came to be.
    OwnerClaimed(OwnerClaimed),
    /// A provider key was added.
    KeyAdded(KeyAdded),
    /// Some of a provider key's fields changed.
    KeyPatched(KeyPatched),
    /// A provider key was removed.
    KeyRemoved(KeyRemoved),
    /// A provider key was put out of use because its upstream refused it.
    KeyDisabled(KeyDisabled),
    /// Configuration keys were set.
    ConfigPatched(ConfigPatched),
    /// Configuration keys went back to the system default.
    ConfigReset(ConfigReset),
    /// Patterns of a known provider were mapped to a new key's Level.
    LevelMapperCompleted(LevelMapperCompleted),
    /// Completed patterns went, because no key serves them any more.
    LevelMapperRetracted(LevelMapperRetracted),
    /// A notification was published.
    NewsPublished(NewsPublished),
    /// A notification was taken back.
    NewsRetracted(NewsRetracted),
    /// The owner has another key.
    OwnerKeyRotated(OwnerKeyRotated),
    /// An admin key was issued.
    AdminKeyIssued(AdminKeyIssued),
    /// An admin key was revoked.
    AdminKeyRevoked(AdminKeyRevoked),
    /// An account was added.
    AccountAdded(AccountAdded),
    /// An account's profile changed.
    AccountPatched(AccountPatched),
    /// An account was removed, with its keys.
    AccountRemoved(AccountRemoved),
    /// An account was granted credit.
    CreditGranted(CreditGranted),
    /// A caller key was issued.
    CallerKeyIssued(CallerKeyIssued),
    /// A caller key's name or terms changed.
    CallerKeyPatched(CallerKeyPatched),
    /// A caller key was drawn anew.
    CallerKeyRotated(CallerKeyRotated),
    /// A caller key was revoked.
    CallerKeyRevoked(CallerKeyRevoked),
    /// What one record did was taken back.
    RecordUndone(RecordUndone),
    /// Resources were put back as they stood at some revision.
    StateRestored(StateRestored),
    /// A definition was made or changed.
    DefinitionPut(DefinitionPut),
    /// A definition was removed.
    DefinitionRemoved(DefinitionRemoved),
}

impl Event {
    /// The kind's name, as histories print it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OwnerClaimed(_) => "OwnerClaimed",
            Self::KeyAdded(_) => "KeyAdded",
            Self::KeyPatched(_) => "KeyPatched",
            Self::KeyRemoved(_) => "KeyRemoved",
            Self::KeyDisabled(_) => "KeyDisabled",
            Self::ConfigPatched(_) => "ConfigPatched",
            Self::ConfigReset(_) => "ConfigReset",
            Self::LevelMapperCompleted(_) => "LevelMapperCompleted",
            Self::LevelMapperRetracted(_) => "LevelMapperRetracted",
            Self::NewsPublished(_) => "NewsPublished",
            Self::NewsRetracted(_) => "NewsRetracted",
            Self::OwnerKeyRotated(_) => "OwnerKeyRotated",
            Self::AdminKeyIssued(_) => "AdminKeyIssued",
            Self::AdminKeyRevoked(_) => "AdminKeyRevoked",
            Self::AccountAdded(_) => "AccountAdded",
            Self::AccountPatched(_) => "AccountPatched",
            Self::AccountRemoved(_) => "AccountRemoved",
            Self::CreditGranted(_) => "CreditGranted",
            Self::CallerKeyIssued(_) => "CallerKeyIssued",
            Self::CallerKeyPatched(_) => "CallerKeyPatched",
            Self::CallerKeyRotated(_) => "CallerKeyRotated",
            Self::CallerKeyRevoked(_) => "CallerKeyRevoked",
            Self::RecordUndone(_) => "RecordUndone",
            Self::StateRestored(_) => "StateRestored",
            Self::DefinitionPut(event) => event.kind.put(),
            Self::DefinitionRemoved(event) => event.kind.removed(),
        }
    }

    /// The number of the resource it is about, if it is about one that has one.
    pub const fn subject(&self) -> Option<u64> {
        match self {
            Self::OwnerClaimed(event) => Some(event.account.0),
            Self::KeyAdded(event) => Some(event.number.0),
            Self::KeyPatched(event) => Some(event.number.0),
            Self::KeyRemoved(event) => Some(event.number.0),
            Self::KeyDisabled(event) => Some(event.number.0),
            Self::NewsPublished(event) => Some(event.number.0),
            Self::NewsRetracted(event) => Some(event.number.0),
            Self::AdminKeyIssued(event) => Some(event.number.0),
            Self::AdminKeyRevoked(event) => Some(event.number.0),
            Self::AccountAdded(event) => Some(event.number.0),
            Self::AccountPatched(event) => Some(event.number.0),
            Self::AccountRemoved(event) => Some(event.number.0),
            Self::CreditGranted(event) => Some(event.account.0),
            Self::CallerKeyIssued(event) => Some(event.number.0),
            Self::CallerKeyPatched(event) => Some(event.number.0),
            Self::CallerKeyRotated(event) => Some(event.number.0),
            Self::CallerKeyRevoked(event) => Some(event.number.0),
            Self::RecordUndone(event) => Some(event.revision.0),
            Self::StateRestored(event) => Some(event.revision.0),
            Self::DefinitionPut(event) => Some(event.number.0),
            Self::DefinitionRemoved(event) => Some(event.number.0),
            Self::ConfigPatched(_)
            | Self::ConfigReset(_)
            | Self::LevelMapperCompleted(_)
            | Self::LevelMapperRetracted(_)
            | Self::OwnerKeyRotated(_) => None,
        }
    }
}

/// See [`Event::OwnerClaimed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerClaimed {
    /// The number of the owner's root account.
    pub account: AccountNumber,
    /// The owner's name.
    pub name: String,
    /// SHA-256 of the owner key.
    #[serde(with = "serde_bytes")]
    pub key_hash: Vec<u8>,
    /// What may be shown of the owner key.
    pub key_mask: String,
}

/// See [`Event::KeyAdded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAdded {
    /// The key's id.
    pub id: KeyId,
    /// The key's number.
    pub number: KeyNumber,
    /// Its name.
    pub name: String,
    /// Its pool.
    pub level: Level,
    /// Its upstream's base URL.
    pub provider: String,
    /// Its kind of upstream.
    pub config: ProviderConfig,
    /// Its credential.
    pub secret: MaskedSecret,
    /// Whether it may be used.
    pub enabled: bool,
    /// What is kept for the admin API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<JsonText>,
    /// The secrets in that, which holds their masks.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub more_secrets: Secrets,
}

/// See [`Event::KeyPatched`]. `None` is unchanged.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyPatched {
    /// Which key.
    pub number: KeyNumber,
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// New upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// New kind and settings, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<ProviderConfig>,
    /// New credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<MaskedSecret>,
    /// Put into or out of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What is kept for the admin API, whole; an empty object is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<JsonText>,
    /// The secrets in what is kept, all of them; without `more` those of what stays.
    #[serde(skip_serializing_if = "Secrets::is_empty")]
    pub more_secrets: Secrets,
}

/// See [`Event::KeyRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRemoved {
    /// Which key.
    pub number: KeyNumber,
}

/// See [`Event::KeyDisabled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDisabled {
    /// Which key.
    pub number: KeyNumber,
    /// Who saw it fail.
    pub by: Actor,
    /// What the upstream said, in words for an operator.
    pub reason: String,
}

/// See [`Event::ConfigPatched`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigPatched {
    /// The keys that were set, with their whole new values.
    pub patch: Config,
}

/// See [`Event::ConfigReset`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReset {
    /// Which keys.
    pub keys: BTreeSet<ConfigKey>,
}

/// See [`Event::LevelMapperCompleted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelMapperCompleted {
    /// The patterns that were added to (or moved in) the completed layer.
    pub patterns: BTreeMap<String, Level>,
}

/// See [`Event::LevelMapperRetracted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelMapperRetracted {
    /// The patterns that left the completed layer.
    pub patterns: BTreeSet<String>,
}

/// See [`Event::NewsPublished`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsPublished {
    /// The item's id.
    pub id: NewsId,
    /// The item's number.
    pub number: NewsNumber,
    /// Title.
    pub title: String,
    /// Text.
    pub content: String,
    /// Whom it reaches.
    pub target: Option<NewsTarget>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// See [`Event::NewsRetracted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsRetracted {
    /// Which item.
    pub number: NewsNumber,
}
