//! This node's sign of life: what the fleet view shows of it, and the sleeps it
//! caused, so that lost reports heal.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::Utc;
use foldgate_control_plane::ControlPlane;
use foldgate_data_plane::Sleeps;
use foldgate_log::{Replica, Reports};
use foldgate_proto::report::MAX_HEARTBEAT_SLEEPS;
use foldgate_proto::{Heartbeat, KeyId, Role, SleepReport, Timestamp};
use uuid::Uuid;

/// A change is told at once, but a burst of changes not more often than this:
/// the fleet view follows within a fraction of a second all the same.
const LEAST_GAP: Duration = Duration::from_millis(200);

/// What a sign of life is made of.
#[derive(Clone)]
pub(crate) struct Pulse {
    /// This node's name.
    pub(crate) node: String,
    /// Its region.
    pub(crate) region: String,
    /// What it does.
    pub(crate) role: Role,
    /// This run of the process.
    pub(crate) boot: Uuid,
    /// Its listeners.
    pub(crate) listeners: Vec<String>,
    /// Where its days begin.
    pub(crate) time_zone: String,
    /// Its fold.
    pub(crate) replica: Replica,
    /// The sleeps its proxy knows, if it has one.
    pub(crate) proxy: Option<Arc<Sleeps>>,
    /// Its control plane, if it has one. It is asked while it is there; to hold it
    /// would keep it from ending.
    pub(crate) control: Weak<ControlPlane>,
}

impl Pulse {
    /// Tells the fleet, on every change and at least every `interval`, for ever.
    pub(crate) async fn beat(self, reports: Reports, interval: Duration) {
        let mut changes = self.replica.watch();
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                Ok(()) = changes.changed() => {}
            }
            reports.publish_heartbeat(self.now());
            tokio::time::sleep(LEAST_GAP.min(interval)).await;
        }
    }

    /// How this process is at this moment.
    pub(crate) fn now(&self) -> Heartbeat {
        let control = self
            .control
            .upgrade()
            .map(|control| control.heartbeat(self.boot));
        let proxy = self.proxy.as_ref().map(|sleeps| sleeps.sleeping());
        let known = control.as_ref().map_or(0, |beat| beat.sleeping_total);
        let (own, total) = proxy.unwrap_or_default();
        let others = control.map(|beat| beat.sleeping).unwrap_or_default();
        let status = self.replica.status();
        Heartbeat {
            node: self.node.clone(),
            region: self.region.clone(),
            role: self.role,
            version: crate::base::VERSION.to_owned(),
            boot: self.boot,
            at: Timestamp::from(Utc::now()),
            revision: status.revision,
            chain: status.chain,
            state_hash: status.state_hash,
            held: status.held.map(|held| held.reason),
            listeners: self.listeners.clone(),
            sleeping: newest(own, others),
            sleeping_total: total.max(known),
            time_zone: Some(self.time_zone.clone()),
        }
    }
}

/// One report per key and model, the stronger one.
fn newest(own: Vec<SleepReport>, others: Vec<SleepReport>) -> Vec<SleepReport> {
    let mut newest: HashMap<(KeyId, Option<String>), SleepReport> = HashMap::new();
    for report in own.into_iter().chain(others) {
        let place = (report.key, report.model.clone());
        let stronger = newest.get(&place).is_none_or(|known| {
            (known.generation, known.until) < (report.generation, report.until)
        });
        if stronger {
            newest.insert(place, report);
        }
    }
    newest.into_values().take(MAX_HEARTBEAT_SLEEPS).collect()
}

#[cfg(test)]
mod tests;
