//! Who may spend no more. Every control plane adds up all usage; from that, the credit
//! and the limits in the log it says whose purse is empty and who has come to a
//! `HardLimit`, and tells the nodes so, who refuse their calls.
//!
//! - An account that was granted credit pays for itself and for those below it that were
//!   granted none, from the hour of its first credit on. Where nobody up to the owner was,
//!   the owner pays, who needs no balance.
//! - `HardLimit` and `SoftLimit` are about what an account and all below it spend in a
//!   month (of the configured zone).
//! - `spent` is what accounts spent, `judge` what follows from it; this file tells it.
//!
//! A verdict is told when it changes, within [`GATHER`], and again every [`REPEAT`]: so
//! much later at most does a node know that was cut off, or has just started. Nodes are
//! told what accounts have left as well, and take off it what they spend themselves. So
//! the overspend is what is spent by calls under way and, on other nodes, between an
//! account's last dollar and the last node's refusal: a node's gathering of a batch (200
//! ms), the fold's look at the stream (200 ms) and this. While nobody tells a node
//! anything it lets an account spend what that had left when it last heard.

mod judge;
mod spent;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldgate_domain::State;
use foldgate_domain::balance::{Balance, Hours, balance};
use foldgate_domain::zone::Zone;
use foldgate_log::{Replica, Reports};
use foldgate_proto::purse::{MAX_LEFT, MAX_STOPPED};
use foldgate_proto::{
    Account, AccountNumber, NanoDollars, OwnerId, Purses as Told, Revision, Timestamp,
};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::clock;
pub(crate) use judge::Judgement;
pub(crate) use spent::Spends;

/// How long changes are gathered before they are looked at.
const GATHER: Duration = Duration::from_millis(50);

/// How often it is told what accounts have left, at the most.
const AMOUNTS: Duration = Duration::from_millis(500);

/// How often verdicts are told again, and what ends by itself (credit, months) is seen.
const REPEAT: Duration = Duration::from_secs(2);

/// A handle; clones share it.
#[derive(Clone)]
pub(crate) struct Purses(Arc<Inner>);

struct Inner {
    zone: Zone,
    /// `None` until the sums on disk were read. Held as long as accounts are judged.
    spends: Mutex<Option<Spends>>,
    /// What was spent since; never held for long.
    more: Mutex<Spends>,
    changed: Notify,
    judged: Mutex<HashMap<OwnerId, Arc<Judgement>>>,
}

/// What telling hangs on.
pub(crate) struct Deps {
    pub(crate) replica: Replica,
    pub(crate) reports: Reports,
    /// This control plane.
    pub(crate) node: String,
    /// Below it an account may no longer call.
    pub(crate) least: NanoDollars,
}

impl Purses {
    /// `zone` is where months begin.
    pub(crate) fn new(zone: Zone) -> Self {
        Self(Arc::new(Inner {
            zone,
            spends: Mutex::new(None),
            more: Mutex::default(),
            changed: Notify::new(),
            judged: Mutex::default(),
        }))
    }

    /// Where months begin.
    pub(crate) fn zone(&self) -> Zone {
        self.0.zone
    }

    /// What was spent until now, as the sums on disk have it. Waits for a judgement that
    /// is under way.
    pub(crate) fn load(&self, spends: Spends) {
        let mut all = self.spends();
        *self.more() = Spends::default();
        *all = Some(spends);
        drop(all);
        self.0.changed.notify_one();
    }

    /// What was spent since.
    pub(crate) fn add(&self, more: &Spends) {
        self.more().merge(more);
        self.0.changed.notify_one();
    }

    /// What an account has left of its own credit, as it stands in a state; all of it
    /// until it is known what was spent.
    pub(crate) fn left(&self, owner: OwnerId, account: &Account, now: Timestamp) -> Balance {
        let judged = self.judged(owner);
        let paid = judged
            .as_ref()
            .and_then(|judged| judged.paid.get(&account.number));
        balance(&account.credits, paid.unwrap_or(&Hours::new()), now)
    }

    /// What follows for an owner's accounts from what was spent.
    pub(crate) fn judged(&self, owner: OwnerId) -> Option<Arc<Judgement>> {
        let judged = self.0.judged.lock().unwrap_or_else(PoisonError::into_inner);
        judged.get(&owner).cloned()
    }

    /// Judges and tells until `stop` is cancelled.
    pub(crate) async fn run(self, deps: Deps, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.tell(deps) => {}
        }
    }

    async fn tell(&self, deps: Deps) {
        let mut status = deps.replica.watch();
        let mut tick = interval(REPEAT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: HashMap<OwnerId, (Told, Instant)> = HashMap::new();
        let mut pause = GATHER;
        loop {
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return },
                () = self.0.changed.notified() => {}
                _ = tick.tick() => {}
            }
            sleep(pause).await;
            let began = Instant::now();
            for told in self.judged_now(&deps).await {
                let due = last
                    .get(&told.owner)
                    .is_none_or(|(before, when)| is_due(before, &told, when.elapsed()));
                if due {
                    last.insert(told.owner, (told.clone(), Instant::now()));
                    deps.reports.publish_purses(told);
                }
            }
            // Many accounts take long to judge: a fifth of the time at most.
            pause = GATHER.max(began.elapsed() * 4);
        }
    }

    /// Judges off the async workers.
    async fn judged_now(&self, deps: &Deps) -> Vec<Told> {
        let (state, revision) = (deps.replica.state(), deps.replica.status().revision);
        let (purses, node, least) = (self.clone(), deps.node.clone(), deps.least);
        let judging = move || purses.judge(&state, revision, (node, least));
        let judged = tokio::task::spawn_blocking(judging).await;
        judged.unwrap_or_else(|error| {
            tracing::error!(%error, "accounts cannot be judged");
            Vec::new()
        })
    }

    /// What is to be told of each owner who has anything to be told.
    fn judge(
        &self,
        state: &State,
        revision: Revision,
        (node, least): (String, NanoDollars),
    ) -> Vec<Told> {
        let now = clock::now();
        let mut told = Vec::new();
        let mut all = HashMap::new();
        let mut spends = self.spends();
        let Some(spends) = spends.as_mut() else {
            return told;
        };
        spends.merge(&std::mem::take(&mut *self.more()));
        for (id, owner) in &state.owners {
            let judged = judge::judge(owner, spends.of(*id, owner, now), (least, now));
            told.push(Told {
                node: node.clone(),
                owner: *id,
                revision,
                spent: spends.ever(*id),
                at: now,
                least,
                empty: bounded(&judged.empty),
                capped: bounded(&judged.capped),
                left: judged.left.iter().copied().take(MAX_LEFT).collect(),
                room: judged.room.iter().copied().take(MAX_LEFT).collect(),
            });
            all.insert(*id, Arc::new(judged));
        }
        *self.0.judged.lock().unwrap_or_else(PoisonError::into_inner) = all;
        told
    }

    fn more(&self) -> MutexGuard<'_, Spends> {
        self.0.more.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spends(&self) -> MutexGuard<'_, Option<Spends>> {
        self.0.spends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something is told that was not told so long ago.
fn is_due(before: &Told, told: &Told, ago: Duration) -> bool {
    let verdicts = (&before.empty, &before.capped) != (&told.empty, &told.capped);
    let amounts = (&before.left, &before.room) != (&told.left, &told.room);
    verdicts || (amounts && ago >= AMOUNTS) || ago >= REPEAT / 2
}

fn bounded(accounts: &[AccountNumber]) -> Vec<AccountNumber> {
    if accounts.len() > MAX_STOPPED {
        tracing::error!(
            accounts = accounts.len(),
            "too many accounts are out of money to tell all"
        );
    }
    accounts.iter().copied().take(MAX_STOPPED).collect()
}
