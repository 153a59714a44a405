//! Jobs as the proxy meets them: in the answers that pass, in looks of its own, and on a
//! bill.

mod before;
mod look;
mod pay;
mod read;
mod see;

use std::time::Duration;

use foldgate_proto::Timestamp;

use crate::pools::now;
pub(super) use see::begins_job;

/// Jobs that are older are billed no more: a fold may have forgotten that it counted them.
const OLDEST: Duration = Duration::from_hours(35 * 24);

/// How long ago something was.
fn age(at: Timestamp) -> Duration {
    let millis = now().0.saturating_sub(at.0);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
