//! What requests used, on its way from the node that served them to the control
//! planes that make bills of it: a spool in the node's directory, a sender of
//! numbered batches, and the streams they travel on.

pub mod codec;
pub mod intent;
pub mod spool;

pub use intent::Intent;
pub use spool::{Refused, Spool, Ticket};
