//! Looking again at the reports that are kept. What is heard is gone once it was
//! missed: a node that was cut off from another region hears of a sleep there only
//! while the node lives that repeats it. What the streams keep outlives both.

use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::SleepReport;
use tokio::time::Instant;

use super::nats::Streams;
use crate::Error;
use crate::jetstream::{Connection, jittered};

/// The pause after a reconnect: all of a fleet may come back at the same moment.
const AFTER_RECONNECT: Duration = Duration::from_secs(1);

/// See [`Reports::again`](super::Reports::again).
pub struct Again {
    kept: Option<Kept>,
    pause: Duration,
}

struct Kept {
    streams: Arc<Streams>,
    connection: Connection,
    next: Instant,
    /// All is read once more: what was read before may be another server's.
    whole: bool,
}

impl Again {
    pub(super) fn new(streams: Option<Arc<Streams>>, pause: Duration) -> Self {
        let kept = streams.map(|streams| Kept {
            connection: streams.connection().clone(),
            next: Instant::now() + jittered(pause),
            // Nobody says whether they were loaded, or what was missed since.
            whole: true,
            streams,
        });
        Self { kept, pause }
    }

    /// Waits for reports that may be new, which are at least one. Within one process
    /// none is ever missed, and none comes.
    pub async fn next(&mut self) -> Vec<SleepReport> {
        let Some(kept) = &mut self.kept else {
            return std::future::pending().await;
        };
        loop {
            kept.due().await;
            kept.next = Instant::now() + jittered(self.pause);
            match kept.look().await {
                Ok(found) if found.is_empty() => {}
                Ok(found) => return found,
                Err(error) => tracing::debug!(%error, "the kept reports cannot be read now"),
            }
        }
    }
}

impl Kept {
    async fn due(&mut self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(self.next) => return,
                () = self.connection.reconnected() => {
                    self.whole = true;
                    let soon = Instant::now() + jittered(AFTER_RECONNECT);
                    self.next = self.next.min(soon);
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<SleepReport>, Error> {
        if !self.whole {
            return self.streams.newer().await;
        }
        let found = self.streams.load().await?;
        self.whole = false;
        Ok(found)
    }
}
