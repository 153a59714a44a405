//! Limits as the admin API writes them.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits on requests, tokens and calls at once. Nothing given is no limit.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RateLimit {
    /// Requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rps: Option<u64>,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Requests per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rph: Option<u64>,
    /// Requests per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpd: Option<u64>,
    /// Tokens per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Tokens per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpd: Option<u64>,
    /// Calls at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

impl RateLimit {
    /// The fields that are set, but for `concurrency`.
    pub fn over_time(&self) -> bool {
        let all = [self.rps, self.rpm, self.rph, self.rpd, self.tpm, self.tpd];
        all.iter().any(Option::is_some)
    }
}
