//! The clock, as the log counts time. The rules take it as an argument; this is
//! where the argument comes from.

use foldgate_proto::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    chrono::Utc::now().into()
}
