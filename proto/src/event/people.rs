//! What happened to the tree of accounts and to the keys that are presented, and
//! what was brought back.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AccountNumber, AdminKeyId, AdminKeyNumber, AdminRole, CallerKeyId, CallerKeyNumber,
    Change, KeyHash, KeyTerms, NanoDollars, Profile, Revision, Timestamp,
};

/// See [`crate::Event::OwnerKeyRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerKeyRotated {
    /// SHA-256 of the new owner key.
    pub key_hash: KeyHash,
    /// What may be shown of it.
    pub key_mask: String,
}

/// See [`crate::Event::AdminKeyIssued`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminKeyIssued {
    /// The key's id.
    pub id: AdminKeyId,
    /// The key's number.
    pub number: AdminKeyNumber,
    /// Who or what presents it.
    pub name: String,
    /// What it may do.
    pub role: AdminRole,
    /// SHA-256 of the key.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// See [`crate::Event::AdminKeyRevoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminKeyRevoked {
    /// Which key.
    pub number: AdminKeyNumber,
}

/// See [`crate::Event::AccountAdded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAdded {
    /// The account's id.
    pub id: AccountId,
    /// Its number.
    pub number: AccountNumber,
    /// The account that made it.
    pub parent: AccountNumber,
    /// What may be changed of it.
    pub profile: Profile,
}

/// See [`crate::Event::AccountPatched`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPatched {
    /// Which account.
    pub number: AccountNumber,
    /// The profile as it is from now on, whole.
    pub profile: Profile,
}

/// See [`crate::Event::AccountRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRemoved {
    /// Which account.
    pub number: AccountNumber,
}

/// See [`crate::Event::CreditGranted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditGranted {
    /// Which account.
    pub account: AccountNumber,
    /// How much; negative takes back.
    pub amount: NanoDollars,
    /// Until when it can be spent.
    pub expires_at: Timestamp,
}

/// See [`crate::Event::CallerKeyIssued`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerKeyIssued {
    /// The key's id.
    pub id: CallerKeyId,
    /// The key's number.
    pub number: CallerKeyNumber,
    /// Whose it is.
    pub account: AccountNumber,
    /// A name to show.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// What it is good for.
    pub terms: KeyTerms,
}

/// See [`crate::Event::CallerKeyPatched`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerKeyPatched {
    /// Which key.
    pub number: CallerKeyNumber,
    /// The name from now on.
    pub name: String,
    /// The terms from now on, whole.
    pub terms: KeyTerms,
}

/// See [`crate::Event::CallerKeyRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerKeyRotated {
    /// Which key.
    pub number: CallerKeyNumber,
    /// SHA-256 of the new key.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// How long the old one is good beside it; `None` is not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<Timestamp>,
}

/// See [`crate::Event::CallerKeyRevoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerKeyRevoked {
    /// Which key.
    pub number: CallerKeyNumber,
}

/// See [`crate::Event::RecordUndone`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordUndone {
    /// The record that was undone.
    pub revision: Revision,
    /// The resources as they are from now on.
    pub changes: Vec<Change>,
}

/// See [`crate::Event::StateRestored`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRestored {
    /// The revision they were taken from.
    pub revision: Revision,
    /// The resources as they are from now on.
    pub changes: Vec<Change>,
}
