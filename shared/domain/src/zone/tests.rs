use super::*;

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

/// A moment as RFC 3339 writes it.
fn at(text: &str) -> Timestamp {
    let at = DateTime::parse_from_rfc3339(text).expect("a moment");
    Timestamp(at.timestamp_millis())
}

/// The day that a moment is in: its date, when it begins, and how many hours it has.
fn day(name: &str, moment: &str) -> (String, String, f64) {
    let day = zone(name).day(at(moment));
    assert!(day.has(at(moment)), "{name} {moment} {day:?}");
    assert_eq!(zone(name).begin(day.number), day.begins);
    let length = day.ends.0 - day.begins.0;
    let quarters = i32::try_from(length / 900_000).expect("few");
    assert_eq!(length % 900_000, 0);
    (
        date(day.number).to_string(),
        day.begins.to_rfc3339(),
        f64::from(quarters) / 4.0,
    )
}

#[test]
fn a_day_begins_at_midnight_of_its_zone() {
    for (name, moment, date, begins, hours) in [
        (
            "UTC",
            "2024-02-29T23:59:59Z",
            "2024-02-29",
            "2024-02-29T00:00:00Z",
            24.0,
        ),
        (
            "Asia/Kolkata",
            "2026-11-26T18:29:59Z",
            "2026-11-26",
            "2026-11-25T18:30:00Z",
            24.0,
        ),
        (
            "Asia/Kolkata",
            "2026-11-26T18:30:00Z",
            "2026-11-27",
            "2026-11-26T18:30:00Z",
            24.0,
        ),
        (
            "Asia/Kathmandu",
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "2025-12-31T18:15:00Z",
            24.0,
        ),
        // Clocks are put forward, and back.
        (
            "Europe/Berlin",
            "2026-03-29T12:00:00Z",
            "2026-03-29",
            "2026-03-28T23:00:00Z",
            23.0,
        ),
        (
            "Europe/Berlin",
            "2026-10-25T12:00:00Z",
            "2026-10-25",
            "2026-10-24T22:00:00Z",
            25.0,
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-04T00:00:00Z",
            "2026-10-04",
            "2026-10-03T13:30:00Z",
            23.5,
        ),
        // There is no midnight: clocks are put forward at it.
        (
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z",
            "2018-11-04",
            "2018-11-04T03:00:00Z",
            23.0,
        ),
        // There is no 30th of December.
        (
            "Pacific/Apia",
            "2011-12-30T12:00:00Z",
            "2011-12-31",
            "2011-12-30T10:00:00Z",
            24.0,
        ),
        (
            "Pacific/Apia",
            "2011-12-30T09:00:00Z",
            "2011-12-29",
            "2011-12-29T10:00:00Z",
            24.0,
        ),
    ] {
        let found = day(name, moment);
        assert_eq!(found, (date.to_owned(), begins.to_owned(), hours), "{name}");
    }
}

#[test]
fn days_follow_each_other_in_every_zone() {
    for zone in chrono_tz::TZ_VARIANTS.map(Zone) {
        // Over the changes of a year, and over oddities of before.
        for (from, days) in [("2026-01-01T00:00:00Z", 366), ("2011-12-25T00:00:00Z", 10)] {
            let mut day = zone.day(at(from));
            for _ in 0..days {
                let next = zone.day(day.ends);
                assert!(next.number > day.number, "{zone} {day:?} {next:?}");
                assert_eq!(next.begins, day.ends, "{zone} {day:?} {next:?}");
                day = next;
            }
        }
    }
}

#[test]
fn a_month_ends_with_its_last_day() {
    let kolkata = zone("Asia/Kolkata");
    let december = at("2025-12-31T18:29:59.999Z");
    let january = Timestamp(december.0 + 1);
    assert_eq!(kolkata.month(december), 2025 * 12 + 11);
    assert_eq!(kolkata.month(january), 2026 * 12);
    assert_eq!(Zone::UTC.month(january), 2025 * 12 + 11);
    let new_york = zone("America/New_York");
    assert_eq!(new_york.month(at("2026-11-01T03:59:59Z")), 2026 * 12 + 9);
    assert_eq!(new_york.month(at("2026-11-01T04:00:00Z")), 2026 * 12 + 10);
}

#[test]
fn the_ends_of_time_are_in_some_day() {
    for name in ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"] {
        let early = zone(name).day(Timestamp(i64::MIN));
        assert_eq!(early.number, 0, "{name}");
        let late = zone(name).day(Timestamp(i64::MAX));
        assert!(date(late.number).year() >= 9_998, "{name}");
        zone(name).month(Timestamp(i64::MAX));
        zone(name).begin(u32::MAX);
    }
}

#[test]
fn a_name_is_one_of_the_database() {
    assert_eq!("Europe/Berlin".parse().map(Zone::name), Ok("Europe/Berlin"));
    assert_eq!(Zone::default().name(), "UTC");
    for wrong in ["", "Berlin", "+02:00", "europe/berlin ", "Mars/Base"] {
        let error = wrong.parse::<Zone>().expect_err(wrong);
        assert!(
            error
                .to_string()
                .starts_with(&format!("{wrong:?} is no time zone"))
        );
    }
}
