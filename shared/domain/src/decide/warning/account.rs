//! What a legal change of an account will hurt.

use std::sync::Arc;

use foldgate_proto::{Account, Profile};

use super::{CHAT, Warning, mapped};
use crate::OwnerState;
use crate::command::ProfileEdit;
use crate::table::resources::Resources;

/// Of an account as it stands after an edit.
pub(super) fn of(
    owner: &OwnerState,
    account: Option<&Arc<Account>>,
    edit: &ProfileEdit,
) -> Vec<Warning> {
    account.map_or_else(Vec::new, |account| blocked(owner, &account.profile, edit))
}

/// What the lists that this edit changed leave nothing of.
fn blocked(owner: &OwnerState, profile: &Profile, edit: &ProfileEdit) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if edit.allow_models.is_some() && profile.allow_models.as_ref().is_some_and(|l| l.is_empty()) {
        warnings.push(Warning::NoModel);
    }
    if let (Some(_), Some(levels)) = (&edit.allow_levels, &profile.allow_levels)
        && !levels.iter().any(|level| owner.is_staffed(*level))
    {
        warnings.push(Warning::NoLevel);
    }
    if let (Some(_), Some(paths)) = (&edit.resources, &profile.resources)
        && !Resources::new(paths.iter()).allows(CHAT)
    {
        warnings.push(Warning::ChatBlocked("Resources"));
    }
    if let Some(mapper) = &edit.model_mapper {
        warnings.extend(mapped::of_account(owner, mapper));
    }
    warnings
}
