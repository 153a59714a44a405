//! Commands: what somebody wants, in the imperative, already parsed. Secrets
//! arrive sealed, with the id they were sealed for.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{
    AccountNumber, Actor, AdminKeyNumber, CallerKeyNumber, Config, ConfigKey, DefinitionNumber,
    Idempotency, JsonText, KeyId, KeyNumber, Level, MaskedSecret, NewsId, NewsNumber, NewsTarget,
    RecordId, ResourceId, Revision, Timestamp,
};

mod change;
mod config_patch;
mod definition;
mod history;
mod limit_patch;
mod people;

pub use change::Change;
pub use config_patch::{ConfigFields, ConfigPatch, PrivateKey, VertexPatch};
pub use definition::{PutDefinition, RemoveDefinition, SecretEdit};
pub use history::{Restore, Undo};
pub use limit_patch::LimitPatch;
pub use people::{
    AddAccount, Grant, IssueAdminKey, IssueCallerKey, KeyOf, NewKey, PatchAccount, PatchCallerKey,
    ProfileEdit, RemoveAccount, RotateCallerKey, RotateOwnerKey, TermsEdit,
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
    /// What the client believes of the resource it writes to.
    pub precondition: Option<Precondition>,
    /// The version of the deciding program.
    pub writer_version: String,
}

/// The command is decided only while a resource stands as its client saw it, or not as
/// it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// Which resource.
    pub resource: ResourceId,
    /// What it must be (`If-Match`).
    pub one_of: Option<Seen>,
    /// What it must not be (`If-None-Match`).
    pub none_of: Option<Seen>,
}

/// What a client saw of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// That it exists.
    Any,
    /// One of these revisions of it; of none, nothing that it could be.
    At(Vec<Revision>),
}

impl Seen {
    /// Whether a resource with this revision is what was seen.
    pub fn holds(&self, now: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::At(revisions) => revisions.contains(&now),
        }
    }
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make the tenant.
    ClaimOwner(ClaimOwner),
    /// Add a provider key.
    AddKey(AddKey),
    /// Add a provider key under a name that is its alone.
    AddNamedKey(Box<AddNamedKey>),
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
    /// Put a newly drawn key in the owner key's place.
    RotateOwnerKey(RotateOwnerKey),
    /// Issue an admin key.
    IssueAdminKey(IssueAdminKey),
    /// Revoke an admin key.
    RevokeAdminKey(AdminKeyNumber),
    /// Make an account.
    AddAccount(Box<AddAccount>),
    /// Change an account.
    PatchAccount(Box<PatchAccount>),
    /// Remove an account.
    RemoveAccount(RemoveAccount),
    /// Give an account one more key.
    IssueCallerKey(IssueCallerKey),
    /// Change a caller key.
    PatchCallerKey(PatchCallerKey),
    /// Draw a caller key anew.
    RotateCallerKey(RotateCallerKey),
    /// Revoke a caller key.
    RevokeCallerKey(KeyOf),
    /// Take back what one record did.
    Undo(Undo),
    /// Put resources back as they stood.
    Restore(Restore),
    /// Make or change a definition.
    PutDefinition(Box<PutDefinition>),
    /// Remove a definition.
    RemoveDefinition(RemoveDefinition),
}

impl Command {
    /// The name records and subjects carry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClaimOwner(_) => "ClaimOwner",
            Self::AddKey(_) | Self::AddNamedKey(_) => "AddKey",
            Self::PatchKey(_) => "PatchKey",
            Self::RemoveKey(_) => "RemoveKey",
            Self::DisableKey(_) => "DisableKey",
            Self::PatchConfig(_) => "PatchConfig",
            Self::ResetConfig(_) => "ResetConfig",
            Self::PublishNews(_) => "PublishNews",
            Self::RetractNews(_) => "RetractNews",
            Self::RotateOwnerKey(_) => "RotateOwnerKey",
            Self::IssueAdminKey(_) => "IssueAdminKey",
            Self::RevokeAdminKey(_) => "RevokeAdminKey",
            Self::AddAccount(_) => "AddAccount",
            Self::PatchAccount(_) => "PatchAccount",
            Self::RemoveAccount(_) => "RemoveAccount",
            Self::IssueCallerKey(_) => "IssueCallerKey",
            Self::PatchCallerKey(_) => "PatchCallerKey",
            Self::RotateCallerKey(_) => "RotateCallerKey",
            Self::RevokeCallerKey(_) => "RevokeCallerKey",
            Self::Undo(_) => "Undo",
            Self::Restore(_) => "Restore",
            Self::PutDefinition(_) => "PutDefinition",
            Self::RemoveDefinition(_) => "RemoveDefinition",
        }
    }
}

impl Command {
    /// The resource it is about; what it makes is known by its number only once
    /// it is made.
    pub const fn resource(&self, made: Option<u64>) -> Option<ResourceId> {
        Some(match self {
            Self::PatchKey(patch) => ResourceId::Key(patch.number),
            Self::RemoveKey(number) => ResourceId::Key(*number),
            Self::PatchConfig(_) | Self::ResetConfig(_) => ResourceId::Config,
            Self::RetractNews(number) => ResourceId::News(*number),
            Self::RevokeAdminKey(number) => ResourceId::AdminKey(*number),
            Self::PatchAccount(patch) => ResourceId::Account(patch.number),
            Self::RemoveAccount(remove) => ResourceId::Account(remove.number),
            Self::PatchCallerKey(patch) => ResourceId::CallerKey(patch.key.number),
            Self::RotateCallerKey(rotate) => ResourceId::CallerKey(rotate.key.number),
            Self::RevokeCallerKey(key) => ResourceId::CallerKey(key.number),
            Self::RemoveDefinition(remove) => ResourceId::Definition(remove.kind, remove.number),
            Self::PutDefinition(put) => {
                let number = match (put.number, made) {
                    (Some(number), _) => number,
                    (None, Some(made)) => DefinitionNumber(made),
                    (None, None) => return None,
                };
                ResourceId::Definition(put.kind, number)
            }
            Self::RotateOwnerKey(_) => ResourceId::Owner,
            Self::ClaimOwner(_) | Self::DisableKey(_) | Self::Undo(_) | Self::Restore(_) => {
                return None;
            }
            Self::AddKey(_)
            | Self::AddNamedKey(_)
            | Self::PublishNews(_)
            | Self::AddAccount(_)
            | Self::IssueCallerKey(_)
            | Self::IssueAdminKey(_) => {
                let Some(made) = made else { return None };
                match self {
                    Self::AddKey(_) | Self::AddNamedKey(_) => ResourceId::Key(KeyNumber(made)),
                    Self::PublishNews(_) => ResourceId::News(NewsNumber(made)),
                    Self::AddAccount(_) => ResourceId::Account(AccountNumber(made)),
                    Self::IssueCallerKey(_) => ResourceId::CallerKey(CallerKeyNumber(made)),
                    _ => ResourceId::AdminKey(AdminKeyNumber(made)),
                }
            }
        })
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
    /// The kind of upstream, and what it needs.
    pub config: ConfigPatch,
    /// The credential.
    pub secret: MaskedSecret,
    /// Whether it may be used at once.
    pub enabled: bool,
}

/// See [`Command::AddNamedKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddNamedKey {
    /// The key; its name must be no other key's.
    pub key: AddKey,
    /// Whether another Level than the key's is chosen, if there is a better one:
    /// where keys of the same upstream stand, else the first that nobody uses.
    pub any_level: bool,
    /// What is kept for the admin API.
    pub more: Option<JsonText>,
    /// The secrets in that, by JSON pointer; it holds their masks.
    pub more_secrets: BTreeMap<String, SecretEdit>,
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
    /// What changes of its kind and settings.
    pub config: Option<ConfigPatch>,
    /// New credential.
    pub secret: Option<MaskedSecret>,
    /// Put into or out of use.
    pub enabled: Option<bool>,
    /// What is kept for the admin API, whole; an empty object is nothing.
    pub more: Option<JsonText>,
    /// The secrets in that, by JSON pointer; it holds their masks.
    pub more_secrets: BTreeMap<String, SecretEdit>,
    /// Whether no other key may have the new name.
    pub own_name: bool,
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
    pub merge_limits: Option<BTreeMap<String, Option<LimitPatch>>>,
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
