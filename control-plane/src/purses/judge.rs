//! What follows from what accounts spent. Pure.

use std::collections::{HashMap, HashSet};

use foldgate_domain::OwnerState;
use foldgate_domain::balance::{Balance, Hours, add, balance, hour, payer};
use foldgate_proto::{Account, AccountNumber, NanoDollars, Timestamp};

use super::spent::Spent;

/// An account's credit is low when less than this part of it is left.
const LOW_PART: i64 = 10;

/// What follows for the accounts of one owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// What those that were granted credit pay for, by the hour.
    pub(crate) paid: HashMap<AccountNumber, Hours>,
    /// Those whose credit is spent.
    pub(crate) empty: Vec<AccountNumber>,
    /// Those that have come to their `HardLimit`.
    pub(crate) capped: Vec<AccountNumber>,
    /// What those have left for which somebody spent lately, the poorest first.
    pub(crate) left: Vec<(AccountNumber, NanoDollars)>,
    /// What those may still spend this month for which somebody spent lately, those with
    /// the least first.
    pub(crate) room: Vec<(AccountNumber, NanoDollars)>,
    /// Those that have come to their `SoftLimit`.
    pub(crate) soft: Vec<Soft>,
    /// Those whose credit is nearly spent.
    pub(crate) low: Vec<Low>,
}

/// An account that has come to its `SoftLimit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Soft {
    pub(crate) account: AccountNumber,
    pub(crate) spent: NanoDollars,
    pub(crate) limit: NanoDollars,
}

/// An account whose credit is nearly spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Low {
    pub(crate) account: AccountNumber,
    pub(crate) left: NanoDollars,
}

/// Judges the accounts of an owner. `least` is what an account must have to call.
pub(super) fn judge(
    owner: &OwnerState,
    spent: &HashMap<AccountNumber, Spent>,
    (least, now): (NanoDollars, Timestamp),
) -> Judgement {
    let (paid, months) = sums(owner, spent, now);
    let recent = recent(owner, spent, now);
    let mut judged = Judgement::default();
    let none = Hours::new();
    for account in owner.accounts.values() {
        let number = account.number;
        if !account.credits.is_empty() {
            let left = balance(&account.credits, paid.get(&number).unwrap_or(&none), now);
            if left.total < least || left.total.0 <= 0 {
                judged.empty.push(number);
            }
            if recent.contains(&number) {
                judged.left.push((number, left.total));
            }
            if is_low(account, &left, least, now) {
                let left = left.total;
                judged.low.push(Low {
                    account: number,
                    left,
                });
            }
        }
        let month = months.get(&number).copied().unwrap_or_default();
        if let Some(limit) = account.profile.hard_limit {
            let room = NanoDollars(limit.0.saturating_sub(month.0));
            if room.0 <= 0 {
                judged.capped.push(number);
            }
            if recent.contains(&number) {
                judged.room.push((number, room));
            }
        }
        if let Some(limit) = account.profile.soft_limit.filter(|limit| month >= *limit) {
            judged.soft.push(Soft {
                account: number,
                spent: month,
                limit,
            });
        }
    }
    for list in [&mut judged.left, &mut judged.room] {
        list.sort_by_key(|(_, amount)| *amount);
    }
    judged.paid = paid;
    judged
}

/// The accounts that spent lately, with all above them.
fn recent(
    owner: &OwnerState,
    spent: &HashMap<AccountNumber, Spent>,
    now: Timestamp,
) -> HashSet<AccountNumber> {
    let spenders = spent.iter().filter(|(_, spent)| spent.is_recent(now));
    let above = spenders.flat_map(|(number, _)| owner.lineage(*number));
    above.map(|account| account.number).collect()
}

/// What each account pays for, by the hour, and what it and all below it spent this month.
fn sums(
    owner: &OwnerState,
    spent: &HashMap<AccountNumber, Spent>,
    now: Timestamp,
) -> (
    HashMap<AccountNumber, Hours>,
    HashMap<AccountNumber, NanoDollars>,
) {
    let mut paid: HashMap<AccountNumber, Hours> = HashMap::new();
    let mut months: HashMap<AccountNumber, NanoDollars> = HashMap::new();
    for (number, spent) in spent {
        let month = spent.in_month(now);
        for above in owner.lineage(*number) {
            let sum = months.entry(above.number).or_default();
            sum.0 = sum.0.saturating_add(month.0);
        }
        for (hour, cost) in &spent.hours {
            if let Some(payer) = payer(owner.lineage(*number), *hour) {
                add(paid.entry(payer.number).or_default(), *hour, *cost);
            }
        }
    }
    (paid, months)
}

fn is_low(account: &Account, left: &Balance, least: NanoDollars, now: Timestamp) -> bool {
    let good = account.credits.iter().filter(|credit| {
        credit.amount.0 > 0 && credit.expires_at > now && hour(credit.granted_at) <= hour(now)
    });
    let granted = good.fold(0_i64, |sum, credit| sum.saturating_add(credit.amount.0));
    left.total < least || left.total.0 < granted / LOW_PART
}

#[cfg(test)]
mod tests;
