//! Committing: a plan is appended at the revision it was made for. Where the
//! log has moved on, the part that is not written is decided again; where the
//! outcome is unknown, nothing is tried twice.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::State;
use foldgate_log::event_log::MAX_GROUP;
use foldgate_log::{AppendError, EventLog, Replica, Stop};
use foldgate_proto::{RecordId, Revision};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Job;
use super::plan::{Plan, Step};
use crate::clock;
use crate::error::Error;

/// How often the rest of a group is decided again after a conflict. Every round
/// somebody else's record is written, so writers as a whole always make progress.
const MAX_ATTEMPTS: usize = 32;

/// How long this process's own replica may take to reach the head after a conflict.
const CATCH_UP: Duration = Duration::from_secs(5);

/// The longest that a group waits for more, see [`Company`].
const MAX_PATIENCE: Duration = Duration::from_millis(5);

/// The writers that a group waits for. Those that were answered together come again
/// within moments of each other; a group that begins with the first of them leaves the
/// others for the next one, and two halves take turns from then on, each paying for an
/// append and its syncs of its own. A writer that is alone waits for nobody.
#[derive(Debug, Default)]
struct Company {
    /// How many commands were answered or waiting when the group before had ended.
    size: usize,
    /// How long a group waits until there are as many: no longer than the one before took,
    /// so that one who does not come again costs the others little.
    patience: Duration,
}

impl Company {
    async fn wait_for(&self, jobs: &mut mpsc::Receiver<Job>, group: &mut Vec<Job>) {
        let until = Instant::now() + self.patience;
        while group.len() < self.size {
            let room = self.size - group.len();
            let more = tokio::time::timeout_at(until, jobs.recv_many(group, room));
            match more.await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    fn ended(answered: usize, waiting: usize, took: Duration) -> Self {
        Self {
            size: answered.saturating_add(waiting).min(MAX_GROUP),
            patience: took.min(MAX_PATIENCE),
        }
    }
}

/// The task behind a [`super::Writer`].
pub(super) struct Committer {
    log: Arc<dyn EventLog>,
    replica: Replica,
    /// The state behind our own last append, while the replica has not folded it.
    tip: Option<State>,
    /// The replica has folded the log to its end once; what it holds before that
    /// may be another history's snapshot.
    begun: bool,
}

impl Committer {
    pub(super) const fn new(log: Arc<dyn EventLog>, replica: Replica) -> Self {
        Self {
            log,
            replica,
            tip: None,
            begun: false,
        }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, stop: CancellationToken) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        let mut company = Company::default();
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled(), if !jobs.is_closed() => {
                    jobs.close();
                    continue;
                }
                received = jobs.recv_many(&mut group, MAX_GROUP) => received,
            };
            if received == 0 {
                return;
            }
            company.wait_for(&mut jobs, &mut group).await;
            let (begun, length) = (Instant::now(), group.len());
            metrics::histogram!("foldgate_admin_write_group_size").record(size(length));
            self.commit(group.drain(..).collect()).await;
            company = Company::ended(length, jobs.len(), begun.elapsed());
        }
    }

    async fn commit(&mut self, mut jobs: VecDeque<Job>) {
        if !self.has_begun().await {
            for job in jobs {
                send(job, Err(Error::Unavailable));
            }
            return;
        }
        let mut attempts = 0;
        while !jobs.is_empty() && attempts < MAX_ATTEMPTS {
            if let Some(error) = self.held() {
                for job in jobs {
                    send(job, Err(error.clone()));
                }
                return;
            }
            attempts += 1;
            let base = self.base();
            let expected = base.revision;
            let commands = jobs.iter().map(|job| (&job.submission, job.record));
            let plan = Plan::new(base, commands, clock::now());
            if plan.records.is_empty() {
                if plan.refuses() && self.is_behind(expected).await {
                    continue;
                }
                answer(&mut jobs, plan.steps);
                attempts = 0;
                continue;
            }
            match self.append(expected, &plan).await {
                Ok(()) => {
                    self.tip = Some(plan.state);
                    self.replica.poke();
                    answer(&mut jobs, plan.steps);
                    attempts = 0;
                }
                Err(error) => self.settle(&mut jobs, plan, error).await,
            }
        }
        for job in jobs {
            send(job, Err(Error::Contended));
        }
    }

    async fn has_begun(&mut self) -> bool {
        if !self.begun {
            let mut status = self.replica.watch();
            let caught_up = status.wait_for(|status| status.caught_up);
            let waited = tokio::time::timeout(CATCH_UP, caught_up).await;
            self.begun = matches!(waited, Ok(Ok(_)));
        }
        self.begun
    }

    /// The newest state this process knows to be the log's.
    fn base(&mut self) -> State {
        let folded = &self.replica.table().state;
        match &self.tip {
            Some(tip) if tip.revision > folded.revision => tip.clone(),
            _ => {
                self.tip = None;
                folded.clone()
            }
        }
    }

    /// Whether a refusal was decided on an old state; if so, the newest has been
    /// caught up with. A log that does not answer leaves the refusal as it is.
    async fn is_behind(&mut self, decided_on: Revision) -> bool {
        match self.log.head().await {
            Ok(head) if head.revision > decided_on => self.catch_up(head.revision).await.is_ok(),
            _ => false,
        }
    }

    async fn append(&self, expected: Revision, plan: &Plan) -> Result<(), AppendError> {
        let append = AssertUnwindSafe(self.log.append(expected, &plan.records));
        match append.catch_unwind().await {
            Ok(result) => result.map(|_| ()),
            Err(_) => Err(AppendError {
                written: 0,
                stop: Stop::Unknown {
                    id: plan
                        .records
                        .first()
                        .map_or(RecordId(uuid::Uuid::nil()), |r| r.id),
                },
            }),
        }
    }

    /// Answers what is settled of a group that was not written whole, and leaves
    /// in `jobs` what is to be decided again.
    async fn settle(&mut self, jobs: &mut VecDeque<Job>, plan: Plan, error: AppendError) {
        self.tip = None;
        self.replica.poke();
        let AppendError { written, stop } = error;
        let mut steps = VecDeque::from(plan.steps);
        let holds = |step: &Step| {
            // With nothing written, nothing shows that the base was the newest.
            let proven = written > 0 || !matches!(stop, Stop::Conflict { .. });
            proven && step.needs <= written
        };
        while steps.front().is_some_and(&holds) {
            if let (Some(job), Some(step)) = (jobs.pop_front(), steps.pop_front()) {
                send(job, step.verdict);
            }
        }
        match stop {
            Stop::Conflict { head } => {
                metrics::counter!("foldgate_admin_write_conflicts_total").increment(1);
                if self.catch_up(head.revision).await.is_err() {
                    let error = self.held().unwrap_or(Error::Unavailable);
                    fail(jobs, steps.len(), |_, _| error.clone(), &steps);
                }
            }
            Stop::Unavailable(reason) => {
                tracing::warn!(
                    reason,
                    "the log cannot be reached, commands were not written"
                );
                fail(jobs, steps.len(), |_, _| Error::Unavailable, &steps);
            }
            Stop::Unknown { id } => {
                tracing::error!(record = %id, "the outcome of an append is unknown");
                let error = |job: &Job, step: &Step| {
                    if step.writes {
                        Error::OutcomeUnknown(job.record)
                    } else {
                        Error::Unavailable
                    }
                };
                fail(jobs, steps.len(), error, &steps);
            }
            Stop::Refused(reason) => {
                tracing::error!(reason, "the log refused a record");
                let error = self.held().unwrap_or(Error::Internal);
                fail(jobs, 1, |_, _| error.clone(), &steps);
            }
        }
    }

    /// A log that cannot be folded on takes no writes: they would be decided on
    /// a state that is not its newest.
    fn held(&self) -> Option<Error> {
        let held = self.replica.status().held?;
        Some(Error::LogHeld(format!(
            "revision {}: {}",
            held.revision, held.reason
        )))
    }

    async fn catch_up(&mut self, revision: Revision) -> Result<(), Error> {
        self.replica.poke();
        self.replica
            .wait_for(revision, CATCH_UP)
            .await
            .map_err(|lagging| {
                tracing::warn!(%lagging, "this process does not catch up with the log");
                Error::Unavailable
            })
    }
}

/// Answers the first jobs with their verdicts.
fn answer(jobs: &mut VecDeque<Job>, steps: Vec<Step>) {
    for step in steps {
        if let Some(job) = jobs.pop_front() {
            send(job, step.verdict);
        }
    }
}

/// Answers the first `count` jobs with an error.
fn fail(
    jobs: &mut VecDeque<Job>,
    count: usize,
    error: impl Fn(&Job, &Step) -> Error,
    steps: &VecDeque<Step>,
) {
    for step in steps.iter().take(count) {
        if let Some(job) = jobs.pop_front() {
            let error = error(&job, step);
            send(job, Err(error));
        }
    }
}

fn send(job: Job, verdict: Result<super::Settled, Error>) {
    // Nobody listens any more where the client hung up; the command stands.
    drop(job.reply.send(verdict));
}

fn size(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
