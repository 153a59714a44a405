//! What `/readyz` and `/status/fold` say of the log and the fold.

use std::sync::Arc;
use std::time::Duration;

use foldgate_data_plane::{Pools, Skipped};
use foldgate_log::jetstream::Gate;
use foldgate_log::replica::Status;
use foldgate_log::{Error, JetStream, Replica};
use foldgate_runtime::Component;
use serde_json::{Value, json};

/// How often the connection is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Follows the connection to NATS, and how reading and writing the log go. Without
/// them a process serves on what it has.
pub(crate) async fn watch_connection(nats: JetStream, gate: Option<Gate>, component: Component) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !nats.is_connected() {
            let why = nats.disconnected().map(|why| format!(": {why}"));
            component.degraded(format!("no connection to NATS{}", why.unwrap_or_default()));
        } else if let Some(trouble) = nats.trouble() {
            component.degraded(trouble.reason);
        } else if let Some(Err(error)) = checked(gate.as_ref()).await {
            component.degraded(format!("writes are refused: {error}"));
        } else {
            component.ready();
        }
    }
}

async fn checked(gate: Option<&Gate>) -> Option<Result<(), Error>> {
    Some(gate?.check().await)
}

/// Follows the fold until it ends.
pub(crate) async fn watch_fold(replica: Replica, component: Component) {
    let mut changes = replica.watch();
    loop {
        let status = changes.borrow_and_update().clone();
        tell(&status, &component);
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn tell(status: &Status, component: &Component) {
    if !status.ready {
        component.not_ready("no snapshot, and the log was not read yet");
    } else if let Some(held) = &status.held {
        component.degraded(format!(
            "held before revision {}: {}; serving revision {}",
            held.revision, held.reason, status.revision
        ));
    } else if status.caught_up {
        component.ready();
    } else {
        component.degraded(format!(
            "serving revision {}, the log was not read to its end yet",
            status.revision
        ));
    }
}

/// Follows the keys that cannot be used here, until the fold ends. A wrong
/// master key would show as routes without keys and nothing else.
pub(crate) async fn watch_secrets(replica: Replica, pools: Arc<Pools>, component: Component) {
    let mut changes = replica.watch();
    loop {
        changes.borrow_and_update();
        match unusable(&pools) {
            None => component.ready(),
            Some(reason) => component.degraded(reason),
        }
        if changes.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How many keys cannot be used here, and why the first of them cannot. One line
/// for all of them: with a wrong master key it is every key there is.
fn unusable(pools: &Pools) -> Option<String> {
    let mut left_out = pools.skipped();
    left_out.sort_by_key(|(owner, number, _)| (*owner, *number));
    let (_, number, why) = left_out.first()?;
    let is_sealed = |(_, _, why): &(_, _, Skipped)| matches!(why, Skipped::Sealed(_));
    let hint = if left_out.iter().any(is_sealed) {
        "; is this the master key that sealed them?"
    } else {
        ""
    };
    Some(format!(
        "{} provider keys are left out (key {number}: {why}){hint}",
        left_out.len()
    ))
}

/// The page `/status/fold`.
pub(crate) fn page(replica: &Replica) -> Value {
    let status = replica.status();
    let state_hash = status.state_hash.map(|hash| {
        json!({
            "revision": hash.revision.0,
            "hash": hash.hash.to_string(),
            "fold_version": hash.fold_version,
        })
    });
    json!({
        "revision": status.revision.0,
        "chain": status.log_known.then(|| status.chain.to_string()),
        "ready": status.ready,
        "caught_up": status.caught_up,
        "held": status.held.map(|held| json!({ "revision": held.revision.0, "reason": held.reason })),
        "state_hash": state_hash,
    })
}
