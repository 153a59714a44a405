//! Bounds: what the accounts above leave to an account, and an account to its
//! keys.

use std::collections::BTreeSet;

use foldgate_proto::{ModelLimit, Profile};

use crate::Rejection;
use crate::acl::{self, Address, Item, Model, Path};
use crate::bounds::limited;

/// Refuses what one account above does not allow, as far as it is not as it was.
pub(super) fn check(
    profile: &Profile,
    was: Option<&Profile>,
    above: &Profile,
) -> Result<(), Rejection> {
    check_money(profile, was, above)?;
    if was.is_none_or(|was| was.allow_ips != profile.allow_ips) {
        let ips = |p: &Profile| Address::list(p.allow_ips.as_deref());
        within("AllowIPs", ips(profile).as_ref(), ips(above).as_ref())?;
    }
    if was.is_none_or(|was| was.allow_models != profile.allow_models) {
        check_models(profile.allow_models.as_deref(), above)?;
    }
    if was.is_none_or(|was| was.allow_levels != profile.allow_levels) {
        let levels = |p: &Profile| p.allow_levels.as_deref().cloned();
        within(
            "AllowLevels",
            levels(profile).as_ref(),
            levels(above).as_ref(),
        )?;
    }
    if was.is_none_or(|was| was.resources != profile.resources) {
        let paths = |p: &Profile| Path::list(p.resources.as_deref());
        within("Resources", paths(profile).as_ref(), paths(above).as_ref())?;
    }
    if was.is_none_or(|was| was.limits != profile.limits) {
        check_limits(profile.limits.as_deref(), above)?;
    }
    check_model_limits(profile, was, above)
}

/// Refuses limits per model above those of any pattern that holds it, and above
/// those that the account above has for all models.
fn check_model_limits(
    profile: &Profile,
    was: Option<&Profile>,
    above: &Profile,
) -> Result<(), Rejection> {
    let changed = |model: &String, limit: &ModelLimit| {
        was.is_none_or(|was| was.model_limits.get(model) != Some(limit))
    };
    let limits = profile.model_limits.iter();
    let mut limits = limits
        .filter(|(model, limit)| changed(model, limit))
        .peekable();
    if limits.peek().is_none() {
        return Ok(());
    }
    let patterns = limited(&above.model_limits);
    for (model, limit) in limits {
        let holding = patterns.all(model).into_iter();
        let holding =
            holding.map(|(pattern, most)| (format!(" for {:?}", pattern.as_str()), *most));
        let whole = above.limits.as_deref().map(|most| (String::new(), *most));
        for (whose, most) in holding.chain(whole) {
            if let Some((name, most)) = exceeded(limit, &most) {
                let problem =
                    format!("{model:?}: {name} is above the {most} of the account above{whose}");
                return Err(Rejection::field("ModelLimits", problem));
            }
        }
    }
    Ok(())
}

fn check_money(profile: &Profile, was: Option<&Profile>, above: &Profile) -> Result<(), Rejection> {
    let raised = was.is_none_or(|was| was.rates != profile.rates);
    if raised && profile.rates < above.rates {
        let problem = format!("must not be below the {} of the account above", above.rates);
        return Err(Rejection::field("Rates", problem));
    }
    let limited = was.is_none_or(|was| was.hard_limit != profile.hard_limit);
    if let (Some(mine), Some(most)) = (profile.hard_limit, above.hard_limit)
        && limited
        && mine > most
    {
        let problem = format!("must not be above the {most} of the account above");
        return Err(Rejection::field("HardLimit", problem));
    }
    Ok(())
}

fn within<T: Item>(
    field: &'static str,
    list: Option<&BTreeSet<T>>,
    above: Option<&BTreeSet<T>>,
) -> Result<(), Rejection> {
    acl::check_within(list, above).map_err(|error| Rejection::field(field, error.to_string()))
}

/// Refuses models that the account above (or the key's own) does not allow.
pub(in crate::decide) fn check_models(
    list: Option<&BTreeSet<String>>,
    above: &Profile,
) -> Result<(), Rejection> {
    let (list, above) = (
        Model::list(list),
        Model::list(above.allow_models.as_deref()),
    );
    within("AllowModels", list.as_ref(), above.as_ref())
}

/// Refuses limits above those of the account above (or the key's own).
pub(in crate::decide) fn check_limits(
    limits: Option<&ModelLimit>,
    above: &Profile,
) -> Result<(), Rejection> {
    let (Some(limits), Some(most)) = (limits, above.limits.as_deref()) else {
        return Ok(());
    };
    match exceeded(limits, most) {
        None => Ok(()),
        Some((name, most)) => Err(Rejection::field(
            name,
            format!("must not be above the {most} of the account above"),
        )),
    }
}

/// The first limit that is greater than it may be.
fn exceeded(limits: &ModelLimit, most: &ModelLimit) -> Option<(&'static str, u64)> {
    let pairs = [
        ("RPM", limits.rpm, most.rpm),
        ("RPH", limits.rph, most.rph),
        ("RPD", limits.rpd, most.rpd),
        ("TPM", limits.tpm, most.tpm),
        ("TPH", limits.tph, most.tph),
        ("TPD", limits.tpd, most.tpd),
    ];
    pairs
        .into_iter()
        .find_map(|(name, mine, most)| match (mine, most) {
            (Some(mine), Some(most)) if mine > most => Some((name, most)),
            _ => None,
        })
}
