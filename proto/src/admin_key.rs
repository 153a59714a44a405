//! Admin keys: what people and programs present to the admin API beside the
//! owner's own key. They are never caller keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AdminKeyId, AdminKeyNumber, KeyHash, Revision, Timestamp};

/// A key for the admin API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminKey {
    /// Its id for life.
    pub id: AdminKeyId,
    /// Its number within the owner.
    pub number: AdminKeyNumber,
    /// Who or what presents it; histories name it so.
    pub name: String,
    /// What it may do.
    pub role: AdminRole,
    /// The hash of the key.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The revision that issued it.
    pub revision: Revision,
}

/// What an admin key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdminRole {
    /// Reads everything but secrets.
    Auditor,
    /// Routing configuration and news beside that.
    Operator,
    /// All that the owner may.
    Owner,
}

impl AdminRole {
    /// Every role, the weakest first.
    pub const ALL: &'static [Self] = &[Self::Auditor, Self::Operator, Self::Owner];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for AdminRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of auditor, operator, owner")]
pub struct UnknownRole;

impl FromStr for AdminRole {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let role = Self::ALL.iter().find(|role| role.as_str() == name);
        role.copied().ok_or(UnknownRole)
    }
}
