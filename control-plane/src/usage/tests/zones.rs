//! Days and months of a configured zone.

use std::collections::BTreeMap;

use foldgate_domain::zone::date;

use super::*;

/// A call at a moment of a day in UTC, in hours.
fn call(day: i64, hour: f64, cost: i64) -> UsageRecord {
    let mut record = record(1, "gpt-4o", (day, cost));
    #[expect(clippy::cast_possible_truncation, reason = "whole minutes")]
    let into_day = (hour * 3_600_000.0) as i64;
    record.at = Timestamp(record.at.0 - DAY / 2 + into_day);
    record
}

/// What is billed of each day, by its date.
fn by_date(book: &Book) -> Vec<(String, i64)> {
    let lines = book.lines(OWNER, &[AccountNumber(1)], 0..=u32::MAX - 1);
    let mut days = BTreeMap::new();
    for line in lines.unwrap().unwrap() {
        let date = date(line.day).to_string();
        *days.entry(date).or_default() += line.sums.cost.0;
    }
    days.into_iter().collect()
}

#[test]
fn days_and_months_of_bills_are_those_of_the_zone() {
    let kolkata: Zone = "Asia/Kolkata".parse().unwrap();
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap().in_zone(kolkata).unwrap();
    // The 30th of November ends at 18:30 UTC there; so does each hour's second half
    // belong to another day than its first.
    let records = vec![call(4, 18.25, 1), call(4, 18.5, 10), call(4, 19.0, 100)];
    let spent: i64 = records.iter().map(|record| record.cost.0).sum();
    let outcome = book
        .fold(&group(vec![(position(1), Some(batch(1, 1, records)))]))
        .unwrap();
    let dates = [("2026-11-30", 1), ("2026-12-01", 110)];
    let dates = dates.map(|(date, cost)| (date.to_owned(), cost));
    assert_eq!(by_date(&book), dates);
    let december = Timestamp(NOON + 5 * DAY);
    let totals = book.totals(OWNER, AccountNumber(1), december).unwrap();
    assert_eq!(totals.month.cost, NanoDollars(110));
    assert_eq!(totals.today.cost, NanoDollars(110));
    assert_eq!(totals.total.cost, NanoDollars(spent));
    // What may be spent in a month goes by the same months, before a restart and after.
    let mut purse = crate::purses::Spends::new(kolkata);
    purse.merge(&outcome.spent);
    for spends in [purse, book.spends().unwrap()] {
        assert_eq!(spends.ever(OWNER), NanoDollars(spent));
        assert_eq!(
            spends.in_month(OWNER, AccountNumber(1), december),
            NanoDollars(110)
        );
    }
}

#[test]
fn a_day_of_the_zone_is_as_long_as_its_clocks_make_it() {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap().in_zone(berlin).unwrap();
    // The 25th of October has 25 hours: from 22:00 UTC to 23:00 UTC.
    let records = vec![
        call(-33, 21.75, 1),
        call(-33, 22.0, 10),
        call(-32, 22.75, 100),
        call(-32, 23.0, 1_000),
    ];
    book.fold(&group(vec![(position(1), Some(batch(1, 1, records)))]))
        .unwrap();
    let dates = [
        ("2026-10-24", 1),
        ("2026-10-25", 110),
        ("2026-10-26", 1_000),
    ];
    let dates = dates.map(|(date, cost)| (date.to_owned(), cost));
    assert_eq!(by_date(&book), dates);
}

#[test]
fn another_zone_moves_nothing_that_is_billed() {
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap();
    let at = |number: u64, cost| {
        let records = vec![call(0, 20.0, cost)];
        group(vec![(position(number), Some(batch(1, number, records)))])
    };
    book.fold(&at(1, 1)).unwrap();
    drop(book);
    let kolkata: Zone = "Asia/Kolkata".parse().unwrap();
    let book = reopened(dir.path()).in_zone(kolkata).unwrap();
    book.fold(&at(2, 10)).unwrap();
    // Had twice, and counted once.
    book.fold(&at(2, 10)).unwrap();
    let dates = [("2026-11-26", 1), ("2026-11-27", 10)];
    let dates = dates.map(|(date, cost)| (date.to_owned(), cost));
    assert_eq!(by_date(&book), dates);
    let totals = book.totals(OWNER, AccountNumber(1), Timestamp(NOON));
    assert_eq!(totals.unwrap().total.cost, NanoDollars(11));
}
