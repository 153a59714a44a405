//! Which accounts may spend no more, as control planes tell it, who add up all usage. A
//! node takes off what it was told last what it spent itself since: so it stops an account
//! by itself as soon as it has spent the rest, and lets none spend more than that while
//! nobody tells it anything. Of an account that it was told nothing of, it knows the credit
//! and the limit in the log.
//!
//! **How much more is spent than there is.** A call is let in as long as anything is left
//! beside what was spent here and what calls under way here are going to cost, by the
//! estimates that were written down for them. So one node lets in at most one call that
//! costs more than what is left, and calls beside it cost more by what their answers are
//! longer than estimated (256 tokens, where nothing is said). Each node does so by itself:
//! of N nodes, N such calls. And what is told does not hold yet what ended within the last
//! half second, on any node: a batch waits 200 ms, is looked at within 200 ms and told
//! within 50; so much more may be let in.
//!
//! Calls that only read, list, cancel or take away go by what is spent alone.
//!
//! Jobs (batches, responses in the background) are held by the node that looks after them
//! until they are billed or given up: a response by the estimate from its beginning (256
//! tokens of an answer), or by what has come in its stream if that is more; a batch, whose
//! file nobody read, by half a cent for each of its calls, and for 100 as long as its
//! upstream has not said how many they are. What they use beyond that is spent beyond
//! what there is: of responses what they are longer than estimated, of batches what their
//! calls cost more than half a cent each. A node that is begun anew holds them again within
//! 2 seconds, or as soon as it has looked at them.

mod hold;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use foldgate_domain::OwnerTable;
use foldgate_domain::balance::{hour, payer};
use foldgate_proto::purse::MAX_LEFT;
use foldgate_proto::{
    Account, AccountNumber, NanoDollars, OwnerId, Purses as Told, Revision, Timestamp,
};

use crate::error::Problem;
pub(crate) use hold::{Charged, Hold};
use hold::{Named, Spending};

/// For how long a control plane that knows more is believed although another, which
/// knows less, still talks. Then the first may be gone, or has lost what it knew.
const TRUSTED: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Default)]
pub(crate) struct Purses {
    known: RwLock<HashMap<OwnerId, Known>>,
    here: Mutex<Here>,
}

/// What was spent here since it was told what was left, and what is held.
#[derive(Default)]
struct Here {
    credit: HashMap<Named, Spending>,
    limits: HashMap<Named, Spending>,
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

    /// Whether an account's call may go on.
    ///
    /// # Errors
    /// Its credit, or that of who pays for it, is spent; or it or one above it has come
    /// to its `HardLimit`.
    pub(crate) fn check(
        &self,
        table: &OwnerTable,
        account: AccountNumber,
        now: Timestamp,
    ) -> Result<(), Problem> {
        self.may_spend(&self.here(), (table, account), now, false)
    }

    /// As [`Self::check`], by what was spent here and, if `holds`, what is held.
    fn may_spend(
        &self,
        here: &Here,
        (table, account): (&OwnerTable, AccountNumber),
        now: Timestamp,
        holds: bool,
    ) -> Result<(), Problem> {
        let owner = &table.state;
        let all = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = Known::default();
        let known = all.get(&owner.id).unwrap_or(&unknown);
        let of = |all: &HashMap<Named, Spending>, account: &Account| {
            let spending = all.get(&(owner.id, account.number));
            spending.map_or(NanoDollars(0), |spending| spending.all(holds))
        };
        let bounded = |above: &&Arc<Account>| above.profile.hard_limit.is_some();
        for above in owner.lineage(account).filter(bounded) {
            if known.is_capped(above, of(&here.limits, above)) {
                return Err(Problem::capped());
            }
        }
        if let Some(payer) = payer(owner.lineage(account), hour(now))
            && known.is_empty(payer, of(&here.credit, payer), now)
        {
            return Err(Problem::out_of_credit());
        }
        Ok(())
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
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
    here: &mut HashMap<Named, Spending>,
    owner: OwnerId,
    told: &[(AccountNumber, NanoDollars)],
) {
    let all = told.len() >= MAX_LEFT;
    let told: HashSet<AccountNumber> = told.iter().map(|(account, _)| *account).collect();
    here.retain(|(of, account), spending| {
        if *of == owner && (all || told.contains(account)) {
            spending.spent = NanoDollars(0);
        }
        !spending.is_nothing()
    });
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
