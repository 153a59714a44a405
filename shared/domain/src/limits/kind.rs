//! What a limit counts, over which time, and what time it is.

use foldgate_proto::Timestamp;

use crate::zone::{Day, Zone};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The code of [`Kind::AT_ONCE`].
const AT_ONCE: u8 = 8;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Calls.
    Requests,
    /// Tokens, both ways.
    Tokens,
    /// Calls under way.
    Calls,
}

/// Over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// The last second.
    Second,
    /// The last minute.
    Minute,
    /// The last hour.
    Hour,
    /// This day of the calendar.
    Day,
    /// As long as a call lasts: what is counted is given back when it ends.
    AtOnce,
}

/// What is counted over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// What.
    pub unit: Unit,
    /// Over which time.
    pub period: Period,
}

/// What time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that never goes back: what slides goes by it.
    pub tick: u64,
    /// What the clock on the wall says.
    pub wall: Timestamp,
    /// What the calendar says: in which day of which zone that is.
    pub day: Day,
}

impl Now {
    /// A moment, in a zone.
    pub fn at(tick: u64, wall: Timestamp, zone: Zone) -> Self {
        let day = zone.day(wall);
        Self { tick, wall, day }
    }
}

impl Kind {
    /// Calls under way at once: no window, but a gauge.
    pub const AT_ONCE: Self = Self {
        unit: Unit::Calls,
        period: Period::AtOnce,
    };

    /// How messages name it. Nodes that do not know a code pass it over.
    pub const fn code(self) -> u8 {
        let unit = match self.unit {
            Unit::Requests => 0,
            Unit::Tokens => 4,
            Unit::Calls => return AT_ONCE,
        };
        let period = match self.period {
            Period::Second => 0,
            Period::Minute => 1,
            Period::Hour => 2,
            Period::Day => 3,
            Period::AtOnce => return AT_ONCE,
        };
        unit + period
    }

    /// What a message names.
    pub const fn of_code(code: u8) -> Option<Self> {
        let unit = match code / 4 {
            0 => Unit::Requests,
            1 => Unit::Tokens,
            _ if code == AT_ONCE => return Some(Self::AT_ONCE),
            _ => return None,
        };
        let period = match code % 4 {
            0 => Period::Second,
            1 => Period::Minute,
            2 => Period::Hour,
            _ => Period::Day,
        };
        Some(Self { unit, period })
    }
}

impl Period {
    /// How long it is, in milliseconds; for what ends when a call does, when it is
    /// worth while to ask again.
    pub const fn length(self) -> u64 {
        match self {
            Self::Second | Self::AtOnce => SECOND,
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// The time by which it goes, in milliseconds.
    pub(super) fn clock(self, now: Now) -> u64 {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::AtOnce => now.tick,
            Self::Day => u64::try_from(now.wall.0).unwrap_or(0),
        }
    }

    /// When what is let through now no longer counts, by its clock. So many milliseconds
    /// count as one moment.
    pub(super) fn end(self, now: Now, grain: u64) -> u64 {
        match self {
            Self::Second | Self::Minute | Self::Hour => {
                let last = (now.tick / grain + 1).saturating_mul(grain) - 1;
                last.saturating_add(self.length())
            }
            Self::Day => u64::try_from(now.day.ends.0).unwrap_or(0),
            Self::AtOnce => u64::MAX,
        }
    }

    /// Which day it is; 0 for what slides.
    pub(super) const fn day(self, now: Now) -> u32 {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::AtOnce => 0,
            Self::Day => now.day.number,
        }
    }
}
