//! Which days a bill is of: `date`, or `start` and `end`, or the last `days`; today
//! unless said.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use foldgate_domain::zone::{Zone, date, number};
use foldgate_proto::Timestamp;

use super::parameter;
use crate::error::Error;
use crate::request::query;
use crate::request::quote::quoted;

/// The most days of one bill: a year, and a month more.
pub(crate) const MAX_DAYS: u64 = 400;

/// See the module. Days are counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    zone: Zone,
    from: u32,
    to: u32,
}

impl Period {
    /// Reads the query, at a time and in a zone.
    ///
    /// # Errors
    /// No dates, an end before its start, too many days, or more than one way to say it.
    pub(crate) fn parse(query: &str, (now, zone): (Timestamp, Zone)) -> Result<Self, Error> {
        let today = zone.day(now).number;
        let single = day(query, "date")?;
        let (start, end) = (day(query, "start")?, day(query, "end")?);
        let days = match parameter(query, "days") {
            Some(_) => query::number(query, "days", 1..=MAX_DAYS)?,
            None => None,
        };
        let (from, to) = match (single, start, end, days) {
            (None, None, None, None) => (today, today),
            (Some(day), None, None, None) => (day, day),
            (None, Some(start), end, None) => (start, end.unwrap_or(today)),
            (None, None, None, Some(days)) => {
                let before = u32::try_from(days).unwrap_or(u32::MAX) - 1;
                (today.saturating_sub(before), today)
            }
            (None, None, Some(_), None) => {
                return Err(Error::field("end", "needs `start` beside it"));
            }
            _ => {
                let problem = "`date`, `start` with `end`, and `days` are three ways to name days";
                return Err(Error::field("date", format!("{problem}: use one")));
            }
        };
        if end.is_some() && to < from {
            return Err(Error::field("end", "is before `start`"));
        }
        if u64::from(to.saturating_sub(from)) >= MAX_DAYS {
            let problem = format!("a bill is of {MAX_DAYS} days at most");
            return Err(Error::field("start", problem));
        }
        Ok(Self { zone, from, to })
    }

    /// Its days. There are none where it begins in the future.
    pub(crate) const fn days(self) -> RangeInclusive<u32> {
        self.from..=self.to
    }

    /// Its first day.
    pub(crate) fn start(self) -> NaiveDate {
        date(self.from)
    }

    /// Its last day.
    pub(crate) fn end(self) -> NaiveDate {
        date(self.to)
    }

    /// When it begins.
    pub(crate) fn begin(self) -> Timestamp {
        self.zone.begin(self.from)
    }

    /// The zone of its days.
    pub(crate) const fn zone(self) -> Zone {
        self.zone
    }
}

fn day(query: &str, name: &'static str) -> Result<Option<u32>, Error> {
    let Some(text) = parameter(query, name) else {
        return Ok(None);
    };
    let form = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let well_formed = text.len() == 10 && text.bytes().enumerate().all(form);
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
    let date = date.ok().filter(|_| well_formed).ok_or_else(|| {
        let problem = format!("{:?} is no date such as 2026-01-31", quoted(&text));
        Error::field(name, problem)
    })?;
    Ok(Some(number(date)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-26T12:00:00Z
    const NOW: Timestamp = Timestamp(1_795_694_400_000);

    fn said(query: &str) -> String {
        match Period::parse(query, (NOW, Zone::UTC)) {
            Ok(period) => format!("{} {}", period.start(), period.end()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn days_are_named_in_one_of_three_ways() {
        for (query, wanted) in [
            ("", "2026-11-26 2026-11-26"),
            ("days=1", "2026-11-26 2026-11-26"),
            ("days=30", "2026-10-28 2026-11-26"),
            ("date=2024-02-29", "2024-02-29 2024-02-29"),
            ("start=2026-11-01", "2026-11-01 2026-11-26"),
            ("start=2026-10-01&end=2026-10-31", "2026-10-01 2026-10-31"),
        ] {
            assert_eq!(said(query), wanted, "{query}");
        }
    }

    #[test]
    fn today_is_that_of_the_zone() {
        let late = Timestamp(NOW.0 + 7 * 3_600_000);
        for (name, wanted) in [
            ("UTC", "2026-11-26"),
            ("Asia/Kolkata", "2026-11-27"),
            ("Pacific/Kiritimati", "2026-11-27"),
            ("America/Los_Angeles", "2026-11-26"),
        ] {
            let zone = name.parse().expect("a zone");
            let period = Period::parse("", (late, zone)).expect("a period");
            assert_eq!(period.start().to_string(), wanted, "{name}");
            assert!(zone.day(late).begins == period.begin(), "{name}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_by_name() {
        for (query, param) in [
            ("date=2026-02-30", "date"),
            ("date=2026-2-3", "date"),
            ("date=+026-02-03", "date"),
            ("date=yesterday", "date"),
            ("start=x", "start"),
            ("start=", "start"),
            ("date=", "date"),
            ("start=2026-01-01&end=x", "end"),
            ("end=2026-01-01", "end"),
            ("start=2026-01-02&end=2026-01-01", "end"),
            ("start=2020-01-01&end=2026-01-01", "start"),
            ("days=0", "days"),
            ("days=401", "days"),
            ("days=1.5", "days"),
            ("days=2&date=2026-01-01", "date"),
            ("date=2026-01-01&start=2026-01-01", "date"),
        ] {
            let refused = Period::parse(query, (NOW, Zone::UTC))
                .map_err(|error| error.param().map(str::to_owned));
            assert_eq!(refused, Err(Some(param.to_owned())), "{query}");
        }
    }
}
