//! The fold of accounts, caller keys and admin keys, and of what an undo or a
//! restore puts back.

use std::sync::Arc;

use foldgate_proto::event::{
    AccountAdded, AccountPatched, AdminKeyIssued, CallerKeyIssued, CallerKeyPatched,
    CallerKeyRotated, CreditGranted, OwnerKeyRotated,
};
use foldgate_proto::{
    Account, AccountNumber, AdminKey, AdminKeyNumber, CallerKey, CallerKeyNumber, Change, Credit,
    Definition, PreviousHash, Rare, Record, Resource, ResourceId, Revision,
};

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::OwnerState;

impl OwnerState {
    pub(super) fn rotate_owner_key(&mut self, revision: Revision, rotated: &OwnerKeyRotated) {
        self.owner_revision = revision;
        self.key_hash = rotated.key_hash.0.to_vec();
        self.key_mask.clone_from(&rotated.key_mask);
    }

    pub(super) fn issue_admin_key(
        &mut self,
        revision: Revision,
        record: &Record,
        issued: &AdminKeyIssued,
    ) {
        self.put_admin_key(AdminKey {
            id: issued.id,
            number: issued.number,
            name: issued.name.clone(),
            role: issued.role,
            hash: issued.hash,
            mask: issued.mask.clone(),
            expires_at: issued.expires_at,
            created_at: record.at,
            revision,
        });
    }

    fn put_admin_key(&mut self, key: AdminKey) {
        self.last_admin_key = self.last_admin_key.max(key.number);
        self.admin_keys.insert(key.number, Arc::new(key));
    }

    pub(super) fn remove_admin_key(&mut self, number: AdminKeyNumber) {
        self.admin_keys.remove(&number);
    }

    pub(super) fn add_account(
        &mut self,
        revision: Revision,
        record: &Record,
        added: &AccountAdded,
    ) {
        self.put_account(Account {
            id: added.id,
            number: added.number,
            parent: added.parent,
            profile: added.profile.clone(),
            credits: Rare::default(),
            created_at: record.at,
            updated_at: record.at,
            revision,
        });
    }

    pub(super) fn patch_account(
        &mut self,
        revision: Revision,
        record: &Record,
        patched: &AccountPatched,
    ) {
        if let Some(mut account) = self.accounts.get(&patched.number).map(Arc::clone) {
            let changed = Arc::make_mut(&mut account);
            changed.profile = patched.profile.clone();
            changed.updated_at = record.at;
            changed.revision = revision;
            self.put_account(Arc::unwrap_or_clone(account));
        }
    }

    pub(super) fn grant_credit(
        &mut self,
        revision: Revision,
        record: &Record,
        granted: &CreditGranted,
    ) {
        if let Some(account) = self.accounts.get_mut(&granted.account) {
            let account = Arc::make_mut(account);
            account.credits.push(Credit {
                amount: granted.amount,
                granted_at: record.at,
                expires_at: granted.expires_at,
            });
            account.updated_at = record.at;
            account.revision = revision;
        }
    }

    /// Puts an account into its place, and out of the one it had.
    fn put_account(&mut self, account: Account) {
        let number = account.number;
        self.remove_account_only(number);
        let (name, email) = (&account.profile.name, &account.profile.email);
        let (name, email) = (digest(&folded(name)), digest(&folded(email)));
        self.account_names.insert((name, number), ());
        self.account_emails.insert((email, number), ());
        self.children.insert((account.parent, number), ());
        self.accounts.insert(number, Arc::new(account));
    }

    /// Takes an account out of the maps, but leaves its keys.
    fn remove_account_only(&mut self, number: AccountNumber) {
        let Some(account) = self.accounts.remove(&number) else {
            return;
        };
        self.children.remove(&(account.parent, number));
        let (name, email) = (&account.profile.name, &account.profile.email);
        let (name, email) = (digest(&folded(name)), digest(&folded(email)));
        self.account_names.remove(&(name, number));
        self.account_emails.remove(&(email, number));
    }

    pub(super) fn remove_account(&mut self, number: AccountNumber) {
        let keys: Vec<CallerKeyNumber> = self.caller_keys_of(number).map(|k| k.number).collect();
        for key in keys {
            self.remove_caller_key(key);
        }
        self.remove_account_only(number);
    }

    pub(super) fn issue_caller_key(
        &mut self,
        revision: Revision,
        record: &Record,
        issued: &CallerKeyIssued,
    ) {
        self.put_caller_key(CallerKey {
            id: issued.id,
            number: issued.number,
            account: issued.account,
            name: issued.name.clone(),
            hash: issued.hash,
            mask: issued.mask.clone(),
            previous: None,
            terms: issued.terms.clone().into(),
            created_at: record.at,
            updated_at: record.at,
            revision,
        });
    }

    pub(super) fn patch_caller_key(
        &mut self,
        revision: Revision,
        record: &Record,
        patched: &CallerKeyPatched,
    ) {
        if let Some(key) = self.caller_keys.get_mut(&patched.number) {
            let key = Arc::make_mut(key);
            if key.name != patched.name {
                self.key_names.remove_caller_key(key);
                key.name.clone_from(&patched.name);
                self.key_names.add_caller_key(key);
            }
            key.terms = patched.terms.clone().into();
            key.updated_at = record.at;
            key.revision = revision;
        }
    }

    pub(super) fn rotate_caller_key(
        &mut self,
        revision: Revision,
        record: &Record,
        rotated: &CallerKeyRotated,
    ) {
        let Some(mut key) = self.caller_keys.get(&rotated.number).map(Arc::clone) else {
            return;
        };
        let changed = Arc::make_mut(&mut key);
        let old = changed.hash;
        changed.previous = rotated
            .previous_until
            .map(|until| Box::new(PreviousHash { hash: old, until }));
        changed.hash = rotated.hash;
        changed.mask.clone_from(&rotated.mask);
        changed.updated_at = record.at;
        changed.revision = revision;
        self.put_caller_key(Arc::unwrap_or_clone(key));
    }

    fn put_caller_key(&mut self, key: CallerKey) {
        self.remove_caller_key(key.number);
        self.last_caller_key = self.last_caller_key.max(key.number);
        self.account_keys.insert((key.account, key.number), ());
        for hash in hashes(&key) {
            self.key_hashes.insert((prefix(hash), key.number), ());
        }
        self.key_names.add_caller_key(&key);
        self.caller_keys.insert(key.number, Arc::new(key));
    }

    pub(super) fn remove_caller_key(&mut self, number: CallerKeyNumber) {
        let Some(key) = self.caller_keys.remove(&number) else {
            return;
        };
        self.account_keys.remove(&(key.account, number));
        self.key_names.remove_caller_key(&key);
        for hash in hashes(&key) {
            self.key_hashes.remove(&(prefix(hash), number));
        }
    }

    /// Puts a resource back as a record says, whatever it is now.
    pub(crate) fn put_back(&mut self, revision: Revision, change: &Change) {
        match (change.resource, &change.value) {
            (ResourceId::Owner, Some(Resource::Owner(owner))) => {
                self.name.clone_from(&owner.name);
                self.key_hash.clone_from(&owner.key_hash);
                self.key_mask.clone_from(&owner.key_mask);
                self.owner_revision = revision;
            }
            (ResourceId::Config, Some(Resource::Config(config))) => {
                self.put_config(revision, Arc::new((**config).clone()));
            }
            (ResourceId::Completed, Some(Resource::Completed(patterns))) => {
                self.completed = Arc::new(patterns.clone());
                self.config_revision = revision;
            }
            (ResourceId::Key(_), Some(Resource::Key(key))) => {
                self.put_back_key(revision, (**key).clone());
            }
            (ResourceId::Key(number), None) => self.remove_key(number),
            (ResourceId::News(_), Some(Resource::News(news))) => {
                self.put_news(foldgate_proto::News {
                    revision,
                    ..(**news).clone()
                });
            }
            (ResourceId::News(number), None) => {
                self.news.remove(&number);
            }
            (ResourceId::Account(_), Some(Resource::Account(account))) => {
                self.put_account(Account {
                    revision,
                    ..(**account).clone()
                });
            }
            (ResourceId::Account(number), None) => self.remove_account(number),
            (ResourceId::CallerKey(_), Some(Resource::CallerKey(key))) => {
                self.put_caller_key(CallerKey {
                    revision,
                    ..(**key).clone()
                });
            }
            (ResourceId::CallerKey(number), None) => self.remove_caller_key(number),
            (ResourceId::AdminKey(_), Some(Resource::AdminKey(key))) => {
                self.put_admin_key(AdminKey {
                    revision,
                    ..(**key).clone()
                });
            }
            (ResourceId::AdminKey(number), None) => self.remove_admin_key(number),
            (ResourceId::Definition(kind, _), Some(Resource::Definition(definition)))
                if definition.kind == kind =>
            {
                self.put_definition(Definition {
                    revision,
                    ..(**definition).clone()
                });
            }
            (ResourceId::Definition(kind, number), None) => self.remove_definition(kind, number),
            // A value of another kind than its name says, or what cannot go.
            (_, _) => {}
        }
    }

    fn put_back_key(&mut self, revision: Revision, mut key: foldgate_proto::ProviderKey) {
        // A key whose credential or standing is another than now begins a new life.
        let now = self.keys.get(&key.number);
        let lives_on = now.filter(|now| {
            now.id == key.id && now.secret == key.secret && now.disabled == key.disabled
        });
        key.secret_revision = lives_on.map_or(revision, |now| now.secret_revision);
        key.revision = revision;
        self.put_key(key);
    }
}

/// The hashes a key is presented by: its own, and its old one for a while.
pub(crate) fn hashes(key: &CallerKey) -> impl Iterator<Item = foldgate_proto::KeyHash> + use<> {
    let previous = key.previous.as_ref().map(|previous| previous.hash);
    std::iter::once(key.hash).chain(previous)
}

/// Whether two names or addresses are the same, whatever their case and however
/// their characters are composed: what looks the same is not two.
pub fn is_same(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// A name as it is compared: full case folding (as of ß and ss) between
/// two compatibility normalisations, since folding may leave what composes.
pub fn folded(text: &str) -> String {
    // Nearly all are, and are spared the tables.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed = ComposingNormalizerBorrowed::new_nfkc();
    let text = composed.normalize(text);
    let text = CaseMapper::new().fold_string(&text);
    composed.normalize(&text).into_owned()
}

/// What a folded text is indexed by. Eight bytes take a fraction of the room that
/// texts take; who finds an entry by it looks at the text itself, so two texts with
/// one digest do no harm.
pub(crate) fn digest(folded: &str) -> u64 {
    prefix(foldgate_proto::KeyHash(
        blake3::hash(folded.as_bytes()).into(),
    ))
}

/// What a hash is indexed by, as with [`digest`].
pub(crate) fn prefix(hash: foldgate_proto::KeyHash) -> u64 {
    hash.0
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first))
}
