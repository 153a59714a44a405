//! A group of commands, decided one behind the other on a speculative state.
//! Pure but for the caller's clock: nothing is written here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use foldgate_domain::{Context, Rejection, State, decide};
use foldgate_log::event_log::{MAX_GROUP, MAX_GROUP_BYTES};
use foldgate_proto::record::MAX_BYTES;
use foldgate_proto::{Encoded, RecordId, Timestamp};

use super::{Settled, Submission};
use crate::error::Error;

/// The version that records name as their writer's.
pub(crate) const WRITER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Decided commands, and the records to append for them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// One per command, in order; may be fewer than there were commands.
    pub steps: Vec<Step>,
    /// What to append at the base's revision.
    pub records: Vec<Encoded>,
    /// The state when all of them are written.
    pub state: State,
}

/// One decided command.
#[derive(Debug)]
pub(crate) struct Step {
    /// How many of the plan's records must be written for it to hold: with its
    /// own, if it has one.
    pub needs: usize,
    /// Whether the last of these is its own.
    pub writes: bool,
    /// What its client is told once it holds.
    pub verdict: Result<Settled, Error>,
}

impl Plan {
    /// Decides as many commands as fit into one group.
    pub(crate) fn new<'s>(
        base: State,
        commands: impl IntoIterator<Item = (&'s Submission, RecordId)>,
        now: Timestamp,
    ) -> Self {
        let mut plan = Self {
            steps: Vec::new(),
            records: Vec::new(),
            state: base,
        };
        let mut bytes = 0;
        for (submission, record) in commands {
            if plan.steps.len() >= MAX_GROUP || bytes + MAX_BYTES > MAX_GROUP_BYTES {
                break;
            }
            let step = plan.decide(submission, record, now);
            if step.writes {
                bytes += plan.records.last().map_or(0, |last| last.bytes.len());
            }
            plan.steps.push(step);
        }
        plan
    }

    /// Whether a command was refused.
    pub(crate) fn refuses(&self) -> bool {
        self.steps.iter().any(|step| step.verdict.is_err())
    }

    fn decide(&mut self, submission: &Submission, record: RecordId, now: Timestamp) -> Step {
        let decided = catch_unwind(AssertUnwindSafe(|| {
            outcome(&self.state, submission, record, now)
        }));
        let outcome = decided.unwrap_or_else(|_| {
            tracing::error!(
                command = submission.command.name(),
                "deciding a command panicked"
            );
            Err(Error::Internal)
        });
        match outcome {
            Ok((encoded, settled)) => {
                let writes = encoded.is_some();
                if let Some(encoded) = encoded {
                    self.records.push(encoded);
                    self.state = settled.state.clone();
                }
                Step {
                    needs: self.records.len(),
                    writes,
                    verdict: Ok(settled),
                }
            }
            Err(error) => Step {
                needs: self.records.len(),
                writes: false,
                verdict: Err(error),
            },
        }
    }
}

/// What a command would come to now, without any intention to write it.
///
/// # Errors
/// As when it is submitted.
pub(crate) fn preview(
    state: &State,
    submission: &Submission,
    record: RecordId,
    now: Timestamp,
) -> Result<Settled, Error> {
    outcome(state, submission, record, now).map(|(_, settled)| settled)
}

fn outcome(
    state: &State,
    submission: &Submission,
    record: RecordId,
    now: Timestamp,
) -> Result<(Option<Encoded>, Settled), Error> {
    if let Some(settled) = replay(state, submission)? {
        return Ok((None, settled));
    }
    let Submission { owner, command, .. } = submission;
    let context = context(submission, record, now);
    let decision = decide(state, *owner, command, &context)?;
    let mut settled = Settled {
        state: state.clone(),
        warnings: decision.warnings.iter().map(ToString::to_string).collect(),
        events: decision.events,
        record: None,
        replayed: None,
    };
    if settled.events.is_empty() {
        return Ok((None, settled));
    }
    let events = settled.events.clone();
    let entry = foldgate_domain::decide::record(state, *owner, command, &context, events);
    let encoded = entry
        .encode()
        .map_err(|error| Error::TooLargeToWrite(error.to_string()))?;
    settled
        .state
        .apply(state.revision.next(), encoded.hash, &entry);
    settled.record = Some(record);
    Ok((Some(encoded), settled))
}

/// The outcome of the same request, if its retry key was used before.
fn replay(state: &State, submission: &Submission) -> Result<Option<Settled>, Error> {
    let Some(idempotency) = &submission.stamp.idempotency else {
        return Ok(None);
    };
    let key = (submission.owner, idempotency.key.clone());
    let Some(replay) = state.idempotency.get(&key) else {
        return Ok(None);
    };
    if replay.request_hash != idempotency.request_hash {
        return Err(Rejection::IdempotencyMismatch.into());
    }
    Ok(Some(Settled {
        state: state.clone(),
        events: Vec::new(),
        warnings: Vec::new(),
        record: Some(replay.record),
        replayed: Some(replay.clone()),
    }))
}

fn context(submission: &Submission, record: RecordId, now: Timestamp) -> Context {
    let stamp = &submission.stamp;
    Context {
        now,
        record,
        actor: submission.actor.clone(),
        address: stamp.address.clone(),
        request_id: stamp.request_id.clone(),
        reason: stamp.reason.clone(),
        idempotency: stamp.idempotency.clone(),
        precondition: submission.precondition.clone(),
        writer_version: WRITER_VERSION.to_owned(),
    }
}

#[cfg(test)]
mod tests;
