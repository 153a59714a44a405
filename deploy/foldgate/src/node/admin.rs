//! The control plane's part of a process.

use std::sync::Arc;

use foldgate_control_plane::{
    ControlPlane, Keeping, KeyFile, Mails, Playground, Settings, Setup, error,
};
use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_runtime::{Server, Shutdown, StatusPages};
use tokio::task::JoinHandle;

use super::{Parts, role, shown};
use crate::base::VERSION;
use crate::exit::Failure;
use crate::https;
use crate::storage::{ACCESS_LOG_FOLDER, HISTORY_FOLDER, OWNER_KEY_FILE, USAGE_FOLDER};

/// Starts the submitter and what feeds it.
///
/// # Errors
/// A file of certificates that cannot be read.
pub(super) fn start(
    parts: &Parts<'_>,
    playground: Option<Arc<dyn Playground>>,
) -> Result<ControlPlane, Failure> {
    let base = parts.base;
    let settings = &base.settings;
    let networks = settings.upstream.allowed_provider_cidrs.iter().copied();
    let extra_ca = settings.upstream.ca_file.as_deref().map(https::pem);
    let mails = Mails {
        board: parts.opened.mails.clone(),
        extra_ca: extra_ca.transpose()?,
    };
    Ok(ControlPlane::start(Setup {
        log: parts.opened.log.clone(),
        replica: parts.replica.clone(),
        reports: parts.opened.reports.clone(),
        usage: parts.opened.usage.clone(),
        vault: base.vault.clone(),
        settings: Settings {
            node: base.node.clone(),
            region: settings.region.to_string(),
            role: role(base),
            version: VERSION.to_owned(),
            listeners: shown(parts.listeners),
            owner_key: Some(KeyFile::new(base.data.file(OWNER_KEY_FILE))),
            addresses: AddressPolicy::new(networks),
            zone: settings.time_zone.0.into(),
            user_min_balance: settings.balance.user_min.as_str().to_owned(),
            user_api_balance: settings.balance.user_api.as_str().to_owned(),
        },
        access: base.access.clone(),
        keeping: Keeping {
            history: base.data.file(HISTORY_FOLDER),
            access_log: base.data.file(ACCESS_LOG_FOLDER),
            usage: base.data.file(USAGE_FOLDER),
            usage_health: base.health.component("bills"),
            health: base.health.component("history"),
            status: StatusPages::new(base.health.clone(), base.metrics.clone()),
            ending: base.shutdown.token(),
        },
        playground,
        mails,
    }))
}

/// Serves administrators until shutdown.
pub(super) fn serve(
    control: &Arc<ControlPlane>,
    server: Server,
    shutdown: &Shutdown,
) -> JoinHandle<()> {
    let router = control.router();
    tokio::spawn(server.serve_tower(router, error::panicked, shutdown.clone()))
}
