use std::fs;
use std::path::Path;

use foldgate_proto::usage::MAX_BATCH_RECORDS;
use foldgate_proto::{
    AccountNumber, Measure, NanoDollars, OwnerId, PriceVersion, Quantities, Timestamp,
};
use tempfile::TempDir;

use super::*;

pub(in crate::usage) fn open(dir: &Path) -> Spool {
    open_small(dir, 64 * 1024 * 1024)
}

fn open_small(dir: &Path, max_bytes: u64) -> Spool {
    let options = Options {
        dir: dir.to_owned(),
        max_bytes,
    };
    Spool::open(options, Box::new(Intent::unsettled)).unwrap()
}

fn intent(cost: i64) -> Intent {
    Intent {
        id: Uuid::new_v4(),
        owner: OwnerId(Uuid::from_u128(1)),
        account: AccountNumber(1),
        caller_key: None,
        provider_key: None,
        level: None,
        endpoint: "chat/completions".to_owned(),
        requested: "gpt-4o".to_owned(),
        model: "gpt-4o".to_owned(),
        upstream: None,
        estimate: Quantities {
            input: 5,
            ..Quantities::default()
        },
        cost: NanoDollars(cost),
        unpriced: false,
        factor: foldgate_proto::Rates::ONE,
        prices: PriceVersion::default(),
        at: Timestamp(1_000),
    }
}

fn record(intent: &Intent) -> UsageRecord {
    UsageRecord {
        measure: Measure::Reported,
        status: 200,
        ..intent.unsettled()
    }
}

/// Serves one call.
pub(in crate::usage) fn serve(spool: &Spool, cost: i64) -> UsageRecord {
    let intent = intent(cost);
    let record = record(&intent);
    spool.intend(&intent).unwrap().settle(record.clone());
    record
}

/// All that is left to hand on, by batch.
fn drain(outbox: &mut Outbox) -> Vec<Numbered> {
    let mut all = Vec::new();
    while let Some(batch) = outbox.next_batch().unwrap() {
        outbox.arrived().unwrap();
        all.push(batch);
    }
    all
}

fn records(batches: &[Numbered]) -> Vec<UsageRecord> {
    batches
        .iter()
        .flat_map(|batch| batch.records.clone())
        .collect()
}

#[test]
fn what_is_settled_is_handed_on_once_and_in_order() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let mut outbox = spool.outbox().unwrap();
    assert!(spool.outbox().is_none(), "a second reader");
    assert_eq!(outbox.next_batch().unwrap(), None);
    let served: Vec<_> = (0..3).map(|cost| serve(&spool, cost)).collect();
    assert_eq!(spool.waiting(), 3);
    let first = outbox.next_batch().unwrap().unwrap();
    assert_eq!((first.number, &first.records), (1, &served));
    outbox.arrived().unwrap();
    assert_eq!(spool.waiting(), 0);
    let more = serve(&spool, 4);
    let second = outbox.next_batch().unwrap().unwrap();
    assert_eq!((second.number, second.records), (2, vec![more]));
}

#[test]
fn a_batch_takes_no_more_than_its_limit() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let all = i64::try_from(2 * MAX_BATCH_RECORDS + 500).unwrap();
    let served: Vec<_> = (0..all).map(|cost| serve(&spool, cost)).collect();
    let mut outbox = spool.outbox().unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = outbox.next_batch().unwrap() {
        outbox.arrived().unwrap();
        assert_eq!(outbox.has_more(), batch.records.len() == MAX_BATCH_RECORDS);
        batches.push(batch);
    }
    let sizes: Vec<_> = batches.iter().map(|batch| batch.records.len()).collect();
    assert_eq!(sizes, [MAX_BATCH_RECORDS, MAX_BATCH_RECORDS, 500]);
    assert_eq!(records(&batches), served);
    for batch in batches {
        let encoded = codec::encode(&foldgate_proto::UsageBatch {
            node: "n".to_owned(),
            region: "r".to_owned(),
            spool: batch.spool,
            number: batch.number,
            records: batch.records,
        });
        encoded.unwrap();
    }
}

#[test]
fn a_batch_that_did_not_arrive_comes_again_as_it_was() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let id = spool.id();
    serve(&spool, 1);
    let mut outbox = spool.outbox().unwrap();
    outbox.next_batch().unwrap().unwrap();
    outbox.arrived().unwrap();
    let cut = [serve(&spool, 2), serve(&spool, 3)];
    let sent = outbox.next_batch().unwrap().unwrap();
    assert_eq!((sent.number, sent.records.as_slice()), (2, &cut[..]));
    // What comes behind it is not in it, then as now.
    let behind = serve(&spool, 4);
    drop((outbox, spool));

    let spool = open(dir.path());
    assert_eq!(spool.id(), id);
    let mut outbox = spool.outbox().unwrap();
    assert_eq!(outbox.next_batch().unwrap().unwrap(), sent);
    assert!(outbox.has_more(), "it is as it was, whatever waits");
    outbox.arrived().unwrap();
    let last = outbox.next_batch().unwrap().unwrap();
    assert_eq!((last.number, last.records), (3, vec![behind]));
}

#[test]
fn calls_that_did_not_end_are_settled_by_the_estimate() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let cut = intent(7);
    // Never dropped: the process is gone.
    std::mem::forget(spool.intend(&cut).unwrap());
    spool.intend(&intent(8)).unwrap().free();
    drop(spool);

    let spool = open(dir.path());
    let found = records(&drain(&mut spool.outbox().unwrap()));
    assert_eq!(found, [cut.unsettled()]);
    drop(spool);
    let spool = open(dir.path());
    let mut outbox = spool.outbox().unwrap();
    assert_eq!(drain(&mut outbox), [], "billed twice");

    let dropped = intent(9);
    drop(spool.intend(&dropped).unwrap());
    let found = records(&drain(&mut outbox));
    assert_eq!(found, [dropped.unsettled()], "a ticket that is dropped");
}

#[test]
fn a_second_try_replaces_the_intent() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let first = intent(7);
    let ticket = spool.intend(&first).unwrap();
    let second = Intent {
        model: "gpt-4o-mini".to_owned(),
        ..intent(8)
    };
    ticket.again(&second).unwrap();
    drop(ticket);
    let found = records(&drain(&mut spool.outbox().unwrap()));
    let wanted = Intent {
        id: first.id,
        ..second
    };
    assert_eq!(found, [wanted.unsettled()]);
}

#[test]
fn segments_go_when_all_in_them_arrived() {
    let dir = TempDir::new().unwrap();
    let spool = open_small(dir.path(), 256 * 1024);
    let mut outbox = spool.outbox().unwrap();
    let long = intent(1_000_000);
    let ticket = spool.intend(&long).unwrap();
    let segments = || segment::list(dir.path()).unwrap().len();
    let (mut costs, mut most) = (0, 0);
    for cost in 0..2_000 {
        serve(&spool, cost);
        if cost % 100 == 99 {
            most = most.max(segments());
            for batch in drain(&mut outbox) {
                costs += batch
                    .records
                    .iter()
                    .map(|record| record.cost.0)
                    .sum::<i64>();
            }
        }
    }
    assert_eq!(costs, (0..2_000).sum::<i64>());
    assert!(most > 2, "the test makes no segments");
    assert!(segments() <= 2, "{} segments stay", segments());
    assert!(spool.bytes() < 128 * 1024);
    // The call that lasted has moved on with them.
    std::mem::forget(ticket);
    drop((outbox, spool));
    let spool = open(dir.path());
    let found = records(&drain(&mut spool.outbox().unwrap()));
    assert_eq!(found, [long.unsettled()]);
}

#[test]
fn a_full_spool_lets_nobody_in_and_loses_nobody() {
    let dir = TempDir::new().unwrap();
    let spool = open_small(dir.path(), 128 * 1024);
    let mut inside = Vec::new();
    let mut served = 0;
    let refused = loop {
        let intent = intent(1);
        match spool.intend(&intent) {
            Ok(ticket) => inside.push((ticket, record(&intent))),
            Err(refused) => break refused,
        }
        if inside.len() == 20 {
            for (ticket, record) in inside.drain(..) {
                ticket.settle(record);
                served += 1;
            }
        }
    };
    assert!(matches!(refused, Refused::Full { .. }), "{refused}");
    for (ticket, record) in inside {
        ticket.settle(record);
        served += 1;
    }
    assert!(spool.bytes() <= 128 * 1024, "{} bytes", spool.bytes());
    let mut outbox = spool.outbox().unwrap();
    assert_eq!(records(&drain(&mut outbox)).len(), served);
    serve(&spool, 2);
}

#[test]
fn a_disk_that_refuses_lets_nobody_in_and_loses_nobody() {
    let dir = TempDir::new().unwrap();
    let (here, away) = (dir.path().join("spool"), dir.path().join("away"));
    let spool = open_small(&here, 512 * 1024);
    let mut inside = Vec::new();
    // No further segment can be made.
    fs::rename(&here, &away).unwrap();
    let refused = loop {
        let intent = intent(1);
        match spool.intend(&intent) {
            Ok(ticket) => inside.push((ticket, record(&intent))),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refused::Disk(_)), "{refused}");
    assert!(spool.fails());
    let let_in = inside.len();
    for (ticket, record) in inside {
        ticket.settle(record);
    }
    assert!(spool.intend(&intent(1)).is_err());
    fs::rename(&away, &here).unwrap();
    let found = records(&drain(&mut spool.outbox().unwrap()));
    assert_eq!(found.len(), let_in);
    assert!(
        found
            .iter()
            .all(|record| record.measure == Measure::Reported)
    );
    serve(&spool, 2);
    assert!(!spool.fails());
}

/// Whatever a kill or a loss of power leaves of the file: its beginning counts.
#[test]
fn a_torn_end_costs_what_is_torn_off_and_no_more() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let served: Vec<_> = (0..3).map(|cost| serve(&spool, cost)).collect();
    let open_call = intent(9);
    std::mem::forget(spool.intend(&open_call).unwrap());
    drop(spool);
    let [(sequence, path)] = segment::list(dir.path()).unwrap().try_into().unwrap();
    let whole = fs::read(&path).unwrap();
    let start = segment::read(sequence, &path).unwrap().unwrap().start;
    for cut in (start..whole.len()).step_by(7) {
        let dir = TempDir::new().unwrap();
        fs::write(segment::path(dir.path(), sequence), &whole[..cut]).unwrap();
        let spool = open(dir.path());
        serve(&spool, 50);
        let found = records(&drain(&mut spool.outbox().unwrap()));
        let (last, found) = found.split_last().unwrap();
        assert_eq!(last.cost, NanoDollars(50));
        let reported = found
            .iter()
            .filter(|record| record.measure == Measure::Reported);
        let reported: Vec<_> = reported.cloned().collect();
        assert_eq!(reported, served[..reported.len()], "cut at {cut}");
        let unsettled = found.len() - reported.len();
        assert!(unsettled <= 1, "cut at {cut}: {unsettled} calls are open");
    }
}

#[test]
fn damage_in_the_midst_leaves_the_segments_behind_it() {
    let dir = TempDir::new().unwrap();
    for cost in 0..3 {
        let spool = open(dir.path());
        serve(&spool, 10 + cost);
        serve(&spool, 20 + cost);
    }
    let segments = segment::list(dir.path()).unwrap();
    assert_eq!(segments.len(), 3);
    let mut bytes = fs::read(&segments[1].1).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(&segments[1].1, bytes).unwrap();
    // And one has lost its head.
    fs::write(segment::path(dir.path(), 99), b"nothing of ours").unwrap();

    let spool = open(dir.path());
    let found = records(&drain(&mut spool.outbox().unwrap()));
    let costs: Vec<_> = found.iter().map(|record| record.cost.0).collect();
    assert_eq!(costs[..5], [10, 20, 11, 12, 22]);
    // The call whose record is damaged is open again, and billed by its estimate.
    assert_eq!((costs[5], found[5].measure), (21, Measure::Unsettled));
    assert_eq!(costs.len(), 6);
}

#[test]
fn many_threads_write_with_one_pen() {
    let dir = TempDir::new().unwrap();
    let spool = open_small(dir.path(), 8 * 1024 * 1024);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let spool = spool.clone();
            scope.spawn(move || (0..200).for_each(|n| drop(serve(&spool, thread * 1000 + n))));
        }
    });
    let found = records(&drain(&mut spool.outbox().unwrap()));
    let total: i64 = found.iter().map(|record| record.cost.0).sum();
    let wanted: i64 = (0..8)
        .flat_map(|t| (0..200).map(move |n| t * 1000 + n))
        .sum();
    assert_eq!((found.len(), total), (1600, wanted));
}

#[test]
fn names_of_any_length_are_cut() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let long = Intent {
        requested: "ä".repeat(1_000_000),
        ..intent(1)
    };
    let record = record(&long);
    spool.intend(&long).unwrap().settle(record);
    let found = records(&drain(&mut spool.outbox().unwrap()));
    assert_eq!(found[0].requested, "ä".repeat(codec::MAX_TEXT / 2));
}
