//! Rate limits on the way of a request: it takes its place under all of them before
//! its first attempt, and gives back what it did not use when it is over. How a limit
//! holds over all nodes stands in `foldgate_domain::limits`.
//!
//! Calls at once are counted by each node for itself (`pools::gauges`), as far as it
//! goes at once and to the last call; among other nodes they take their places here too.

mod at_once;
mod estimate;
mod exchange;
mod headers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldgate_domain::Limited;
use foldgate_domain::limits::{Ask, Given, Ledger, Me, Now, Pace, Standing, Unit, Verdict};
use foldgate_domain::zone::{Day, Zone};
use foldgate_log::{Counting, Reports};
use tokio::sync::Semaphore;

use crate::error::Problem;
use crate::pools::{Place, now as wall};

pub(crate) use at_once::{Full, Places};
pub(crate) use estimate::{answer, tokens};
pub(crate) use headers::{show, shown_to};

/// How long a call waits for other nodes to cede what they do not need. Within a region
/// that takes a third of a second, across regions up to one and a half.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it asks meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(15);

/// How many calls wait so at once; further ones are refused.
const MAX_HELD: usize = 1024;

/// All limits of this node.
pub(crate) struct Meters {
    ledger: Mutex<Ledger>,
    started: Instant,
    zone: Zone,
    /// The day that it was when somebody looked last.
    day: Mutex<Day>,
    held: Semaphore,
    fleet: Option<(Counting, Place)>,
}

/// What a request has taken of limits on tokens, to be settled when it is over; and its
/// places among the calls under way, which it gives back then.
pub(crate) struct Reserved {
    meters: Arc<Meters>,
    asks: Vec<Ask>,
    at: Now,
    _places: Places,
}

/// Why a call is not let through.
struct NoRoom {
    standing: Standing,
    /// By which of its limits, and for how many milliseconds; `None` if other nodes did
    /// not cede what they do not need.
    by: Option<(usize, u64)>,
}

impl Meters {
    /// Nothing counted yet.
    pub(crate) fn new(reports: &Reports, place: &Place, zone: Zone) -> Arc<Self> {
        let fleet = reports.counting().map(|counting| (counting, place.clone()));
        let ledger = match &fleet {
            None => Ledger::alone(),
            Some((_, place)) => {
                let me = Me {
                    node: place.node.clone(),
                    region: place.region.clone(),
                    life: u64::try_from(wall().0).unwrap_or(0),
                };
                Ledger::shared(Pace::default(), me)
            }
        };
        Arc::new(Self {
            ledger: Mutex::new(ledger),
            started: Instant::now(),
            zone,
            day: Mutex::new(zone.day(wall())),
            held: Semaphore::new(MAX_HELD),
            fleet,
        })
    }

    /// Takes a place under all limits, with so many tokens as an estimate. Waits for a
    /// moment where other nodes have to cede theirs.
    ///
    /// # Errors
    /// 429, by the limit that has no room for the longest; how the limits stand is told
    /// in any case.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        limits: &[Limited],
        tokens: u64,
    ) -> (Standing, Result<Option<Reserved>, Problem>) {
        let shared = self.fleet.is_some();
        let is_here = |limit: &&Limited| shared || limit.rule.kind.unit != Unit::Calls;
        let limits: Vec<&Limited> = limits.iter().filter(is_here).collect();
        if limits.is_empty() {
            return (Standing::default(), Ok(None));
        }
        let mut asks: Vec<Ask> = limits.iter().map(|limit| ask(limit, tokens)).collect();
        match self.take(&asks, PATIENCE).await {
            Ok(given) => {
                let places = Places::of(self, &asks, given.at);
                asks.retain(|ask| ask.kind.unit == Unit::Tokens);
                let reserved = Reserved {
                    meters: Arc::clone(self),
                    asks,
                    at: given.at,
                    _places: places,
                };
                (given.standing, Ok(Some(reserved)))
            }
            Err(NoRoom { standing, by }) => {
                let strictest = || limits.iter().min_by_key(|limit| limit.rule.limit);
                let which = by.and_then(|(which, _)| limits.get(which));
                let limit = which.or_else(strictest).unwrap_or(&limits[0]);
                let wait = by.map_or(PATIENCE, |(_, wait)| Duration::from_millis(wait));
                let problem = Problem::rate_limited(limit.whose, limit.rule, wait);
                (standing, Err(problem))
            }
        }
    }

    /// Counts tokens that were used with no call under way, as a job's are when its end is
    /// known. They count from now on, whatever is left.
    pub(crate) fn count(&self, limits: &[Limited], tokens: u64) {
        let now = self.now();
        let mut ledger = self.lock();
        for limit in limits {
            if limit.rule.kind.unit == Unit::Tokens {
                ledger.settle(&ask(limit, 0), tokens, (now, now));
            }
        }
    }

    /// Takes a place under all limits; waits so long for other nodes to cede theirs.
    async fn take(&self, asks: &[Ask], patience: Duration) -> Result<Given, NoRoom> {
        let (mut first, mut place) = (true, None);
        let until = Instant::now() + patience;
        loop {
            let now = self.now();
            let verdict = self.lock().admit(now, asks, first);
            first = false;
            match verdict {
                Verdict::Taken(given) => return Ok(given),
                Verdict::Refused(refused) => {
                    return Err(NoRoom {
                        standing: refused.standing,
                        by: Some((refused.which, refused.wait)),
                    });
                }
                Verdict::Held => {}
            }
            place = place.or_else(|| self.held.try_acquire().ok());
            if place.is_none() || Instant::now() >= until {
                let standing = self.lock().standing(now, asks);
                return Err(NoRoom { standing, by: None });
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    fn now(&self) -> Now {
        let tick = self.started.elapsed().as_millis();
        let wall = wall();
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        if !day.has(wall) {
            *day = self.zone.day(wall);
        }
        Now {
            tick: u64::try_from(tick).unwrap_or(u64::MAX),
            wall,
            day: *day,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ask(limit: &Limited, tokens: u64) -> Ask {
    Ask {
        id: limit.id,
        kind: limit.rule.kind,
        limit: limit.rule.limit,
        cost: match limit.rule.kind.unit {
            Unit::Requests | Unit::Calls => 1,
            Unit::Tokens => tokens,
        },
    }
}

impl Reserved {
    /// How many tokens are reserved.
    pub(crate) fn tokens(&self) -> u64 {
        self.asks.iter().map(|ask| ask.cost).max().unwrap_or(0)
    }

    /// The call goes on, and has used so many tokens since it was asked last: for what it
    /// does from now on nothing is reserved.
    pub(crate) fn used(&mut self, used: u64) {
        let now = self.meters.now();
        let mut ledger = self.meters.lock();
        for ask in &mut self.asks {
            ledger.settle(ask, used, (self.at, now));
            ask.cost = 0;
        }
        drop(ledger);
        self.at = now;
    }

    /// The request is over and has used so many tokens; `None` is not known, and its
    /// estimate stands.
    pub(crate) fn settle(self, used: Option<u64>) {
        let Some(used) = used.filter(|_| !self.asks.is_empty()) else {
            return;
        };
        let now = self.meters.now();
        let mut ledger = self.meters.lock();
        for ask in &self.asks {
            ledger.settle(ask, used, (self.at, now));
        }
    }
}

impl std::fmt::Debug for Reserved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reserved").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
