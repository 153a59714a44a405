//! Binding: all listeners of a role, or none.

use std::net::SocketAddr;

use foldgate_runtime::data_dir::Listeners;
use foldgate_runtime::settings::Settings;
use foldgate_runtime::{Limits, Server, TrustedProxies};

use crate::exit::Failure;

/// A role's bound listeners, not yet serving.
pub(crate) struct Bound {
    /// Callers' traffic.
    pub(crate) proxy: Option<Server>,
    /// Admin and owner API.
    pub(crate) admin: Option<Server>,
    /// Health and metrics.
    pub(crate) status: Server,
    /// Where they are.
    pub(crate) addresses: Listeners,
}

/// Binds what the role listens on.
///
/// # Errors
/// Names the address that cannot be had.
pub(crate) async fn bind(settings: &Settings) -> Result<Bound, Failure> {
    let limits = Limits::from(&settings.http);
    let listen = &settings.listen;
    let trusted = TrustedProxies::new(&settings.http.trusted_proxies);
    let mut proxy = None;
    if settings.role.has_proxy() {
        let server = one("proxy", listen.proxy, limits).await?;
        proxy = Some(server.trusting(trusted.clone()));
    }
    let mut admin = None;
    if settings.role.has_admin() {
        let server = one("admin", listen.admin, limits).await?;
        admin = Some(server.trusting(trusted));
    }
    let status = one("status", listen.status, limits).await?;
    let addresses = Listeners {
        proxy: proxy.as_ref().map(Server::local_addr),
        admin: admin.as_ref().map(Server::local_addr),
        status: Some(status.local_addr()),
    };
    Ok(Bound {
        proxy,
        admin,
        status,
        addresses,
    })
}

async fn one(name: &'static str, address: SocketAddr, limits: Limits) -> Result<Server, Failure> {
    Server::bind(name, address, limits)
        .await
        .map_err(|error| Failure::io(format!("{name} listener on {address}: {error}")))
}

/// All of them.
pub(crate) fn all(listeners: &Listeners) -> Vec<SocketAddr> {
    [listeners.proxy, listeners.admin, listeners.status]
        .into_iter()
        .flatten()
        .collect()
}
