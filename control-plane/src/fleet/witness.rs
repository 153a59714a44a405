//! Who said what about which revision. The first to speak about a revision is
//! the yardstick for all others; whoever is right, they do not agree.

use std::collections::{BTreeMap, VecDeque};

use foldgate_proto::{Heartbeat, RecordHash, Revision, Timestamp};
use serde::Serialize;

/// How many revisions' hashes are remembered. Nodes report once a second and
/// seldom lag further apart than this; an idle fleet stands at one revision.
const MAX_REMEMBERED: usize = 4096;

/// How many disagreements are remembered.
const MAX_ALARMS: usize = 100;

/// Which hash differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The history: the two nodes did not fold the same records.
    Chain,
    /// The state: they folded the same records to different ends.
    StateHash,
}

/// Two nodes that disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

#[derive(Debug, Default)]
pub(super) struct Witness {
    heard: BTreeMap<Subject, (RecordHash, String)>,
    alarms: VecDeque<Alarm>,
}

impl Witness {
    /// Compares what a node says with what was heard before.
    pub(super) fn see(&mut self, heartbeat: &Heartbeat, now: Timestamp) {
        let chain = (heartbeat.revision, AlarmKind::Chain, 0);
        self.compare(chain, heartbeat.chain, &heartbeat.node, now);
        if let Some(hash) = heartbeat.state_hash {
            let state = (hash.revision, AlarmKind::StateHash, hash.fold_version);
            self.compare(state, hash.hash, &heartbeat.node, now);
        }
        while self.heard.len() > MAX_REMEMBERED {
            self.heard.pop_first();
        }
    }

    pub(super) fn alarms(&self) -> Vec<Alarm> {
        self.alarms.iter().cloned().collect()
    }

    pub(super) fn is_in_dispute(&self, node: &str) -> bool {
        let mut alarms = self.alarms.iter();
        alarms.any(|alarm| alarm.nodes.iter().any(|one| one == node))
    }

    fn compare(&mut self, subject: Subject, hash: RecordHash, node: &str, now: Timestamp) {
        let heard = self.heard.entry(subject);
        let (first, by) = heard.or_insert_with(|| (hash, node.to_owned()));
        if *first == hash {
            return;
        }
        let (revision, kind, _) = subject;
        let alarm = Alarm {
            kind,
            revision: revision.0,
            nodes: [by.clone(), node.to_owned()],
            hashes: [first.to_string(), hash.to_string()],
            at: now.to_string(),
        };
        let known = |a: &Alarm| {
            (a.kind, a.revision, &a.nodes) == (alarm.kind, alarm.revision, &alarm.nodes)
        };
        if self.alarms.iter().any(known) {
            return;
        }
        metrics::counter!("foldgate_fleet_disagreements_total").increment(1);
        tracing::error!(
            ?kind, %revision, first = by, second = node,
            "two nodes disagree about the same revision"
        );
        if self.alarms.len() >= MAX_ALARMS {
            self.alarms.pop_front();
        }
        self.alarms.push_back(alarm);
    }
}
