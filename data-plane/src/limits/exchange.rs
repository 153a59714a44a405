//! The exchange of counts with other nodes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Meters;
use crate::account::metrics;

/// How often it is looked at what is to be said: a limit that is near is told of at
/// every second look.
const LOOK: Duration = Duration::from_millis(25);

/// How often a node without others drops what is not in use.
const TIDY: Duration = Duration::from_secs(1);

/// The pause after hearing failed.
const AGAIN: Duration = Duration::from_secs(1);

impl Meters {
    /// Says what is to be said, for good.
    pub(crate) async fn speak(self: Arc<Self>) {
        let pause = if self.fleet.is_some() { LOOK } else { TIDY };
        let mut tick = interval(pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let now = self.now();
            let (said, nodes) = {
                let mut ledger = self.lock();
                (ledger.tick(now), ledger.divided_among(now))
            };
            metrics::limit_nodes(nodes);
            if let Some((counting, _)) = &self.fleet {
                for counts in &said {
                    counting.send(counts).await;
                }
            }
        }
    }

    /// Hears what others say, for good.
    pub(crate) async fn hear(self: Arc<Self>) {
        let Some((counting, place)) = &self.fleet else {
            return std::future::pending().await;
        };
        loop {
            let heard = counting.hear(&place.region, |counts| {
                let now = self.now();
                self.lock().hear(now, &counts);
            });
            if let Err(error) = heard.await {
                tracing::warn!(%error, "the counts of other nodes cannot be heard");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
