//! Where the log ends, as it says itself: so that a process whose fold stands still
//! knows that it lags.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use foldgate_log::{EventLog, Position};
use tokio::time::MissedTickBehavior;

/// How often the log is asked where it ends: one small request per node.
const LOOK: Duration = Duration::from_secs(5);

/// See the module. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source(Arc<Mutex<Known>>);

/// What the log last said, and when and why it last said nothing.
#[derive(Debug, Default)]
struct Known {
    seen: Option<Seen>,
    failed: Option<(DateTime<Utc>, String)>,
}

/// Where the log ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Its last record.
    pub(crate) end: Position,
    /// When that was so.
    pub(crate) at: DateTime<Utc>,
}

impl Source {
    /// Where it ended when it last answered.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.known().seen
    }

    /// When it last did not answer, and why.
    pub(crate) fn failed(&self) -> Option<(DateTime<Utc>, String)> {
        self.known().failed.clone()
    }

    /// A panic while the lock is held leaves what is still true.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks again and again, for ever.
    pub(crate) async fn watch(self, log: Arc<dyn EventLog>) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let head = log.head().await;
            let at = Utc::now();
            match head {
                Ok(end) => self.known().seen = Some(Seen { end, at }),
                Err(error) => {
                    tracing::debug!(%error, "where the log ends is not known");
                    self.known().failed = Some((at, error.to_string()));
                }
            }
        }
    }
}
