//! What a caller is told of a limit.

use super::Unit;

/// One limit as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The most.
    pub limit: u64,
    /// What of it is left.
    pub remaining: u64,
    /// In how many milliseconds all of it will be, if nothing more is let through.
    pub reset: u64,
}

/// The strictest limit on requests, and on tokens: of which the least is left.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// On requests.
    pub requests: Option<Shown>,
    /// On tokens.
    pub tokens: Option<Shown>,
}

impl Standing {
    /// Takes one limit more into account.
    pub fn add(&mut self, unit: Unit, shown: Shown) {
        let place = match unit {
            Unit::Requests => &mut self.requests,
            Unit::Tokens => &mut self.tokens,
            // No vendor tells of these.
            Unit::Calls => return,
        };
        let stricter = |than: &Shown| {
            (shown.remaining, shown.limit, than.reset) < (than.remaining, than.limit, shown.reset)
        };
        if place.as_ref().is_none_or(stricter) {
            *place = Some(shown);
        }
    }

    /// Whether no limit applies.
    pub const fn is_empty(&self) -> bool {
        self.requests.is_none() && self.tokens.is_none()
    }
}

/// A time as `OpenAI` writes it: `12ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`.
pub fn go_duration(millis: u64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let part = match rest {
        0 => format!("{seconds}s"),
        rest => {
            let digits = format!("{rest:03}");
            format!("{seconds}.{}s", digits.trim_end_matches('0'))
        }
    };
    match (hours, minutes) {
        (0, 0) => part,
        (0, minutes) => format!("{minutes}m{part}"),
        (hours, minutes) => format!("{hours}h{minutes}m{part}"),
    }
}
