//! Provider keys, and the completion of LEVEL_MAPPER that follows them.

use std::collections::BTreeMap;

use foldgate_proto::event::{KeyAdded, KeyDisabled, KeyPatched, KeyRemoved, LevelMapperCompleted};
use foldgate_proto::{Event, KeyNumber, Level, ProviderConfig};

use super::check_text;
use crate::command::{AddKey, DisableKey, PatchKey};
use crate::{OwnerState, Rejection, config_text, provider};

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
    check_text("Name", &add.name, MAX_KEY_NAME_CHARS)?;
    check_config(&add.config)?;
    let added = Event::KeyAdded(KeyAdded {
        id: add.id,
        number: owner.last_key.next(),
        name: add.name.clone(),
        level: add.level,
        provider: add.provider.clone(),
        config: add.config.clone(),
        secret: add.secret.clone(),
        enabled: add.enabled,
    });
    let leaving = None;
    let completed = complete(owner, &add.provider, &add.config, add.level, leaving);
    Ok(std::iter::once(added).chain(completed).collect())
}

pub(super) fn patch(owner: &OwnerState, patch: &PatchKey) -> Result<Vec<Event>, Rejection> {
    let key = owner
        .keys
        .get(&patch.number)
        .ok_or(Rejection::NoSuchKey(patch.number))?;
    if patch.sealed_for.is_some_and(|id| id != key.id) {
        return Err(Rejection::NoSuchKey(patch.number));
    }
    if let Some(name) = &patch.name {
        check_text("Name", name, MAX_KEY_NAME_CHARS)?;
    }
    if let Some(config) = &patch.config {
        check_config(config)?;
    }
    let event = KeyPatched {
        number: patch.number,
        name: patch.name.clone(),
        level: patch.level,
        provider: patch.provider.clone(),
        config: patch.config.clone(),
        secret: patch.secret.clone(),
        enabled: patch.enabled,
    };
    let empty = KeyPatched {
        number: patch.number,
        ..KeyPatched::default()
    };
    if event == empty {
        return Err(Rejection::NothingToChange);
    }
    let moves = patch.level.is_some() || patch.provider.is_some() || patch.config.is_some();
    let completed = moves
        .then(|| {
            let url = patch.provider.as_deref().unwrap_or(&key.provider);
            let config = patch.config.as_ref().unwrap_or(&key.config);
            let level = patch.level.unwrap_or(key.level);
            complete(owner, url, config, level, Some(key.level))
        })
        .flatten();
    Ok(std::iter::once(Event::KeyPatched(event))
        .chain(completed)
        .collect())
}

pub(super) fn remove(owner: &OwnerState, number: KeyNumber) -> Result<Vec<Event>, Rejection> {
    if !owner.keys.contains_key(&number) {
        return Err(Rejection::NoSuchKey(number));
    }
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

/// Maps a known provider's patterns to the Level of its new key. A pattern that
/// is completed already stays where it is as long as keys stand there; once its
/// Level is empty (or its last key is `leaving`) it follows the new key.
fn complete(
    owner: &OwnerState,
    url: &str,
    config: &ProviderConfig,
    level: Level,
    leaving: Option<Level>,
) -> Option<Event> {
    let stays = |at: Level| {
        let size = owner.level_size(at);
        size > usize::from(leaving == Some(at))
    };
    let patterns: BTreeMap<String, Level> = provider::completion(url, config)
        .into_iter()
        .filter(|pattern| match owner.completed.get(pattern) {
            None => true,
            Some(at) => *at != level && !stays(*at),
        })
        .map(|pattern| (pattern, level))
        .collect();
    if patterns.is_empty() {
        return None;
    }
    Some(Event::LevelMapperCompleted(LevelMapperCompleted {
        patterns,
    }))
}

fn check_config(config: &ProviderConfig) -> Result<(), Rejection> {
    let ProviderConfig::Azure {
        model_mapping,
        api_versions,
    } = config
    else {
        return Ok(());
    };
    if model_mapping.len() > config_text::MAX_PATTERNS {
        return Err(Rejection::field(
            "Config.model_mapping",
            format!("holds more than {} patterns", config_text::MAX_PATTERNS),
        ));
    }
    for (pattern, deployment) in model_mapping {
        config_text::check_model_pattern(pattern)
            .and_then(|()| config_text::check_target_model(deployment))
            .map_err(|error| Rejection::field("Config.model_mapping", error.to_string()))?;
    }
    for (endpoint, version) in api_versions {
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/'))
        };
        if !plain(endpoint) || !plain(version) {
            let problem = format!("{endpoint:?}: {version:?} is no API version");
            return Err(Rejection::field("Config.api_versions", problem));
        }
    }
    Ok(())
}
