//! The request's body: read within limits, understood only as far as routing
//! needs, edited only where it must be.

mod fields;
mod inbound;
mod message;
mod outgoing;
mod read;

pub(crate) use fields::{CONVERSATION, Fields, MAX_MODEL_BYTES, Spot, UsageChunk, check_model};
pub use inbound::Inbound;
pub(crate) use message::Message;
pub(crate) use outgoing::Outgoing;
pub(crate) use read::{drain, read, require_json, require_plain};

#[cfg(test)]
mod tests;
