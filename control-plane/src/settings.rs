//! What the control plane needs to know that is not in the log.

use foldgate_domain::money::dollars;
use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_domain::zone::Zone;
use foldgate_proto::{NanoDollars, Role};

use crate::KeyFile;

/// Settings of the admin listener and of this node's place in the fleet.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This node's name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// What this process does.
    pub role: Role,
    /// The program's version.
    pub version: String,
    /// This process's own listeners (`host:port`); no provider may point at one.
    pub listeners: Vec<String>,
    /// Where this process keeps the first owner's key, if it does.
    pub owner_key: Option<KeyFile>,
    /// Where providers may be.
    pub addresses: AddressPolicy,
    /// Where the days and months of bills begin.
    pub zone: Zone,
    /// Below it a user may no longer call; decimal text, shown by `/x-conf`.
    pub user_min_balance: String,
    /// What a user needs to use the API; decimal text, shown by `/x-conf`.
    pub user_api_balance: String,
}

impl Settings {
    /// What an account must have left to call; nothing where the setting is no amount.
    pub(crate) fn user_min(&self) -> NanoDollars {
        amount(&self.user_min_balance)
    }

    /// What an account must have left to manage others.
    pub(crate) fn user_api(&self) -> NanoDollars {
        amount(&self.user_api_balance)
    }
}

/// An amount of money; the settings were checked, so it is one.
fn amount(text: &str) -> NanoDollars {
    dollars(text).unwrap_or_default()
}
