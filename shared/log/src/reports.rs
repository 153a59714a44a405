//! What nodes tell each other beside the log: sleeps and signs of life. Reports
//! are state, not history. Publishing never blocks and never fails: a report that
//! is lost heals with the next heartbeat.

mod again;
mod counting;
mod made;
mod nats;
mod queue;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldgate_proto::report::MAX_REPORT_BYTES;
use foldgate_proto::{Heartbeat, MadeWord, Purses, SleepReport, names, report};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{Error, JetStream};
use queue::Queue;

pub use again::Again;
pub use counting::Counting;

/// How many reports a slow reader may be behind before it loses the oldest.
const BACKLOG: usize = 4096;

/// How many sleeps are remembered for those who join late, inside one process.
const LAST_SLEEPS: usize = 100_000;

/// How often a process that lives looks for kept reports that it did not hear, give or
/// take a fifth: while a link was cut, who could repeat them may have died.
pub const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// A report, from this process or another.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// A key was put to sleep or woken.
    Sleep(Arc<SleepReport>),
    /// A node lives.
    Heartbeat(Arc<Heartbeat>),
    /// These accounts may spend no more.
    Purses(Arc<Purses>),
}

/// A handle on the report streams.
#[derive(Clone)]
pub struct Reports {
    kind: Kind,
    heard: broadcast::Sender<Report>,
    made: broadcast::Sender<MadeWord>,
    /// A queue of its own: there may be many, and a sleep must not wait behind them.
    words: Option<Arc<Queue>>,
}

#[derive(Clone)]
enum Kind {
    Local(Arc<Mutex<BTreeMap<String, Arc<SleepReport>>>>),
    Nats(Arc<Queue>, Arc<nats::Streams>),
}

impl Reports {
    /// Reports inside one process: standalone on the embedded log.
    pub fn local() -> Self {
        Self {
            kind: Kind::Local(Arc::default()),
            heard: broadcast::Sender::new(BACKLOG),
            made: broadcast::Sender::new(BACKLOG),
            words: None,
        }
    }

    /// Reports over the log's own connection to NATS.
    pub fn nats(log: &JetStream) -> Self {
        let heard = broadcast::Sender::new(BACKLOG);
        let queue = Arc::new(Queue::new());
        let streams = Arc::new(nats::Streams::new(log));
        nats::start(log.connection(), &queue, &heard);
        let made = broadcast::Sender::new(BACKLOG);
        let words = Arc::new(Queue::new());
        nats::start_words(log.connection(), &words, &made);
        Self {
            kind: Kind::Nats(queue, streams),
            heard,
            made,
            words: Some(words),
        }
    }

    /// Tells everybody that a key sleeps or woke.
    pub fn publish_sleep(&self, sleep: SleepReport) {
        let subject = names::sleep_subject(&sleep);
        match &self.kind {
            Kind::Local(last) => {
                let sleep = Arc::new(sleep);
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.len() >= LAST_SLEEPS {
                    last.retain(|_, other| other.until > sleep.at);
                }
                if last.len() < LAST_SLEEPS || last.contains_key(&subject) {
                    last.insert(subject, sleep.clone());
                }
                drop(last);
                // Nobody may be listening.
                let _ = self.heard.send(Report::Sleep(sleep));
            }
            Kind::Nats(queue, _) => send(queue, subject, &sleep),
        }
    }

    /// Tells everybody that this node lives.
    pub fn publish_heartbeat(&self, heartbeat: Heartbeat) {
        match &self.kind {
            Kind::Local(_) => {
                let _ = self.heard.send(Report::Heartbeat(Arc::new(heartbeat)));
            }
            Kind::Nats(queue, _) => {
                let subject = names::heartbeat_subject(&heartbeat.region, &heartbeat.node);
                send(queue, subject, &heartbeat);
            }
        }
    }

    /// Tells everybody which accounts may spend no more.
    pub fn publish_purses(&self, purses: Purses) {
        match &self.kind {
            Kind::Local(_) => {
                let _ = self.heard.send(Report::Purses(Arc::new(purses)));
            }
            Kind::Nats(queue, _) => {
                let subject = names::purse_subject(purses.owner, &purses.node);
                send(queue, subject, &purses);
            }
        }
    }

    /// Hears every report from now on, this process's own included. A reader that
    /// lags loses the oldest and is told so by the receiver.
    pub fn subscribe(&self) -> broadcast::Receiver<Report> {
        self.heard.subscribe()
    }

    /// What tells of the kept reports that came since they were loaded: all of them
    /// about every `pause` (see [`LOOK_AGAIN`]), and after each reconnect.
    pub fn again(&self, pause: Duration) -> Again {
        let streams = match &self.kind {
            Kind::Local(_) => None,
            Kind::Nats(_, streams) => Some(streams.clone()),
        };
        Again::new(streams, pause)
    }

    /// What carries counts of rate limits between nodes; `None` within one process,
    /// which has nobody to tell.
    pub fn counting(&self) -> Option<Counting> {
        match &self.kind {
            Kind::Local(_) => None,
            Kind::Nats(_, streams) => Some(Counting::new(streams.connection().clone())),
        }
    }

    /// The last report per key and model, for a process that joins late. Subscribe
    /// first, then load: nothing is missed between the two.
    ///
    /// # Errors
    /// When no stream of reports answers.
    pub async fn load(&self) -> Result<Vec<SleepReport>, Error> {
        match &self.kind {
            Kind::Local(last) => {
                let last = last.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(last.values().map(|sleep| (**sleep).clone()).collect())
            }
            Kind::Nats(_, streams) => streams.load().await,
        }
    }
}

fn send<T: Serialize>(queue: &Queue, subject: String, sent: &T) {
    match report::encode(sent) {
        Ok(bytes) if bytes.len() <= MAX_REPORT_BYTES => queue.push(subject, bytes.into()),
        Ok(bytes) => tracing::error!(subject, bytes = bytes.len(), "a report is too large"),
        Err(error) => tracing::error!(subject, %error, "a report cannot be encoded"),
    }
}
