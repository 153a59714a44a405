//! The request's body: read within limits, understood only as far as routing
//! needs, edited only where it must be.

mod fields;
mod inbound;
mod read;

pub(crate) use fields::{Fields, UsageChunk};
pub use inbound::Inbound;
pub(crate) use read::{drain, read, require_json};

#[cfg(test)]
mod tests;
