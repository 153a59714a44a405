//! A log that takes no writes before it is known to keep them. A process starts
//! without NATS, serves and reads; but a write must not be acknowledged by a log
//! whose strength nobody has looked at yet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use foldgate_log::{
    AppendError, Appended, Error, EventLog, Follow, JetStream, Position, Stop, Stored,
};
use foldgate_proto::{Encoded, LogId, Revision};

/// How often a log that cannot be reached is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// The log on NATS, behind the start-up check.
pub(crate) struct Gate {
    log: JetStream,
    checked: AtomicBool,
}

impl Gate {
    /// Closed.
    pub(crate) fn new(log: JetStream) -> Self {
        Self {
            log,
            checked: AtomicBool::new(false),
        }
    }

    /// Checks the log, as often as it takes to reach it, and opens.
    ///
    /// # Errors
    /// What the log falls short of.
    pub(crate) async fn open(&self, mut waiting: impl FnMut(&Error)) -> Result<(), Error> {
        loop {
            match self.log.check().await {
                Ok(()) => {
                    self.checked.store(true, Ordering::Release);
                    return Ok(());
                }
                Err(error @ Error::Unavailable(_)) => waiting(&error),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(AGAIN).await;
        }
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
        if !self.checked.load(Ordering::Acquire) {
            return Err(AppendError {
                written: 0,
                stop: Stop::Unavailable("its strength was not checked yet".to_owned()),
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
