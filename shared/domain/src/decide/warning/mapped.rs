//! What a mapper leads to, where that serves nobody.

use std::collections::BTreeMap;

use foldgate_proto::{AccountNumber, DefinitionKind};
use imbl::ordmap::DiffItem;

use super::{MAX_LISTED, Warning};
use crate::OwnerState;
use crate::pattern::Pattern;
use crate::table::Routes;

type Mapper = BTreeMap<String, String>;

/// Of MODEL_MAPPER, as it is set.
pub(super) fn of_owner(owner: &OwnerState, mapper: &Mapper) -> Vec<Warning> {
    let routes = Routes::new(owner);
    unserved("MODEL_MAPPER", mapper, |target| routes.serves(target))
}

/// Of an account's ModelMapper, as it is set: the owner's takes what it leads to.
pub(super) fn of_account(owner: &OwnerState, mapper: &Mapper) -> Vec<Warning> {
    let routes = Routes::new(owner);
    unserved("ModelMapper", mapper, |target| routes.leads(target))
}

/// Of all mappers, after a change that took Models away or gave them other names: what
/// led to these and is served by nothing else.
pub(super) fn bereft(before: &OwnerState, after: &OwnerState) -> Vec<Warning> {
    let lost = lost_names(before, after);
    let to_lost = |target: &str| lost.iter().any(|name| name.matches(target));
    let of_owner: Mapper = after
        .config
        .model_mapper
        .iter()
        .flatten()
        .filter(|(_, target)| to_lost(target))
        .map(|(source, target)| (source.clone(), target.clone()))
        .collect();
    let sources: Vec<Pattern> = of_owner
        .keys()
        .filter_map(|source| Pattern::parse(source).ok())
        .collect();
    // An account's mapper may come there by the owner's.
    let by_owner = |target: &str| sources.iter().any(|source| source.matches(target));
    let of_accounts: Vec<(AccountNumber, &String, &String)> = after
        .accounts
        .iter()
        .filter(|_| !lost.is_empty())
        .flat_map(|(number, account)| {
            let mapper = account.profile.model_mapper.iter();
            mapper.map(|(source, target)| (*number, source, target))
        })
        .filter(|(_, _, target)| to_lost(target) || by_owner(target))
        .collect();
    if of_owner.is_empty() && of_accounts.is_empty() {
        return Vec::new();
    }
    let routes = Routes::new(after);
    let mut warnings = unserved("MODEL_MAPPER", &of_owner, |target| routes.serves(target));
    let left = of_accounts
        .into_iter()
        .filter(|(_, _, target)| !routes.leads(target));
    let left = left.map(|(account, source, target)| {
        Warning::UnservedOf(account, source.clone(), target.clone())
    });
    warnings.extend(listed("ModelMapper", left));
    warnings
}

/// The names by which a change lets Models be called no more.
fn lost_names(before: &OwnerState, after: &OwnerState) -> Vec<Pattern> {
    let changed = before.definitions.diff(&after.definitions);
    let gone = changed.filter_map(|item| match item {
        DiffItem::Remove(_, old) => Some(old),
        DiffItem::Update {
            old: (_, old),
            new: (_, new),
        } => (old.name != new.name).then_some(old),
        DiffItem::Add(..) => None,
    });
    let models = gone.filter(|definition| definition.kind == DefinitionKind::Model);
    models
        .filter_map(|model| Pattern::parse(&model.name).ok())
        .collect()
}

fn unserved(name: &'static str, mapper: &Mapper, served: impl Fn(&str) -> bool) -> Vec<Warning> {
    let lost = mapper.iter().filter(|(_, target)| !served(target));
    let lost = lost.map(|(source, target)| Warning::Unserved(name, source.clone(), target.clone()));
    listed(name, lost)
}

/// As many as are worth listing, and how many more there are.
fn listed(name: &'static str, mut all: impl Iterator<Item = Warning>) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = all.by_ref().take(MAX_LISTED).collect();
    match all.count() {
        0 => {}
        more => warnings.push(Warning::MoreUnserved(name, more)),
    }
    warnings
}
