//! What accounts spent, by the hour, in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use foldgate_domain::OwnerState;
use foldgate_domain::balance::{Hours, add, compact, hour};
use foldgate_domain::zone::Zone;
use foldgate_proto::{AccountNumber, NanoDollars, OwnerId, Timestamp};

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
pub(crate) struct Spends {
    /// Where months begin.
    zone: Zone,
    owners: HashMap<OwnerId, Owner>,
}

#[derive(Debug, Default)]
struct Owner {
    ever: NanoDollars,
    accounts: HashMap<AccountNumber, Spent>,
}

/// What one account spent.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    /// Where months begin.
    zone: Zone,
    pub(crate) hours: Hours,
    /// What was spent in the newest months.
    months: BTreeMap<u32, NanoDollars>,
    /// When something was spent last.
    last: Timestamp,
}

impl Spends {
    /// Nothing spent; months begin in a zone.
    pub(crate) fn new(zone: Zone) -> Self {
        Self {
            zone,
            owners: HashMap::new(),
        }
    }

    /// Adds what an account spent at a moment: to its hour, and to its month.
    pub(crate) fn add(&mut self, of: (OwnerId, AccountNumber), at: Timestamp, cost: NanoDollars) {
        self.add_hour(of, at, cost);
        self.add_month(of, self.zone.month(at), cost);
    }

    /// Adds what an account spent in the hour that this moment is in, but to no month.
    pub(crate) fn add_hour(
        &mut self,
        (owner, account): (OwnerId, AccountNumber),
        at: Timestamp,
        cost: NanoDollars,
    ) {
        let owner = self.owners.entry(owner).or_default();
        owner.ever.0 = owner.ever.0.saturating_add(cost.0);
        let spent = owner.accounts.entry(account).or_default();
        spent.zone = self.zone;
        add(&mut spent.hours, hour(at), cost);
        spent.last = spent.last.max(at);
    }

    /// Adds what an account spent in a month, but to no hour.
    pub(crate) fn add_month(
        &mut self,
        (owner, account): (OwnerId, AccountNumber),
        month: u32,
        cost: NanoDollars,
    ) {
        let accounts = &mut self.owners.entry(owner).or_default().accounts;
        let spent = accounts.entry(account).or_default();
        spent.zone = self.zone;
        let sum = spent.months.entry(month).or_default();
        sum.0 = sum.0.saturating_add(cost.0);
        if spent.months.len() > MONTHS {
            spent.months.pop_first();
        }
    }

    /// Adds what was spent elsewhere; its hours are not put together yet.
    pub(crate) fn merge(&mut self, more: &Self) {
        for (owner, accounts) in &more.owners {
            for (account, spent) in &accounts.accounts {
                let of = (*owner, *account);
                for (hour, cost) in &spent.hours {
                    let at = Timestamp(hour.saturating_mul(3_600_000));
                    self.add_hour(of, at, *cost);
                }
                for (month, cost) in &spent.months {
                    self.add_month(of, *month, *cost);
                }
            }
        }
    }

    /// What an account spent in the month of a moment.
    #[cfg(test)]
    pub(crate) fn in_month(
        &self,
        owner: OwnerId,
        account: AccountNumber,
        now: Timestamp,
    ) -> NanoDollars {
        let owner = self.owners.get(&owner);
        let spent = owner.and_then(|owner| owner.accounts.get(&account));
        spent.map_or(NanoDollars(0), |spent| spent.in_month(now))
    }

    /// What all accounts of an owner spent, ever.
    pub(crate) fn ever(&self, owner: OwnerId) -> NanoDollars {
        self.owners
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
        let accounts = &mut self.owners.entry(id).or_default().accounts;
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
        let months = self.months.range(self.zone.month(now)..);
        NanoDollars(months.fold(0, |sum: i64, (_, cost)| sum.saturating_add(cost.0)))
    }
}
