//! Hashing and saving the state, off the hot path and never two at once.

use std::time::Duration;

use foldgate_domain::{FOLD_VERSION, State};
use foldgate_proto::report::StateHash;
use foldgate_proto::{RecordHash, Revision};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::Error;
use crate::snapshot::{Header, Snapshots};

/// How long changes are gathered before a snapshot; a change is on disk, and an
/// idle node reports the hash of its revision, within 2 seconds.
const GATHER: Duration = Duration::from_secs(1);

/// The longest gathering, for states that take long to write.
const MAX_GATHER: Duration = Duration::from_secs(4);

/// The share of the time that saving may take: one part in this many.
const SHARE: u32 = 10;

pub(super) struct Keeper {
    /// Away while a job has them.
    snapshots: Option<Snapshots>,
    /// The revision that was last hashed (and saved).
    kept: Option<Revision>,
    due: Option<Instant>,
    job: Option<JoinHandle<Job>>,
    gather: Duration,
}

struct Job {
    snapshots: Option<Snapshots>,
    hash: Result<StateHash, Error>,
    took: Duration,
}

/// What has become due.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The state is to be kept.
    Start,
    /// It is kept.
    Done(StateHash),
    /// It could not be; it is tried again.
    Failed,
}

impl Keeper {
    pub(super) fn new(snapshots: Option<Snapshots>, kept: Option<Revision>) -> Self {
        Self {
            snapshots,
            kept,
            due: None,
            job: None,
            gather: GATHER,
        }
    }

    /// The published state has changed.
    pub(super) fn changed(&mut self, state: &State) {
        if self.kept != Some(state.revision) && self.due.is_none() {
            self.due = Some(Instant::now() + self.gather);
        }
    }

    /// The snapshots so far belong to another log.
    pub(super) fn discard(&mut self, why: &str) {
        self.kept = None;
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.discard(why);
        }
    }

    /// Resolves when there is something to do. Cancel safe.
    pub(super) async fn due(&mut self) -> Due {
        if let Some(job) = &mut self.job {
            let done = job.await;
            self.job = None;
            return match done {
                Ok(job) => self.done(job),
                Err(_) => Due::Failed,
            };
        }
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
        self.due = None;
        Due::Start
    }

    pub(super) fn start(&mut self, state: &State) {
        let (state, snapshots) = (state.clone(), self.snapshots.take());
        self.kept = Some(state.revision);
        self.job = Some(tokio::task::spawn_blocking(move || keep(&state, snapshots)));
    }

    /// Keeps the last state, after what is still being kept.
    pub(super) async fn finish(&mut self, state: &State) -> Option<StateHash> {
        let mut hash = None;
        if self.job.is_some()
            && let Due::Done(done) = self.due().await
        {
            hash = Some(done);
        }
        if state.revision > Revision::ZERO && self.kept != Some(state.revision) {
            self.start(state);
            if let Due::Done(done) = self.due().await {
                hash = Some(done);
            }
        }
        hash
    }

    fn done(&mut self, job: Job) -> Due {
        self.snapshots = job.snapshots;
        self.gather = (job.took * SHARE).clamp(GATHER, MAX_GATHER);
        match job.hash {
            Ok(hash) => Due::Done(hash),
            Err(error) => {
                tracing::error!(%error, "the snapshot was not written");
                metrics::counter!("foldgate_snapshot_failures_total").increment(1);
                self.kept = None;
                self.due = Some(Instant::now() + MAX_GATHER);
                Due::Failed
            }
        }
    }
}

fn keep(state: &State, mut snapshots: Option<Snapshots>) -> Job {
    let began = Instant::now();
    let hash = save(state, snapshots.as_mut());
    Job {
        snapshots,
        hash,
        took: began.elapsed(),
    }
}

fn save(state: &State, snapshots: Option<&mut Snapshots>) -> Result<StateHash, Error> {
    let unreadable = |error: rmp_serde::encode::Error| Error::Io(error.to_string());
    let hash = |hash: RecordHash| StateHash {
        revision: state.revision,
        hash,
        fold_version: FOLD_VERSION,
    };
    let Some(snapshots) = snapshots.filter(|_| state.revision > Revision::ZERO) else {
        return Ok(hash(state.hash().map_err(unreadable)?));
    };
    let bytes = state.to_bytes().map_err(unreadable)?;
    let header = Header {
        log_id: state.log,
        revision: state.revision,
        chain: state.chain,
        state_hash: RecordHash::of(&bytes),
        fold_version: FOLD_VERSION,
        serial: 0,
    };
    snapshots.save(header, &bytes)?;
    Ok(hash(header.state_hash))
}
