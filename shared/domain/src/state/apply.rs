//! The fold: total, infallible, deterministic. An event about something that
//! does not exist changes nothing; saying no is `decide`'s business.

use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::event::{
    ConfigPatched, ConfigReset, KeyAdded, KeyDisabled, KeyPatched, LevelMapperCompleted,
    LevelMapperRetracted, NewsPublished, OwnerClaimed,
};
use foldgate_proto::{
    Change, Config, Disablement, Event, KeyNumber, News, OwnerId, ProviderKey, Record, RecordHash,
    Revision, Timestamp,
};

use super::{OwnerState, Post, Replay, State};

/// How long a client's retry key is remembered, in log time, at least.
pub(crate) const IDEMPOTENCY_WINDOW: Duration = Duration::from_hours(24);

impl State {
    /// Folds one record, which stands at `revision` with this hash.
    pub fn apply(&mut self, revision: Revision, hash: RecordHash, record: &Record) {
        for event in &record.events {
            self.apply_event(revision, record, event);
        }
        self.revision = revision;
        self.chain = hash;
        self.at = self.at.max(record.at);
        self.forget_old_idempotency();
        if let Some(idempotency) = &record.idempotency {
            let key = (record.owner, idempotency.key.clone());
            let replay = Replay {
                request_hash: idempotency.request_hash,
                record: record.id,
                revision,
                at: self.at,
                subject: Event::subject_of(&record.events),
            };
            if let Some(older) = self.idempotency.insert(key.clone(), replay) {
                self.idempotency_order.remove(&older.revision);
            }
            self.idempotency_order.insert(revision, key);
        }
    }

    /// Folds one event.
    fn apply_event(&mut self, revision: Revision, record: &Record, event: &Event) {
        if let Event::OwnerClaimed(claimed) = event {
            self.claim(revision, record.owner, claimed);
            return;
        }
        self.count_account(event);
        let Some(owner) = self.owners.get_mut(&record.owner) else {
            return;
        };
        let owner = Arc::make_mut(owner);
        match event {
            Event::OwnerClaimed(_) => {}
            Event::KeyAdded(added) => owner.add_key(revision, record, added),
            Event::KeyPatched(patched) => owner.patch_key(revision, record, patched),
            Event::KeyRemoved(removed) => owner.remove_key(removed.number),
            Event::KeyDisabled(disabled) => owner.disable_key(revision, record, disabled),
            Event::ConfigPatched(patched) => owner.patch_config(revision, patched),
            Event::ConfigReset(reset) => owner.reset_config(revision, reset),
            Event::LevelMapperCompleted(completed) => owner.complete(revision, completed),
            Event::LevelMapperRetracted(retracted) => owner.retract(revision, retracted),
            Event::NewsPublished(published) => owner.publish(revision, record, published),
            Event::NewsRetracted(retracted) => {
                owner.news.remove(&retracted.number);
            }
            Event::OwnerKeyRotated(rotated) => owner.rotate_owner_key(revision, rotated),
            Event::AdminKeyIssued(issued) => owner.issue_admin_key(revision, record, issued),
            Event::AdminKeyRevoked(revoked) => owner.remove_admin_key(revoked.number),
            Event::AccountAdded(added) => owner.add_account(revision, record, added),
            Event::AccountPatched(patched) => owner.patch_account(revision, record, patched),
            Event::AccountRemoved(removed) => owner.remove_account(removed.number),
            Event::CreditGranted(granted) => owner.grant_credit(revision, record, granted),
            Event::CallerKeyIssued(issued) => owner.issue_caller_key(revision, record, issued),
            Event::CallerKeyPatched(patched) => owner.patch_caller_key(revision, record, patched),
            Event::CallerKeyRotated(rotated) => owner.rotate_caller_key(revision, record, rotated),
            Event::CallerKeyRevoked(revoked) => owner.remove_caller_key(revoked.number),
            Event::RecordUndone(undone) => owner.put_all_back(revision, &undone.changes),
            Event::StateRestored(restored) => owner.put_all_back(revision, &restored.changes),
            Event::DefinitionPut(put) => owner.apply_definition(revision, record, put),
            Event::DefinitionRemoved(removed) => owner.apply_removed(removed),
        }
    }

    fn claim(&mut self, revision: Revision, id: OwnerId, claimed: &OwnerClaimed) {
        if self.owners.contains_key(&id) {
            return;
        }
        self.last_account = self.last_account.max(claimed.account);
        let owner = OwnerState::new(id, revision, claimed);
        self.owners.insert(id, Arc::new(owner));
    }

    /// Account numbers are global, so their counter stands beside the owners.
    fn count_account(&mut self, event: &Event) {
        if let Event::AccountAdded(added) = event {
            self.last_account = self.last_account.max(added.number);
        }
    }

    /// Whether folding a record of this time would forget the oldest retry key.
    pub fn forgets_by(&self, now: Timestamp) -> bool {
        let oldest = self.idempotency_order.get_min();
        let replay = oldest.and_then(|(_, key)| self.idempotency.get(key));
        replay.is_some_and(|replay| now.since(replay.at) > IDEMPOTENCY_WINDOW)
    }

    fn forget_old_idempotency(&mut self) {
        while let Some((revision, key)) = self.idempotency_order.get_min().cloned() {
            let expired = self
                .idempotency
                .get(&key)
                .is_none_or(|replay| self.at.since(replay.at) > IDEMPOTENCY_WINDOW);
            if !expired {
                break;
            }
            self.idempotency.remove(&key);
            self.idempotency_order.remove(&revision);
        }
    }
}

impl OwnerState {
    fn add_key(&mut self, revision: Revision, record: &Record, added: &KeyAdded) {
        let disabled = (!added.enabled).then(|| switched_off(record));
        let key = ProviderKey {
            id: added.id,
            number: added.number,
            name: added.name.clone(),
            level: added.level,
            provider: added.provider.clone(),
            config: added.config.clone(),
            secret: added.secret.clone(),
            secret_revision: revision,
            disabled,
            more: added.more.clone(),
            more_secrets: added.more_secrets.clone().into(),
            created_at: record.at,
            updated_at: record.at,
            revision,
        };
        self.put_key(key);
    }

    /// Puts a key into its place, and whatever stood there or had its id out.
    pub(super) fn put_key(&mut self, key: ProviderKey) {
        self.remove_key(key.number);
        if let Some(number) = self.key_ids.get(&key.id).copied() {
            self.remove_key(number);
        }
        self.last_key = self.last_key.max(key.number);
        self.key_ids.insert(key.id, key.number);
        self.join(&key);
        self.key_names.add_key(&key);
        self.keys.insert(key.number, Arc::new(key));
    }

    fn patch_key(&mut self, revision: Revision, record: &Record, patched: &KeyPatched) {
        let Some(mut key) = self.keys.get(&patched.number).map(Arc::clone) else {
            return;
        };
        self.leave(&key);
        if patched.name.is_some() {
            self.key_names.remove_key(&key);
        }
        change(Arc::make_mut(&mut key), revision, record, patched);
        if patched.name.is_some() {
            self.key_names.add_key(&key);
        }
        self.join(&key);
        self.keys.insert(patched.number, key);
    }

    pub(super) fn remove_key(&mut self, number: KeyNumber) {
        let Some(key) = self.keys.remove(&number) else {
            return;
        };
        self.key_ids.remove(&key.id);
        self.key_names.remove_key(&key);
        self.leave(&key);
    }

    fn disable_key(&mut self, revision: Revision, record: &Record, disabled: &KeyDisabled) {
        let Some(mut key) = self.keys.get(&disabled.number).map(Arc::clone) else {
            return;
        };
        self.leave(&key);
        let out = Arc::make_mut(&mut key);
        out.disabled = Some(Disablement {
            by: disabled.by.clone(),
            reason: disabled.reason.clone(),
            at: record.at,
        });
        out.updated_at = record.at;
        out.revision = revision;
        self.join(&key);
        self.keys.insert(disabled.number, key);
    }

    fn patch_config(&mut self, revision: Revision, patched: &ConfigPatched) {
        let mut config = Arc::clone(&self.config);
        Arc::make_mut(&mut config).merge(&patched.patch);
        self.put_config(revision, config);
    }

    fn reset_config(&mut self, revision: Revision, reset: &ConfigReset) {
        let mut config = Arc::clone(&self.config);
        let to_reset = Arc::make_mut(&mut config);
        for key in &reset.keys {
            to_reset.reset(*key);
        }
        self.put_config(revision, config);
    }

    /// Puts a configuration in place of another. Bills name the revision of PRICING, so
    /// it moves only with that.
    pub(super) fn put_config(&mut self, revision: Revision, config: Arc<Config>) {
        self.config_revision = revision;
        if config.pricing != self.config.pricing {
            let set = config.pricing.as_ref().map(|_| revision);
            self.pricing_revision = set.unwrap_or_default();
        }
        self.config = config;
    }

    fn retract(&mut self, revision: Revision, retracted: &LevelMapperRetracted) {
        self.config_revision = revision;
        let completed = Arc::make_mut(&mut self.completed);
        completed.retain(|pattern, _| !retracted.patterns.contains(pattern));
    }

    fn complete(&mut self, revision: Revision, completed: &LevelMapperCompleted) {
        self.config_revision = revision;
        let patterns = completed.patterns.iter().map(|(p, l)| (p.clone(), *l));
        Arc::make_mut(&mut self.completed).extend(patterns);
    }

    fn publish(&mut self, revision: Revision, record: &Record, published: &NewsPublished) {
        let news = News {
            id: published.id,
            number: published.number,
            title: published.title.clone(),
            content: published.content.clone(),
            target: published.target.clone(),
            created_at: record.at,
            expires_at: published.expires_at,
            revision,
        };
        self.put_news(news);
    }

    pub(super) fn put_news(&mut self, news: News) {
        self.last_news = self.last_news.max(news.number);
        self.news.insert(news.number, Arc::new(news));
    }

    fn put_all_back(&mut self, revision: Revision, changes: &[Change]) {
        for change in changes {
            self.put_back(revision, change);
        }
    }

    fn join(&mut self, key: &ProviderKey) {
        let mut staff = self.staff.get(&post(key)).copied().unwrap_or_default();
        staff.keys = staff.keys.saturating_add(1);
        staff.enabled = staff
            .enabled
            .saturating_add(u32::from(key.disabled.is_none()));
        self.staff.insert(post(key), staff);
    }

    fn leave(&mut self, key: &ProviderKey) {
        let Some(mut staff) = self.staff.get(&post(key)).copied() else {
            return;
        };
        staff.keys = staff.keys.saturating_sub(1);
        staff.enabled = staff
            .enabled
            .saturating_sub(u32::from(key.disabled.is_none()));
        if staff.keys == 0 {
            self.staff.remove(&post(key));
        } else {
            self.staff.insert(post(key), staff);
        }
    }
}

fn post(key: &ProviderKey) -> Post {
    Post {
        level: key.level,
        kind: key.config.provider_type(),
        provider: key.provider.clone(),
    }
}

fn change(key: &mut ProviderKey, revision: Revision, record: &Record, patched: &KeyPatched) {
    if let Some(name) = &patched.name {
        key.name.clone_from(name);
    }
    if let Some(level) = patched.level {
        key.level = level;
    }
    if let Some(provider) = &patched.provider {
        key.provider.clone_from(provider);
    }
    if let Some(config) = &patched.config {
        key.config.clone_from(config);
    }
    if let Some(secret) = &patched.secret {
        key.secret.clone_from(secret);
        key.secret_revision = revision;
    }
    if let Some(more) = &patched.more {
        key.more = Some(more.clone()).filter(|more| !more.is_empty());
    }
    // What is kept anew has its own secrets, or none.
    if patched.more.is_some() || !patched.more_secrets.is_empty() {
        key.more_secrets = patched.more_secrets.clone().into();
    }
    match patched.enabled {
        Some(true) => {
            key.disabled = None;
            // Who puts a key back into use wants it tried: its sleeps are over.
            key.secret_revision = revision;
        }
        Some(false) => key.disabled = Some(switched_off(record)),
        None => {}
    }
    key.updated_at = record.at;
    key.revision = revision;
}

/// Out of use because somebody set it so.
fn switched_off(record: &Record) -> Disablement {
    Disablement {
        by: record.actor.clone(),
        reason: record
            .reason
            .clone()
            .unwrap_or_else(|| format!("switched off by {}", record.actor)),
        at: record.at,
    }
}
