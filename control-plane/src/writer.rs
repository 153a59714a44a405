//! The submitter: the one task of this process that appends to the log. It
//! takes queued commands, decides them on a speculative state and commits them
//! as a group. A command outlives the client that sent it: once queued it is
//! settled, whether or not anybody still waits.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::Command;
use foldgate_domain::command::Precondition;
use foldgate_domain::state::{Replay, State};
use foldgate_log::{EventLog, Replica};
use foldgate_proto::{Actor, Event, OwnerId, RecordId, Revision};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;
use crate::request::Stamp;

mod commit;
pub(crate) mod plan;

/// How many commands may wait; more are refused with 503, because a client that
/// waits longer than this queue takes to empty would give up anyway.
pub const MAX_QUEUE: usize = 1024;

/// How long a command may take from queue to outcome. Covers one append that has
/// to be settled by its deadline, and then some.
pub const SUBMIT_DEADLINE: Duration = Duration::from_secs(25);

/// The submitter's handle; clones share one task.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
}

/// A command with everything its record will say.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Whose log entry it becomes.
    pub owner: OwnerId,
    /// What is wanted.
    pub command: Command,
    /// Who wants it.
    pub actor: Actor,
    /// From where and why.
    pub stamp: Stamp,
    /// What its client believes of the resource (`If-Match`).
    pub precondition: Option<Precondition>,
}

/// A settled command.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The state right behind it.
    pub state: State,
    /// What happened; empty when nothing had to.
    pub events: Vec<Event>,
    /// What the change will hurt, in words.
    pub warnings: Vec<String>,
    /// The record it became, if it became one (now or, replayed, before).
    pub record: Option<RecordId>,
    /// Set when the same request was settled before and nothing was written now.
    pub replayed: Option<Replay>,
}

impl Settled {
    /// Where in the log it stands, or the position it was settled against.
    pub fn revision(&self) -> Revision {
        let replayed = self.replayed.as_ref().map(|replay| replay.revision);
        replayed.unwrap_or(self.state.revision)
    }

    /// The number of the resource that was made or changed.
    pub fn subject(&self) -> Option<u64> {
        match &self.replayed {
            Some(replay) => replay.subject,
            None => Event::subject_of(&self.events),
        }
    }
}

/// One queued command.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Submission,
    /// Drawn once: a client that was told "unknown" can look for it.
    pub(crate) record: RecordId,
    pub(crate) reply: oneshot::Sender<Result<Settled, Error>>,
}

impl Writer {
    /// A submitter and its task, to be spawned. The task ends when `stop` is
    /// cancelled and the queue is empty, or when every handle is gone.
    pub fn new(
        log: Arc<dyn EventLog>,
        replica: Replica,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, jobs) = mpsc::channel(MAX_QUEUE);
        let task = commit::Committer::new(log, replica).run(jobs, stop);
        (Self { queue }, task)
    }

    /// Submits one command and waits for its outcome.
    ///
    /// # Errors
    /// The domain's refusal; a full queue; a log that cannot be reached; an
    /// outcome that stays unknown.
    pub async fn submit(&self, submission: Submission) -> Result<Settled, Error> {
        let command = submission.command.name();
        let result = self.queue_and_wait(submission).await;
        let outcome = match &result {
            Ok(settled) if settled.replayed.is_some() => "replayed",
            Ok(settled) if settled.events.is_empty() => "unchanged",
            Ok(_) => "written",
            Err(error) => error.code(),
        };
        metrics::counter!("foldgate_admin_writes_total", "command" => command, "outcome" => outcome)
            .increment(1);
        result
    }

    async fn queue_and_wait(&self, submission: Submission) -> Result<Settled, Error> {
        let record = RecordId(Uuid::now_v7());
        let (reply, outcome) = oneshot::channel();
        let job = Job {
            submission,
            record,
            reply,
        };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Unavailable,
        })?;
        match tokio::time::timeout(SUBMIT_DEADLINE, outcome).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Error::OutcomeUnknown(record)),
        }
    }
}
