//! Keeps the pools in step with the state: after each record, what it says of
//! keys is looked up in the state and done to the pools, whatever was there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldgate_domain::State;
use foldgate_domain::pool::PoolKey;
use foldgate_domain::provider::Family;
use foldgate_proto::{
    Change, Event, KeyId, KeyNumber, Level, OwnerId, ProviderConfig, ProviderKey, Record,
    ResourceId, Revision,
};

use super::gauges::may_shed;
use super::{Credential, Pools, lock, now};
use crate::account::metrics;
use crate::upstream::AccountError;

/// Why a key that may be used cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Skipped {
    /// Its secret cannot be opened.
    #[error("its secret cannot be opened: {0}")]
    Sealed(foldgate_vault::Error),
    /// Its secret holds bytes that no header may.
    #[error("its secret holds characters that no header can carry")]
    NoHeader,
    /// Its service account cannot sign.
    #[error("{0}")]
    Account(AccountError),
    /// Its provider is no URL.
    #[error("its provider is not a usable URL")]
    Url,
}

/// What the pools were told of each key.
#[derive(Default)]
pub(super) struct Known {
    keys: HashMap<(OwnerId, KeyNumber), Entry>,
    /// Keys that are in a pool.
    places: HashMap<KeyId, (OwnerId, Level)>,
    /// How many are left out.
    left_out: usize,
}

struct Entry {
    id: KeyId,
    provider: String,
    /// The key, where its settings are not the usual ones.
    special: Option<Arc<ProviderKey>>,
    stands: Stands,
}

enum Stands {
    /// In the pool of this Level, with the secret of this revision.
    In {
        level: Level,
        secret: Revision,
        credential: Arc<Credential>,
    },
    /// Out of use by the log's word.
    Disabled,
    /// Out of use here.
    Skipped(Skipped),
}

impl Known {
    fn insert(&mut self, owner: OwnerId, number: KeyNumber, entry: Entry) {
        self.left_out += usize::from(entry.is_left_out());
        self.keys.insert((owner, number), entry);
    }

    fn remove(&mut self, owner: OwnerId, number: KeyNumber) -> Option<Entry> {
        let entry = self.keys.remove(&(owner, number))?;
        self.left_out -= usize::from(entry.is_left_out());
        Some(entry)
    }

    pub(super) fn place_of(&self, key: KeyId) -> Option<(OwnerId, Level)> {
        self.places.get(&key).copied()
    }

    pub(super) fn skipped(&self) -> Vec<(OwnerId, KeyNumber, Skipped)> {
        let keys = self.keys.iter();
        keys.filter_map(|((owner, number), entry)| match &entry.stands {
            Stands::Skipped(why) => Some((*owner, *number, why.clone())),
            Stands::In { .. } | Stands::Disabled => None,
        })
        .collect()
    }
}

impl Entry {
    /// Whether a key leads where this one did.
    fn leads_alike(&self, key: &ProviderKey) -> bool {
        let config = self.special.as_ref().map(|special| &special.config);
        self.provider == key.provider && *config.unwrap_or(&ProviderConfig::STANDARD) == key.config
    }

    fn is_left_out(&self) -> bool {
        matches!(self.stands, Stands::Skipped(_))
    }
}

impl Pools {
    /// Takes up a whole state: at start, and when the fold began anew.
    pub fn load(&self, state: &State) {
        let mut gone: HashSet<(OwnerId, KeyNumber)> =
            lock(&self.known).keys.keys().copied().collect();
        for owner in state.owners.values() {
            for (number, key) in &owner.keys {
                gone.remove(&(owner.id, *number));
                self.update(owner.id, *number, Some(key));
            }
        }
        for (owner, number) in gone {
            self.update(owner, number, None);
        }
        for owner in self.gauges.owners() {
            self.gauges.shed(owner, state.owner(owner).map(Arc::as_ref));
        }
        self.count();
    }

    /// Takes up one record that `state` has folded.
    pub fn fold(&self, state: &State, record: &Record) {
        let mut touched = false;
        let owner = state.owner(record.owner);
        for number in record.events.iter().flat_map(keys_of) {
            let key = owner.and_then(|owner| owner.keys.get(&number));
            self.update(record.owner, number, key);
            touched = true;
        }
        if touched {
            self.count();
        }
        if record.events.iter().any(may_shed) {
            self.gauges.shed(record.owner, owner.map(Arc::as_ref));
        }
    }

    fn update(&self, owner: OwnerId, number: KeyNumber, key: Option<&Arc<ProviderKey>>) {
        let mut known = lock(&self.known);
        let before = known.remove(owner, number);
        let Some(key) = key else {
            if let Some(before) = before {
                known.places.remove(&before.id);
                self.leave(owner, &before);
                self.sleeps.forget(before.id);
                lock(&self.upstreams).forget(&before.provider);
            }
            return;
        };
        self.sleeps.know(key.id, key.secret_revision);
        let stands = self.stands(owner, key, before.as_ref());
        let level = match &stands {
            Stands::In { level, .. } => Some(*level),
            Stands::Disabled | Stands::Skipped(_) => None,
        };
        if let Some(before) = before {
            let stays =
                matches!(&before.stands, Stands::In { level: old, .. } if Some(*old) == level);
            if !stays {
                known.places.remove(&before.id);
                self.leave(owner, &before);
            }
            if before.provider != key.provider {
                lock(&self.upstreams).forget(&before.provider);
            }
        }
        if let Stands::In {
            level, credential, ..
        } = &stands
        {
            self.join(owner, *level, key, credential);
            known.places.insert(key.id, (owner, *level));
        }
        let entry = Entry {
            id: key.id,
            provider: key.provider.clone(),
            special: (key.config != ProviderConfig::STANDARD).then(|| Arc::clone(key)),
            stands,
        };
        known.insert(owner, number, entry);
    }

    /// How a key stands from now on. What did not change is not opened again.
    fn stands(&self, owner: OwnerId, key: &ProviderKey, before: Option<&Entry>) -> Stands {
        if key.disabled.is_some() {
            return Stands::Disabled;
        }
        let (level, secret) = (key.level, key.secret_revision);
        if let Some(before) = before
            && before.leads_alike(key)
            && let Stands::In {
                secret: old,
                credential,
                ..
            } = &before.stands
            && *old == secret
        {
            let credential = Arc::clone(credential);
            return Stands::In {
                level,
                secret,
                credential,
            };
        }
        let opened = Credential::open(&self.vault, &mut lock(&self.upstreams), owner, key);
        match opened {
            Ok(credential) => Stands::In {
                level,
                secret,
                credential: Arc::new(credential),
            },
            Err(why) => Stands::Skipped(why),
        }
    }

    fn join(&self, owner: OwnerId, level: Level, key: &ProviderKey, credential: &Arc<Credential>) {
        let pool = self.pool_or_new(owner, level);
        let mut pool = lock(&pool);
        let here = PoolKey {
            id: key.id,
            number: key.number,
            family: Family::of(&key.provider, &key.config),
            secret_revision: key.secret_revision,
        };
        pool.upsert(here, Arc::clone(credential));
        // Whatever was known of it before it came here still holds.
        let now = now();
        for report in self.sleeps.of(key.id) {
            pool.fold(&report, now);
        }
    }

    fn leave(&self, owner: OwnerId, before: &Entry) {
        if let Stands::In { level, .. } = before.stands {
            self.take_out(owner, level, before.id);
        }
    }

    fn count(&self) {
        let known = lock(&self.known);
        let (usable, left_out) = (known.places.len(), known.left_out);
        drop(known);
        metrics::keys(usable, left_out);
    }
}

/// The provider keys that an event is about.
fn keys_of(event: &Event) -> Vec<KeyNumber> {
    let back = |changes: &[Change]| {
        let keys = changes.iter().filter_map(|change| match change.resource {
            ResourceId::Key(number) => Some(number),
            _ => None,
        });
        keys.collect()
    };
    match event {
        Event::KeyAdded(event) => vec![event.number],
        Event::KeyPatched(event) => vec![event.number],
        Event::KeyRemoved(event) => vec![event.number],
        Event::KeyDisabled(event) => vec![event.number],
        Event::RecordUndone(event) => back(&event.changes),
        Event::StateRestored(event) => back(&event.changes),
        _ => Vec::new(),
    }
}
