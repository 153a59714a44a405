//! The state: everything that the log says, folded. A function of the log and
//! of nothing else; its bytes are the same on every node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldgate_proto::event::OwnerClaimed;
use foldgate_proto::{
    Account, AccountNumber, AdminKey, AdminKeyNumber, CallerKey, CallerKeyNumber, Config,
    Definition, DefinitionId, DefinitionKind, DefinitionNumber, KeyId, KeyNumber, Level, LogId,
    News, NewsNumber, OwnerId, ProviderKey, ProviderType, RecordHash, RecordId, ResourceId,
    Revision, Timestamp,
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

mod apply;
mod bounded;
pub(crate) mod definitions;
mod key_names;
pub(crate) mod people;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tree;

use key_names::KeyNames;
pub use tree::MAX_DEPTH;

/// The version of the fold. Raised when the same log gives other bytes; state
/// hashes compare only within one version.
pub const FOLD_VERSION: u32 = 4;

/// Everything that the log says. Cloning is cheap: the maps share their nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The log it was folded from.
    pub log: LogId,
    /// The last record folded.
    pub revision: Revision,
    /// That record's hash (of the log's id before the first).
    pub chain: RecordHash,
    /// That record's time.
    pub at: Timestamp,
    /// The greatest account number given out; never falls.
    pub last_account: AccountNumber,
    /// The tenants.
    #[serde(deserialize_with = "bounded::map")]
    pub owners: OrdMap<OwnerId, Arc<OwnerState>>,
    /// Clients' retry keys and what they were used for, within the window.
    #[serde(deserialize_with = "bounded::map")]
    pub idempotency: OrdMap<(OwnerId, String), Replay>,
    /// The same keys by age, so that the oldest can leave.
    #[serde(deserialize_with = "bounded::map")]
    idempotency_order: OrdMap<Revision, (OwnerId, String)>,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Hash of the request.
    pub request_hash: RecordHash,
    /// The record it became.
    pub record: RecordId,
    /// Where that stands.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// The number of the resource it made or changed, if one.
    pub subject: Option<u64>,
}

/// One tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnerState {
    /// Its id for life.
    pub id: OwnerId,
    /// The number of its root account.
    pub account: AccountNumber,
    /// Its name.
    pub name: String,
    /// SHA-256 of the owner key.
    #[serde(with = "serde_bytes")]
    pub key_hash: Vec<u8>,
    /// What may be shown of the owner key.
    pub key_mask: String,
    /// The revision that last changed the owner itself: its name or its key.
    #[serde(default)]
    pub owner_revision: Revision,
    /// The greatest key number given out; never falls.
    pub last_key: KeyNumber,
    /// The greatest news number given out; never falls.
    pub last_news: NewsNumber,
    /// Provider keys.
    #[serde(deserialize_with = "bounded::map")]
    pub keys: OrdMap<KeyNumber, Arc<ProviderKey>>,
    /// Key numbers by id.
    #[serde(deserialize_with = "bounded::map")]
    pub key_ids: OrdMap<KeyId, KeyNumber>,
    /// How many keys of which upstream each Level holds.
    #[serde(deserialize_with = "bounded::map")]
    pub staff: OrdMap<Post, Staff>,
    /// What the owner set.
    pub config: Arc<Config>,
    /// The revision that last changed it, or what it is laid over.
    #[serde(default)]
    pub config_revision: Revision,
    /// The revision that set PRICING as it is; zero where it is not set.
    #[serde(default)]
    pub pricing_revision: Revision,
    /// LEVEL_MAPPER's other layer: completed from known providers.
    pub completed: Arc<BTreeMap<String, Level>>,
    /// Notifications, expired ones too until they are taken back.
    #[serde(deserialize_with = "bounded::map")]
    pub news: OrdMap<NewsNumber, Arc<News>>,
    /// The greatest caller key number given out; never falls.
    #[serde(default)]
    pub last_caller_key: CallerKeyNumber,
    /// The greatest admin key number given out; never falls.
    #[serde(default)]
    pub last_admin_key: AdminKeyNumber,
    /// The accounts below the owner's own.
    #[serde(default, deserialize_with = "bounded::map")]
    pub accounts: OrdMap<AccountNumber, Arc<Account>>,
    /// Digests of names, in lower case, with who has them: one account each, as
    /// decisions see to. Here and below a set of pairs, so that it is what the
    /// accounts say, whatever came before.
    #[serde(default, deserialize_with = "bounded::map")]
    pub account_names: OrdMap<(u64, AccountNumber), ()>,
    /// Digests of e-mail addresses, in lower case, with who has them.
    #[serde(default, deserialize_with = "bounded::map")]
    pub account_emails: OrdMap<(u64, AccountNumber), ()>,
    /// Parents with their children.
    #[serde(default, deserialize_with = "bounded::map")]
    pub children: OrdMap<(AccountNumber, AccountNumber), ()>,
    /// Caller keys of all accounts.
    #[serde(default, deserialize_with = "bounded::map")]
    pub caller_keys: OrdMap<CallerKeyNumber, Arc<CallerKey>>,
    /// Accounts with their keys.
    #[serde(default, deserialize_with = "bounded::map")]
    pub account_keys: OrdMap<(AccountNumber, CallerKeyNumber), ()>,
    /// The first eight bytes of hashes with the caller keys they are of; a rotated
    /// key's old hash too.
    #[serde(default, deserialize_with = "bounded::map")]
    pub key_hashes: OrdMap<(u64, CallerKeyNumber), ()>,
    /// Admin keys.
    #[serde(default, deserialize_with = "bounded::map")]
    pub admin_keys: OrdMap<AdminKeyNumber, Arc<AdminKey>>,
    /// The greatest number of a definition given out; never falls.
    #[serde(default)]
    pub last_definition: DefinitionNumber,
    /// Definitions.
    #[serde(default, deserialize_with = "bounded::map")]
    pub definitions: OrdMap<(DefinitionKind, DefinitionNumber), Arc<Definition>>,
    /// How many definitions of each kind there are.
    #[serde(default, deserialize_with = "bounded::map")]
    pub definition_counts: OrdMap<DefinitionKind, u64>,
    /// Definitions by id.
    #[serde(default, deserialize_with = "bounded::map")]
    pub definition_ids: OrdMap<DefinitionId, (DefinitionKind, DefinitionNumber)>,
    /// Digests of definitions' names, in lower case, with which have them.
    #[serde(default, deserialize_with = "bounded::map")]
    pub definition_names: OrdMap<(DefinitionKind, u64, DefinitionNumber), ()>,
    /// Resources with the definitions that speak of them.
    #[serde(default, deserialize_with = "bounded::map")]
    pub referrers: OrdMap<(ResourceId, DefinitionKind, DefinitionNumber), ()>,
    /// Names of keys; what the keys say, so not written out.
    #[serde(skip)]
    key_names: KeyNames,
}

/// A place where keys stand: the same Level, the same upstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Post {
    /// The pool.
    pub level: Level,
    /// The kind of upstream.
    pub kind: ProviderType,
    /// Its base URL.
    pub provider: String,
}

/// The keys of one post.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// In whatever condition.
    pub keys: u32,
    /// Those not switched off.
    pub enabled: u32,
}

impl State {
    /// The state of an empty log.
    pub fn new(log: LogId) -> Self {
        Self {
            log,
            revision: Revision::ZERO,
            chain: RecordHash::genesis(log),
            at: Timestamp::default(),
            last_account: AccountNumber::default(),
            owners: OrdMap::new(),
            idempotency: OrdMap::new(),
            idempotency_order: OrdMap::new(),
        }
    }

    /// One tenant.
    pub fn owner(&self, id: OwnerId) -> Option<&Arc<OwnerState>> {
        self.owners.get(&id)
    }

    /// The tenant that came first: whom a fresh standalone belongs to.
    pub fn first_owner(&self) -> Option<&Arc<OwnerState>> {
        self.owners.values().min_by_key(|owner| owner.account)
    }

    /// The state's bytes: MessagePack, maps in key order.
    ///
    /// # Errors
    /// What the codec cannot write; nothing a state holds is of that kind.
    pub fn to_bytes(&self) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        rmp_serde::to_vec_named(self)
    }

    /// Reads [`State::to_bytes`] back. Total: any bytes give a state or an error.
    ///
    /// # Errors
    /// Bytes that are no state of this fold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        let mut state: Self = rmp_serde::from_slice(bytes)?;
        let owners: Vec<OwnerId> = state.owners.keys().copied().collect();
        for owner in owners {
            if let Some(owner) = state.owners.get_mut(&owner) {
                let names = KeyNames::of(owner);
                Arc::make_mut(owner).key_names = names;
            }
        }
        Ok(state)
    }

    /// BLAKE3 over the state's bytes, without holding them all.
    ///
    /// # Errors
    /// As [`State::to_bytes`].
    pub fn hash(&self) -> Result<RecordHash, rmp_serde::encode::Error> {
        let mut hasher = blake3::Hasher::new();
        let mut writer = std::io::BufWriter::with_capacity(64 * 1024, &mut hasher);
        rmp_serde::encode::write_named(&mut writer, self)?;
        drop(writer);
        Ok(RecordHash(hasher.finalize().into()))
    }
}

impl OwnerState {
    /// A tenant that just came to be.
    fn new(id: OwnerId, revision: Revision, claimed: &OwnerClaimed) -> Self {
        Self {
            id,
            account: claimed.account,
            name: claimed.name.clone(),
            key_hash: claimed.key_hash.clone(),
            key_mask: claimed.key_mask.clone(),
            owner_revision: revision,
            last_key: KeyNumber::default(),
            last_news: NewsNumber::default(),
            keys: OrdMap::new(),
            key_ids: OrdMap::new(),
            staff: OrdMap::new(),
            config: Arc::default(),
            config_revision: Revision::ZERO,
            pricing_revision: Revision::ZERO,
            completed: Arc::default(),
            news: OrdMap::new(),
            last_caller_key: CallerKeyNumber::default(),
            last_admin_key: AdminKeyNumber::default(),
            accounts: OrdMap::new(),
            account_names: OrdMap::new(),
            account_emails: OrdMap::new(),
            children: OrdMap::new(),
            caller_keys: OrdMap::new(),
            account_keys: OrdMap::new(),
            key_hashes: OrdMap::new(),
            admin_keys: OrdMap::new(),
            last_definition: DefinitionNumber::default(),
            definitions: OrdMap::new(),
            definition_counts: OrdMap::new(),
            definition_ids: OrdMap::new(),
            definition_names: OrdMap::new(),
            referrers: OrdMap::new(),
            key_names: KeyNames::default(),
        }
    }

    /// The key with this id.
    pub fn key(&self, id: KeyId) -> Option<&Arc<ProviderKey>> {
        self.keys.get(self.key_ids.get(&id)?)
    }

    /// LEVEL_MAPPER as it is in force: the owner's layer over the completed one.
    pub fn level_mapper(&self) -> BTreeMap<&str, Level> {
        let owner = self.config.level_mapper.iter().flatten();
        self.completed
            .iter()
            .chain(owner)
            .map(|(pattern, level)| (pattern.as_str(), *level))
            .collect()
    }

    /// The posts of a Level, with how many keys stand there.
    pub fn staff_of(&self, level: Level) -> impl Iterator<Item = (&Post, &Staff)> {
        let first = Post {
            level,
            kind: ProviderType::Standard,
            provider: String::new(),
        };
        self.staff
            .range(first..)
            .take_while(move |(post, _)| post.level == level)
    }

    /// The Levels at which keys stand, in use or not, from the lowest.
    pub fn staff_levels(&self) -> impl Iterator<Item = Level> {
        let mut last = None;
        let levels = self.staff.keys().map(|post| post.level);
        levels.filter(move |level| last.replace(*level) != Some(*level))
    }

    /// The Levels to try after `level`, in order; a circle ends where it began.
    pub fn switch_over(&self, level: Level) -> Vec<Level> {
        let Some(switches) = &self.config.switch_over else {
            return Vec::new();
        };
        let mut chain = Vec::new();
        let mut seen = BTreeSet::from([level]);
        let mut at = level;
        while let Some(next) = switches.get(&at).copied() {
            if !seen.insert(next) {
                break;
            }
            chain.push(next);
            at = next;
        }
        chain
    }

    /// Whether a request that is led to a Level meets a key that it may use, there or
    /// where SWITCH_OVER leads it then, unless all sleep.
    pub fn is_served(&self, level: Level) -> bool {
        self.chain(level).any(|level| self.is_staffed(level))
    }

    /// A Level and those to try after it, in order.
    pub fn chain(&self, level: Level) -> impl Iterator<Item = Level> + use<> {
        std::iter::once(level).chain(self.switch_over(level))
    }

    /// Whether a Level has a key that requests may use, unless it sleeps.
    pub fn is_staffed(&self, level: Level) -> bool {
        self.staff_of(level).any(|(_, staff)| staff.enabled > 0)
    }
}
