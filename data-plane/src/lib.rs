//! The data plane.

mod body;
mod error;
mod json;
mod splice;
mod sse;
mod transport;
mod usage;

pub use error::{Kind, Problem};
pub use transport::{ConnectError, Listeners, TlsError, TransportSettings};
pub use usage::Usage;
