//! Limits as the admin API writes them.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The greatest limit: beyond it, nobody can tell it from none.
pub const MAX_LIMIT: u64 = 1_000_000_000_000_000;

/// Limits on requests, tokens and calls at once. Nothing given is no limit; 0 would
/// let nothing through, which is what switching off is for, and is refused.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rps: Option<u64>,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rpm: Option<u64>,
    /// Requests per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rph: Option<u64>,
    /// Requests per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rpd: Option<u64>,
    /// Tokens per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub tpm: Option<u64>,
    /// Tokens per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub tpd: Option<u64>,
    /// Calls at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = u32::MAX))]
    pub concurrency: Option<u32>,
}

impl RateLimit {
    /// The fields that are set, but for `concurrency`.
    pub fn over_time(&self) -> bool {
        let all = [self.rps, self.rpm, self.rph, self.rpd, self.tpm, self.tpd];
        all.iter().any(Option::is_some)
    }
}

/// A limit that limits, and lets something through.
///
/// # Errors
/// 0, or more than [`MAX_LIMIT`].
pub fn limit<N: Copy + Into<u64>>(value: &Option<N>, _: &()) -> garde::Result {
    match (*value).map(Into::into) {
        Some(0) => Err(garde::Error::new(
            "0 would let nothing through; leave it out for no limit",
        )),
        Some(n) if n > MAX_LIMIT => Err(garde::Error::new(format!("is more than {MAX_LIMIT}"))),
        _ => Ok(()),
    }
}
