//! Which accounts may spend no more, as control planes tell it. A node adds nothing up
//! by itself: it refuses whom it was told to refuse, until it is told otherwise, also
//! while nobody tells it anything.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use foldgate_domain::OwnerTable;
use foldgate_domain::balance::{hour, payer};
use foldgate_proto::{AccountNumber, NanoDollars, OwnerId, Purses as Told, Revision, Timestamp};

use crate::error::Problem;

/// For how long a control plane that knows more is believed although another, which
/// knows less, still talks. Then the first may be gone, or has lost what it knew.
const TRUSTED: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Default)]
pub(crate) struct Purses(RwLock<HashMap<OwnerId, Known>>);

/// What is known of an owner's accounts.
struct Known {
    /// How much the one who told it knew.
    of: (Revision, NanoDollars),
    heard: Instant,
    empty: HashSet<AccountNumber>,
    capped: HashSet<AccountNumber>,
}

impl Purses {
    /// Hears what a control plane tells.
    pub(crate) fn hear(&self, told: &Told) {
        let of = (told.revision, told.spent);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&told.owner);
        if known.is_some_and(|known| known.knows_more_than(of)) {
            return;
        }
        let known = Known {
            of,
            heard: Instant::now(),
            empty: told.empty.iter().copied().collect(),
            capped: told.capped.iter().copied().collect(),
        };
        all.insert(told.owner, known);
    }

    /// Whether an account may spend.
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
        let owner = &table.state;
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = all.get(&owner.id) else {
            return Ok(());
        };
        let mut above = owner.lineage(account);
        if !known.capped.is_empty() && above.any(|above| known.capped.contains(&above.number)) {
            return Err(Problem::capped());
        }
        if !known.empty.is_empty()
            && let Some(payer) = payer(owner.lineage(account), hour(now))
            && known.empty.contains(&payer.number)
        {
            return Err(Problem::out_of_credit());
        }
        Ok(())
    }
}

impl Known {
    fn knows_more_than(&self, (revision, spent): (Revision, NanoDollars)) -> bool {
        let (known, sum) = self.of;
        let more = known >= revision && sum >= spent && self.of != (revision, spent);
        more && self.heard.elapsed() < TRUSTED
    }
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
            empty: empty.iter().copied().map(AccountNumber).collect(),
            capped: Vec::new(),
        }
    }

    fn empty(purses: &Purses) -> usize {
        purses.0.read().unwrap()[&OWNER].empty.len()
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
