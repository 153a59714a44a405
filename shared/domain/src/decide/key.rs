//! Provider keys.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::event::{KeyAdded, KeyDisabled, KeyPatched, KeyRemoved};
use foldgate_proto::{Event, JsonText, KeyNumber, Level, ResourceId, Secrets};

use super::definition::check_unreferred;
use super::{check_line, check_more};
use crate::command::{AddKey, AddNamedKey, DisableKey, PatchKey, SecretEdit};
use crate::provider::Family;
use crate::{OwnerState, Rejection, provider};

mod provider_config;
mod vertex;

use provider_config::merged;

/// The most keys one owner may hold; tables and snapshots are measured with this many.
pub const MAX_KEYS_PER_OWNER: usize = 200_000;

/// The longest name of a key, in characters.
pub const MAX_KEY_NAME_CHARS: usize = 128;

pub(super) fn add(owner: &OwnerState, add: &AddKey) -> Result<Vec<Event>, Rejection> {
    added(owner, add).map(|added| vec![Event::KeyAdded(added)])
}

fn added(owner: &OwnerState, add: &AddKey) -> Result<KeyAdded, Rejection> {
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
    Ok(KeyAdded {
        id: add.id,
        number: owner.last_key.next(),
        name: add.name.clone(),
        level: add.level,
        provider: add.provider.clone(),
        config,
        secret: add.secret.clone(),
        enabled: add.enabled,
        more: None,
        more_secrets: Secrets::new(),
    })
}

pub(super) fn add_named(owner: &OwnerState, add: &AddNamedKey) -> Result<Vec<Event>, Rejection> {
    check_more(add.more.as_ref())?;
    check_name(owner, &add.key.name)?;
    let mut event = added(owner, &add.key)?;
    if add.any_level
        && let Some(level) = better_level(owner, &event)
    {
        event.level = level;
    }
    event.more.clone_from(&add.more);
    event.more_secrets = secrets_of(add.more.as_ref(), &add.more_secrets, None)?;
    Ok(vec![Event::KeyAdded(event)])
}

/// The secrets in what is kept for the admin API; `before` were in what was kept.
fn secrets_of(
    more: Option<&JsonText>,
    edits: &BTreeMap<String, SecretEdit>,
    before: Option<&Secrets>,
) -> Result<Secrets, Rejection> {
    let kept = more.and_then(|more| serde_json::from_str(&more.0).ok());
    super::definition::secrets(before, &kept.unwrap_or_default(), edits)
}

/// Refuses a name that a key has.
fn check_name(owner: &OwnerState, name: &str) -> Result<(), Rejection> {
    if owner.keys_named(name).next().is_some() {
        return Err(Rejection::Taken {
            field: "Name",
            value: name.to_owned(),
        });
    }
    Ok(())
}

/// Where a key belongs of which nobody said it: among those of the same upstream,
/// else where it does not mix with others, nor serves what was led there for them.
fn better_level(owner: &OwnerState, key: &KeyAdded) -> Option<Level> {
    let kind = key.config.provider_type();
    let family = |url: &str| match provider::family(url) {
        Family::Unknown => None,
        known => Some(known),
    };
    let mine = family(&key.provider);
    let mut posts = owner.staff.keys();
    let alike = posts.find(|post| {
        let same = post.provider == key.provider;
        post.kind == kind && (same || (mine.is_some() && family(&post.provider) == mine))
    });
    if let Some(post) = alike {
        return Some(post.level);
    }
    let mapped = owner.config.level_mapper.iter().flat_map(BTreeMap::values);
    let switched = owner.config.switch_over.iter().flatten();
    let switched = switched.flat_map(|(from, to)| [from, to]);
    let used = mapped.chain(owner.completed.values()).chain(switched);
    let used = used.chain(owner.staff.keys().map(|post| &post.level));
    let used: BTreeSet<Level> = used.copied().collect();
    let mut levels = (1..=u64::from(Level::MAX)).filter_map(Level::new);
    levels.find(|level| !used.contains(level))
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
        own_name: patch.own_name,
        ..PatchKey::default()
    };
    if *patch == empty {
        return Err(Rejection::NothingToChange);
    }
    if let Some(name) = &patch.name {
        check_line("Name", name, MAX_KEY_NAME_CHARS)?;
        if patch.own_name && !crate::is_same(name, &key.name) {
            check_name(owner, name)?;
        }
    }
    check_more(patch.more.as_ref())?;
    // The key is checked as it will be, whoever changed the other half of it.
    let provider = patch.provider.as_ref().unwrap_or(&key.provider);
    let config = merged(provider, Some(&key.config), patch.config.as_ref())?;
    let more = patch.more.clone().filter(|more| {
        let kept = key.more.as_ref();
        kept.map_or(!more.is_empty(), |kept| kept != more)
    });
    let had = &*key.more_secrets;
    let secrets = secrets_of(patch.more.as_ref(), &patch.more_secrets, Some(had))?;
    let keeps = more.is_none() && secrets == *had;
    let event = KeyPatched {
        number: patch.number,
        name: patch.name.clone().filter(|name| *name != key.name),
        level: patch.level.filter(|level| *level != key.level),
        provider: Some(provider.clone()).filter(|url| *url != key.provider),
        config: Some(config).filter(|config| *config != key.config),
        secret: patch.secret.clone(),
        enabled: patch.enabled.filter(|on| *on != key.disabled.is_none()),
        more,
        more_secrets: if keeps { Secrets::new() } else { secrets },
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
