//! The live pools: which key the next attempt uses. One per owner and Level,
//! kept in step with the log by the fold, at the cost of what changed; each
//! holds its keys' credentials opened, and is locked for a pick and no longer.

mod credential;
mod follow;
mod gauges;
mod lease;
mod sleeps;
mod unread;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use chrono::Utc;
use foldgate_domain::pool::{Ask, Outlook, Pick, Pool};
use foldgate_domain::{State, Table};
use foldgate_log::Observer;
use foldgate_proto::{
    KeyId, KeyNumber, Level, OwnerId, Record, SleepCause, SleepReport, Timestamp,
};
use foldgate_vault::Vault;

pub(crate) use credential::Credential;
use credential::Upstreams;
use follow::Known;
pub use follow::Skipped;
pub(crate) use gauges::{Gauge, Gauges, Of, Permit};
pub(crate) use lease::Held;
pub use sleeps::{Place, Sleeps, StoreError};
use unread::Unread;

type Shared = Arc<Mutex<Pool<Arc<Credential>>>>;

/// Every pool of every owner. The fold is the only one that puts keys in and
/// takes them out.
pub struct Pools {
    levels: RwLock<HashMap<(OwnerId, Level), Shared>>,
    known: Mutex<Known>,
    upstreams: Mutex<Upstreams>,
    vault: Vault,
    sleeps: Arc<Sleeps>,
    gauges: Gauges,
    unread: Mutex<Unread>,
    seed: u64,
}

/// Which key is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// Whose.
    pub(crate) owner: OwnerId,
    /// For what.
    pub(crate) ask: Ask<'a>,
    /// This very key.
    pub(crate) only: Option<KeyId>,
    /// One that sleeps will do.
    pub(crate) anyway: bool,
}

/// What a pool answers.
pub(crate) enum Picked {
    /// Use this key.
    Key(Box<Held>),
    /// None before this time; why.
    Asleep(Timestamp, SleepCause),
    /// There is none.
    Empty,
}

impl Pools {
    /// Empty pools. `seed` is this node's own: it spreads the moments at which
    /// nodes wake the same key.
    pub fn new(vault: Vault, sleeps: Arc<Sleeps>, seed: u64) -> Self {
        Self {
            levels: RwLock::default(),
            known: Mutex::default(),
            upstreams: Mutex::default(),
            vault,
            sleeps,
            gauges: Gauges::default(),
            unread: Mutex::default(),
            seed,
        }
    }

    /// The sleeps these pools' keys are in.
    pub fn sleeps(&self) -> &Arc<Sleeps> {
        &self.sleeps
    }

    /// What this node counts of Models and caller keys.
    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// The key for one attempt, of the pool of a Level.
    pub(crate) fn pick(&self, level: Level, wish: &Wish<'_>) -> Picked {
        let Some(pool) = self.wished(level, wish) else {
            return Picked::Empty;
        };
        let (ask, now) = (&wish.ask, now());
        let picked = match wish.only {
            only if wish.anyway => lock(&pool).pick_anyway(only, ask, now),
            Some(key) => lock(&pool).pick_only(key, ask, now),
            None => lock(&pool).pick(ask, now),
        };
        match picked {
            Pick::Key(lease) => Picked::Key(Box::new(Held::new(
                lease,
                pool,
                Arc::clone(&self.sleeps),
                wish.owner,
            ))),
            Pick::Asleep { earliest, cause } => Picked::Asleep(earliest, cause),
            Pick::Empty => Picked::Empty,
        }
    }

    /// What a pick would come to, sleep counting in any case.
    pub(crate) fn outlook(&self, level: Level, wish: &Wish<'_>) -> Outlook {
        let Some(pool) = self.wished(level, wish) else {
            return Outlook::Empty;
        };
        let mut pool = lock(&pool);
        match wish.only {
            Some(key) => pool.outlook_only(key, &wish.ask, now()),
            None => pool.outlook(&wish.ask, now()),
        }
    }

    /// The pool that a wish is about. One key is looked for where it stands now: the
    /// pools may be a record ahead of the table that the request goes by.
    fn wished(&self, level: Level, wish: &Wish<'_>) -> Option<Shared> {
        let moved = |key: KeyId| lock(&self.known).place_of(key);
        match wish.only.map(moved) {
            None => self.pool(wish.owner, level),
            Some(None) => None,
            Some(Some((owner, _))) if owner != wish.owner => None,
            Some(Some((owner, level))) => self.pool(owner, level),
        }
    }

    /// Takes over what another node reported.
    pub fn hear(&self, report: &SleepReport) {
        if !self.sleeps.hear(report) {
            return;
        }
        let place = lock(&self.known).place_of(report.key);
        if let Some((owner, level)) = place
            && owner == report.owner
            && let Some(pool) = self.pool(owner, level)
        {
            lock(&pool).fold(report, now());
        }
    }

    /// Keys that are in use as far as the log goes, but cannot be used here.
    pub fn skipped(&self) -> Vec<(OwnerId, KeyNumber, Skipped)> {
        lock(&self.known).skipped()
    }

    fn pool(&self, owner: OwnerId, level: Level) -> Option<Shared> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        levels.get(&(owner, level)).map(Arc::clone)
    }

    fn pool_or_new(&self, owner: OwnerId, level: Level) -> Shared {
        if let Some(pool) = self.pool(owner, level) {
            return pool;
        }
        let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Mutex::new(Pool::new(self.seed)));
        Arc::clone(levels.entry((owner, level)).or_insert_with(new))
    }

    fn take_out(&self, owner: OwnerId, level: Level, key: KeyId) {
        let Some(pool) = self.pool(owner, level) else {
            return;
        };
        let empty = {
            let mut pool = lock(&pool);
            pool.remove(key);
            pool.is_empty()
        };
        if empty {
            let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
            levels.remove(&(owner, level));
        }
    }
}

impl Observer for Pools {
    fn loaded(&self, state: &State) {
        self.load(state);
    }

    fn folded(&self, state: &State, record: &Record) {
        self.fold(state, record);
    }

    fn compiled(&self, table: &Table, changed: Option<&BTreeSet<OwnerId>>) {
        self.look_at_models(table, changed);
    }
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pools").finish_non_exhaustive()
    }
}

/// Now, as reports and pools count time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(Utc::now())
}

/// The lock, also after a panic elsewhere: every change under it is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
