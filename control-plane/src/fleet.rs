//! Which nodes live and where each stands, folded from their heartbeats. Two
//! nodes that hold different states at one revision raise an alarm: one of them
//! is wrong, and nobody would notice otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use foldgate_proto::{Heartbeat, RecordHash, Revision, Role, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock;

mod own;
#[cfg(test)]
mod tests;
mod witness;

pub use own::{MAX_OWN_REVISIONS, Own, OwnLog};
use witness::Witness;
pub use witness::{Alarm, AlarmKind};

/// The most nodes remembered; more than a fleet has.
pub const MAX_NODES: usize = 10_000;

/// A node that was silent this long is shown as not alive; heartbeats come once
/// a second, and at most once a minute.
pub const LIVE: Duration = Duration::from_secs(5);

/// How many of its own intervals a slow node may be silent.
const LIVE_INTERVALS: u32 = 4;

/// A node that was silent this long is forgotten.
pub const FORGET: Duration = Duration::from_hours(1);

/// A handle on the fleet; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Fleet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    own: OnceLock<Own>,
    /// Told of each sign of life.
    heard: Notify,
}

/// How far the fleet is with a revision, for those who waited for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waited {
    /// The revision.
    pub revision: u64,
    /// Whether every node that serves traffic and lived when the wait began has
    /// it, and there was one.
    pub reached: bool,
    /// How many those are.
    pub nodes: usize,
    /// Those of them that do not have it, or do not say so.
    pub lagging: Vec<Lagging>,
    /// Nodes that were silent before the wait began, but not for long: ended, or
    /// cut off and perhaps still serving.
    pub silent: Vec<String>,
}

/// A node that does not have a revision yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lagging {
    /// Its name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// What it had when it was last heard of.
    pub revision: u64,
    /// Whether it was heard of lately.
    pub live: bool,
    /// Why it does not fold on, if it is held.
    pub held: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    nodes: BTreeMap<(String, String), Node>,
    witness: Witness,
}

#[derive(Debug, Clone)]
struct Node {
    last: Arc<Heartbeat>,
    seen: Timestamp,
    /// The time between its last two heartbeats.
    interval: Duration,
}

/// One line of the fleet view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "FleetNode")]
pub struct Row {
    /// The node's name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// What it does.
    pub role: &'static str,
    /// The program's version.
    pub version: String,
    /// The revision it has folded.
    pub revision: u64,
    /// The hash of its whole state.
    pub state_hash: Option<String>,
    /// The revision that hash was taken at.
    pub state_revision: Option<u64>,
    /// The version of the fold that made it.
    pub fold_version: Option<u32>,
    /// The chain hash at `revision`.
    pub chain: String,
    /// How many revisions it is behind the newest known.
    pub lag: u64,
    /// How many keys it holds asleep.
    pub sleeping: u64,
    /// Whether it was heard of lately.
    pub live: bool,
    /// When it was heard of.
    pub last_seen: String,
    /// Why it stopped folding, if it did.
    pub held: Option<String>,
    /// Whether another node holds something else at the same revision.
    pub diverged: bool,
    /// This run of the process.
    pub boot: String,
    /// Where it listens.
    pub listeners: Vec<String>,
    /// Where its days begin, for limits and bills; the same everywhere, or they differ.
    pub time_zone: Option<String>,
}

impl Fleet {
    /// An empty fleet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells of the process that answers here. Its row is what it is at the
    /// moment, and others' history is held against its own. The first call counts.
    pub fn speak_for(&self, own: Own) {
        // A process starts once.
        let _ = self.0.own.set(own);
    }

    /// Takes over a sign of life.
    pub fn fold(&self, heartbeat: &Arc<Heartbeat>, now: Timestamp) {
        let mut inner = self.inner();
        inner.witness.see(heartbeat, self.0.own.get(), now);
        let name = (heartbeat.region.clone(), heartbeat.node.clone());
        let is_known = inner.nodes.contains_key(&name);
        if !is_known && inner.nodes.len() >= MAX_NODES {
            return;
        }
        let before = inner.nodes.get(&name);
        if before
            .is_some_and(|node| node.last.boot == heartbeat.boot && node.last.at > heartbeat.at)
        {
            return;
        }
        let interval = before.map_or(Duration::ZERO, |node| now.since(node.seen));
        if before.is_none_or(|node| node.last.boot != heartbeat.boot) {
            inner.compare_zones(heartbeat, now);
        }
        let node = Node {
            last: Arc::clone(heartbeat),
            seen: now,
            interval,
        };
        inner.nodes.insert(name, node);
        drop(inner);
        self.0.heard.notify_waiters();
    }

    /// Waits, but not for ever, until every live node that serves traffic has
    /// folded a revision. A node that falls silent meanwhile is not one less to
    /// wait for: it may serve on.
    pub async fn wait_for(&self, revision: Revision, limit: Duration) -> Waited {
        let deadline = tokio::time::Instant::now() + limit;
        let at_first = self.serving(revision, clock::now());
        let lived = at_first.into_iter().filter(|row| row.live);
        let members: BTreeSet<(String, String)> = lived.map(|row| (row.region, row.node)).collect();
        loop {
            let heard = self.0.heard.notified();
            let now = self.standing(revision, &members, clock::now());
            if now.reached || tokio::time::timeout_at(deadline, heard).await.is_err() {
                return now;
            }
        }
    }

    /// How far the nodes that serve traffic are now.
    fn standing(
        &self,
        revision: Revision,
        members: &BTreeSet<(String, String)>,
        now: Timestamp,
    ) -> Waited {
        let (awaited, silent): (Vec<Row>, Vec<Row>) = self
            .serving(revision, now)
            .into_iter()
            .partition(|row| row.live || members.contains(&(row.region.clone(), row.node.clone())));
        let nodes = awaited.len();
        let behind = awaited.into_iter().filter(|row| row.revision < revision.0);
        let lagging: Vec<Lagging> = behind
            .map(|row| Lagging {
                node: row.node,
                region: row.region,
                revision: row.revision,
                live: row.live,
                held: row.held,
            })
            .collect();
        Waited {
            revision: revision.0,
            reached: lagging.is_empty() && nodes > 0,
            nodes,
            lagging,
            silent: silent.into_iter().map(|row| row.node).collect(),
        }
    }

    /// The nodes that serve traffic, as far as they are remembered.
    fn serving(&self, head: Revision, now: Timestamp) -> Vec<Row> {
        let mut rows = self.rows(head, now);
        rows.retain(|row| row.role != Role::ControlPlane.as_str());
        rows
    }

    /// Forgets who was silent too long.
    pub fn prune(&self, now: Timestamp) {
        let mut inner = self.inner();
        inner.nodes.retain(|_, node| now.since(node.seen) < FORGET);
        let live = inner
            .nodes
            .values()
            .filter(|node| node.is_live(now))
            .count();
        let live = u32::try_from(live).unwrap_or(u32::MAX);
        metrics::gauge!("foldgate_fleet_live_nodes").set(f64::from(live));
    }

    /// Every listener of every node that lives.
    pub fn listeners(&self, now: Timestamp) -> Vec<String> {
        let inner = self.inner();
        let nodes = inner.nodes.values().filter(|node| node.is_live(now));
        nodes
            .flat_map(|node| node.last.listeners.iter().cloned())
            .collect()
    }

    /// The fleet as it looks now; `head` is the newest revision known here.
    pub fn rows(&self, head: Revision, now: Timestamp) -> Vec<Row> {
        // Asked before the lock: it looks at other parts.
        let own = self.0.own.get().map(|own| Arc::new((own.now)()));
        let inner = self.inner();
        let mut nodes: BTreeMap<(&str, &str), Node> = inner
            .nodes
            .iter()
            .map(|((region, node), last)| ((region.as_str(), node.as_str()), last.clone()))
            .collect();
        if let Some(own) = &own {
            let node = Node {
                last: Arc::clone(own),
                seen: now,
                interval: Duration::ZERO,
            };
            nodes.insert((&own.region, &own.node), node);
        }
        let newest = nodes.values().map(|node| node.last.revision).max();
        let head = newest.unwrap_or_default().max(head);
        nodes
            .values()
            .map(|node| node.row(head, now, &inner.witness))
            .collect()
    }

    /// Disagreements seen since this process began, the newest last.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.inner().witness.alarms()
    }

    /// A panic while the lock is held leaves maps that are still in order.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Says so where a node that came has another zone than one that lives.
    fn compare_zones(&self, new: &Heartbeat, now: Timestamp) {
        let Some(zone) = &new.time_zone else {
            return;
        };
        let is_other = |node: &&Node| {
            let itself = (&node.last.region, &node.last.node) == (&new.region, &new.node);
            let other = node.last.time_zone.as_ref().is_some_and(|one| one != zone);
            other && !itself && node.is_live(now)
        };
        if let Some(other) = self.nodes.values().find(is_other) {
            tracing::warn!(
                node = new.node,
                zone,
                other = other.last.node,
                other_zone = other.last.time_zone,
                "nodes have different time zones: their days of limits and bills differ"
            );
        }
    }
}

impl Node {
    fn is_live(&self, now: Timestamp) -> bool {
        now.since(self.seen) < LIVE.max(self.interval.min(FORGET) * LIVE_INTERVALS)
    }

    fn row(&self, head: Revision, now: Timestamp, witness: &Witness) -> Row {
        let last = &self.last;
        let hash = last.state_hash;
        Row {
            node: last.node.clone(),
            region: last.region.clone(),
            role: last.role.as_str(),
            version: last.version.clone(),
            revision: last.revision.0,
            state_hash: hash.map(|hash| hash.hash.to_string()),
            state_revision: hash.map(|hash| hash.revision.0),
            fold_version: hash.map(|hash| hash.fold_version),
            chain: RecordHash::to_string(&last.chain),
            lag: head.0.saturating_sub(last.revision.0),
            sleeping: last.sleeping_total,
            live: self.is_live(now),
            last_seen: self.seen.to_string(),
            held: last.held.clone(),
            diverged: witness.is_in_dispute(&last.node),
            boot: last.boot.to_string(),
            listeners: last.listeners.clone(),
            time_zone: last.time_zone.clone(),
        }
    }
}
