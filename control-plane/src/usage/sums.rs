//! What several requests used together.

use foldgate_proto::{Measure, NanoDollars, Quantities, UsageRecord};
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// How many requests.
    pub requests: u64,
    /// How many of them were estimated here.
    pub estimated: u64,
    /// How many were cut by the death of their node, and estimated from before it.
    pub unsettled: u64,
    /// How many cost nothing for want of a price.
    pub unpriced: u64,
    /// What they cost.
    pub cost: NanoDollars,
    /// What they used.
    pub quantities: Quantities,
}

impl Sums {
    /// Adds a request.
    pub fn add(&mut self, record: &UsageRecord) {
        self.merge(&Self {
            requests: 1,
            estimated: u64::from(record.measure == Measure::Estimated),
            unsettled: u64::from(record.measure == Measure::Unsettled),
            unpriced: u64::from(record.unpriced),
            cost: record.cost,
            quantities: record.quantities,
        });
    }

    /// Adds other sums. Holds at the greatest value.
    pub fn merge(&mut self, other: &Self) {
        self.cost.0 = self.cost.0.saturating_add(other.cost.0);
        let ours = [
            &mut self.requests,
            &mut self.estimated,
            &mut self.unsettled,
            &mut self.unpriced,
        ];
        let theirs = [
            other.requests,
            other.estimated,
            other.unsettled,
            other.unpriced,
        ];
        for (sum, more) in ours.into_iter().zip(theirs) {
            *sum = sum.saturating_add(more);
        }
        self.quantities = self.quantities.plus(&other.quantities);
    }
}
