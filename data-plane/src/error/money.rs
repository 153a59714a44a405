//! What is refused for want of money, or because it could not be billed.

use std::time::Duration;

use http::StatusCode;

use super::{Kind, Problem};

impl Problem {
    /// The account's credit is spent.
    pub fn out_of_credit() -> Self {
        let message = "insufficient balance: the account's credit is spent";
        Self::unpaid("insufficient_balance", message)
    }

    /// The account, or one above it, has come to its `HardLimit`.
    pub fn capped() -> Self {
        let message = "the account has spent what it may spend this month";
        Self::unpaid("hard_limit_reached", message)
    }

    /// What is left is held for calls and jobs under way, which may cost less.
    pub fn held() -> Self {
        let message = "what is left of the account's money is held for calls under way; try \
                       again when some have ended";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, Kind::RateLimitError, "credit_held", message)
            .after(Duration::from_secs(5))
    }

    /// The account has as many batches and responses in the background as it may have.
    pub fn too_many_jobs() -> Self {
        let message = "the account has as many batches and responses in the background under \
                       way as it may have; try again when some have ended";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, Kind::RateLimitError, "too_many_jobs", message)
            .after(Duration::from_mins(1))
    }

    /// This node looks after as many of them as it can.
    pub fn no_room_for_jobs() -> Self {
        let message = "this node looks after as many batches and responses in the background as \
                       it can";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, Kind::ServerError, "no_room_for_jobs", message)
            .after(Duration::from_mins(1))
    }

    /// What a call uses could not be written down, so it is not made.
    pub fn unbillable() -> Self {
        let message = "this node cannot write down what calls use";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self {
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(status, Kind::ServerError, "usage_not_recorded", message)
        }
    }

    /// What a batch used is counted by the file that is to be deleted.
    pub fn uncounted() -> Self {
        let message =
            "what was used is not counted yet, and this is needed for it; delete it later";
        Self::invalid_request(StatusCode::CONFLICT, "output_not_counted", message)
            .after(Duration::from_secs(5))
    }

    fn unpaid(code: &'static str, message: &'static str) -> Self {
        Self::new(
            StatusCode::PAYMENT_REQUIRED,
            Kind::InsufficientQuota,
            code,
            message,
        )
    }
}
