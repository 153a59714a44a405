//! Commands about accounts and the keys that people and programs present.

use std::collections::BTreeMap;
use std::time::Duration;

use foldgate_proto::{
    AccountId, AccountNumber, AdminKeyId, AdminRole, CallerKeyId, CallerKeyNumber, JsonText,
    KeyHash, Level, NanoDollars, Rates, Timestamp,
};

use super::{Change, LimitPatch};
use crate::acl::{Address, ListEdit, Model, Path};

/// Make an account below another, with its first key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddAccount {
    /// Its id.
    pub id: AccountId,
    /// The account that makes it.
    pub parent: AccountNumber,
    /// Its profile, as an edit of an empty one.
    pub profile: ProfileEdit,
    /// Credit it begins with.
    pub credit: Option<Grant>,
    /// The key it begins with.
    pub key: NewKey,
}

/// Change an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchAccount {
    /// Which.
    pub number: AccountNumber,
    /// The account that asks: must be its parent.
    pub parent: AccountNumber,
    /// What changes.
    pub profile: ProfileEdit,
    /// Credit it is granted.
    pub credit: Option<Grant>,
}

/// Remove an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveAccount {
    /// Which.
    pub number: AccountNumber,
    /// The account that asks: must be its parent.
    pub parent: AccountNumber,
}

/// An edit of a profile: `None` is unchanged.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ProfileEdit {
    /// New name.
    pub name: Option<String>,
    /// New e-mail address.
    pub email: Option<String>,
    /// New name to show.
    pub alias: Option<String>,
    /// New address for bills.
    pub billing_email: Option<String>,
    /// Switched off or on.
    pub suspended: Option<bool>,
    /// New multiplier.
    pub rates: Option<Rates>,
    /// Limits that change.
    pub limits: LimitPatch,
    /// Change of AllowIPs.
    pub allow_ips: Option<ListEdit<Address>>,
    /// Change of AllowModels.
    pub allow_models: Option<ListEdit<Model>>,
    /// Change of AllowLevels.
    pub allow_levels: Option<ListEdit<Level>>,
    /// Change of Resources.
    pub resources: Option<ListEdit<Path>>,
    /// Limits per model that change; `None` takes a model out.
    pub model_limits: BTreeMap<String, Option<LimitPatch>>,
    /// New mapping, whole.
    pub model_mapper: Option<BTreeMap<String, String>>,
    /// New spend per month at which calls are refused.
    pub hard_limit: Change<NanoDollars>,
    /// New spend per month at which a mail goes out.
    pub soft_limit: Change<NanoDollars>,
}

/// Credit to grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How much; negative takes back.
    pub amount: NanoDollars,
    /// Days it can be spent; `None` takes the default.
    pub days: Option<u32>,
}

/// A caller key that was just drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its id.
    pub id: CallerKeyId,
    /// A name to show; empty takes `default`.
    pub name: String,
    /// SHA-256 of it.
    pub hash: KeyHash,
    /// What may be shown of it; empty where nothing but its hash is known.
    pub mask: String,
    /// What it is good for.
    pub terms: TermsEdit,
}

/// An edit of a caller key's terms; see [`ProfileEdit`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TermsEdit {
    /// From when on it is refused.
    pub expires_at: Change<Timestamp>,
    /// Change of AllowModels.
    pub allow_models: Option<ListEdit<Model>>,
    /// Limits that change.
    pub limits: LimitPatch,
    /// Put out of use, or back.
    pub disabled: Option<bool>,
    /// Requests per second.
    pub rps: Change<u64>,
    /// Calls at once.
    pub concurrency: Change<u32>,
    /// What is kept for the admin API, whole.
    pub more: Change<JsonText>,
}

/// Give an account one more key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueCallerKey {
    /// Whose.
    pub account: AccountNumber,
    /// The key.
    pub key: NewKey,
    /// Whether no other key of the account may have its name.
    pub own_name: bool,
}

/// Which caller key of which account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyOf {
    /// The account it must belong to.
    pub account: AccountNumber,
    /// The key.
    pub number: CallerKeyNumber,
}

/// Change a caller key's name or terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchCallerKey {
    /// Which.
    pub key: KeyOf,
    /// New name.
    pub name: Option<String>,
    /// What changes of its terms.
    pub terms: TermsEdit,
    /// The hash of another key, to be presented from now on in place of the one
    /// before, which ends at once.
    pub hash: Option<KeyHash>,
    /// Whether no other key of the account may have the new name.
    pub own_name: bool,
}

/// Put a newly drawn key in a caller key's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateCallerKey {
    /// Which.
    pub key: KeyOf,
    /// SHA-256 of the new one.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// How long the old one stays good beside it.
    pub overlap: Duration,
}

/// Put a newly drawn key in the owner key's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateOwnerKey {
    /// SHA-256 of the new one.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
}

/// Issue an admin key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueAdminKey {
    /// Its id.
    pub id: AdminKeyId,
    /// Who or what presents it.
    pub name: String,
    /// What it may do.
    pub role: AdminRole,
    /// SHA-256 of it.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}
