//! The one fold task of a process: it follows the log, folds each record into
//! the state, and publishes an immutable table that readers take as a whole.
//!
//! A process without a log still serves what its last snapshot held. A record
//! that cannot be folded is held: the last good table stays.

mod boot;
mod fold;
mod keeper;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use foldgate_domain::{State, Table};
use foldgate_proto::report::StateHash;
use foldgate_proto::{LogId, OwnerId, Record, RecordHash, Revision};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{Error, EventLog};

/// What wants to know of each folded record, on the fold task itself: it must be
/// quick and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A whole state was taken over: from a snapshot, or after a rebuild.
    fn loaded(&self, state: &State);

    /// A record was folded. Called before the table with it is published.
    fn folded(&self, state: &State, record: &Record);

    /// The table of what was folded is made, and published next. It differs from the one
    /// before in no owner but these; `None` is whichever.
    fn compiled(&self, _table: &Table, _changed: Option<&BTreeSet<OwnerId>>) {}
}

/// How a replica starts.
#[derive(Clone, Default)]
pub struct Options {
    /// Where its snapshots are; without one it keeps none.
    pub snapshots: Option<PathBuf>,
    /// The id of the log that stands beside the snapshots, if one does. Snapshots of
    /// another log are then refused: the log was exchanged. A log that is elsewhere
    /// is known only once it answers, and snapshots of another are set aside then.
    pub log_id: Option<LogId>,
    /// Who hears of each record.
    pub observers: Vec<Arc<dyn Observer>>,
}

/// A record that is not folded over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub revision: Revision,
    /// What is wrong with it.
    pub reason: String,
}

/// Where a replica stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The last revision in the published table.
    pub revision: Revision,
    /// Whether it is known which log this is: from a snapshot, or from the log.
    /// Until then the revision is 0 and the hash below is all zeros.
    pub log_known: bool,
    /// The hash of the record there.
    pub chain: RecordHash,
    /// Whether the table is one to serve from: a snapshot's, or a folded log's.
    pub ready: bool,
    /// Whether the log had nothing more when it was last asked.
    pub caught_up: bool,
    /// Why it does not fold on.
    pub held: Option<Held>,
    /// The last hash of the whole state.
    pub state_hash: Option<StateHash>,
}

/// A revision that was not reached in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revision {wanted} was not reached in time, the table is at {at}")]
pub struct Lagging {
    /// The revision that was waited for.
    pub wanted: Revision,
    /// The one that was reached.
    pub at: Revision,
}

/// A handle on the fold task.
#[derive(Clone)]
pub struct Replica {
    shared: Arc<Shared>,
}

struct Shared {
    table: ArcSwap<Table>,
    status: watch::Sender<Status>,
    poke: Notify,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl Replica {
    /// Loads the newest snapshot and starts to follow the log. Returns at once,
    /// whether or not the log can be reached.
    ///
    /// # Errors
    /// When the snapshot directory cannot be used, or holds those of another log than
    /// the one beside it.
    pub async fn start(log: Arc<dyn EventLog>, options: Options) -> Result<Self, Error> {
        let booted = boot::boot(options.snapshots, options.log_id).await?;
        let shared = Arc::new(Shared {
            table: ArcSwap::from_pointee(Table::new(&booted.state)),
            status: watch::Sender::new(booted.status()),
            poke: Notify::new(),
            stop: CancellationToken::new(),
            stopped: CancellationToken::new(),
        });
        if booted.ready {
            let table = shared.table.load();
            for observer in &options.observers {
                observer.loaded(&booted.state);
                observer.compiled(&table, None);
            }
        }
        let task = fold::Fold::new(shared.clone(), log, options.observers, booted);
        let stopped = shared.stopped.clone().drop_guard();
        tokio::spawn(async move {
            task.run().await;
            drop(stopped);
        });
        Ok(Self { shared })
    }

    /// The table as it is now. A request takes it once and keeps it.
    pub fn table(&self) -> Arc<Table> {
        self.shared.table.load_full()
    }

    /// The state of that table.
    pub fn state(&self) -> State {
        self.shared.table.load().state.clone()
    }

    /// Where the replica stands.
    pub fn status(&self) -> Status {
        self.shared.status.borrow().clone()
    }

    /// Hears each change of the status.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// The last revision in the published table.
    pub fn revision(&self) -> Revision {
        self.shared.status.borrow().revision
    }

    /// Waits until the published table holds `revision`.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub async fn wait_for(&self, revision: Revision, limit: Duration) -> Result<(), Lagging> {
        let mut status = self.shared.status.subscribe();
        let reached = status.wait_for(|status| status.revision >= revision);
        let reached = tokio::time::timeout(limit, reached).await;
        if matches!(reached, Ok(Ok(_))) {
            return Ok(());
        }
        Err(Lagging {
            wanted: revision,
            at: self.revision(),
        })
    }

    /// Waits until the table is one to serve from.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub async fn wait_ready(&self, limit: Duration) -> Result<(), Lagging> {
        let mut status = self.shared.status.subscribe();
        let ready = tokio::time::timeout(limit, status.wait_for(|status| status.ready)).await;
        if matches!(ready, Ok(Ok(_))) {
            return Ok(());
        }
        Err(Lagging {
            wanted: Revision::ZERO,
            at: self.revision(),
        })
    }

    /// Looks at the log at once.
    pub fn poke(&self) {
        self.shared.poke.notify_one();
    }

    /// Stops folding and writes a last snapshot. The table stays.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.stopped.cancelled().await;
    }
}
