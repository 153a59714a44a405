//! The log that a role works on: embedded, or on NATS.

use std::sync::Arc;

use foldgate_log::{Embedded, EventLog, JetStream, Reports};
use foldgate_runtime::{Component, DataDir, Shutdown};

use crate::base::Base;
use crate::exit::Failure;
use crate::fatal::Fatal;
use crate::gate::Gate;
use crate::storage::{LOG_FOLDER, OWNER_KEY_FILE, SNAPSHOT_FOLDER};
use crate::{health, nats};

/// An open log.
pub(crate) struct OpenLog {
    /// The log.
    pub(crate) log: Arc<dyn EventLog>,
    /// What nodes tell each other beside it.
    pub(crate) reports: Reports,
    /// Whether this process is alone with it.
    pub(crate) is_embedded: bool,
}

/// Opens the log that the settings name. One on NATS need not be reachable yet.
///
/// # Errors
/// When the embedded log is damaged or in use, or settings cannot be read.
pub(crate) async fn open(base: &Base) -> Result<OpenLog, Failure> {
    let component = base.health.component("log");
    if base.settings.nats.url.is_empty() {
        must_not_have_vanished(&base.data)?;
        let log = Embedded::open(&base.data.file(LOG_FOLDER)).await?;
        component.ready();
        return Ok(OpenLog {
            log: Arc::new(log),
            reports: Reports::local(),
            is_embedded: true,
        });
    }
    let nats = JetStream::open(nats::options(&base.settings, &base.node)).await?;
    let reports = Reports::nats(&nats);
    let shutdown = base.shutdown.clone();
    let log: Arc<dyn EventLog> = if base.settings.role.has_admin() {
        let gate = Arc::new(Gate::new(nats.clone()));
        let opening = open_gate(gate.clone(), component, base.fatal.clone());
        tokio::spawn(after(opening, nats, shutdown));
        gate
    } else {
        component.degraded("not connected to NATS yet");
        tokio::spawn(after(async { Some(component) }, nats.clone(), shutdown));
        Arc::new(nats)
    };
    Ok(OpenLog {
        log,
        reports,
        is_embedded: false,
    })
}

/// A first start makes the log before all that depends on it. Where only that is
/// left, an empty log would throw away what was acknowledged, without a word.
fn must_not_have_vanished(data: &DataDir) -> Result<(), Failure> {
    let log = data.file(LOG_FOLDER);
    let left: Vec<&str> = [SNAPSHOT_FOLDER, OWNER_KEY_FILE]
        .into_iter()
        .filter(|name| data.file(name).exists())
        .collect();
    if log.exists() || left.is_empty() {
        return Ok(());
    }
    Err(Failure::io(format!(
        "the log is gone: {} does not exist, but {} of it in {}; put the log back, \
         or name another data directory to begin anew",
        log.display(),
        match left.as_slice() {
            [one] => format!("{one} is left"),
            all => format!("{} are left", all.join(" and ")),
        },
        data.path().display()
    )))
}

async fn open_gate(gate: Arc<Gate>, component: Component, fatal: Fatal) -> Option<Component> {
    let opened = gate
        .open(|error| component.not_ready(error.to_string()))
        .await;
    match opened {
        Ok(()) => Some(component),
        Err(error) => {
            fatal.raise(error.into());
            None
        }
    }
}

async fn after(
    opening: impl Future<Output = Option<Component>>,
    nats: JetStream,
    shutdown: Shutdown,
) {
    let watching = async {
        if let Some(component) = opening.await {
            health::watch_connection(nats, component).await;
        }
    };
    tokio::select! {
        () = watching => {}
        () = shutdown.draining() => {}
    }
}

#[cfg(test)]
mod tests;
