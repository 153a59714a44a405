//! Which accounts may spend no more, as control planes tell it, who add up all usage. A
//! node takes off what it was told last what it spent itself since: so it stops an account
//! by itself as soon as it has spent the rest, and lets none spend more than that while
//! nobody tells it anything. Of an account that it was told nothing of, it knows the credit
//! and the limit in the log.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use foldgate_domain::OwnerTable;
use foldgate_domain::balance::{hour, payer};
use foldgate_proto::purse::MAX_LEFT;
use foldgate_proto::{
    Account, AccountNumber, NanoDollars, OwnerId, Purses as Told, Revision, Timestamp,
};

use crate::error::Problem;

/// For how long a control plane that knows more is believed although another, which
/// knows less, still talks. Then the first may be gone, or has lost what it knew.
const TRUSTED: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Default)]
pub(crate) struct Purses {
    known: RwLock<HashMap<OwnerId, Known>>,
    here: Mutex<Here>,
}

/// What was spent here since it was told what was left.
#[derive(Default)]
struct Here {
    credit: HashMap<(OwnerId, AccountNumber), NanoDollars>,
    limits: HashMap<(OwnerId, AccountNumber), NanoDollars>,
}

/// Whose money a call spends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Charged {
    /// Whose credit; `None` is the owner's, which has no end.
    payer: Option<(OwnerId, AccountNumber)>,
    /// Under whose `HardLimit`.
    limited: Vec<(OwnerId, AccountNumber)>,
}

/// What is known of an owner's accounts.
#[derive(Default)]
struct Known {
    /// How much the one who told it knew, and when.
    of: (Revision, NanoDollars),
    heard: Option<Instant>,
    least: NanoDollars,
    empty: HashSet<AccountNumber>,
    capped: HashSet<AccountNumber>,
    left: HashMap<AccountNumber, NanoDollars>,
    room: HashMap<AccountNumber, NanoDollars>,
}

impl Purses {
    /// Hears what a control plane tells.
    pub(crate) fn hear(&self, told: &Told) {
        let of = (told.revision, told.spent);
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(told.owner).or_default();
        if known.knows_more_than(of) {
            return;
        }
        *known = Known {
            of,
            heard: Some(Instant::now()),
            least: told.least,
            empty: told.empty.iter().copied().collect(),
            capped: told.capped.iter().copied().collect(),
            left: told.left.iter().copied().collect(),
            room: told.room.iter().copied().collect(),
        };
        drop(all);
        let mut here = self.here();
        forget(&mut here.credit, told.owner, &told.left);
        forget(&mut here.limits, told.owner, &told.room);
    }

    /// Whose money an account's call would spend.
    ///
    /// # Errors
    /// Its credit, or that of who pays for it, is spent; or it or one above it has come
    /// to its `HardLimit`.
    pub(crate) fn check(
        &self,
        table: &OwnerTable,
        account: AccountNumber,
        now: Timestamp,
    ) -> Result<Charged, Problem> {
        let owner = &table.state;
        let payer = payer(owner.lineage(account), hour(now));
        let bounded = |above: &&std::sync::Arc<Account>| above.profile.hard_limit.is_some();
        let limited: Vec<_> = owner.lineage(account).filter(bounded).collect();
        if payer.is_none() && limited.is_empty() {
            return Ok(Charged::default());
        }
        let all = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = Known::default();
        let known = all.get(&owner.id).unwrap_or(&unknown);
        let here = self.here();
        let named = |account: &Account| (owner.id, account.number);
        for above in &limited {
            let spent = here.limits.get(&named(above)).copied();
            if known.is_capped(above, spent.unwrap_or_default()) {
                return Err(Problem::capped());
            }
        }
        if let Some(payer) = payer {
            let spent = here.credit.get(&named(payer)).copied();
            if known.is_empty(payer, spent.unwrap_or_default(), now) {
                return Err(Problem::out_of_credit());
            }
        }
        Ok(Charged {
            payer: payer.map(|payer| named(payer)),
            limited: limited.iter().map(|above| named(above)).collect(),
        })
    }

    /// A call that was let in has cost so much.
    pub(crate) fn spent(&self, charged: &Charged, cost: NanoDollars) {
        if cost.0 == 0 || *charged == Charged::default() {
            return;
        }
        let mut here = self.here();
        if let Some(payer) = charged.payer {
            let sum = here.credit.entry(payer).or_default();
            sum.0 = sum.0.saturating_add(cost.0);
        }
        for above in &charged.limited {
            let sum = here.limits.entry(*above).or_default();
            sum.0 = sum.0.saturating_add(cost.0);
        }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Charged {
    /// Whose money an account's work spends that is done already.
    pub(crate) fn of(table: &OwnerTable, account: AccountNumber, now: Timestamp) -> Self {
        let owner = &table.state;
        let named = |account: &Account| (owner.id, account.number);
        let payer = payer(owner.lineage(account), hour(now));
        let bounded = |above: &&std::sync::Arc<Account>| above.profile.hard_limit.is_some();
        let limited = owner.lineage(account).filter(bounded);
        Self {
            payer: payer.map(|payer| named(payer)),
            limited: limited.map(|above| named(above)).collect(),
        }
    }
}

impl Known {
    fn knows_more_than(&self, (revision, spent): (Revision, NanoDollars)) -> bool {
        let (known, sum) = self.of;
        let more = known >= revision && sum >= spent && self.of != (revision, spent);
        more && self.heard.is_some_and(|heard| heard.elapsed() < TRUSTED)
    }

    /// Whether an account has come to its limit that spent so much here since.
    fn is_capped(&self, account: &Account, here: NanoDollars) -> bool {
        let limit = account.profile.hard_limit.unwrap_or(NanoDollars(i64::MAX));
        let room = self.room.get(&account.number).copied().unwrap_or(limit);
        self.capped.contains(&account.number) || (here.0 > 0 && here >= room)
    }

    /// Whether the credit of an account is spent that spent so much here since.
    fn is_empty(&self, payer: &Account, here: NanoDollars, now: Timestamp) -> bool {
        if self.empty.contains(&payer.number) {
            return true;
        }
        let left = self.left.get(&payer.number).copied();
        let left = left.unwrap_or_else(|| good(payer, now));
        here.0 > 0 && left.0.saturating_sub(here.0) < self.least.0.max(1)
    }
}

/// What was told anew holds what was spent here. Of an owner that has too many accounts
/// to tell all, those with the most left are not told of; they may have spent anything.
fn forget(
    here: &mut HashMap<(OwnerId, AccountNumber), NanoDollars>,
    owner: OwnerId,
    told: &[(AccountNumber, NanoDollars)],
) {
    if told.len() >= MAX_LEFT {
        here.retain(|(of, _), _| *of != owner);
    }
    for (account, _) in told {
        here.remove(&(owner, *account));
    }
}

/// All credit of an account that can be spent now.
fn good(payer: &Account, now: Timestamp) -> NanoDollars {
    let good = payer
        .credits
        .iter()
        .filter(|credit| credit.expires_at > now);
    NanoDollars(good.fold(0, |sum: i64, credit| sum.saturating_add(credit.amount.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: OwnerId = OwnerId(uuid::Uuid::from_u128(1));

    fn told(revision: u64, spent: i64, empty: &[u64]) -> Told {
        Told {
            node: "c".to_owned(),
            owner: OWNER,
            revision: Revision(revision),
            spent: NanoDollars(spent),
            at: Timestamp(0),
            least: NanoDollars(0),
            left: Vec::new(),
            room: Vec::new(),
            empty: empty.iter().copied().map(AccountNumber).collect(),
            capped: Vec::new(),
        }
    }

    fn empty(purses: &Purses) -> usize {
        purses.known.read().unwrap()[&OWNER].empty.len()
    }

    #[test]
    fn one_who_knows_less_does_not_overrule_one_who_knows_more() {
        let purses = Purses::default();
        purses.hear(&told(5, 100, &[2]));
        for behind in [told(4, 100, &[]), told(5, 99, &[]), told(1, 0, &[])] {
            purses.hear(&behind);
            assert_eq!(empty(&purses), 1, "{behind:?}");
        }
        // Each knows what the other does not: the last word counts.
        purses.hear(&told(6, 90, &[]));
        assert_eq!(empty(&purses), 0);
        purses.hear(&told(6, 101, &[2, 3]));
        assert_eq!(empty(&purses), 2);
        // The same knowledge, later: an hour or a month has ended.
        purses.hear(&told(6, 101, &[3]));
        assert_eq!(empty(&purses), 1);
    }
}
