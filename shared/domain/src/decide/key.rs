//! Provider keys.

use foldgate_proto::event::{KeyAdded, KeyDisabled, KeyPatched, KeyRemoved};
use foldgate_proto::{Event, KeyNumber, ResourceId};

use super::check_line;
use super::definition::check_unreferred;
use crate::command::{AddKey, DisableKey, PatchKey};
use crate::{OwnerState, Rejection};

mod provider_config;
mod vertex;

use provider_config::merged;

/// The most keys one owner may hold; tables and snapshots are measured with this many.
pub const MAX_KEYS_PER_OWNER: usize = 200_000;

/// The longest name of a key, in characters.
pub const MAX_KEY_NAME_CHARS: usize = 128;

pub(super) fn add(owner: &OwnerState, add: &AddKey) -> Result<Vec<Event>, Rejection> {
    if owner.keys.len() >= MAX_KEYS_PER_OWNER {
        return Err(Rejection::TooMany {
            what: "keys",
            limit: MAX_KEYS_PER_OWNER,
        });
    }
    if owner.key_ids.contains_key(&add.id) {
        return Err(Rejection::KeyIdTaken);
    }
    check_line("Name", &add.name, MAX_KEY_NAME_CHARS)?;
    let config = merged(&add.provider, None, Some(&add.config))?;
    Ok(vec![Event::KeyAdded(KeyAdded {
        id: add.id,
        number: owner.last_key.next(),
        name: add.name.clone(),
        level: add.level,
        provider: add.provider.clone(),
        config,
        secret: add.secret.clone(),
        enabled: add.enabled,
    })])
}

/// What differs from the key as it is; nothing, if all of it is so already.
pub(super) fn patch(owner: &OwnerState, patch: &PatchKey) -> Result<Vec<Event>, Rejection> {
    let key = owner
        .keys
        .get(&patch.number)
        .ok_or(Rejection::NoSuchKey(patch.number))?;
    if patch.sealed_for.is_some_and(|id| id != key.id) {
        return Err(Rejection::NoSuchKey(patch.number));
    }
    let empty = PatchKey {
        number: patch.number,
        sealed_for: patch.sealed_for,
        ..PatchKey::default()
    };
    if *patch == empty {
        return Err(Rejection::NothingToChange);
    }
    if let Some(name) = &patch.name {
        check_line("Name", name, MAX_KEY_NAME_CHARS)?;
    }
    // The key is checked as it will be, whoever changed the other half of it.
    let provider = patch.provider.as_ref().unwrap_or(&key.provider);
    let config = merged(provider, Some(&key.config), patch.config.as_ref())?;
    let event = KeyPatched {
        number: patch.number,
        name: patch.name.clone().filter(|name| *name != key.name),
        level: patch.level.filter(|level| *level != key.level),
        provider: Some(provider.clone()).filter(|url| *url != key.provider),
        config: Some(config).filter(|config| *config != key.config),
        secret: patch.secret.clone(),
        enabled: patch.enabled.filter(|on| *on != key.disabled.is_none()),
    };
    let unchanged = KeyPatched {
        number: patch.number,
        ..KeyPatched::default()
    };
    if event == unchanged {
        return Ok(Vec::new());
    }
    Ok(vec![Event::KeyPatched(event)])
}

pub(super) fn remove(owner: &OwnerState, number: KeyNumber) -> Result<Vec<Event>, Rejection> {
    if !owner.keys.contains_key(&number) {
        return Err(Rejection::NoSuchKey(number));
    }
    check_unreferred(owner, ResourceId::Key(number))?;
    Ok(vec![Event::KeyRemoved(KeyRemoved { number })])
}

/// Decides nothing where the key is gone, off already or has a newer secret: a
/// report that comes late or twice is no error.
pub(super) fn disable(owner: &OwnerState, disable: &DisableKey) -> Vec<Event> {
    let stands = owner
        .key(disable.id)
        .filter(|key| key.disabled.is_none() && key.secret_revision == disable.secret_revision);
    let event = |key: &std::sync::Arc<foldgate_proto::ProviderKey>| {
        Event::KeyDisabled(KeyDisabled {
            number: key.number,
            by: disable.by.clone(),
            reason: disable.reason.clone(),
        })
    };
    stands.map(event).into_iter().collect()
}
