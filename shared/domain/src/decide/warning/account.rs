//! What a legal change of an account will hurt.

use std::sync::Arc;

use foldgate_proto::{Account, Profile};

use super::{CHAT, Warning, unserved};
use crate::OwnerState;
use crate::command::{Change, ProfileEdit};
use crate::pattern::PatternMap;
use crate::table::resources::Resources;

/// Of an account as it stands after an edit.
pub(super) fn of(
    owner: &OwnerState,
    account: Option<&Arc<Account>>,
    edit: &ProfileEdit,
    credit: bool,
) -> Vec<Warning> {
    let mut warnings = not_enforced(edit, credit);
    if let Some(account) = account {
        warnings.extend(blocked(owner, &account.profile, edit));
    }
    warnings
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
        // The owner's mapper takes what the account's leads to.
        let further = PatternMap::new(owner.config.model_mapper.iter().flatten());
        let mapper = mapper.iter().map(|(source, target)| {
            let further = further.get(target).map(|(_, model)| model.as_str());
            (source, target, further.unwrap_or(target))
        });
        warnings.extend(unserved(owner, "ModelMapper", mapper));
    }
    warnings
}

/// What of an account is kept but not yet acted upon.
fn not_enforced(edit: &ProfileEdit, credit: bool) -> Vec<Warning> {
    let parts = [
        ("CreditGranted", credit),
        ("HardLimit", edit.hard_limit != Change::Keep),
        ("SoftLimit", edit.soft_limit != Change::Keep),
    ];
    let kept = parts.into_iter().filter(|(_, given)| *given);
    kept.map(|(part, _)| Warning::NotEnforced(part)).collect()
}
