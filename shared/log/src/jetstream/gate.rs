//! A log that takes no writes before it is known to keep them. A process starts
//! without NATS, serves and reads; but a write must not be acknowledged by a log
//! whose strength nobody has looked at since the connection was made: the server
//! behind a new one may be another, with other settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use foldgate_proto::{Encoded, LogId, Revision};
use tokio::sync::Mutex;

use super::JetStream;
use crate::{AppendError, Appended, Error, EventLog, Follow, Position, Stop, Stored};

/// How long a write waits for a connection before it is refused.
const WAIT: Duration = Duration::from_secs(10);

/// The log on NATS, behind the check of its strength. It begins closed.
#[derive(Debug, Clone)]
pub struct Gate {
    log: JetStream,
    /// The connection on which it was found whole, counted from 1; 0 for none.
    checked: Arc<AtomicU64>,
    checking: Arc<Mutex<()>>,
}

impl Gate {
    /// Closed.
    pub fn new(log: JetStream) -> Self {
        Self {
            log,
            checked: Arc::default(),
            checking: Arc::default(),
        }
    }

    /// Whether writes pass without another look.
    pub fn is_open(&self) -> bool {
        self.log.is_connected() && self.checked.load(Ordering::Acquire) == self.log.connects()
    }

    /// Makes sure that the log is whole on this connection.
    ///
    /// A strength that was read before and cannot be read now, because a server of
    /// the cluster is away with its monitoring port, is no shortfall.
    ///
    /// # Errors
    /// What it falls short of; nothing is written until that is mended.
    pub async fn check(&self) -> Result<(), Error> {
        if self.is_open() {
            return Ok(());
        }
        let _one_at_a_time = self.checking.lock().await;
        if self.is_open() {
            return Ok(());
        }
        self.log.connected(WAIT).await?;
        let connects = self.log.connects();
        let known = self.checked.load(Ordering::Acquire) > 0;
        match self.log.check().await {
            Ok(()) => {}
            Err(error @ Error::StrengthUnknown(_)) if known => {
                tracing::warn!(%error, "the log was strong enough when that was last read");
            }
            Err(error) => return Err(error),
        }
        self.checked.store(connects, Ordering::Release);
        Ok(())
    }
}

#[async_trait]
impl EventLog for Gate {
    async fn log_id(&self) -> Result<LogId, Error> {
        self.log.log_id().await
    }

    async fn head(&self) -> Result<Position, Error> {
        self.log.head().await
    }

    async fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError> {
        if let Err(error) = self.check().await {
            return Err(AppendError {
                written: 0,
                stop: Stop::Unavailable(error.to_string()),
            });
        }
        self.log.append(expected, group).await
    }

    async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        self.log.read(from, max).await
    }

    fn follow(&self, from: Position) -> Follow {
        self.log.follow(from)
    }
}
