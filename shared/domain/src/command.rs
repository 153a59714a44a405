//! Commands: what somebody wants, in the imperative, already parsed. Secrets
//! arrive sealed, with the id they were sealed for.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{
    Actor, Config, ConfigKey, Idempotency, KeyId, KeyNumber, Level, MaskedSecret, ModelLimit,
    NewsId, NewsNumber, NewsTarget, ProviderConfig, RecordId, Revision, Timestamp,
};

/// Everything `decide` may not find out by itself: time, ids, who and why.
#[derive(Debug, Clone)]
pub struct Context {
    /// The clock, when the command was decided.
    pub now: Timestamp,
    /// The id of the record it would become.
    pub record: RecordId,
    /// Who asks.
    pub actor: Actor,
    /// From where.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// Why, in the actor's own words.
    pub reason: Option<String>,
    /// The client's own retry key.
    pub idempotency: Option<Idempotency>,
    /// The version of the deciding program.
    pub writer_version: String,
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make the tenant.
    ClaimOwner(ClaimOwner),
    /// Add a provider key.
    AddKey(AddKey),
    /// Change a provider key.
    PatchKey(PatchKey),
    /// Remove a provider key.
    RemoveKey(KeyNumber),
    /// Put a key out of use because its upstream refused it.
    DisableKey(DisableKey),
    /// Set configuration keys.
    PatchConfig(PatchConfig),
    /// Take configuration keys back to the system default.
    ResetConfig(BTreeSet<ConfigKey>),
    /// Publish a notification.
    PublishNews(PublishNews),
    /// Take a notification back.
    RetractNews(NewsNumber),
}

impl Command {
    /// The name records and subjects carry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClaimOwner(_) => "ClaimOwner",
            Self::AddKey(_) => "AddKey",
            Self::PatchKey(_) => "PatchKey",
            Self::RemoveKey(_) => "RemoveKey",
            Self::DisableKey(_) => "DisableKey",
            Self::PatchConfig(_) => "PatchConfig",
            Self::ResetConfig(_) => "ResetConfig",
            Self::PublishNews(_) => "PublishNews",
            Self::RetractNews(_) => "RetractNews",
        }
    }
}

/// See [`Command::ClaimOwner`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimOwner {
    /// The owner's name.
    pub name: String,
    /// SHA-256 of the owner key.
    pub key_hash: [u8; 32],
    /// What may be shown of it.
    pub key_mask: String,
}

/// See [`Command::AddKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddKey {
    /// The id the secrets were sealed for.
    pub id: KeyId,
    /// A name to show; empty takes the provider's host.
    pub name: String,
    /// The pool.
    pub level: Level,
    /// The upstream's base URL, normalised.
    pub provider: String,
    /// The kind of upstream.
    pub config: ProviderConfig,
    /// The credential.
    pub secret: MaskedSecret,
    /// Whether it may be used at once.
    pub enabled: bool,
}

/// See [`Command::PatchKey`]. `None` is unchanged.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PatchKey {
    /// Which key.
    pub number: KeyNumber,
    /// The id that new secrets were sealed for: the key must still be that one.
    pub sealed_for: Option<KeyId>,
    /// New name.
    pub name: Option<String>,
    /// New pool.
    pub level: Option<Level>,
    /// New upstream.
    pub provider: Option<String>,
    /// New kind and settings.
    pub config: Option<ProviderConfig>,
    /// New credential.
    pub secret: Option<MaskedSecret>,
    /// Put into or out of use.
    pub enabled: Option<bool>,
}

/// See [`Command::DisableKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisableKey {
    /// Which key.
    pub id: KeyId,
    /// The secret that was refused: a newer one is left alone.
    pub secret_revision: Revision,
    /// Who saw it fail.
    pub by: Actor,
    /// What the upstream said.
    pub reason: String,
}

/// See [`Command::PatchConfig`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PatchConfig {
    /// The keys to set, whole.
    pub set: Config,
    /// Limits that go over MODEL_LIMITS, field by field; `None` takes a model out.
    pub merge_limits: Option<BTreeMap<String, Option<ModelLimit>>>,
}

/// See [`Command::PublishNews`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishNews {
    /// Its id.
    pub id: NewsId,
    /// Title.
    pub title: String,
    /// Text.
    pub content: String,
    /// Whom it reaches; `None` is everybody.
    pub target: Option<NewsTarget>,
    /// Days until it expires; `None` takes the default (7 for all, 32 targeted).
    pub days: Option<u32>,
}
