//! What calls of an owner are paid by: its prices, compiled when PRICING changes, its
//! FACTOR and the Rates of its accounts.

use std::sync::Arc;

use foldgate_proto::{AccountNumber, Rates, Revision};

use super::OwnerTable;
use crate::OwnerState;
use crate::price::Prices;

impl OwnerTable {
    /// The prices of this owner.
    pub const fn prices(&self) -> &Arc<Prices> {
        &self.prices
    }

    /// What prices are multiplied by for an account: the greatest Rates of its own and
    /// of all above it. One may stand below that of the account above, which was raised
    /// later.
    pub fn rates(&self, account: AccountNumber) -> Rates {
        let lineage = self.state.lineage(account);
        let rates = lineage.map(|account| account.profile.rates);
        rates.max().unwrap_or_default()
    }

    /// What prices are multiplied by for every account besides: FACTOR.
    pub fn factor(&self) -> Rates {
        self.state.config.factor.unwrap_or_default()
    }
}

/// The prices of an owner: those from before, as long as PRICING stands.
pub(super) fn prices(before: Option<&OwnerTable>, owner: &OwnerState) -> Arc<Prices> {
    let same = |before: &&OwnerTable| {
        let untouched = Arc::ptr_eq(&before.state.config, &owner.config);
        before.state.pricing_revision == owner.pricing_revision
            && (untouched || before.state.config.pricing == owner.config.pricing)
    };
    match before.filter(same) {
        Some(before) => Arc::clone(&before.prices),
        None => Arc::new(compiled(owner)),
    }
}

/// PRICING was validated when it was set. Should a program of another version have let
/// through what this one refuses, the shipped prices hold.
fn compiled(owner: &OwnerState) -> Prices {
    Prices::warm();
    let Some(text) = &owner.config.pricing else {
        return Prices::shipped();
    };
    // A state that an older program wrote knows only when anything was configured.
    let revision = match owner.pricing_revision {
        Revision::ZERO => owner.config_revision,
        revision => revision,
    };
    Prices::new(text, revision).unwrap_or_else(|_| Prices::shipped())
}
