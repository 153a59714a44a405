//! What is in force for an account: what it may do itself within what every
//! account above it, and its owner, may. The table asks the same on each call
//! ([`crate::Access`]); this is the answer in whole, to be shown.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{AccountNumber, KeyTerms, Level, ModelLimit, NanoDollars, Profile};

use crate::OwnerState;
use crate::acl::{Address, Item, Model, Path, meet};

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
        for account in self.lineage(account) {
            bounds.narrow(&account.profile);
        }
        bounds
    }
}

impl Bounds {
    /// Takes in what a caller key's own terms bound.
    #[must_use]
    pub fn under(mut self, terms: &KeyTerms) -> Self {
        self.limits = lower(&self.limits, &limits(terms.limits.as_deref()));
        self.allow_models = models(self.allow_models.as_ref(), terms.allow_models.as_deref());
        self
    }

    fn narrow(&mut self, profile: &Profile) {
        self.suspended |= profile.suspended;
        self.limits = lower(&self.limits, &limits(profile.limits.as_deref()));
        let (one, other) = (
            Address::list(self.allow_ips.as_ref()),
            Address::list(profile.allow_ips.as_deref()),
        );
        self.allow_ips = texts(meet(one.as_ref(), other.as_ref()));
        self.allow_models = models(self.allow_models.as_ref(), profile.allow_models.as_deref());
        self.allow_levels = meet(self.allow_levels.as_ref(), profile.allow_levels.as_deref());
        let (one, other) = (
            Path::list(self.resources.as_ref()),
            Path::list(profile.resources.as_deref()),
        );
        self.resources = texts(meet(one.as_ref(), other.as_ref()));
        for (model, limit) in &profile.model_limits {
            let base = self.model_limits.entry(model.clone()).or_default();
            *base = lower(base, limit);
        }
        self.hard_limit = least(self.hard_limit, profile.hard_limit);
    }
}

fn models(
    one: Option<&BTreeSet<String>>,
    other: Option<&BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    let (one, other) = (Model::list(one), Model::list(other));
    texts(meet(one.as_ref(), other.as_ref()))
}

fn texts<T: Item>(list: Option<BTreeSet<T>>) -> Option<BTreeSet<String>> {
    list.map(|list| list.iter().map(ToString::to_string).collect())
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
