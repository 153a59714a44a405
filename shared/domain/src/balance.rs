//! What is left of an account's credit: a pure function of what it was granted and what
//! it spent, so that whoever folds both has the same answer, in whatever order they came.
//!
//! - Credit that expires first is spent first; what is left of it when it expires is lost.
//! - Spends are added up by hours (UTC). Credit pays for the hours in which it was there
//!   at any moment: the one in which it was granted, and the one in which it expires, are
//!   its hours whole.
//! - What no credit covers is owed, and the next credit pays for it first.
//! - Credit that is taken back is spent like any other money.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldgate_proto::{Account, Credit, NanoDollars, Timestamp};

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What was spent, by hours since 1970.
pub type Hours = BTreeMap<i64, NanoDollars>;

/// What is left.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Balance {
    /// What can be spent now; negative is owed.
    pub total: NanoDollars,
    /// What is left of each credit that can be spent, those that expire first first.
    pub left: Vec<Left>,
}

/// What is left of a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// How much.
    pub amount: NanoDollars,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// Until when it can be spent.
    pub expires_at: Timestamp,
}

/// The hour of a moment, counted from 1970.
pub const fn hour(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR)
}

/// The hours at which what can be spent changes: spends between two of them may be put
/// together under the first, and the balance stays the same.
pub fn boundaries(credits: &[Credit]) -> BTreeSet<i64> {
    let each = credits.iter().flat_map(|credit| {
        let behind = last_hour(credit).saturating_add(1);
        [hour(credit.granted_at), behind]
    });
    each.collect()
}

/// Puts hours before `until` together as far as the balance stays the same.
pub fn compact(hours: &mut Hours, credits: &[Credit], until: i64) {
    let kept = hours.split_off(&until);
    let bounds = boundaries(credits);
    let before = std::mem::replace(hours, kept);
    for (hour, cost) in before {
        let begin = bounds.range(..=hour).next_back().copied();
        add(hours, begin.unwrap_or(i64::MIN), cost);
    }
}

/// Adds a spend to its hour.
pub fn add(hours: &mut Hours, hour: i64, cost: NanoDollars) {
    let sum = hours.entry(hour).or_default();
    sum.0 = sum.0.saturating_add(cost.0);
}

/// Who pays for what an account spends in an hour: of it and those above it, nearest first,
/// the first that had been granted credit by then. `None`: the owner, who needs no balance.
pub fn payer<'a>(
    mut lineage: impl Iterator<Item = &'a Arc<Account>>,
    at: i64,
) -> Option<&'a Arc<Account>> {
    lineage.find(|account| {
        let first = account.credits.first();
        first.is_some_and(|credit| hour(credit.granted_at) <= at)
    })
}

/// What is left now.
pub fn balance(credits: &[Credit], spent: &Hours, now: Timestamp) -> Balance {
    let mut purse = Purse::new(credits);
    let mut spends = spent.clone();
    let taken = credits.iter().filter(|credit| credit.amount.0 < 0);
    for credit in taken.filter(|credit| credit.granted_at <= now) {
        let taken = NanoDollars(credit.amount.0.saturating_neg());
        add(&mut spends, hour(credit.granted_at), taken);
    }
    let this_hour = hour(now);
    for (hour, cost) in spends {
        // A clock that is fast makes no credit old.
        purse.spend(hour.min(this_hour), i128::from(cost.0));
    }
    purse.granted(this_hour);
    let left: Vec<Left> = purse
        .cards
        .iter()
        .filter(|(_, card)| card.expires_at > now)
        .map(|(_, card)| Left {
            amount: money(card.left),
            granted_at: card.granted_at,
            expires_at: card.expires_at,
        })
        .collect();
    let sum: i128 = left.iter().map(|left| i128::from(left.amount.0)).sum();
    Balance {
        total: money(sum - purse.owed),
        left,
    }
}

struct Card {
    left: i128,
    /// The last hour it pays for.
    last: i64,
    granted_at: Timestamp,
    expires_at: Timestamp,
}

/// Credits as they are spent.
struct Purse<'a> {
    /// Those that are not granted yet, the next one last.
    waiting: Vec<(usize, &'a Credit)>,
    /// Those with something left, by what expires first.
    cards: BTreeMap<(Timestamp, usize), Card>,
    owed: i128,
}

impl<'a> Purse<'a> {
    fn new(credits: &'a [Credit]) -> Self {
        let mut waiting: Vec<(usize, &Credit)> = credits
            .iter()
            .enumerate()
            .filter(|(_, credit)| credit.amount.0 > 0)
            .collect();
        waiting.sort_by_key(|(index, credit)| std::cmp::Reverse((credit.granted_at, *index)));
        Self {
            waiting,
            cards: BTreeMap::new(),
            owed: 0,
        }
    }

    /// Credits that were granted in this hour or before it are there.
    fn granted(&mut self, until: i64) {
        while let Some((index, credit)) = self
            .waiting
            .pop_if(|(_, credit)| hour(credit.granted_at) <= until)
        {
            let card = Card {
                left: i128::from(credit.amount.0),
                last: last_hour(credit),
                granted_at: credit.granted_at,
                expires_at: credit.expires_at,
            };
            self.cards.insert((credit.expires_at, index), card);
            // What is owed is paid at once.
            self.settle();
        }
    }

    fn spend(&mut self, hour: i64, cost: i128) {
        self.granted(hour);
        self.owed += cost;
        self.cards.retain(|_, card| card.last >= hour);
        self.settle();
    }

    /// Pays what is owed with what there is.
    fn settle(&mut self) {
        while self.owed > 0 {
            let Some(mut first) = self.cards.first_entry() else {
                return;
            };
            let card = first.get_mut();
            let paid = card.left.min(self.owed);
            card.left -= paid;
            self.owed -= paid;
            if card.left == 0 {
                first.remove();
            }
        }
    }
}

/// The last hour that a credit pays for.
const fn last_hour(credit: &Credit) -> i64 {
    hour(Timestamp(credit.expires_at.0.saturating_sub(1)))
}

fn money(amount: i128) -> NanoDollars {
    let most = if amount < 0 { i64::MIN } else { i64::MAX };
    NanoDollars(i64::try_from(amount).unwrap_or(most))
}

#[cfg(test)]
mod tests;
