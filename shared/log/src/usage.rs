//! What requests used, on its way from the node that served them to the control
//! planes that make bills of it: a spool in the node's directory, a sender of
//! numbered batches, and the streams they travel on.
//!
//! A record is counted exactly once. It stands in the spool under its call's id until
//! the batch that it was put into has arrived; a batch has the same number and the
//! same records however often it is sent; and whoever folds batches keeps the numbers
//! that it has had in the same transaction as what they add up to.

pub mod codec;
pub mod intent;
mod sender;
pub mod spool;
pub mod streams;

pub use intent::Intent;
pub use sender::{Place, Sender};
pub use spool::{Refused, Spool, Ticket};
pub use streams::{Delivery, Feed, Group, Position, Streams};
