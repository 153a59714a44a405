//! Who said what about which revision. The first to speak about a revision is
//! the yardstick for all others, and so is this process's own log; whoever is
//! right, they do not agree. Before the first revision nothing is compared: the
//! chain's origin depends on a log that a young node does not know yet.

use std::collections::{BTreeMap, VecDeque};

use foldgate_proto::{Heartbeat, RecordHash, Revision, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::own::Own;

/// How many revisions' hashes are remembered. Nodes report once a second and
/// seldom lag further apart than this; an idle fleet stands at one revision.
const MAX_REMEMBERED: usize = 4096;

/// How many disagreements are remembered.
const MAX_ALARMS: usize = 100;

/// How many nodes are remembered to be in dispute, twice the nodes of a fleet:
/// each about its chain and its state.
const MAX_DISPUTES: usize = 2 * super::MAX_NODES;

/// Which hash differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The history: the two nodes did not fold the same records.
    Chain,
    /// The state: they folded the same records to different ends.
    StateHash,
}

/// Two nodes that disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alarm {
    /// About what.
    pub kind: AlarmKind,
    /// At which revision.
    pub revision: u64,
    /// The two nodes, the one that spoke first before the other.
    pub nodes: [String; 2],
    /// What each said.
    pub hashes: [String; 2],
    /// When it was noticed.
    pub at: String,
}

/// What is compared: the sort of hash, the revision, the version of the fold.
type Subject = (Revision, AlarmKind, u32);

/// What one process holds to be true.
#[derive(Debug, Clone)]
struct Said {
    hash: RecordHash,
    node: String,
    boot: Uuid,
}

impl Said {
    /// A node does not witness against itself, nor under a second name.
    fn is_of(&self, other: &Self) -> bool {
        self.node == other.node || self.boot == other.boot
    }
}

#[derive(Debug, Default)]
pub(super) struct Witness {
    heard: BTreeMap<Subject, Said>,
    alarms: VecDeque<Alarm>,
    /// The newest revision at which a node disagreed with another.
    disputes: BTreeMap<(String, AlarmKind), Revision>,
}

impl Witness {
    /// Compares what a node says with what was heard before, and with what this
    /// process folded itself.
    pub(super) fn see(&mut self, heartbeat: &Heartbeat, own: Option<&Own>, now: Timestamp) {
        let said = |hash| Said {
            hash,
            node: heartbeat.node.clone(),
            boot: heartbeat.boot,
        };
        let chain = (heartbeat.revision, AlarmKind::Chain, 0);
        let own = own.and_then(|own| own.said(heartbeat.revision));
        if let Some(own) = own.filter(|_| heartbeat.revision > Revision(0)) {
            self.weigh(chain, &own, &said(heartbeat.chain), now);
        }
        self.hear(chain, said(heartbeat.chain), now);
        if let Some(hash) = heartbeat.state_hash {
            let state = (hash.revision, AlarmKind::StateHash, hash.fold_version);
            self.hear(state, said(hash.hash), now);
        }
        while self.heard.len() > MAX_REMEMBERED {
            self.heard.pop_first();
        }
    }

    pub(super) fn alarms(&self) -> Vec<Alarm> {
        self.alarms.iter().cloned().collect()
    }

    pub(super) fn is_in_dispute(&self, node: &str) -> bool {
        [AlarmKind::Chain, AlarmKind::StateHash]
            .into_iter()
            .any(|kind| self.disputes.contains_key(&(node.to_owned(), kind)))
    }

    fn hear(&mut self, subject: Subject, said: Said, now: Timestamp) {
        if subject.0 == Revision(0) {
            return;
        }
        match self.heard.get(&subject).cloned() {
            Some(first) if !first.is_of(&said) => self.weigh(subject, &first, &said, now),
            // Its last word counts.
            _ => {
                self.heard.insert(subject, said);
            }
        }
    }

    fn weigh(&mut self, subject: Subject, first: &Said, second: &Said, now: Timestamp) {
        let (revision, kind, _) = subject;
        if first.is_of(second) {
            return;
        }
        if first.hash != second.hash {
            self.dispute(subject, first, second, now);
            return;
        }
        for said in [first, second] {
            let place = (said.node.clone(), kind);
            if self.disputes.get(&place).is_some_and(|at| *at < revision) {
                self.disputes.remove(&place);
            }
        }
    }

    fn dispute(&mut self, subject: Subject, first: &Said, second: &Said, now: Timestamp) {
        let (revision, kind, _) = subject;
        for said in [first, second] {
            let place = (said.node.clone(), kind);
            if self.disputes.len() < MAX_DISPUTES || self.disputes.contains_key(&place) {
                let at = self.disputes.entry(place).or_insert(revision);
                *at = revision.max(*at);
            }
        }
        let nodes = [first.node.clone(), second.node.clone()];
        let known = self.alarms.iter().any(|alarm| {
            (alarm.kind, alarm.revision) == (kind, revision.0)
                && nodes.iter().all(|node| alarm.nodes.contains(node))
        });
        if known {
            return;
        }
        metrics::counter!("foldgate_fleet_disagreements_total").increment(1);
        tracing::error!(
            ?kind, %revision, first = first.node, second = second.node,
            "two nodes disagree about the same revision"
        );
        if self.alarms.len() >= MAX_ALARMS {
            self.alarms.pop_front();
        }
        self.alarms.push_back(Alarm {
            kind,
            revision: revision.0,
            nodes,
            hashes: [first.hash.to_string(), second.hash.to_string()],
            at: now.to_string(),
        });
    }
}

impl Own {
    fn said(&self, revision: Revision) -> Option<Said> {
        Some(Said {
            hash: self.log.chain_at(revision)?,
            node: self.node.clone(),
            boot: self.boot,
        })
    }
}
