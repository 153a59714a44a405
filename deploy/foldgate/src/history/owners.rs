//! Which tenants an answer is about.

use std::collections::BTreeSet;

use foldgate_domain::{OwnerState, State};
use foldgate_proto::OwnerId;

use crate::exit::Failure;

/// The tenants of these states, or the one that is named.
///
/// # Errors
/// When nobody has that name, or several have.
pub(super) fn chosen(states: &[&State], name: Option<&str>) -> Result<Vec<OwnerId>, Failure> {
    let all = || states.iter().flat_map(|state| state.owners.values());
    let is_it = |owner: &OwnerState| {
        name.is_none_or(|name| owner.name == name || owner.id.to_string() == name)
    };
    let ids: BTreeSet<OwnerId> = all().filter(|o| is_it(o)).map(|owner| owner.id).collect();
    let Some(name) = name else {
        return Ok(ids.into_iter().collect());
    };
    match ids.len() {
        0 => {
            let names: BTreeSet<&str> = all().map(|owner| owner.name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            Err(Failure::usage(format!(
                "no owner is called {name:?}; there are: {}",
                names.join(", ")
            )))
        }
        1 => Ok(ids.into_iter().collect()),
        _ => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            Err(Failure::usage(format!(
                "several owners are called {name:?}; name one by its id: {}",
                ids.join(", ")
            )))
        }
    }
}
