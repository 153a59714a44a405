//! What every process needs, whatever its role: settings, telemetry, health and
//! metrics with their listener, an accept loop with limits, shutdown, and the
//! data directory.

pub mod access_log;
pub mod data_dir;
pub mod health;
pub mod metrics;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod status;
pub mod telemetry;

pub use access_log::{AccessLine, AccessLog};
pub use data_dir::DataDir;
pub use health::{Component, Health};
pub use metrics::Metrics;
pub use server::{Limits, Peer, Server, Taken, Takeover, TrustedProxies};
pub use settings::Settings;
pub use shutdown::Shutdown;
pub use status::StatusPages;
