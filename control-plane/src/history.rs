//! What happened, to be looked up: an index over the log, kept beside the node
//! and rebuilt from the log whenever it is lost, and the states that were.
//!
//! - [`Term`], [`Filter`]: what records are found by.
//! - [`Row`]: what is kept of each.
//! - `historian`: the task that writes the index.
//! - `past`: states at any revision.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::{OwnerState, State};
use foldgate_log::{EventLog, Replica};
use foldgate_proto::{OwnerId, Revision, Timestamp};
use foldgate_runtime::Component;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

mod find;
mod former;
mod historian;
mod index;
mod past;
mod row;
pub(crate) mod store;
mod term;

pub use find::{Filter, Found, Order};
pub use past::{BYTES_PER_RECORD, MIN_INTERVAL};
pub use row::{Change, MAX_CHANGES_BYTES, MAX_NAMED, Row, changes};
pub use term::Term;

use historian::{Historian, blocking};
use index::Index;
use store::{Fault, Kept};

/// How long a question waits for the index to reach the table it was asked at.
const CATCH_UP: Duration = Duration::from_secs(5);

/// A handle on the history; clones share it.
#[derive(Clone)]
pub struct History(Arc<Shared>);

struct Shared {
    log: Arc<dyn EventLog>,
    replica: Replica,
    dir: PathBuf,
    progress: watch::Sender<Progress>,
    /// Told when what is kept turned out to be unreadable.
    damaged: Notify,
    /// Told when the disk refused to give what is kept.
    refused: Notify,
}

/// How far the index is.
#[derive(Clone)]
struct Progress {
    index: Option<Arc<Index>>,
    revision: Revision,
    trouble: Option<String>,
}

/// Why history does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The index is behind.
    #[error("the history is being indexed: it is at revision {at} of {wanted}{why}")]
    Behind {
        /// How far it is.
        at: Revision,
        /// How far it has to be.
        wanted: Revision,
        /// What is in its way, if something is, with a colon before it.
        why: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] foldgate_log::Error),
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Log(error) => {
                tracing::warn!(%error, "the history cannot read the log");
                Self::HistoryNotReady("the log cannot be read for now".to_owned())
            }
            behind @ Error::Behind { .. } => Self::HistoryNotReady(behind.to_string()),
        }
    }
}

impl History {
    /// A history in a folder of its own, and the task that keeps it, to be spawned.
    /// `component` says how it is; without it a process serves on.
    pub fn new(
        log: Arc<dyn EventLog>,
        replica: Replica,
        dir: PathBuf,
        component: Component,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let progress = Progress {
            index: None,
            revision: Revision::ZERO,
            trouble: None,
        };
        let history = Self(Arc::new(Shared {
            log,
            replica,
            dir,
            progress: watch::Sender::new(progress),
            damaged: Notify::new(),
            refused: Notify::new(),
        }));
        let task = Historian::new(&history, component, stop).run();
        (history, task)
    }

    /// The last revision in the index.
    pub fn revision(&self) -> Revision {
        self.0.progress.borrow().revision
    }

    /// Waits until the index holds a revision, but not for ever.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn reach(&self, wanted: Revision) -> Result<(), Error> {
        self.reach_within(wanted, CATCH_UP).await
    }

    /// As [`Self::reach`], with another limit.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn reach_within(&self, wanted: Revision, limit: Duration) -> Result<(), Error> {
        let mut progress = self.0.progress.subscribe();
        let reached = progress.wait_for(|now| now.index.is_some() && now.revision >= wanted);
        match tokio::time::timeout(limit, reached).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(self.behind(wanted)),
        }
    }

    /// Waits until the index goes beyond a revision.
    pub(crate) async fn beyond(&self, revision: Revision) {
        let mut progress = self.0.progress.subscribe();
        // The sender lives as long as this handle.
        let _ = progress.wait_for(|now| now.revision > revision).await;
    }

    /// Up to `limit` lines, and where the next page begins.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn page(
        &self,
        owner: OwnerId,
        filter: Filter,
        (from, limit): (Option<Revision>, usize),
    ) -> Result<(Vec<Row>, Option<Revision>), Error> {
        self.read(move |index| {
            let found = index.find(owner, &filter, (from, limit))?;
            let mut rows = Vec::with_capacity(found.revisions.len());
            for revision in found.revisions {
                let missing = || Fault::Damaged(format!("its row {revision} is missing"));
                rows.push(index.row(owner, revision)?.ok_or_else(missing)?.row);
            }
            Ok((rows, found.next))
        })
        .await
    }

    /// Which records there are, without their lines.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn find(
        &self,
        owner: OwnerId,
        filter: Filter,
        (from, limit): (Option<Revision>, usize),
    ) -> Result<Found, Error> {
        self.read(move |index| index.find(owner, &filter, (from, limit)))
            .await
    }

    /// One line of an owner.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn row(&self, owner: OwnerId, revision: Revision) -> Result<Option<Row>, Error> {
        let kept = self.read(move |index| index.row(owner, revision)).await?;
        Ok(kept.map(|kept| kept.row))
    }

    /// One line of an owner with the fields that changed, in JSON.
    ///
    /// # Errors
    /// The index or the log cannot be read now.
    pub async fn detail(
        &self,
        owner: OwnerId,
        revision: Revision,
    ) -> Result<Option<(Row, Box<RawValue>)>, Error> {
        let kept = self.read(move |index| index.row(owner, revision)).await?;
        let Some(Kept { row, changes }) = kept else {
            return Ok(None);
        };
        let raw = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).ok()?;
            RawValue::from_string(text).ok()
        };
        if let Some(changes) = changes.and_then(raw) {
            return Ok(Some((row, changes)));
        }
        let (before, after) = self.around(owner, revision).await?;
        let changes = after.map(|after| row::changes(before.as_deref(), &after));
        let changes = serde_json::value::to_raw_value(&changes.unwrap_or_default());
        let unwritable = |error: serde_json::Error| foldgate_log::Error::Io(error.to_string());
        Ok(Some((row, changes.map_err(unwritable)?)))
    }

    /// An owner right before and right behind a record.
    ///
    /// # Errors
    /// The log cannot be read there.
    pub async fn around(
        &self,
        owner: OwnerId,
        revision: Revision,
    ) -> Result<(Option<Arc<OwnerState>>, Option<Arc<OwnerState>>), Error> {
        let before = Revision(revision.0.saturating_sub(1));
        let before = self.state_at(before).await?.owner(owner).cloned();
        let after = self.state_at(revision).await?.owner(owner).cloned();
        Ok((before, after))
    }

    /// The state right behind a revision that the index has reached.
    ///
    /// # Errors
    /// The log cannot be read there.
    pub async fn state_at(&self, revision: Revision) -> Result<State, Error> {
        let table = self.0.replica.table();
        let index = self.0.index();
        let index = index.ok_or_else(|| self.behind(revision))?;
        if table.state.revision == revision && table.state.log == index.log {
            return Ok(table.state.clone());
        }
        Ok(index.past.state_at(&*self.0.log, revision).await?)
    }

    /// An owner's first record.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn first(&self, owner: OwnerId) -> Result<Option<Revision>, Error> {
        self.read(move |index| index.first(owner)).await
    }

    /// The first record, of whichever owner, at or behind a moment.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn first_from(&self, at: Timestamp) -> Result<Option<Revision>, Error> {
        self.read(move |index| index.first_from(at)).await
    }

    /// The last record, of whichever owner, at or before a moment.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub async fn last_until(&self, at: Timestamp) -> Result<Option<Revision>, Error> {
        self.read(move |index| index.last_until(at)).await
    }

    /// Asks the index, off the async workers. One that cannot be read is made anew.
    async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Index) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let wanted = self.revision();
        let index = self.0.index().ok_or_else(|| self.behind(wanted))?;
        blocking(move || ask(&index)).await.map_err(|fault| {
            tracing::error!(%fault, "the history's index cannot be read");
            match fault {
                Fault::Damaged(_) => self.0.damaged.notify_one(),
                Fault::Disk(_) => self.0.refused.notify_one(),
            }
            Error::Behind {
                at: Revision::ZERO,
                wanted,
                why: format!(": {fault}"),
            }
        })
    }

    fn behind(&self, wanted: Revision) -> Error {
        let now = self.0.progress.borrow();
        let why = now.trouble.as_ref().map(|why| format!(": {why}"));
        Error::Behind {
            at: now.revision,
            wanted,
            why: why.unwrap_or_default(),
        }
    }
}

impl Shared {
    fn index(&self) -> Option<Arc<Index>> {
        self.progress.borrow().index.clone()
    }

    fn publish(&self, index: &Arc<Index>, revision: Revision) {
        self.progress.send_replace(Progress {
            index: Some(Arc::clone(index)),
            revision,
            trouble: None,
        });
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("foldgate_history_revision").set(revision.0 as f64);
    }

    /// While the log is away, an index of the log that the table is of still tells
    /// what it knows.
    fn publish_if_known(&self, index: &Arc<Index>, at: Revision) {
        let table = self.replica.table();
        if table.state.log == index.log && at <= table.state.revision {
            self.publish(index, at);
        }
    }

    fn withdraw(&self, why: &str) {
        self.progress.send_replace(Progress {
            index: None,
            revision: Revision::ZERO,
            trouble: Some(why.to_owned()),
        });
    }

    fn trouble(&self, why: &str) {
        self.progress
            .send_modify(|now| now.trouble = Some(why.to_owned()));
    }
}
