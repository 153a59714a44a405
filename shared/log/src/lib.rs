//! The log: one trait, two implementations (NATS JetStream and an embedded
//! store), and what every process hangs on it: the one fold task with its
//! snapshots, and the reports that travel beside the log.

pub mod board;
pub mod chain;
pub mod embedded;
pub mod error;
pub mod event_log;
pub mod export;
pub mod follow;
pub mod jetstream;
mod private;
pub mod replica;
pub mod reports;
pub mod snapshot;
pub mod usage;

pub use board::Board;
pub use chain::{BrokenLink, VerifyError};
pub use embedded::Embedded;
pub use error::Error;
pub use event_log::{AppendError, Appended, EventLog, Position, Stop, Stored};
pub use follow::{Follow, FollowItem};
pub use jetstream::JetStream;
pub use replica::{Observer, Replica};
pub use reports::{Again, Counting, LOOK_AGAIN, Report, Reports};
