//! The data plane's part of a process.

use std::path::Path;
use std::sync::Arc;

use foldgate_data_plane::{Deps, Inbound, Listeners, Place, Pools, Proxy, Settings, Sleeps};
use foldgate_log::usage::Spool;
use foldgate_runtime::Server;
use http::Request;
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::Parts;
use crate::base::Base;
use crate::exit::Failure;
use crate::listen;
use crate::open_log::OpenLog;
use crate::storage::{JOBS_FILE, MADE_FILE, SLEEPS_FILE};

/// What exists before the fold: the fold feeds the pools.
pub(super) struct Traffic {
    pools: Arc<Pools>,
    settings: Settings,
}

impl Traffic {
    /// Empty pools, with the sleeps that an earlier run kept.
    pub(super) fn new(base: &Base, opened: &OpenLog) -> Self {
        let place = Place {
            node: base.node.clone(),
            region: base.settings.region.to_string(),
        };
        let sleeps = Arc::new(Sleeps::new(place, opened.reports.clone()));
        // With a fleet, the fleet knows which keys sleep.
        let sleeps_file = opened.is_embedded.then(|| base.data.file(SLEEPS_FILE));
        if let Some(file) = &sleeps_file {
            restore(&sleeps, file);
        }
        let (seed, _) = base.boot.as_u64_pair();
        Self {
            pools: Arc::new(Pools::new(base.vault.clone(), sleeps, seed)),
            settings: Settings {
                sleeps_file,
                made_file: Some(base.data.file(MADE_FILE)),
                jobs_file: Some(base.data.file(JOBS_FILE)),
                ..Settings::from(&base.settings)
            },
        }
    }

    /// The pools, for the fold to feed.
    pub(super) fn pools(&self) -> Arc<Pools> {
        self.pools.clone()
    }

    /// What a heartbeat tells of them.
    pub(super) fn sleeps(&self) -> Arc<Sleeps> {
        self.pools.sleeps().clone()
    }

    /// Serves callers until shutdown.
    pub(super) fn serve(
        self,
        parts: &Parts<'_>,
        (server, usage): (Server, Spool),
    ) -> Result<(Arc<Proxy>, [JoinHandle<()>; 2]), Failure> {
        let base = parts.base;
        let listeners = Listeners::default();
        listeners.set_own(listen::all(parts.listeners));
        let deps = Deps {
            replica: parts.replica.clone(),
            pools: self.pools,
            reports: parts.opened.reports.clone(),
            listeners,
            usage: Some(usage),
            access: base.access.clone(),
            boot: base.boot,
        };
        let proxy = Proxy::new(deps, self.settings).map_err(Failure::usage)?;
        let beside = proxy.start(&base.shutdown);
        let inner = proxy.clone();
        let handler = move |request: Request<Incoming>, peer| {
            inner.clone().handle(request.map(Inbound::from), peer)
        };
        let serving = server.serve(handler, Proxy::panicked, base.shutdown.clone());
        Ok((proxy, [beside, tokio::spawn(serving)]))
    }
}

/// Sleeps that cannot be read are learnt again.
fn restore(sleeps: &Sleeps, file: &Path) {
    if !file.exists() {
        return;
    }
    match sleeps.restore(file) {
        Ok(restored) => tracing::debug!(restored, "sleeps of the last run"),
        Err(error) => tracing::warn!(%error, "the sleeps of the last run cannot be read"),
    }
}
