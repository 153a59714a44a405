//! Places among the calls under way, over all nodes.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::Limited;
use foldgate_domain::limits::{Ask, Now, Unit};

use super::{Meters, PATIENCE, ask};

/// Places that a call has; dropping them gives them back.
pub(crate) struct Places {
    meters: Arc<Meters>,
    asks: Vec<Ask>,
    at: Now,
}

/// A Model has as many calls under way as it may.
pub(crate) struct Full;

impl Places {
    /// Those among what was taken.
    pub(super) fn of(meters: &Arc<Meters>, asks: &[Ask], at: Now) -> Self {
        let asks = asks.iter().filter(|ask| ask.kind.unit == Unit::Calls);
        Self {
            meters: Arc::clone(meters),
            asks: asks.copied().collect(),
            at,
        }
    }
}

impl Meters {
    /// Takes a place among the calls under way of a Model, over all nodes; `None` where
    /// there are no other nodes. Waits for other nodes to cede theirs if there is
    /// nowhere else to go.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub(crate) async fn place(
        self: &Arc<Self>,
        limited: Option<&Limited>,
        patient: bool,
    ) -> Result<Option<Places>, Full> {
        let Some(limited) = limited.filter(|_| self.fleet.is_some()) else {
            return Ok(None);
        };
        let asks = [ask(limited, 0)];
        let patience = if patient { PATIENCE } else { Duration::ZERO };
        let given = self.take(&asks, patience).await.map_err(|_| Full)?;
        Ok(Some(Places::of(self, &asks, given.at)))
    }

    /// Whether there are as many calls under way as there may be, as far as this node
    /// has heard.
    pub(crate) fn is_full(&self, limited: &Limited) -> bool {
        self.fleet.is_some() && {
            let now = self.now();
            self.lock().under_way(limited.id, now) >= limited.rule.limit
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if self.asks.is_empty() {
            return;
        }
        let now = self.meters.now();
        let mut ledger = self.meters.lock();
        for ask in &self.asks {
            ledger.settle(ask, 0, (self.at, now));
        }
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}
