//! Appending: pipelined publishes, each at its expected revision, and the
//! settling of outcomes nobody knows.
//!
//! The records of a group are sent without waiting in between. The expected
//! revision alone would not protect them: if another writer's record slips in
//! between two of ours, the second of ours would be refused, but the third would
//! again find the revision it expects, behind a record it was not decided on.
//! So each also names the id of the record it must follow.

use std::time::Duration;

use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use foldgate_proto::{Encoded, RecordId, Revision, names};
use tokio::time::Instant;

use super::Inner;
use crate::event_log::APPEND_DEADLINE;
use crate::{AppendError, Appended, Error, Position, Stop, chain};

/// The pause before a record is sent again; doubles up to the greatest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_millis(400);

/// A group on its way.
struct Writing<'a> {
    log: &'a Inner,
    expected: Revision,
    group: &'a [Encoded],
    /// How many records are known to stand.
    done: usize,
    /// Whether the first record that is not known to stand may come to stand.
    maybe: bool,
}

/// Why an attempt stopped.
enum Fault {
    /// Refused for the revision or the record it expects.
    Expectation,
    /// Refused for another reason.
    Refused(String),
    /// Handed to nobody.
    Unsent(String),
    /// Nobody knows.
    Unknown(String),
}

pub(super) async fn append(
    log: &Inner,
    expected: Revision,
    group: &[Encoded],
) -> Result<Appended, AppendError> {
    let deadline = Instant::now() + APPEND_DEADLINE;
    let stopped = |stop| AppendError { written: 0, stop };
    let before = before(log, expected, deadline).await.map_err(stopped)?;
    chain::admit(before.hash, group).map_err(|reason| stopped(Stop::Refused(reason)))?;
    let mut writing = Writing {
        log,
        expected,
        group,
        done: 0,
        maybe: false,
    };
    let result = writing.run(deadline).await;
    let written = writing.done;
    if let Some(last) = written.checked_sub(1).and_then(|last| group.get(last)) {
        log.learn(Position {
            revision: writing.next(),
            hash: last.hash,
        });
    }
    match result {
        Ok(head) => Ok(Appended { head }),
        Err(stop) => {
            if let Stop::Conflict { head } = &stop {
                log.learn(*head);
                metrics::counter!("foldgate_log_append_conflicts_total").increment(1);
            }
            Err(AppendError { written, stop })
        }
    }
}

/// An append whose task ended before it could say anything.
pub(super) fn given_up(id: Option<RecordId>, error: &str) -> AppendError {
    AppendError {
        written: 0,
        stop: match id {
            Some(id) => Stop::Unknown { id },
            None => Stop::Unavailable(error.to_owned()),
        },
    }
}

/// What stands at the revision the group was decided on.
async fn before(log: &Inner, expected: Revision, deadline: Instant) -> Result<Position, Stop> {
    if let Some(known) = log.known().filter(|known| known.revision == expected) {
        return Ok(known);
    }
    if expected == Revision::ZERO {
        let log_id = until(deadline, || log.log_id()).await?;
        return Ok(Position::genesis(log_id));
    }
    let connected = log.connection.connected(deadline).await;
    connected.map_err(|error| Stop::Unavailable(error.to_string()))?;
    if let Some(stored) = until(deadline, || log.hub.get(expected)).await? {
        return Ok(stored.position());
    }
    let head = head(log, deadline).await?;
    Err(Stop::Conflict { head })
}

async fn head(log: &Inner, deadline: Instant) -> Result<Position, Stop> {
    if let Some(stored) = until(deadline, || log.hub.last()).await? {
        return Ok(stored.position());
    }
    let log_id = until(deadline, || log.log_id()).await?;
    Ok(Position::genesis(log_id))
}

/// Asks until there is an answer or the deadline has passed.
async fn until<T, F: Future<Output = Result<T, Error>>>(
    deadline: Instant,
    ask: impl Fn() -> F,
) -> Result<T, Stop> {
    let mut pause = FIRST_PAUSE;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() + pause >= deadline => {
                return Err(Stop::Unavailable(error.to_string()));
            }
            Err(error) => tracing::debug!(%error, "asking the log again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

impl Writing<'_> {
    /// The last revision that is known to be ours (or was there before).
    fn next(&self) -> Revision {
        Revision(self.expected.0.saturating_add(self.done as u64))
    }

    fn position(&self, done: usize) -> Position {
        let hash = self.group[done].hash;
        let revision = Revision(self.expected.0.saturating_add(done as u64 + 1));
        Position { revision, hash }
    }

    async fn run(&mut self, deadline: Instant) -> Result<Position, Stop> {
        let mut pause = FIRST_PAUSE;
        loop {
            let connected = self.log.connection.connected(deadline).await;
            connected.map_err(|error| self.give_up(&error.to_string()))?;
            let Some(fault) = self.send().await? else {
                return Ok(self.position(self.group.len() - 1));
            };
            metrics::counter!("foldgate_log_append_settled_total").increment(1);
            let reason = match &fault {
                Fault::Unknown(reason) => {
                    self.maybe = true;
                    reason.clone()
                }
                Fault::Refused(reason) | Fault::Unsent(reason) => reason.clone(),
                Fault::Expectation => "the log refused the expected revision".to_owned(),
            };
            tracing::debug!(reason, record = %self.group[self.done].id, "settling an append");
            if self.settle(deadline, &fault, &reason).await? {
                return Ok(self.position(self.group.len() - 1));
            }
            if Instant::now() + pause >= deadline {
                return Err(self.give_up(&reason));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Reads what stands where the record should, and says whether all is done.
    async fn settle(
        &mut self,
        deadline: Instant,
        fault: &Fault,
        reason: &str,
    ) -> Result<bool, Stop> {
        loop {
            let wanted = self.position(self.done);
            let found = until(deadline, || self.log.hub.get(wanted.revision)).await;
            match found.map_err(|_| self.give_up(reason))? {
                Some(stored) if stored.hash == wanted.hash => {
                    self.done += 1;
                    self.maybe = false;
                    if self.done == self.group.len() {
                        return Ok(true);
                    }
                    // Those behind it may stand as well: look on only if they were
                    // sent and nobody knows; else they are simply sent again.
                    if !matches!(fault, Fault::Unknown(_)) {
                        return Ok(false);
                    }
                    self.maybe = true;
                }
                Some(other) => {
                    return Err(Stop::Conflict {
                        head: other.position(),
                    });
                }
                None => break,
            }
        }
        match fault {
            Fault::Expectation => {
                let head = head(self.log, deadline).await;
                let head = head.map_err(|_| self.give_up(reason))?;
                // The record before it is not there (any more).
                if head.revision < self.next() && !self.maybe {
                    return Err(Stop::Conflict { head });
                }
            }
            Fault::Refused(_) if !self.maybe => return Err(Stop::Unavailable(reason.to_owned())),
            Fault::Refused(_) | Fault::Unsent(_) | Fault::Unknown(_) => {}
        }
        Ok(false)
    }

    fn give_up(&self, reason: &str) -> Stop {
        if self.maybe {
            let id = self.group[self.done].id;
            return Stop::Unknown { id };
        }
        Stop::Unavailable(reason.to_owned())
    }

    /// Sends all that is not done, then counts what was acknowledged.
    async fn send(&mut self) -> Result<Option<Fault>, Stop> {
        let mut acks = Vec::new();
        let mut unsent = None;
        for number in self.done..self.group.len() {
            match self.publish(number).await {
                Ok(ack) => acks.push(ack),
                Err(error) => {
                    unsent = Some(fault(&error, false));
                    break;
                }
            }
        }
        for ack in acks {
            let wanted = self.position(self.done);
            match ack.await {
                Ok(ack) if ack.sequence == wanted.revision.0 => {
                    self.done += 1;
                    self.maybe = false;
                }
                // It already stands elsewhere: it was appended before.
                Ok(ack) => {
                    let head = self.log.hub.last().await.ok().flatten();
                    let revision = Revision(ack.sequence);
                    return Err(Stop::Conflict {
                        head: head.map_or(Position { revision, ..wanted }, |head| head.position()),
                    });
                }
                Err(error) => return Ok(Some(fault(&error, true))),
            }
        }
        Ok(unsent)
    }

    async fn publish(&self, number: usize) -> Result<PublishAckFuture, PublishError> {
        let record = &self.group[number];
        let at = self.expected.0.saturating_add(number as u64);
        let mut message = PublishMessage::build()
            .payload(Bytes::copy_from_slice(&record.bytes))
            .message_id(record.id.to_string())
            .expected_stream(self.log.hub.stream())
            .expected_last_sequence(at);
        if number > self.done {
            message = message.expected_last_message_id(self.group[number - 1].id.to_string());
        }
        let subject = names::log_subject(record.owner, &names::token(&record.command));
        self.log.hub.context().send_publish(subject, message).await
    }
}

fn fault(error: &PublishError, sent: bool) -> Fault {
    let reason = error.to_string();
    match error.kind() {
        PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => {
            Fault::Expectation
        }
        // 503 no responders: no stream heard it, for instance during an election.
        PublishErrorKind::StreamNotFound | PublishErrorKind::MaxAckPending => Fault::Unsent(reason),
        PublishErrorKind::MaxPayloadExceeded => Fault::Refused(reason),
        PublishErrorKind::Other if sent => Fault::Refused(reason),
        _ => Fault::Unknown(reason),
    }
}
