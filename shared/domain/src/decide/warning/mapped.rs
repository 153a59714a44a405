//! What a mapper leads to, where that serves nobody.

use std::collections::BTreeMap;

use super::{MAX_LISTED, Warning};
use crate::OwnerState;
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

fn unserved(name: &'static str, mapper: &Mapper, served: impl Fn(&str) -> bool) -> Vec<Warning> {
    let mut lost = mapper.iter().filter(|(_, target)| !served(target));
    let listed = lost.by_ref().take(MAX_LISTED);
    let mut warnings: Vec<Warning> = listed
        .map(|(source, target)| Warning::Unserved(name, source.clone(), target.clone()))
        .collect();
    match lost.count() {
        0 => {}
        more => warnings.push(Warning::MoreUnserved(name, more)),
    }
    warnings
}
