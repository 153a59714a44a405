//! What is in force for an account: what it may do itself within what every
//! account above it, and its owner, may. The table asks the same on each call
//! ([`crate::Access`]); this is the answer in whole, to be shown.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{Account, AccountNumber, KeyTerms, Level, ModelLimit, NanoDollars, Profile};

use crate::OwnerState;
use crate::acl::{Address, Item, Model, Path, meet};
use crate::pattern::PatternMap;

#[cfg(test)]
mod tests;

/// Everything that bounds an account. A list that is `None` does not restrict.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// It, or one above it, is switched off.
    pub suspended: bool,
    /// Requests and tokens.
    pub limits: ModelLimit,
    /// Addresses calls may come from.
    pub allow_ips: Option<BTreeSet<String>>,
    /// Model patterns that may be named.
    pub allow_models: Option<BTreeSet<String>>,
    /// Levels that may serve.
    pub allow_levels: Option<BTreeSet<Level>>,
    /// API paths that may be called.
    pub resources: Option<BTreeSet<String>>,
    /// Limits per model.
    pub model_limits: BTreeMap<String, ModelLimit>,
    /// Spend per month at which calls are refused.
    pub hard_limit: Option<NanoDollars>,
}

impl OwnerState {
    /// What bounds an account; of the owner's own, what the owner configured.
    pub fn bounds(&self, account: AccountNumber) -> Bounds {
        let mut bounds = Bounds {
            resources: self.config.resources.clone(),
            model_limits: self.config.model_limits.clone().unwrap_or_default(),
            ..Bounds::default()
        };
        // From the top down: what stands below mostly lies within, which is the
        // cheaper to see.
        let lineage: Vec<_> = self.lineage(account).collect();
        for account in lineage.into_iter().rev() {
            bounds.narrow(&account.profile);
        }
        bounds
    }
}

impl Bounds {
    /// What bounds an account directly below the one that these are of: so many
    /// children need not each ask everyone above.
    #[must_use]
    pub fn of_child(&self, child: &Account) -> Self {
        let mut bounds = self.clone();
        bounds.narrow(&child.profile);
        bounds
    }

    /// Takes in what a caller key's own terms bound.
    #[must_use]
    pub fn under(mut self, terms: &KeyTerms) -> Self {
        self.limits = lower(&self.limits, &limits(terms.limits.as_deref()));
        self.limit_models(&BTreeMap::new());
        common(
            &mut self.allow_models,
            terms.allow_models.as_deref(),
            Model::list,
        );
        self
    }

    /// Takes in limits per model, of which each also keeps those of every pattern
    /// on the other side that holds it, and those that hold for all models.
    fn limit_models(&mut self, below: &BTreeMap<String, ModelLimit>) {
        let above = limited(&self.model_limits);
        let own = limited(below);
        for (model, limit) in &mut self.model_limits {
            *limit = under_all(limit, &own, model);
        }
        for (model, limit) in below {
            let limit = under_all(limit, &above, model);
            let mine = self.model_limits.entry(model.clone()).or_default();
            *mine = lower(mine, &limit);
        }
        for limit in self.model_limits.values_mut() {
            *limit = lower(limit, &self.limits);
        }
    }

    fn narrow(&mut self, profile: &Profile) {
        self.suspended |= profile.suspended;
        self.limits = lower(&self.limits, &limits(profile.limits.as_deref()));
        common(
            &mut self.allow_ips,
            profile.allow_ips.as_deref(),
            Address::list,
        );
        common(
            &mut self.allow_models,
            profile.allow_models.as_deref(),
            Model::list,
        );
        self.allow_levels = meet(self.allow_levels.as_ref(), profile.allow_levels.as_deref());
        common(
            &mut self.resources,
            profile.resources.as_deref(),
            Path::list,
        );
        self.limit_models(&profile.model_limits);
        self.hard_limit = least(self.hard_limit, profile.hard_limit);
    }
}

/// Narrows a list to what another allows too.
fn common<T: Item>(
    list: &mut Option<BTreeSet<String>>,
    other: Option<&BTreeSet<String>>,
    read: fn(Option<&BTreeSet<String>>) -> Option<BTreeSet<T>>,
) {
    let Some(other) = other else {
        return;
    };
    if list.is_none() {
        *list = Some(other.clone());
    } else if list.as_ref() != Some(other) {
        let both = meet(read(list.as_ref()).as_ref(), read(Some(other)).as_ref());
        *list = both.map(|both| both.iter().map(ToString::to_string).collect());
    }
}

/// Limits per model, to be asked which of them hold a pattern.
pub(crate) fn limited(limits: &BTreeMap<String, ModelLimit>) -> PatternMap<ModelLimit> {
    PatternMap::new(limits.iter().map(|(model, limit)| (model.as_str(), *limit)))
}

/// A limit together with those of all patterns that hold this one: a pattern holds
/// another if it matches its text.
fn under_all(limit: &ModelLimit, limits: &PatternMap<ModelLimit>, model: &str) -> ModelLimit {
    let above = limits.all(model).into_iter();
    above.fold(*limit, |limit, (_, most)| lower(&limit, most))
}

fn limits(limits: Option<&ModelLimit>) -> ModelLimit {
    limits.copied().unwrap_or_default()
}

/// Of each limit the lower; none is the highest.
fn lower(one: &ModelLimit, other: &ModelLimit) -> ModelLimit {
    ModelLimit {
        rpm: least(one.rpm, other.rpm),
        rph: least(one.rph, other.rph),
        rpd: least(one.rpd, other.rpd),
        tpm: least(one.tpm, other.tpm),
        tph: least(one.tph, other.tph),
        tpd: least(one.tpd, other.tpd),
    }
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
