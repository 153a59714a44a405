//! Which accounts may spend no more: what control planes, who add up all usage, tell the
//! nodes. The whole of an owner at once and again and again, so that what is lost heals.

use serde::{Deserialize, Serialize};

use crate::{AccountNumber, NanoDollars, OwnerId, Revision, Timestamp};

/// The most accounts that one message stops for one reason.
pub const MAX_STOPPED: usize = 5_000;

/// The most accounts of which one message says what they have left.
pub const MAX_LEFT: usize = 3_000;

/// The accounts of one owner that may spend no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purses {
    /// The control plane that says so.
    pub node: String,
    /// Whose accounts.
    pub owner: OwnerId,
    /// Up to which revision of the log it knows of credit and limits.
    pub revision: Revision,
    /// What the owner's accounts have spent, ever and together: it knows of so much.
    pub spent: NanoDollars,
    /// When it was said.
    pub at: Timestamp,
    /// What an account must have left to call.
    pub least: NanoDollars,
    /// Accounts whose credit is spent. What they pay for is stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<AccountNumber>,
    /// Accounts that have come to their `HardLimit`. They and all below are stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capped: Vec<AccountNumber>,
    /// What accounts have left of their credit, of those for which somebody spent lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<(AccountNumber, NanoDollars)>,
    /// What accounts and those below them may still spend this month, by their
    /// `HardLimit`; of those for which somebody spent lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub room: Vec<(AccountNumber, NanoDollars)>,
}
