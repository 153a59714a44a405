//! Stretches of time that usage is added up by: hours, days and months, in UTC.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use foldgate_proto::Timestamp;

/// The milliseconds of an hour and of a day.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Hours since 1970.
pub(crate) fn hour(at: Timestamp) -> u32 {
    held(at.0.div_euclid(HOUR))
}

/// Days since 1970.
pub(crate) fn day(at: Timestamp) -> u32 {
    held(at.0.div_euclid(DAY))
}

/// Months since the year 0.
pub(crate) fn month(at: Timestamp) -> u32 {
    let date = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    held(i64::from(date.year()) * 12 + i64::from(date.month0()))
}

/// When a day begins.
pub(crate) fn begin(day: u32) -> Timestamp {
    Timestamp(i64::from(day) * DAY)
}

/// When an hour begins.
pub(crate) fn begin_of_hour(hour: u32) -> Timestamp {
    Timestamp(i64::from(hour) * HOUR)
}

/// A day's date.
pub(crate) fn date(day: u32) -> NaiveDate {
    let date = NaiveDate::default().checked_add_days(Days::new(u64::from(day)));
    date.unwrap_or(NaiveDate::MAX)
}

/// The day of a date; 1970's first for those before it.
pub(crate) fn of_date(date: NaiveDate) -> u32 {
    held(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn held(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_months_and_hours_are_those_of_utc() {
        // 2024-02-29T23:59:59.999Z and the moment after it.
        let leap = Timestamp(1_709_251_199_999);
        let march = Timestamp(leap.0 + 1);
        assert_eq!(date(day(leap)).to_string(), "2024-02-29");
        assert_eq!(date(day(march)).to_string(), "2024-03-01");
        assert_eq!(month(march), month(leap) + 1);
        assert_eq!(month(leap), 2024 * 12 + 1);
        assert_eq!(hour(march), hour(leap) + 1);
        assert_eq!(begin(day(march)), march);
        assert_eq!(of_date(date(day(leap))), day(leap));
        assert_eq!(day(Timestamp(-5)), 0);
    }
}
