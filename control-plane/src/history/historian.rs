//! The historian: the one task that reads the log behind its own position and
//! writes the index. It goes no further than the published table, so that history
//! never tells of what this process does not know yet.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::State;
use foldgate_log::event_log::MAX_READ;
use foldgate_log::{Error as LogError, Position, Stored};
use foldgate_proto::{LogId, Revision};
use foldgate_runtime::Component;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::index::{Group, Index};
use super::past::linked;
use super::store::Fault;
use super::{History, Shared};

/// The pause before what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often a long build says how far it is.
const TELL: Duration = Duration::from_secs(5);

/// The most records of one batch, and after how many bytes of them it is full:
/// while an index is made, large batches cost less per record.
const MAX_BATCH: usize = 2048;
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Behind by more than this it is a build and no longer the usual lag.
const LAG: u64 = 1000;

/// See the module.
pub(super) struct Historian {
    shared: Arc<Shared>,
    component: Component,
    stop: CancellationToken,
    told: Instant,
}

/// Why it does not go on.
enum Trouble {
    /// It was told to end.
    Stop,
    /// The index has to be made anew.
    Discard(String),
    /// Later it may go on.
    Wait(String),
    /// The disk refused. sled keeps its first such error for as long as a store is
    /// open, so the index has to be opened anew before it goes on.
    Reopen(String),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(reason) => Self::Discard(reason),
            Fault::Disk(reason) => Self::Reopen(reason),
        }
    }
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Self {
        Self::Wait(error.to_string())
    }
}

impl Historian {
    pub(super) fn new(history: &History, component: Component, stop: CancellationToken) -> Self {
        // A process without it serves; a long making says how far it is.
        component.ready();
        Self {
            shared: Arc::clone(&history.0),
            component,
            stop,
            told: Instant::now(),
        }
    }

    pub(super) async fn run(mut self) {
        let mut discard = false;
        loop {
            match self.attempt(discard).await {
                Trouble::Stop => break,
                Trouble::Discard(reason) => {
                    tracing::error!(reason, "the history's index is made anew");
                    metrics::counter!("foldgate_history_rebuilds_total").increment(1);
                    self.shared.withdraw(&reason);
                    self.component
                        .degraded(format!("the history is indexed anew: {reason}"));
                    discard = true;
                }
                Trouble::Wait(reason) => {
                    self.shared.trouble(&reason);
                    self.component
                        .degraded(format!("the history is not indexed on: {reason}"));
                    discard = false;
                }
                Trouble::Reopen(reason) => {
                    tracing::error!(reason, "the history's index is opened anew");
                    self.shared.withdraw(&reason);
                    self.component
                        .degraded(format!("the history is not indexed on: {reason}"));
                    discard = false;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.stop.cancelled() => break,
            }
        }
        if let Some(index) = self.shared.index() {
            // It is read anew from the log if this fails.
            let _ = blocking(move || index.flush()).await;
        }
        self.shared.withdraw("the process is ending");
    }

    /// Opens the index and keeps it up until something is in the way.
    async fn attempt(&mut self, discard: bool) -> Trouble {
        let stop = self.stop.clone();
        let kept_up = async {
            let (index, at) = self.open(discard).await?;
            let state = self.state_of(&index, at).await?;
            self.shared.publish(&index, state.revision);
            self.follow(&index, state).await
        };
        tokio::select! {
            ended = kept_up => match ended {
                Ok(()) => Trouble::Stop,
                Err(trouble) => trouble,
            },
            () = stop.cancelled() => Trouble::Stop,
        }
    }

    /// An index of this log that goes up to a position the log has.
    async fn open(&self, discard: bool) -> Result<(Arc<Index>, Position), Trouble> {
        let dir = self.shared.dir.clone();
        let reused = self.shared.index().filter(|_| !discard);
        let found = match reused {
            Some(index) => Some(index),
            None if discard => None,
            None => {
                let dir = dir.clone();
                blocking(move || Index::open(&dir)).await?.map(Arc::new)
            }
        };
        if let Some(index) = &found {
            let asked = Arc::clone(index);
            let at = blocking(move || asked.position()).await?;
            self.shared.publish_if_known(index, at.revision);
        }
        self.caught_up().await;
        let log_id = self.shared.log.log_id().await?;
        let index = match found {
            Some(index) if index.log == log_id => index,
            Some(_) => {
                let reason = "it is of another log".to_owned();
                return Err(Trouble::Discard(reason));
            }
            None => {
                tracing::info!("the history's index is made");
                Arc::new(blocking(move || Index::create(&dir, log_id)).await?)
            }
        };
        let at = {
            let index = Arc::clone(&index);
            blocking(move || index.position()).await?
        };
        self.confirm(log_id, at).await?;
        Ok((index, at))
    }

    /// Until then the table may be of another history's snapshot.
    async fn caught_up(&self) {
        self.shared.trouble("the log was not read to its end yet");
        let mut status = self.shared.replica.watch();
        // It ends with an error only when the process does.
        let _ = status.wait_for(|status| status.caught_up).await;
    }

    async fn confirm(&self, log_id: LogId, at: Position) -> Result<(), Trouble> {
        if at.revision == Revision::ZERO {
            if at == Position::genesis(log_id) {
                return Ok(());
            }
            return Err(Trouble::Discard("it begins with another log".to_owned()));
        }
        let found = self.shared.log.read(at.revision, 1).await?;
        match found.first() {
            Some(stored) if stored.hash == at.hash => Ok(()),
            Some(_) => {
                let reason = format!("the log has another record at revision {}", at.revision);
                Err(Trouble::Discard(reason))
            }
            None if self.shared.log.head().await?.revision < at.revision => {
                let reason = format!("the log ends before revision {}", at.revision);
                Err(Trouble::Discard(reason))
            }
            None => Err(Trouble::Wait(
                "the copy that answers is behind the index".to_owned(),
            )),
        }
    }

    async fn state_of(&self, index: &Index, at: Position) -> Result<State, Trouble> {
        if let Some(state) = self.table_at(at) {
            return Ok(state);
        }
        if at.revision == Revision::ZERO {
            return Ok(State::new(index.log));
        }
        Ok(index.past.state_at(&*self.shared.log, at.revision).await?)
    }

    /// The published state, if it is the one at a position: then its memory is
    /// shared.
    fn table_at(&self, at: Position) -> Option<State> {
        let table = self.shared.replica.table();
        let state = &table.state;
        (state.revision == at.revision && state.chain == at.hash).then(|| state.clone())
    }

    /// Indexes what comes, until something is in the way.
    async fn follow(&mut self, index: &Arc<Index>, mut state: State) -> Result<(), Trouble> {
        let mut status = self.shared.replica.watch();
        loop {
            let target = status.borrow_and_update().revision;
            while state.revision < target {
                state = self.advance(index, state, target).await?;
                self.tell(index, state.revision, target);
            }
            self.component.ready();
            let at = Position {
                revision: state.revision,
                hash: state.chain,
            };
            if let Some(shared) = self.table_at(at) {
                state = shared;
            }
            if !index.stands() {
                return Err(Trouble::Discard("its files are gone".to_owned()));
            }
            tokio::select! {
                changed = status.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                () = self.shared.damaged.notified() => {
                    let reason = "what is kept cannot be read".to_owned();
                    return Err(Trouble::Discard(reason));
                }
                () = self.shared.refused.notified() => {
                    let reason = "the disk refuses what is kept".to_owned();
                    return Err(Trouble::Reopen(reason));
                }
            }
        }
    }

    /// Indexes one batch of the log.
    async fn advance(
        &self,
        index: &Arc<Index>,
        state: State,
        target: Revision,
    ) -> Result<State, Trouble> {
        let chunk = self.gather(state.revision.next(), target).await?;
        let at_work = Arc::clone(index);
        let work = move || {
            let mut group = Group::behind(state);
            for stored in &chunk {
                let record = linked(&group.state, stored);
                let record = match record {
                    Ok(record) => record,
                    // Of the log, and nothing that is wrong with the index.
                    Err(error) => return Ok(Err(error.to_string())),
                };
                group.add(stored, &record);
            }
            at_work.write(&group)?;
            Ok(Ok(group.state))
        };
        let state = blocking(work).await?.map_err(Trouble::Wait)?;
        self.shared.publish(index, state.revision);
        Ok(state)
    }

    /// What the log has from a revision on, up to another, as far as that is worth
    /// one batch.
    async fn gather(&self, from: Revision, to: Revision) -> Result<Vec<Stored>, Trouble> {
        let mut gathered: Vec<Stored> = Vec::new();
        let mut bytes = 0;
        let mut next = from;
        while next <= to && gathered.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
            let left = to.0.saturating_sub(next.0).saturating_add(1);
            let most = usize::try_from(left).unwrap_or(MAX_READ).min(MAX_READ);
            let chunk = self.shared.log.read(next, most).await?;
            let Some(last) = chunk.last() else { break };
            next = last.revision.next();
            bytes += chunk.iter().map(|stored| stored.bytes.len()).sum::<usize>();
            gathered.extend(chunk);
        }
        if gathered.is_empty() {
            let reason = format!("the copy that answers ends before revision {from}");
            return Err(Trouble::Wait(reason));
        }
        Ok(gathered)
    }

    fn tell(&mut self, index: &Index, at: Revision, target: Revision) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("foldgate_history_bytes").set(index.size_on_disk() as f64);
        if target.0.saturating_sub(at.0) > LAG && self.told.elapsed() >= TELL {
            self.told = Instant::now();
            let progress = format!("the history is indexed up to revision {at} of {target}");
            self.component.degraded(progress);
        }
    }
}

/// Runs disk work off the async workers. A panic of sled is damage here.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Fault::Damaged("sled gave up on its file".to_owned())))
}
