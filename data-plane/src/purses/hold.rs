//! What calls and jobs under way are going to cost, as far as can be told: it is held
//! against what is left until they have ended.

use std::sync::Arc;

use foldgate_domain::OwnerTable;
use foldgate_domain::balance::{hour, payer};
use foldgate_proto::{Account, AccountNumber, NanoDollars, OwnerId, Timestamp};

use super::{Here, Purses};
use crate::error::Problem;

/// An account, whoever's.
pub(super) type Named = (OwnerId, AccountNumber);

/// Whose money a call spends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Charged {
    /// Whose credit; `None` is the owner's, which has no end.
    payer: Option<Named>,
    /// Under whose `HardLimit`.
    limited: Vec<Named>,
}

/// The money of a call under way. What is left of it is let go when it is dropped.
pub(crate) struct Hold {
    purses: Arc<Purses>,
    charged: Charged,
    held: NanoDollars,
}

impl Charged {
    /// Whose money an account's work spends.
    pub(crate) fn of(table: &OwnerTable, account: AccountNumber, now: Timestamp) -> Self {
        let owner = &table.state;
        let named = |account: &Account| (owner.id, account.number);
        let payer = payer(owner.lineage(account), hour(now));
        let bounded = |above: &&Arc<Account>| above.profile.hard_limit.is_some();
        let limited = owner.lineage(account).filter(bounded);
        Self {
            payer: payer.map(|payer| named(payer)),
            limited: limited.map(|above| named(above)).collect(),
        }
    }

    /// Whether it is the owner's, which has no end.
    fn is_endless(&self) -> bool {
        self.payer.is_none() && self.limited.is_empty()
    }
}

impl Purses {
    /// Lets a call begin that is going to cost about `estimate`, and holds that until it
    /// has ended. The call itself may cost more than is left: only what others spend and
    /// hold can stand in its way.
    ///
    /// # Errors
    /// As [`Self::check`]; also when what is left is held by calls under way.
    pub(crate) fn admit(
        self: &Arc<Self>,
        (table, account): (&OwnerTable, AccountNumber),
        now: Timestamp,
        estimate: impl FnOnce() -> NanoDollars,
    ) -> Result<Hold, Problem> {
        let charged = Charged::of(table, account, now);
        let mut hold = self.nothing();
        if charged.is_endless() {
            return Ok(hold);
        }
        let estimate = estimate();
        let mut here = self.here();
        self.may_spend(&here, (table, account), now, false)?;
        self.may_spend(&here, (table, account), now, true)
            .map_err(|_| Problem::held())?;
        here.change(&charged, |account| account.hold(estimate));
        drop(here);
        hold.charged = charged;
        hold.held = estimate;
        Ok(hold)
    }

    /// Holds what a job under way is going to cost, whatever is left.
    pub(crate) fn hold(self: &Arc<Self>, charged: Charged, amount: NanoDollars) -> Hold {
        let mut hold = self.nothing();
        hold.charged = charged;
        hold.at_least(amount);
        hold
    }

    /// The hold of a call that is free.
    pub(crate) fn nothing(self: &Arc<Self>) -> Hold {
        Hold {
            purses: Arc::clone(self),
            charged: Charged::default(),
            held: NanoDollars(0),
        }
    }

    /// Work that is done has cost so much.
    pub(crate) fn spent(&self, charged: &Charged, cost: NanoDollars) {
        if cost.0 != 0 && !charged.is_endless() {
            self.here().change(charged, |account| account.spend(cost));
        }
    }
}

impl Hold {
    /// The same money, of which nothing is held besides.
    pub(crate) fn beside(&self) -> Self {
        Self {
            purses: Arc::clone(&self.purses),
            charged: self.charged.clone(),
            held: NanoDollars(0),
        }
    }

    /// Holds no less than this.
    pub(crate) fn at_least(&mut self, amount: NanoDollars) {
        let more = NanoDollars(amount.0.saturating_sub(self.held.0));
        if more.0 > 0 && !self.charged.is_endless() {
            self.held = amount;
            let mut here = self.purses.here();
            here.change(&self.charged, |account| account.hold(more));
        }
    }

    /// The call has cost so much more: it is held no longer, but spent.
    pub(crate) fn spend(&mut self, cost: NanoDollars) {
        if self.charged.is_endless() {
            return;
        }
        let released = NanoDollars(cost.0.min(self.held.0).max(0));
        self.held.0 = self.held.0.saturating_sub(released.0);
        self.purses.here().change(&self.charged, |account| {
            account.spend(cost);
            account.release(released);
        });
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.held.0 != 0 {
            let mut here = self.purses.here();
            here.change(&self.charged, |account| account.release(self.held));
        }
    }
}

/// What an account spent here since it was told what was left, and what is held.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Spending {
    pub(super) spent: NanoDollars,
    pub(super) held: NanoDollars,
}

impl Spending {
    fn hold(&mut self, amount: NanoDollars) {
        self.held.0 = self.held.0.saturating_add(amount.0);
    }

    fn release(&mut self, amount: NanoDollars) {
        self.held.0 = self.held.0.saturating_sub(amount.0);
    }

    fn spend(&mut self, amount: NanoDollars) {
        self.spent.0 = self.spent.0.saturating_add(amount.0);
    }

    /// Both; without what is held for one that only goes on.
    pub(super) const fn all(&self, holds: bool) -> NanoDollars {
        let held = if holds { self.held.0 } else { 0 };
        NanoDollars(self.spent.0.saturating_add(held))
    }

    pub(super) const fn is_nothing(&self) -> bool {
        self.spent.0 == 0 && self.held.0 == 0
    }
}

impl Here {
    /// Changes what is known of everybody whose money it is.
    fn change(&mut self, charged: &Charged, change: impl Fn(&mut Spending)) {
        let limits = charged.limited.iter().map(|named| (false, named));
        let credit = charged.payer.iter().map(|named| (true, named));
        for (is_credit, named) in credit.chain(limits) {
            let all = if is_credit {
                &mut self.credit
            } else {
                &mut self.limits
            };
            let spending = all.entry(*named).or_default();
            change(spending);
            if spending.is_nothing() {
                all.remove(named);
            }
        }
    }
}
