//! What every serving role stands on: its directory, keys, telemetry, health,
//! and the word that it is time to end.

use foldgate_runtime::settings::{Loaded, Settings};
use foldgate_runtime::telemetry::{self, Identity, Telemetry};
use foldgate_runtime::{AccessLog, DataDir, Health, Metrics, Shutdown};
use foldgate_vault::Vault;
use uuid::Uuid;

use crate::exit::Failure;
use crate::fatal::Fatal;
use crate::keys;

/// The program's version, as it is told everywhere.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// See the module.
pub(crate) struct Base {
    /// Valid settings.
    pub(crate) settings: Settings,
    /// This node's name.
    pub(crate) node: String,
    /// This run of the process.
    pub(crate) boot: Uuid,
    /// The node's own directory, locked.
    pub(crate) data: DataDir,
    /// What seals and opens secrets.
    pub(crate) vault: Vault,
    /// How each part is.
    pub(crate) health: Health,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// One line per request.
    pub(crate) access: AccessLog,
    /// The word to end.
    pub(crate) shutdown: Shutdown,
    /// What ends the process with a failure.
    pub(crate) fatal: Fatal,
    telemetry: Telemetry,
}

impl Base {
    /// Takes the directory, reads the keys, starts telemetry and listens to
    /// signals. To be called within the runtime.
    ///
    /// # Errors
    /// When any of it cannot be had.
    pub(crate) fn prepare(loaded: Loaded) -> Result<Self, Failure> {
        let settings = loaded.settings;
        let data = DataDir::open(&settings.data_dir)?;
        let node = data.node_name(settings.node.as_ref())?;
        let identity = Identity {
            role: settings.role.as_str(),
            node: node.clone(),
            region: settings.region.to_string(),
            version: VERSION,
        };
        let telemetry = telemetry::start(&settings.log, &identity).map_err(Failure::usage)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let metrics = Metrics::install(VERSION).map_err(Failure::internal)?;
        let shutdown = Shutdown::on_signals().map_err(Failure::io)?;
        tokio::spawn(metrics.clone().upkeep(shutdown.clone()));
        Ok(Self {
            vault: keys::vault(&settings, &data)?,
            access: AccessLog::start(&settings.log).map_err(Failure::io)?,
            fatal: Fatal::new(shutdown.clone()),
            health: Health::new(),
            boot: Uuid::new_v4(),
            settings,
            node,
            data,
            metrics,
            shutdown,
            telemetry,
        })
    }

    /// Writes and sends what is still held.
    pub(crate) async fn close(self) {
        let access = self.access;
        // Waiting for the last lines blocks; a failed wait loses lines, no more.
        let _ = tokio::task::spawn_blocking(move || access.flush()).await;
        self.telemetry.shutdown().await;
    }
}
