//! Appending: one record as one publish at its expected revision, a group as one
//! atomic batch; and the settling of outcomes nobody knows.
//!
//! A group is not sent as pipelined single publishes. If another writer's record
//! slips in between two of them, the second is refused, but the third again finds
//! the revision it expects, behind a record it was not decided on: a broken chain.
//! Naming the id of the record before it as well helps on a single server, but in
//! a cluster (2.15.1) the refusals leave the leader miscounting, and it then
//! refuses every expected revision until it is replaced.

use std::time::Duration;

use foldgate_proto::{Encoded, RecordId, Revision};
use tokio::time::Instant;

use super::Inner;
use super::publish::{Fault, publish};
use crate::event_log::APPEND_DEADLINE;
use crate::{AppendError, Appended, Error, Position, Stop, chain};

/// The pause before a record is sent again; doubles up to the greatest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_millis(400);

/// A group on its way.
struct Writing<'a> {
    log: &'a Inner,
    expected: Revision,
    /// What stands there.
    before: Position,
    /// The connection it was confirmed on.
    connects: u64,
    group: &'a [Encoded],
    /// How many records are known to stand.
    done: usize,
    /// Whether the first record that is not known to stand may come to stand.
    maybe: bool,
    /// Nothing has happened since what stands before it was confirmed.
    confirmed: bool,
    /// The stream takes no batches: one record at a time.
    single: bool,
}

pub(super) async fn append(
    log: &Inner,
    expected: Revision,
    group: &[Encoded],
) -> Result<Appended, AppendError> {
    let deadline = Instant::now() + APPEND_DEADLINE;
    let stopped = |stop| AppendError { written: 0, stop };
    let connected = log.connection.connected(deadline).await;
    connected.map_err(|error| stopped(Stop::Unavailable(error.to_string())))?;
    let connects = log.connection.connects();
    let before = before(log, expected, deadline).await.map_err(stopped)?;
    chain::admit(before.hash, group).map_err(|reason| stopped(Stop::Refused(reason)))?;
    let mut writing = Writing {
        log,
        expected,
        group,
        before,
        connects,
        done: 0,
        maybe: false,
        confirmed: true,
        single: false,
    };
    let result = writing.run(deadline).await;
    let written = writing.done;
    match result {
        Ok(head) => {
            log.learn(head, writing.connects);
            Ok(Appended { head })
        }
        Err(stop) => {
            log.forget();
            if let Stop::Conflict { .. } = &stop {
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
    if let Some(known) = log.known(expected) {
        return Ok(known);
    }
    read_before(log, expected, deadline).await
}

/// The same, by the word of the stream's leader.
async fn read_before(log: &Inner, expected: Revision, deadline: Instant) -> Result<Position, Stop> {
    if expected == Revision::ZERO {
        let log_id = until(deadline, || log.log_id()).await?;
        let there = until(deadline, || log.hub.log_id()).await?;
        if there != log_id {
            return Err(Stop::Refused(format!(
                "another log stands there: its id is {there}, and was {log_id}"
            )));
        }
        return Ok(Position::genesis(log_id));
    }
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
            self.confirm(deadline).await?;
            let Some(fault) = self.send().await? else {
                return Ok(self.position(self.group.len() - 1));
            };
            metrics::counter!("foldgate_log_append_settled_total").increment(1);
            let reason = fault.to_string();
            match fault {
                Fault::Unknown(_) => self.maybe = true,
                Fault::NoBatches => self.single = true,
                _ => {}
            }
            tracing::debug!(reason, record = %self.group[self.done].id, "settling an append");
            if self.settle(deadline, &fault, &reason).await? {
                return Ok(self.position(self.group.len() - 1));
            }
            // Whoever answers now may hold another history.
            self.confirmed = false;
            if Instant::now() + pause >= deadline {
                return Err(self.give_up(&reason));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Makes sure that the record before the next one is still the one it was
    /// decided on, once the connection or the stream's leader may be another: a
    /// server that came back with an older store may have been filled up to the
    /// same revision by another writer, and would take what breaks the chain.
    async fn confirm(&mut self, deadline: Instant) -> Result<(), Stop> {
        let connects = self.log.connection.connects();
        if self.confirmed && connects == self.connects {
            return Ok(());
        }
        let ours = match self.done.checked_sub(1) {
            Some(last) => self.position(last),
            None => self.before,
        };
        let there = match read_before(self.log, ours.revision, deadline).await {
            Ok(there) => there,
            Err(stop) if !self.maybe => return Err(stop),
            Err(stop) => return Err(self.give_up(&stop.to_string())),
        };
        if there != ours {
            let reason = format!(
                "another record stands at revision {} than the one it was decided behind: {} \
                 instead of {}",
                ours.revision, there.hash, ours.hash
            );
            return Err(if self.maybe {
                self.give_up(&reason)
            } else {
                Stop::Refused(reason)
            });
        }
        (self.connects, self.confirmed) = (connects, true);
        Ok(())
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
                    // Those behind it may stand as well: looked at in turn.
                    self.done += 1;
                    if self.done == self.group.len() {
                        return Ok(true);
                    }
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
            _ => {}
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

    /// Sends what is not done, and counts what was acknowledged. Answers nothing
    /// when all is done.
    async fn send(&mut self) -> Result<Option<Fault>, Stop> {
        while self.done < self.group.len() {
            let end = if self.single {
                self.done + 1
            } else {
                self.group.len()
            };
            let sent = &self.group[self.done..end];
            match publish(&self.log.connection, self.next(), sent).await {
                Ok(last) if last == self.position(end - 1).revision => {
                    self.done = end;
                    self.maybe = false;
                }
                // It already stands elsewhere: it was appended before.
                Ok(revision) => {
                    let head = self.log.hub.last().await.ok().flatten();
                    let seen = Position {
                        revision,
                        hash: self.group[end - 1].hash,
                    };
                    return Err(Stop::Conflict {
                        head: head.map_or(seen, |head| head.position()),
                    });
                }
                Err(fault) => return Ok(Some(fault)),
            }
        }
        Ok(None)
    }
}
