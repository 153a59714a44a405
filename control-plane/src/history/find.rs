//! Finding records: the lists of all that is asked for are walked side by side,
//! each leaping to where the others are, so that a page costs what it shows and
//! what it skips, not what the history holds.

use foldgate_proto::{OwnerId, Revision};

use super::Term;
use super::store::{Fault, Store};

/// The most leaps for one page. Where two lists share next to nothing, a page
/// ends early, with a cursor.
const MAX_LEAPS: usize = 50_000;

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    Ascending,
    /// The newest.
    Descending,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of each of these, at least one has to be true.
    pub all_of: Vec<Vec<Term>>,
    /// The first and the last revision, both included.
    pub range: (Revision, Revision),
    /// Which end comes first.
    pub order: Order,
}

impl Filter {
    /// Everything, the newest first.
    pub const fn everything() -> Self {
        Self {
            all_of: Vec::new(),
            range: (Revision::ZERO, Revision(u64::MAX)),
            order: Order::Descending,
        }
    }
}

/// The records of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which, in order.
    pub revisions: Vec<Revision>,
    /// Where the next page begins, if there is one.
    pub next: Option<Revision>,
}

/// Finds up to `limit` records, from `from` on if that is given.
pub(super) fn find(
    store: &Store,
    owner: OwnerId,
    filter: &Filter,
    (from, limit): (Option<Revision>, usize),
) -> Result<Found, Fault> {
    let mut lists: Vec<Vec<Vec<u8>>> = filter
        .all_of
        .iter()
        .map(|any_of| any_of.iter().map(|term| term.list(owner)).collect())
        .collect();
    if lists.is_empty() {
        lists.push(vec![Term::rows().list(owner)]);
    }
    let walk = Walk {
        store,
        lists,
        order: filter.order,
    };
    let (first, last) = filter.range;
    let (begin, end) = match filter.order {
        Order::Ascending => (from.map_or(first, |from| from.max(first)), last),
        Order::Descending => (from.map_or(last, |from| from.min(last)), first),
    };
    let is_over = |at: Revision| match filter.order {
        Order::Ascending => at > end,
        Order::Descending => at < end,
    };
    let mut revisions = Vec::new();
    let mut at = Some(begin);
    let mut leaps = 0;
    while let Some(candidate) = at.filter(|at| !is_over(*at)) {
        if leaps >= MAX_LEAPS {
            return Ok(Found {
                revisions,
                next: Some(candidate),
            });
        }
        match walk.agree(candidate, &mut leaps)? {
            Leap::Here => {
                if revisions.len() >= limit {
                    return Ok(Found {
                        revisions,
                        next: Some(candidate),
                    });
                }
                revisions.push(candidate);
                at = walk.beyond(candidate);
            }
            Leap::To(next) => at = Some(next),
            Leap::End => at = None,
        }
    }
    Ok(Found {
        revisions,
        next: None,
    })
}

struct Walk<'s> {
    store: &'s Store,
    lists: Vec<Vec<Vec<u8>>>,
    order: Order,
}

enum Leap {
    /// All lists have it.
    Here,
    /// One has nothing before this.
    To(Revision),
    /// One has nothing more.
    End,
}

impl Walk<'_> {
    /// Whether all lists have a revision, and else the nearest that they may.
    fn agree(&self, candidate: Revision, leaps: &mut usize) -> Result<Leap, Fault> {
        for any_of in &self.lists {
            *leaps += any_of.len();
            match self.nearest(any_of, candidate)? {
                None => return Ok(Leap::End),
                Some(nearest) if nearest != candidate => return Ok(Leap::To(nearest)),
                Some(_) => {}
            }
        }
        Ok(Leap::Here)
    }

    /// The nearest place, at a revision or beyond it, in any of some lists.
    fn nearest(&self, any_of: &[Vec<u8>], at: Revision) -> Result<Option<Revision>, Fault> {
        let mut best: Option<Revision> = None;
        for list in any_of {
            let place = match self.order {
                Order::Ascending => self.store.at_or_after(list, at)?,
                Order::Descending => self.store.at_or_before(list, at)?,
            };
            best = match (best, place, self.order) {
                (Some(best), Some(place), Order::Ascending) => Some(best.min(place)),
                (Some(best), Some(place), Order::Descending) => Some(best.max(place)),
                (best, place, _) => best.or(place),
            };
        }
        Ok(best)
    }

    fn beyond(&self, at: Revision) -> Option<Revision> {
        match self.order {
            Order::Ascending => at.0.checked_add(1).map(Revision),
            Order::Descending => at.0.checked_sub(1).map(Revision),
        }
    }
}
