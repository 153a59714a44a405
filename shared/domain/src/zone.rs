//! Where days begin: the zone of the calendar by which limits per day, bills, and what
//! may be spent in a month go. UTC unless it is configured.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use foldgate_proto::Timestamp;

/// How far apart offsets from UTC are: all that are in use are whole quarters of an hour.
const QUARTER: Duration = Duration::minutes(15);

/// How many quarters a zone left out at most: Samoa a whole day.
const MOST_LEFT_OUT: i32 = 24 * 4;

/// The last year that is told apart.
const LAST_YEAR: i32 = 9_998;

/// A zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

/// One day of the calendar of a zone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Which, counted from 1970-01-01.
    pub number: u32,
    /// When it begins.
    pub begins: Timestamp,
    /// When the next one does.
    pub ends: Timestamp,
}

/// No zone has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone of the IANA database, such as Europe/Berlin or UTC")]
pub struct UnknownZone(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The day that a moment is in. Days are between 1970 and the year 9998: what is
    /// before is in the first of them, what is after in the last.
    pub fn day(self, at: Timestamp) -> Day {
        let local = self.0.from_utc_datetime(&utc(at));
        // Where clocks are put back over midnight, the new day has begun already.
        let mut number = number(local.date_naive());
        let mut ends = self.begin(number.saturating_add(1));
        if ends <= at {
            number = number.saturating_add(1);
            ends = self.begin(number.saturating_add(1));
        }
        Day {
            number,
            begins: self.begin(number),
            ends,
        }
    }

    /// The month that a moment is in, counted from the year 0.
    pub fn month(self, at: Timestamp) -> u32 {
        let date = date(self.day(at).number);
        let months = i64::from(date.year()) * 12 + i64::from(date.month0());
        u32::try_from(months).unwrap_or(0)
    }

    /// When a day begins: at its first moment, where it has no midnight or two.
    pub fn begin(self, day: u32) -> Timestamp {
        let mut local = NaiveDateTime::from(date(day));
        for _ in 0..=MOST_LEFT_OUT {
            if let Some(begins) = self.0.from_local_datetime(&local).earliest() {
                return Timestamp(begins.timestamp_millis());
            }
            local = local.checked_add_signed(QUARTER).unwrap_or(local);
        }
        Timestamp(local.and_utc().timestamp_millis())
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl From<Tz> for Zone {
    fn from(zone: Tz) -> Self {
        Self(zone)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let zone = name.parse().map(Self);
        zone.map_err(|_| UnknownZone(name.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Day {
    /// Whether a moment is in it.
    pub fn has(&self, at: Timestamp) -> bool {
        (self.begins..self.ends).contains(&at)
    }
}

/// A day's date.
pub fn date(day: u32) -> NaiveDate {
    let date = NaiveDate::default().checked_add_days(Days::new(u64::from(day)));
    date.filter(|date| date.year() <= LAST_YEAR)
        .unwrap_or_else(last_date)
}

/// The day of a date; 1970's first for those before it.
pub fn number(date: NaiveDate) -> u32 {
    let days = date
        .min(last_date())
        .signed_duration_since(NaiveDate::default());
    u32::try_from(days.num_days()).unwrap_or(0)
}

fn last_date() -> NaiveDate {
    NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).unwrap_or_default()
}

fn utc(at: Timestamp) -> NaiveDateTime {
    let first = DateTime::<Utc>::UNIX_EPOCH;
    let last = last_date().and_hms_opt(0, 0, 0).unwrap_or_default();
    let at = DateTime::from_timestamp_millis(at.0.max(0));
    at.map_or(last, |at| at.max(first).naive_utc().min(last))
}

#[cfg(test)]
mod tests;
