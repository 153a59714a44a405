//! The completed layer of LEVEL_MAPPER: the patterns of known providers lead to
//! where those providers' keys stand.
//!
//! A pattern that is completed stays where it is as long as an enabled key of
//! its provider stands there; else it follows the next key that comes. When the
//! last key leaves (a disabled one counts: its models are still meant to be
//! served), the pattern moves to another Level with such a key, or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldgate_proto::event::{LevelMapperCompleted, LevelMapperRetracted};
use foldgate_proto::{Change, Event, KeyNumber, Level, ProviderKey, ProviderType, ResourceId};

use crate::OwnerState;
use crate::provider::{Family, completion, family};
use crate::state::{Post, Staff};

/// The completions that follow what happened to keys.
pub(super) fn follow(before: &OwnerState, after: &OwnerState, events: &[Event]) -> Vec<Event> {
    let mut put: BTreeMap<String, Level> = BTreeMap::new();
    let mut gone: BTreeSet<String> = BTreeSet::new();
    let counting = |owner: &OwnerState, number| {
        let key = owner.keys.get(&number).map(Arc::clone);
        key.filter(|key| counts(key))
    };
    let left = |number, is: Option<&ProviderKey>| {
        counting(before, number).filter(|was| is.is_none_or(|is| !same_post(was, is)))
    };
    if let Some(number) = events.iter().find_map(touched) {
        let is = counting(after, number);
        if let Some(key) = is.as_ref().filter(|key| key.disabled.is_none()) {
            arrive(after, key, &mut put);
        }
        if let Some(key) = left(number, is.as_deref()) {
            leave(after, &key, &mut put, &mut gone);
        }
    }
    if let Some(changes) = events.iter().find_map(brought_back) {
        let keys = changes.iter().filter_map(|change| match change.resource {
            ResourceId::Key(number) => Some(number),
            _ => None,
        });
        for number in keys {
            if let Some(key) = left(number, counting(after, number).as_deref()) {
                leave(after, &key, &mut put, &mut gone);
            }
        }
        fill(after, &mut put);
        gone.retain(|pattern| !put.contains_key(pattern));
    }
    let completed = (!put.is_empty())
        .then_some(LevelMapperCompleted { patterns: put })
        .map(Event::LevelMapperCompleted);
    let retracted = (!gone.is_empty())
        .then_some(LevelMapperRetracted { patterns: gone })
        .map(Event::LevelMapperRetracted);
    completed.into_iter().chain(retracted).collect()
}

const fn brought_back(event: &Event) -> Option<&Vec<Change>> {
    match event {
        Event::RecordUndone(undone) => Some(&undone.changes),
        Event::StateRestored(restored) => Some(&restored.changes),
        _ => None,
    }
}

/// Who takes back a key that completed something takes the patterns along, which
/// a key that came later may need: those lead to it.
fn fill(after: &OwnerState, put: &mut BTreeMap<String, Level>) {
    let routed = after.staff.iter().filter(|(post, staff)| {
        staff.enabled > 0 && family_of(post.kind, &post.provider) != Family::Unknown
    });
    for (post, _) in routed {
        for pattern in completion(&post.provider) {
            if !after.completed.contains_key(*pattern) {
                put.entry((*pattern).to_owned()).or_insert(post.level);
            }
        }
    }
}

const fn touched(event: &Event) -> Option<KeyNumber> {
    match event {
        Event::KeyAdded(added) => Some(added.number),
        Event::KeyPatched(patched) => Some(patched.number),
        Event::KeyRemoved(removed) => Some(removed.number),
        _ => None,
    }
}

/// Whether a key has a say: its provider is a known one.
fn counts(key: &ProviderKey) -> bool {
    family_of(key.config.provider_type(), &key.provider) != Family::Unknown
}

fn same_post(one: &ProviderKey, other: &ProviderKey) -> bool {
    one.level == other.level && family(&one.provider) == family(&other.provider)
}

fn arrive(after: &OwnerState, key: &ProviderKey, put: &mut BTreeMap<String, Level>) {
    let mine = family(&key.provider);
    for pattern in completion(&key.provider) {
        let stays = match after.completed.get(*pattern) {
            None => false,
            Some(at) => *at == key.level || holds(after, *at, mine, |staff| staff.enabled > 0),
        };
        if !stays {
            put.insert((*pattern).to_owned(), key.level);
        }
    }
}

fn leave(
    after: &OwnerState,
    key: &ProviderKey,
    put: &mut BTreeMap<String, Level>,
    gone: &mut BTreeSet<String>,
) {
    let mine = family(&key.provider);
    if holds(after, key.level, mine, |staff| staff.keys > 0) {
        return;
    }
    let elsewhere = other_level(after, mine);
    for pattern in completion(&key.provider) {
        let was_here = after.completed.get(*pattern) == Some(&key.level);
        if !was_here || put.contains_key(*pattern) {
            continue;
        }
        let pattern = (*pattern).to_owned();
        match elsewhere {
            Some(level) => {
                put.insert(pattern, level);
            }
            None => {
                gone.insert(pattern);
            }
        }
    }
}

fn holds(owner: &OwnerState, at: Level, mine: Family, enough: impl Fn(&Staff) -> bool) -> bool {
    owner
        .staff_of(at)
        .any(|(post, staff)| enough(staff) && is_of(post, mine))
}

/// The lowest Level with an enabled key of this family, else with any of it.
fn other_level(owner: &OwnerState, mine: Family) -> Option<Level> {
    let of_mine = || owner.staff.iter().filter(|(post, _)| is_of(post, mine));
    let enabled = of_mine().find(|(_, staff)| staff.enabled > 0);
    enabled
        .or_else(|| of_mine().next())
        .map(|(post, _)| post.level)
}

fn is_of(post: &Post, mine: Family) -> bool {
    family_of(post.kind, &post.provider) == mine
}

/// Which models a deployment serves is known to nobody but its key's mapping.
fn family_of(kind: ProviderType, provider: &str) -> Family {
    match kind {
        ProviderType::Standard | ProviderType::Vertex => family(provider),
        ProviderType::Azure => Family::Unknown,
    }
}
