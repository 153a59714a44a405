//! What an operator may set of the proxy, taken from the process's settings.

use std::path::PathBuf;
use std::time::Duration;

use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_domain::zone::Zone;

use crate::attempt::Limits;
use crate::transport::TransportSettings;

/// The proxy's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How upstreams are reached.
    pub transport: TransportSettings,
    /// Bounds on one request's attempts.
    pub limits: Limits,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How long a shutdown waits for what is under way.
    pub drain_timeout: Duration,
    /// Where the days of limits begin.
    pub zone: Zone,
    /// Origins of pages whose browsers may call; `*` is any.
    pub allowed_origins: Vec<String>,
    /// Where sleeps are kept over a restart, on a node that has no fleet to ask.
    pub sleeps_file: Option<PathBuf>,
    /// Where it is kept which key made what.
    pub made_file: Option<PathBuf>,
    /// Where jobs under way are kept over a restart.
    pub jobs_file: Option<PathBuf>,
}

impl From<&foldgate_runtime::Settings> for Settings {
    fn from(settings: &foldgate_runtime::Settings) -> Self {
        let upstream = &settings.upstream;
        let networks = upstream.allowed_provider_cidrs.iter().copied();
        Self {
            transport: TransportSettings {
                policy: AddressPolicy::new(networks),
                extra_ca: upstream.ca_file.clone(),
                connect_timeout: upstream.connect_timeout,
            },
            limits: Limits {
                attempts: upstream.max_attempts,
                total: upstream.request_timeout,
                first_byte: upstream.first_byte_timeout,
                silence: upstream.stream_idle_timeout,
            },
            max_body_bytes: settings.http.max_body_bytes.0,
            drain_timeout: settings.http.drain_timeout,
            zone: settings.time_zone.0.into(),
            allowed_origins: settings.http.allowed_origins.clone(),
            sleeps_file: None,
            made_file: None,
            jobs_file: None,
        }
    }
}
