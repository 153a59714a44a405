//! Accounts: the tree of those who call, below an owner's root account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AccountNumber, Level, ModelLimit, NanoDollars, Rare, Rates, Revision, Timestamp,
};

/// A user of an owner, or of another account: a node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id for life.
    pub id: AccountId,
    /// Its number, unique over all owners.
    pub number: AccountNumber,
    /// The account that made it; the owner's root account for a direct one.
    pub parent: AccountNumber,
    /// What may be changed of it.
    pub profile: Profile,
    /// Credit it was granted.
    #[serde(default, skip_serializing_if = "Rare::is_blank")]
    pub credits: Rare<Vec<Credit>>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The revision that last changed it.
    pub revision: Revision,
}

/// What may be changed of an account. A list that is `None` does not restrict;
/// an empty one allows nothing (of addresses: loopback only). A call needs the
/// leave of every account above as well.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Unique within the owner, whatever its case.
    pub name: String,
    /// Unique within the owner, whatever its case.
    pub email: String,
    /// A name to show.
    #[serde(skip_serializing_if = "Rare::is_blank")]
    pub alias: Rare<String>,
    /// Where bills go; empty is `email`.
    #[serde(skip_serializing_if = "Rare::is_blank")]
    pub billing_email: Rare<String>,
    /// Switched off: it and all below it may not call.
    #[serde(skip_serializing_if = "is_false")]
    pub suspended: bool,
    /// What list prices are multiplied by.
    pub rates: Rates,
    /// Requests and tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<ModelLimit>>,
    /// Addresses (CIDR) calls may come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_ips: Option<List<String>>,
    /// Model patterns that may be named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_models: Option<List<String>>,
    /// Levels that may serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_levels: Option<List<Level>>,
    /// API paths (prefixes) that may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<List<String>>,
    /// Limits per model.
    #[serde(skip_serializing_if = "Rare::is_blank")]
    pub model_limits: Rare<BTreeMap<String, ModelLimit>>,
    /// Requested model pattern to the model used instead; applies before the owner's.
    #[serde(skip_serializing_if = "Rare::is_blank")]
    pub model_mapper: Rare<BTreeMap<String, String>>,
    /// Spend per month at which calls are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<NanoDollars>,
    /// Spend per month at which a mail goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_limit: Option<NanoDollars>,
}

/// Items of a list that restricts. Most accounts go without, of which there may be
/// many: so it takes no more room than a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct List<T: Ord>(
    #[expect(clippy::box_collection, reason = "an absent list is to be small")] Box<BTreeSet<T>>,
);

impl<T: Ord> From<BTreeSet<T>> for List<T> {
    fn from(items: BTreeSet<T>) -> Self {
        Self(Box::new(items))
    }
}

impl<T: Ord> std::ops::Deref for List<T> {
    type Target = BTreeSet<T>;

    fn deref(&self) -> &BTreeSet<T> {
        &self.0
    }
}

/// Credit that was granted once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// How much; negative takes back.
    pub amount: NanoDollars,
    /// When.
    pub granted_at: Timestamp,
    /// Until when it can be spent.
    pub expires_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
