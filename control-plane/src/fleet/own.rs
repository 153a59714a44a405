//! What this process knows of itself: its own history, to hold others' against,
//! and its own state, which needs no heartbeat to be told here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldgate_domain::State;
use foldgate_log::Observer;
use foldgate_proto::{Heartbeat, Record, RecordHash, Revision};
use uuid::Uuid;

/// How many of the last revisions' hashes are kept: more than a node that is
/// worth comparing lags, at 40 bytes each.
pub const MAX_OWN_REVISIONS: usize = 4096;

/// The last chain hashes this process folded. Clones share them; the fold feeds
/// them as an observer.
#[derive(Debug, Clone, Default)]
pub struct OwnLog(Arc<Mutex<VecDeque<(Revision, RecordHash)>>>);

impl OwnLog {
    /// Without any history yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chain hash at a revision, if it is among the last.
    pub fn chain_at(&self, revision: Revision) -> Option<RecordHash> {
        let ring = self.ring();
        let at = ring.binary_search_by_key(&revision, |(revision, _)| *revision);
        at.ok().map(|at| ring[at].1)
    }

    /// Takes over the newest revision; forgets the oldest.
    pub(super) fn push(&self, revision: Revision, chain: RecordHash) {
        let mut ring = self.ring();
        if ring.len() >= MAX_OWN_REVISIONS {
            ring.pop_front();
        }
        ring.push_back((revision, chain));
    }

    /// A panic while the lock is held leaves a ring that is still in order.
    fn ring(&self) -> MutexGuard<'_, VecDeque<(Revision, RecordHash)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for OwnLog {
    fn loaded(&self, state: &State) {
        self.ring().clear();
        self.push(state.revision, state.chain);
    }

    fn folded(&self, state: &State, _: &Record) {
        self.push(state.revision, state.chain);
    }
}

/// The process that answers.
pub struct Own {
    /// Its name.
    pub node: String,
    /// This run of it.
    pub boot: Uuid,
    /// What it folded.
    pub log: OwnLog,
    /// How it is at this moment, as its heartbeat would say.
    pub now: Box<dyn Fn() -> Heartbeat + Send + Sync>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
