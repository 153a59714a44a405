//! What accounts spent, by the hour, in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use foldgate_domain::OwnerState;
use foldgate_domain::balance::{Hours, add, compact, hour};
use foldgate_proto::{AccountNumber, NanoDollars, OwnerId, Timestamp};

use crate::usage::span;

/// Hours that are this old are put together where that changes nothing. Records of a node
/// that was cut off may be older; they go to what they belong to all the same.
const RECENT_HOURS: i64 = 6;

/// What was spent so long ago was spent lately, give or take the hour of it.
const RECENT: Duration = Duration::from_hours(2);

/// How many months are told apart, of which this is one and most of the others are past.
const MONTHS: usize = 14;

/// From how many hours of an account on they are put together.
const MANY_HOURS: usize = 48;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Spends(HashMap<OwnerId, Owner>);

#[derive(Debug, Default)]
struct Owner {
    ever: NanoDollars,
    accounts: HashMap<AccountNumber, Spent>,
}

/// What one account spent.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    pub(crate) hours: Hours,
    /// What was spent in the newest months.
    months: BTreeMap<u32, NanoDollars>,
    /// When something was spent last.
    last: Timestamp,
}

impl Spends {
    /// Adds what an account spent in the hour that this moment is in.
    pub(crate) fn add(
        &mut self,
        (owner, account): (OwnerId, AccountNumber),
        at: Timestamp,
        cost: NanoDollars,
    ) {
        let owner = self.0.entry(owner).or_default();
        owner.ever.0 = owner.ever.0.saturating_add(cost.0);
        let spent = owner.accounts.entry(account).or_default();
        add(&mut spent.hours, hour(at), cost);
        spent.last = spent.last.max(at);
        let month = spent.months.entry(span::month(at)).or_default();
        month.0 = month.0.saturating_add(cost.0);
        if spent.months.len() > MONTHS {
            spent.months.pop_first();
        }
    }

    /// Adds what was spent elsewhere; its hours are not put together yet.
    pub(crate) fn merge(&mut self, more: &Self) {
        for (owner, accounts) in &more.0 {
            for (account, spent) in &accounts.accounts {
                for (hour, cost) in &spent.hours {
                    let at = Timestamp(hour.saturating_mul(3_600_000));
                    self.add((*owner, *account), at, *cost);
                }
            }
        }
    }

    /// What all accounts of an owner spent, ever.
    pub(crate) fn ever(&self, owner: OwnerId) -> NanoDollars {
        self.0
            .get(&owner)
            .map_or(NanoDollars(0), |owner| owner.ever)
    }

    /// What each account of an owner spent.
    pub(crate) fn of(
        &mut self,
        id: OwnerId,
        owner: &OwnerState,
        now: Timestamp,
    ) -> &HashMap<AccountNumber, Spent> {
        let accounts = &mut self.0.entry(id).or_default().accounts;
        let until = hour(now).saturating_sub(RECENT_HOURS);
        for (account, spent) in accounts.iter_mut() {
            if spent.hours.len() > MANY_HOURS {
                let credits: Vec<_> = owner
                    .lineage(*account)
                    .flat_map(|account| account.credits.iter().cloned())
                    .collect();
                compact(&mut spent.hours, &credits, until);
            }
        }
        accounts
    }
}

impl Spent {
    /// Whether something was spent lately.
    pub(crate) fn is_recent(&self, now: Timestamp) -> bool {
        now.since(self.last) < RECENT
    }

    /// What was spent in this month; by a clock that is fast also what is said to have
    /// been spent later.
    pub(crate) fn in_month(&self, now: Timestamp) -> NanoDollars {
        let months = self.months.range(span::month(now)..);
        NanoDollars(months.fold(0, |sum: i64, (_, cost)| sum.saturating_add(cost.0)))
    }
}
