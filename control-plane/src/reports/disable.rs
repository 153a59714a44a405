//! A credential that its upstream refused, and refused again after a sleep, is
//! put out of use by a command. Every control plane that hears of it submits
//! one; the domain decides nothing for all but the first.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use foldgate_domain::Command;
use foldgate_domain::command::DisableKey;
use foldgate_log::Replica;
use foldgate_proto::{Actor, ActorKind, KeyId, Revision, SleepCause, SleepReport};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::request::Stamp;
use crate::writer::{Submission, Writer};

/// How many keys may wait to be put out of use. A report that finds no room
/// comes again with the next heartbeat.
const MAX_WAITING: usize = 1024;

/// One life of a key.
type Life = (KeyId, Revision);

/// Takes reports of dead keys; clones share one queue.
#[derive(Clone)]
pub(crate) struct Disabler {
    queue: mpsc::Sender<(Life, Submission)>,
    waiting: Arc<Mutex<BTreeSet<Life>>>,
    replica: Replica,
}

impl Disabler {
    /// A disabler and the task that submits for it, until `stop` is cancelled.
    pub(crate) fn new(
        writer: Writer,
        replica: Replica,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        let waiting: Arc<Mutex<BTreeSet<Life>>> = Arc::default();
        let task = run(writer, jobs, Arc::clone(&waiting), stop);
        let disabler = Self {
            queue,
            waiting,
            replica,
        };
        (disabler, task)
    }

    /// Queues a command if the report is of a key that is dead for good.
    pub(crate) fn consider(&self, report: &SleepReport) {
        let is_dead = report.cause == SleepCause::Dead && report.confirmed;
        if !is_dead || !self.is_in_use(report) {
            return;
        }
        let life = (report.key, report.generation.secret);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING || !waiting.insert(life) {
            return;
        }
        if self.queue.try_send((life, submission(report))).is_err() {
            waiting.remove(&life);
        }
    }

    fn is_in_use(&self, report: &SleepReport) -> bool {
        let table = self.replica.table();
        let key = table
            .state
            .owner(report.owner)
            .and_then(|o| o.key(report.key));
        key.is_some_and(|key| {
            key.disabled.is_none() && key.secret_revision == report.generation.secret
        })
    }
}

fn submission(report: &SleepReport) -> Submission {
    let by = Actor {
        kind: ActorKind::Node,
        name: report.node.clone(),
    };
    let reason = match (report.status, report.detail.is_empty()) {
        (Some(status), false) => format!("the upstream refused it ({status}): {}", report.detail),
        (Some(status), true) => format!("the upstream refused it ({status})"),
        (None, false) => format!("the upstream refused it: {}", report.detail),
        (None, true) => "the upstream refused it".to_owned(),
    };
    let disable = DisableKey {
        id: report.key,
        secret_revision: report.generation.secret,
        by: by.clone(),
        reason,
    };
    Submission {
        owner: report.owner,
        command: Command::DisableKey(disable),
        actor: by,
        stamp: Stamp::default(),
        precondition: None,
    }
}

async fn run(
    writer: Writer,
    mut jobs: mpsc::Receiver<(Life, Submission)>,
    waiting: Arc<Mutex<BTreeSet<Life>>>,
    stop: CancellationToken,
) {
    loop {
        let (life, submission) = tokio::select! {
            () = stop.cancelled() => return,
            job = jobs.recv() => match job {
                Some(job) => job,
                None => return,
            },
        };
        match writer.submit(submission).await {
            Ok(settled) if settled.events.is_empty() => {}
            Ok(_) => {
                metrics::counter!("foldgate_keys_disabled_total").increment(1);
                tracing::warn!(key = %life.0, "a key was put out of use");
            }
            // The next heartbeat brings the report again.
            Err(error) => tracing::warn!(key = %life.0, %error, "a dead key stays in use"),
        }
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&life);
    }
}
