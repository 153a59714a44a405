//! The book against plain addition: whatever comes twice, whenever the process dies.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use foldgate_log::usage::Position;
use foldgate_proto::{
    AccountNumber, CallerKeyNumber, KeyId, Measure, NanoDollars, OwnerId, PriceVersion, Quantities,
    Timestamp, UsageBatch, UsageRecord,
};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::book::{Book, Group};
use super::*;

mod zones;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

/// 2026-11-26T12:00:00Z
const NOON: i64 = 1_795_694_400_000;
const DAY: i64 = 86_400_000;

fn record(account: u64, model: &str, (day, cost): (i64, i64)) -> UsageRecord {
    UsageRecord {
        id: Uuid::new_v4(),
        owner: OWNER,
        account: AccountNumber(account),
        caller_key: (account == 2).then_some(CallerKeyNumber(9)),
        provider_key: None,
        level: None,
        endpoint: "chat/completions".to_owned(),
        requested: model.to_owned(),
        model: model.to_owned(),
        upstream: None,
        quantities: Quantities {
            input: 3,
            output: 2,
            ..Quantities::default()
        },
        image_size: None,
        measure: Measure::Reported,
        cost: NanoDollars(cost),
        unpriced: false,
        factor: foldgate_proto::Rates::ONE,
        prices: PriceVersion::default(),
        status: 200,
        at: Timestamp(NOON + day * DAY),
        took_ms: 1,
        first_byte_ms: None,
    }
}

fn batch(spool: u128, number: u64, records: Vec<UsageRecord>) -> UsageBatch {
    UsageBatch {
        node: "n".to_owned(),
        region: "r".to_owned(),
        spool: Uuid::from_u128(spool),
        number,
        records,
    }
}

fn position(sequence: u64) -> Position {
    Position { made: 1, sequence }
}

fn group(batches: Vec<(Position, Option<UsageBatch>)>) -> Group<'static> {
    Group {
        origin: "FOLDGATE_USAGE",
        missed: false,
        batches,
    }
}

/// Opens a book again whose last owner may still be letting go of its folder.
fn reopened(dir: &Path) -> Book {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Book::open(dir) {
            Ok(book) => return book,
            Err(Fault::Disk(_)) if Instant::now() < deadline => std::thread::yield_now(),
            Err(fault) => panic!("{fault:?}"),
        }
    }
}

/// What `kill -9` leaves: the files as they are at this moment.
fn killed(book: Book, dir: &Path) -> (Book, TempDir) {
    let copy = TempDir::new().unwrap();
    copy_dir(dir, copy.path());
    drop(book);
    (Book::open(copy.path()).unwrap(), copy)
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything it says of the owner.
fn told(book: &Book) -> (Vec<Line>, Vec<KeyLine>, Vec<Totals>) {
    let accounts = book.accounts(OWNER).unwrap();
    let days = 0..=u32::MAX - 1;
    let keys = accounts.iter().flat_map(|account| {
        let keys = book.by_key(OWNER, *account, days.clone());
        keys.unwrap()
    });
    let totals = accounts.iter().map(|account| {
        let totals = book.totals(OWNER, *account, Timestamp(NOON));
        totals.unwrap()
    });
    let (keys, totals) = (keys.collect(), totals.collect());
    let lines = book.lines(OWNER, &accounts, days).unwrap().unwrap();
    (lines, keys, totals)
}

#[derive(Debug, Clone)]
enum Step {
    /// The stream gets the batch of this place, perhaps again.
    Arrives(prop::sample::Index),
    /// The book reads on.
    Folds(usize),
    /// The process dies, or ends in good order.
    Dies,
    Ends,
    /// The stream is read from its beginning again.
    Rewinds,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(Step::Arrives),
        4 => (1_usize..4).prop_map(Step::Folds),
        1 => Just(Step::Dies),
        1 => Just(Step::Ends),
        1 => Just(Step::Rewinds),
    ]
}

fn batches() -> impl Strategy<Value = Vec<UsageBatch>> {
    let record =
        (1_u64..4, 0_usize..3, (-2_i64..2, 0_i64..1_000)).prop_map(|(account, model, when)| {
            record(account, ["gpt-4o", "claude", "o1"][model], when)
        });
    let records = prop::collection::vec(record, 0..4);
    prop::collection::vec((0_u128..2, records), 1..12).prop_map(|all| {
        let mut numbers = [0; 2];
        let numbered = all.into_iter().map(|(spool, records)| {
            let number = &mut numbers[usize::try_from(spool).unwrap()];
            *number += 1;
            batch(spool, *number, records)
        });
        numbered.collect()
    })
}

/// Plays a history against a book of its own, then lets all arrive that did not.
fn played(batches: &[UsageBatch], steps: &[Step]) -> (Vec<Line>, Vec<KeyLine>, Vec<Totals>) {
    let mut dir = TempDir::new().unwrap();
    let mut book = Book::open(dir.path()).unwrap();
    let mut stream: Vec<&UsageBatch> = Vec::new();
    let mut rewound = false;
    let read_on = |book: &Book, stream: &[&UsageBatch], many: usize, anew: bool| {
        let at = book
            .meta()
            .unwrap()
            .positions
            .get("FOLDGATE_USAGE")
            .copied();
        let next = at
            .filter(|_| !anew)
            .map_or(0, |at| usize::try_from(at.sequence).unwrap());
        let some = stream.iter().enumerate().skip(next).take(many);
        let some = some.map(|(index, batch)| {
            let sequence = u64::try_from(index + 1).unwrap();
            (position(sequence), Some((*batch).clone()))
        });
        let some: Vec<_> = some.collect();
        if !some.is_empty() {
            book.fold(&group(some)).unwrap();
        }
    };
    for step in steps {
        match step {
            Step::Arrives(index) => stream.push(index.get(batches)),
            Step::Folds(many) => read_on(&book, &stream, *many, std::mem::take(&mut rewound)),
            Step::Dies => (book, dir) = killed(book, dir.path()),
            Step::Ends => {
                book.sync().unwrap();
                drop(book);
                book = reopened(dir.path());
            }
            Step::Rewinds => rewound = true,
        }
    }
    stream.extend(batches);
    read_on(&book, &stream, stream.len(), true);
    assert_eq!(
        book.meta().unwrap().positions["FOLDGATE_USAGE"],
        position(stream.len() as u64)
    );
    told(&book)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn each_batch_counts_once_whatever_comes_between(
        batches in batches(),
        one in prop::collection::vec(step(), 0..30),
        other in prop::collection::vec(step(), 0..30),
    ) {
        let (lines, keys, totals) = played(&batches, &one);
        prop_assert_eq!(&played(&batches, &other), &(lines.clone(), keys.clone(), totals.clone()));
        let mut wanted: BTreeMap<(AccountNumber, u32, String), Sums> = BTreeMap::new();
        let mut of_account: BTreeMap<AccountNumber, Sums> = BTreeMap::new();
        for record in batches.iter().flat_map(|batch| &batch.records) {
            let line = (record.account, Zone::UTC.day(record.at).number, record.model.clone());
            wanted.entry(line).or_default().add(record);
            of_account.entry(record.account).or_default().add(record);
        }
        let wanted: Vec<_> = wanted.into_iter().map(|((account, day, model), sums)| {
            Line { account, day, model, sums }
        }).collect();
        prop_assert_eq!(lines, wanted);
        let whole: Vec<_> = totals.iter().map(|totals| totals.total).collect();
        prop_assert_eq!(&whole, &of_account.values().copied().collect::<Vec<_>>());
        let by_key: u64 = keys.iter().map(|line| line.sums.requests).sum();
        prop_assert_eq!(by_key, whole.iter().map(|sums| sums.requests).sum::<u64>());
    }
}

#[test]
fn today_and_this_month_are_parts_of_all() {
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap();
    let costs = [(0, 1), (-1, 10), (-40, 100)];
    let records = costs.map(|when| record(1, "gpt-4o", when)).to_vec();
    let first = batch(1, 1, records);
    book.fold(&group(vec![(position(1), Some(first))])).unwrap();
    let totals = book
        .totals(OWNER, AccountNumber(1), Timestamp(NOON))
        .unwrap();
    let cost = |sums: Sums| sums.cost.0;
    assert_eq!(
        (cost(totals.today), cost(totals.month), cost(totals.total)),
        (1, 11, 111)
    );
    let other = OwnerId(Uuid::from_u128(2));
    let totals = book
        .totals(other, AccountNumber(1), Timestamp(NOON))
        .unwrap();
    assert_eq!(totals, Totals::default(), "another owner's");
}

#[test]
fn what_is_missing_shows_in_since_when_bills_are_whole() {
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap();
    let at = |number, day| {
        let records = vec![record(1, "gpt-4o", (day, 1))];
        vec![(position(number), Some(batch(1, number, records)))]
    };
    book.fold(&group(at(1, -3))).unwrap();
    assert_eq!(book.meta().unwrap().since, None);
    // The second is never seen.
    let outcome = book.fold(&group(at(3, -1))).unwrap();
    assert_eq!(outcome.missing, 1);
    let since = Some(Timestamp(NOON - DAY));
    assert_eq!(book.meta().unwrap().since, since);
    // One that cannot be read is passed over, as its number tells.
    book.fold(&group(vec![(position(4), None)])).unwrap();
    book.fold(&group(at(5, 0))).unwrap();
    assert_eq!(book.meta().unwrap().since, Some(Timestamp(NOON)));
}

/// As several nodes tell it, a node after its restart once more, and a batch twice.
#[test]
fn the_end_of_a_job_counts_once_whoever_tells_it() {
    let dir = TempDir::new().unwrap();
    let mut book = Book::open(dir.path()).unwrap();
    let job = |id: &str, day| UsageRecord {
        id: foldgate_proto::job_name(OWNER, KeyId(Uuid::from_u128(7)), id),
        ..record(1, "gpt-4o", (day, 5))
    };
    let mut sequence = 0;
    let mut tell = |book: &Book, batch: UsageBatch| {
        sequence += 1;
        let told = vec![(position(sequence), Some(batch))];
        let outcome = book.fold(&group(told)).unwrap();
        let spent = book.totals(OWNER, AccountNumber(1), Timestamp(NOON));
        (
            outcome.records,
            outcome.repeated,
            spent.unwrap().total.cost.0,
        )
    };
    let first = batch(1, 1, vec![job("a", 0), job("a", 0), job("b", 0)]);
    assert_eq!(tell(&book, first.clone()), (2, 1, 10));
    assert_eq!(tell(&book, first), (0, 0, 10), "the batch again");
    let elsewhere = batch(2, 1, vec![job("a", 1), record(1, "gpt-4o", (0, 100))]);
    assert_eq!(tell(&book, elsewhere), (1, 1, 110));
    let _copy;
    book.sync().unwrap();
    (book, _copy) = killed(book, dir.path());
    assert_eq!(tell(&book, batch(3, 1, vec![job("b", 9)])), (0, 1, 110));
    // So long after it is forgotten; nodes do not tell it any more.
    assert_eq!(tell(&book, batch(3, 2, vec![job("c", 61)])), (1, 0, 115));
    assert_eq!(tell(&book, batch(3, 3, vec![job("b", 61)])), (0, 1, 115));
    assert_eq!(tell(&book, batch(3, 4, vec![job("d", 63)])), (1, 0, 120));
    assert_eq!(tell(&book, batch(3, 5, vec![job("b", 63)])), (1, 0, 125));
}

#[test]
fn models_without_end_are_billed_together() {
    let dir = TempDir::new().unwrap();
    let book = Book::open(dir.path()).unwrap();
    for number in 1..=3 {
        let names = (0..500).map(|name| format!("m{}", name + 500 * (number - 1)));
        let records = names.map(|name| record(1, &name, (0, 1))).collect();
        let batch = batch(1, number, records);
        book.fold(&group(vec![(position(number), Some(batch))]))
            .unwrap();
    }
    let (lines, _, totals) = told(&book);
    assert_eq!(lines.len(), 1_001);
    let others = lines.iter().find(|line| line.model == "(other models)");
    assert_eq!(others.unwrap().sums.requests, 500);
    assert_eq!(totals[0].total.requests, 1_500);
}

#[test]
fn a_book_of_another_version_is_not_used() {
    let dir = TempDir::new().unwrap();
    let db = sled::open(dir.path().join("sled")).unwrap();
    db.insert(b"x", b"y").unwrap();
    drop(db);
    assert!(matches!(Book::open(dir.path()), Err(Fault::Damaged(_))));
}
