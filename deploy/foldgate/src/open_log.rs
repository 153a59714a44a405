//! The log that a role works on: embedded, or on NATS.

use std::sync::Arc;
use std::time::Duration;

use foldgate_log::jetstream::Gate;
use foldgate_log::usage::Streams;
use foldgate_log::{Board, Embedded, Error, EventLog, JetStream, Reports};
use foldgate_runtime::{Component, Shutdown};

use crate::base::Base;
use crate::exit::Failure;
use crate::fatal::Fatal;
use crate::storage::{LOG_FOLDER, MAIL_FOLDER};
use crate::{health, nats};

mod vanished;

/// How often a log that cannot be reached is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// An open log.
pub(crate) struct OpenLog {
    /// The log.
    pub(crate) log: Arc<dyn EventLog>,
    /// What nodes tell each other beside it.
    pub(crate) reports: Reports,
    /// Where control planes agree on mails.
    pub(crate) mails: Board,
    /// Where what requests used is handed on.
    pub(crate) usage: Streams,
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
        vanished::check(&base.data)?;
        let log = Embedded::open(&base.data.file(LOG_FOLDER)).await?;
        component.ready();
        return Ok(OpenLog {
            log: Arc::new(log),
            reports: Reports::local(),
            mails: Board::local(&base.data.file(MAIL_FOLDER))?,
            usage: Streams::local(),
            is_embedded: true,
        });
    }
    let nats = JetStream::open(nats::options(&base.settings, &base.node)).await?;
    let reports = Reports::nats(&nats);
    let mails = Board::mails(&nats);
    let usage = Streams::nats(&nats);
    let shutdown = base.shutdown.clone();
    let log: Arc<dyn EventLog> = if base.settings.role.has_admin() {
        let gate = Gate::new(nats.clone());
        let watching = watch_gate(nats, gate.clone(), component, base.fatal.clone());
        tokio::spawn(until_draining(watching, shutdown));
        Arc::new(gate)
    } else {
        component.degraded("not connected to NATS yet");
        let watching = health::watch_connection(nats.clone(), None, component);
        tokio::spawn(until_draining(watching, shutdown));
        Arc::new(nats)
    };
    Ok(OpenLog {
        log,
        reports,
        mails,
        usage,
        is_embedded: false,
    })
}

/// Opens the gate, as often as it takes to reach the log, and watches it then. A
/// log that falls short at the start ends the process; later it only takes no writes.
async fn watch_gate(nats: JetStream, gate: Gate, component: Component, fatal: Fatal) {
    loop {
        match gate.check().await {
            Ok(()) => break,
            Err(error @ Error::Unavailable(_)) => component.not_ready(error.to_string()),
            Err(error) => return fatal.raise(error.into()),
        }
        tokio::time::sleep(AGAIN).await;
    }
    health::watch_connection(nats, Some(gate), component).await;
}

/// Runs until the process is told to end.
pub(crate) async fn until_draining(watching: impl Future<Output = ()>, shutdown: Shutdown) {
    tokio::select! {
        () = watching => {}
        () = shutdown.draining() => {}
    }
}
