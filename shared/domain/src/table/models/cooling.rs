//! When a Model's keys are left alone after a failure, and for how long.

use std::time::Duration;

use crate::definition::model::{COOLDOWN_MAX_SECONDS, Cooldown};
use crate::failure::{Failure, FailureClass, Transience};

/// The statuses that count unless others are set.
const STATUSES: [u16; 7] = [401, 408, 429, 500, 502, 503, 504];

const DEFAULT: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(COOLDOWN_MAX_SECONDS);

/// A cooldown that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooling {
    /// How long, where the provider does not say.
    pub default: Duration,
    /// The longest, whatever the provider says.
    pub longest: Duration,
    /// Whether the provider's word counts.
    pub heeds_hint: bool,
    /// Whether time-outs count.
    pub timeouts: bool,
    /// Whether broken connections count.
    pub transport: bool,
    /// The statuses that count.
    pub statuses: Vec<u16>,
}

impl Cooling {
    /// `None` where it is off.
    pub(super) fn new(cooldown: &Cooldown) -> Option<Self> {
        let seconds = |set: Option<u64>, unset| set.map_or(unset, Duration::from_secs);
        (cooldown.enabled == Some(true)).then(|| Self {
            default: seconds(cooldown.default_seconds, DEFAULT),
            longest: seconds(cooldown.max_seconds, LONGEST),
            heeds_hint: cooldown.honor_retry_after.unwrap_or(true),
            timeouts: cooldown.trigger_on_timeout.unwrap_or(true),
            transport: cooldown.trigger_on_transport.unwrap_or(true),
            statuses: cooldown
                .trigger_statuses
                .clone()
                .unwrap_or_else(|| STATUSES.into()),
        })
    }

    /// How long the key is left alone for this model after a failure; `None` if the
    /// failure does not count. `hint` is what the provider asks for.
    pub fn after(&self, failure: &Failure, hint: Option<Duration>) -> Option<Duration> {
        let listed = |status: u16| self.statuses.contains(&status);
        let counts = match (failure.status, failure.class) {
            (Some(status), _) => listed(status),
            // An error inside a 200 is what its status would have been.
            (None, FailureClass::Transient(Transience::RateLimit)) => listed(429),
            (None, FailureClass::Dead) => listed(401),
            (None, FailureClass::Exhausted) => listed(402),
            (None, FailureClass::NotHere) => listed(404),
            (None, FailureClass::ClientFault) => listed(400),
            (None, FailureClass::Transient(Transience::Timeout | Transience::Impatience)) => {
                self.timeouts
            }
            (None, FailureClass::Transient(Transience::Connect | Transience::Upstream)) => {
                self.transport
            }
        };
        let asked = hint.filter(|hint| self.heeds_hint && !hint.is_zero());
        let length = asked.unwrap_or(self.default).min(self.longest);
        (counts && !length.is_zero()).then_some(length)
    }
}
