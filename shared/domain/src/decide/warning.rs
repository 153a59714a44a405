//! What a legal change will hurt, in words for whoever made it.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{
    AccountNumber, Config, ConfigKey, DefinitionKind, KeyHash, KeyNumber, Level, NewsTarget,
    ProviderConfig, ProviderType,
};
use imbl::ordmap::DiffItem;

use crate::state::people::{folded, hashes};
use crate::table::resources::Resources;
use crate::{Command, OwnerState};

mod account;
mod definition;
mod mapped;

/// The path whose loss nearly every caller would notice.
const CHAT: &str = "/v1/chat/completions";

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// No pattern, no switch-over and no model leads to a Level that has keys.
    #[error(
        "no LEVEL_MAPPER pattern and no model leads to Level {0}, so no request will use its keys"
    )]
    Unreached(Level),
    /// A Level that requests are led to lost its last usable key.
    #[error("Level {0} has no usable key left, and requests are led there")]
    Emptied(Level),
    /// The named mapper leads a model to one that no Level serves.
    #[error("{0} {1}={2} leads to a model that no Level serves")]
    Unserved(&'static str, String, String),
    /// The ModelMapper of the account leads a model to one that no Level serves.
    #[error("ModelMapper {1}={2} of account {0} leads to a model that no Level serves")]
    UnservedOf(AccountNumber, String, String),
    /// More such mappings than are worth listing.
    #[error("{1} more {0} targets are served by no Level")]
    MoreUnserved(&'static str, usize),
    /// An Azure key's mapping is empty.
    #[error("the key maps no model to a deployment, so each goes to the one of its own name")]
    NoDeployments,
    /// A key becomes one for another kind of upstream.
    #[error("the key's type changes from {} to {}", .0.as_str(), .1.as_str())]
    KindChanged(ProviderType, ProviderType),
    /// The named list of paths does not allow chat.
    #[error("{0} does not allow {CHAT}")]
    ChatBlocked(&'static str),
    /// AllowModels allows nothing.
    #[error("AllowModels allows no model, so none can be called")]
    NoModel,
    /// AllowLevels allows no Level with usable keys.
    #[error("AllowLevels allows no Level with usable keys, so no model can be called")]
    NoLevel,
    /// A switch-over leads to a Level without usable keys.
    #[error("SWITCH_OVER {0}={1} leads to a Level without usable keys")]
    EmptyBackup(Level, Level),
    /// A pattern leads to a Level without usable keys.
    #[error("LEVEL_MAPPER {0}={1} leads to a Level without usable keys")]
    EmptyLevel(String, Level),
    /// More such patterns than are worth listing.
    #[error("{0} more LEVEL_MAPPER patterns lead to Levels without usable keys")]
    MoreEmptyLevels(usize),
    /// The configuration is stored but nothing acts on it yet.
    #[error("{0} is stored but not yet acted upon")]
    NotEnforced(&'static str),
    /// All of a definition of this kind is stored but nothing acts on it yet.
    #[error("the {} is stored but not yet acted upon", .0.spoken())]
    KindNotEnforced(DefinitionKind),
    /// No account is meant by this target today.
    #[error("no account matches {0} today")]
    NoSuchAccount(String),
    /// A model's Level has no usable key, nor has any that SWITCH_OVER leads to.
    #[error("the model {0:?} leads to Level {1}, which has no usable key")]
    ModelWithoutKeys(String, Level),
    /// A model's one key is of no use.
    #[error("the model {0:?} cannot be called, as its provider key is not used: {1}")]
    ModelWithoutKey(String, &'static str),
    /// So many keys that callers or admins present are good again.
    #[error("keys that were revoked or rotated are good again: {0}")]
    KeysBack(usize),
}

/// The most patterns one answer lists.
const MAX_LISTED: usize = 10;

pub(super) fn of(before: &OwnerState, after: &OwnerState, command: &Command) -> Vec<Warning> {
    match command {
        Command::AddKey(_) => of_key(after, after.last_key),
        Command::AddNamedKey(add) => {
            let mut warnings = of_key(after, after.last_key);
            // Where nothing leads to a Level that nobody asked for, models will.
            warnings.retain(|warning| !(add.any_level && matches!(warning, Warning::Unreached(_))));
            warnings
        }
        Command::PatchKey(patch) => {
            let mut warnings = of_key(after, patch.number);
            if patch.config.is_some() {
                warnings.extend(kind_changed(before, after, patch.number));
            }
            warnings.extend(emptied(before, after, patch.number));
            warnings.extend(definition::stopped(before, after, patch.number));
            warnings
        }
        Command::PutDefinition(put) => {
            let mut warnings = definition::of(after, put);
            warnings.extend(mapped::bereft(before, after));
            warnings
        }
        Command::RemoveDefinition(_) => mapped::bereft(before, after),
        Command::RemoveKey(number) => emptied(before, after, *number).into_iter().collect(),
        Command::PatchConfig(patch) => {
            let mut warnings = of_config(after, &patch.set);
            if patch.set.level_mapper.is_some() {
                warnings.extend(stranded(before, after));
            }
            warnings
        }
        Command::ResetConfig(keys) if keys.contains(&ConfigKey::LevelMapper) => {
            stranded(before, after)
        }
        Command::PublishNews(news) => news
            .target
            .iter()
            .filter(|target| !reaches_somebody(after, target))
            .map(|target| Warning::NoSuchAccount(target.to_string()))
            .collect(),
        Command::AddAccount(add) => {
            let added = add
                .profile
                .name
                .as_deref()
                .and_then(|n| after.account_named(n));
            account::of(after, added, &add.profile)
        }
        Command::PatchAccount(patch) => {
            let patched = after.accounts.get(&patch.number);
            account::of(after, patched, &patch.profile)
        }
        Command::Undo(_) | Command::Restore(_) => {
            let mut warnings = keys_back(before, after);
            warnings.extend(mapped::bereft(before, after));
            warnings
        }
        _ => Vec::new(),
    }
}

fn keys_back(before: &OwnerState, after: &OwnerState) -> Vec<Warning> {
    let changed = before.caller_keys.diff(&after.caller_keys);
    let changed = changed.filter_map(|item| match item {
        DiffItem::Add(_, key) | DiffItem::Update { new: (_, key), .. } => Some(key),
        DiffItem::Remove(..) => None,
    });
    let callers = changed.flat_map(|key| hashes(key));
    let callers = callers.filter(|hash| before.caller_key_presented(*hash).is_none());
    let was = |hash: &KeyHash| before.admin_keys.values().any(|key| key.hash == *hash);
    let admins = after.admin_keys.values().filter(|key| !was(&key.hash));
    match callers.count() + admins.count() {
        0 => Vec::new(),
        count => vec![Warning::KeysBack(count)],
    }
}

fn of_key(owner: &OwnerState, number: KeyNumber) -> Vec<Warning> {
    let Some(key) = owner.keys.get(&number).filter(|k| k.disabled.is_none()) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    if !is_reached(owner, key.level) && !definition::leads_to(owner, key) {
        warnings.push(Warning::Unreached(key.level));
    }
    let is_bare = |mapping: &BTreeMap<_, _>| mapping.is_empty();
    if matches!(&key.config, ProviderConfig::Azure { model_mapping, .. } if is_bare(model_mapping))
    {
        warnings.push(Warning::NoDeployments);
    }
    warnings
}

fn kind_changed(before: &OwnerState, after: &OwnerState, number: KeyNumber) -> Option<Warning> {
    let kind = |owner: &OwnerState| Some(owner.keys.get(&number)?.config.provider_type());
    let (from, to) = (kind(before)?, kind(after)?);
    (from != to).then_some(Warning::KindChanged(from, to))
}

/// The Level that this change of a key left without a usable one.
fn emptied(before: &OwnerState, after: &OwnerState, number: KeyNumber) -> Option<Warning> {
    let level = before.keys.get(&number)?.level;
    let lost = before.is_staffed(level) && !after.is_staffed(level);
    let led_there = || is_reached(after, level) || definition::levels(after).contains(&level);
    (lost && led_there()).then_some(Warning::Emptied(level))
}

/// The Levels with usable keys that were reached and are no longer.
fn stranded(before: &OwnerState, after: &OwnerState) -> Vec<Warning> {
    let levels: BTreeSet<Level> = after.staff.keys().map(|post| post.level).collect();
    let by_models = definition::levels(after);
    let lost = |level: &Level| {
        after.is_staffed(*level)
            && is_reached(before, *level)
            && !is_reached(after, *level)
            && !by_models.contains(level)
    };
    levels
        .into_iter()
        .filter(lost)
        .take(MAX_LISTED)
        .map(Warning::Unreached)
        .collect()
}

fn is_reached(owner: &OwnerState, level: Level) -> bool {
    let set = owner.config.level_mapper.as_ref();
    let by_owner = set.is_some_and(|mapper| mapper.values().any(|to| *to == level));
    let by_completion = owner.completed.iter().any(|(pattern, to)| {
        *to == level && !set.is_some_and(|mapper| mapper.contains_key(pattern))
    });
    let switches = owner.config.switch_over.as_ref();
    by_owner || by_completion || switches.is_some_and(|all| all.values().any(|to| *to == level))
}

fn of_config(owner: &OwnerState, set: &Config) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(resources) = &set.resources
        && !Resources::new(resources).allows(CHAT)
    {
        warnings.push(Warning::ChatBlocked("RESOURCES"));
    }
    for (from, to) in set.switch_over.iter().flatten() {
        if !owner.is_staffed(*to) {
            warnings.push(Warning::EmptyBackup(*from, *to));
        }
    }
    let mut empty = set
        .level_mapper
        .iter()
        .flatten()
        .filter(|(_, level)| !owner.is_staffed(**level));
    let listed = empty.by_ref().take(MAX_LISTED);
    warnings.extend(listed.map(|(pattern, level)| Warning::EmptyLevel(pattern.clone(), *level)));
    match empty.count() {
        0 => {}
        more => warnings.push(Warning::MoreEmptyLevels(more)),
    }
    if let Some(mapper) = &set.model_mapper {
        warnings.extend(mapped::of_owner(owner, mapper));
    }
    warnings
}

fn reaches_somebody(owner: &OwnerState, target: &NewsTarget) -> bool {
    match target {
        NewsTarget::Account(number) => {
            owner.is_root(*number) || owner.accounts.contains_key(number)
        }
        NewsTarget::Name(name) => {
            folded(name) == folded(&owner.name) || owner.account_named(name).is_some()
        }
        NewsTarget::Email(email) => owner.account_mailed(email).is_some(),
        NewsTarget::Dna(path) => owner.account_at(path).is_some(),
    }
}
