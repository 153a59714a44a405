//! The data plane: the proxy between callers and providers. It serves from the
//! folded table alone, relays bodies unread but for the few fields it needs, and
//! tells the fleet which provider keys sleep.
//!
//! [`Proxy::handle`] is the whole of it; the phases stand in `proxy`. The pools
//! of keys ([`Pools`]) are an observer of the fold and must be among the
//! replica's; [`Sleeps`] is what a heartbeat tells of them.

mod account;
mod admit;
mod affinity;
mod attempt;
mod body;
mod browsers;
mod dialect;
mod endpoint;
mod error;
mod fleet;
mod jobs;
mod json;
mod limits;
mod models;
mod multipart;
mod openapi;
mod pools;
mod proxy;
mod purses;
mod realtime;
mod relay;
mod request_id;
mod route;
mod settings;
mod splice;
mod sse;
mod transport;
mod upstream;
mod usage;

pub use attempt::Limits;
pub use body::Inbound;
pub use error::{Kind, Problem};
pub use pools::{Place, Pools, Skipped, Sleeps, StoreError};
pub use proxy::{Deps, Proxy};
pub use relay::{Body, BrokenOff};
pub use settings::Settings;
pub use transport::{ConnectError, Listeners, TlsError, TransportSettings};
pub use upstream::AccountError;
