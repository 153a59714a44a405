//! A node that hears others.

use foldgate_proto::{Count, Counts, Timestamp};
use proptest::prelude::*;

use crate::limits::{Ask, Kind, Ledger, Me, Now, Pace, Period, Unit, id_of};
use crate::zone::Zone;

const KIND: Kind = Kind {
    unit: Unit::Requests,
    period: Period::Minute,
};
const LIMIT: u64 = 1_000;

fn at(tick: u64) -> Now {
    let wall = 1_735_689_600_000_i64.saturating_add_unsigned(tick);
    Now::at(tick, Timestamp(wall), Zone::UTC)
}

fn node() -> Ledger {
    let me = Me {
        node: "me".to_owned(),
        region: "east".to_owned(),
        life: 1,
    };
    Ledger::shared(Pace::default(), me)
}

fn ask() -> Ask {
    Ask {
        id: id_of(&[b"one"]),
        kind: KIND,
        limit: LIMIT,
        cost: 1,
    }
}

/// What a node says: of which run, in which message, how much in all and of late.
fn says(node: &str, (life, seq): (u64, u64), (total, window): (i64, u64)) -> Counts {
    let count = Count {
        id: ask().id,
        kind: KIND.code(),
        born: 0,
        total,
        window,
        day: 0,
        wants: 1,
    };
    Counts {
        node: node.to_owned(),
        region: "east".to_owned(),
        life,
        seq,
        nodes: None,
        hello: false,
        counts: vec![count],
    }
}

/// What a region says by the mouth of a node.
fn of_region(speaker: &str, seq: u64, (total, window): (i64, u64)) -> Counts {
    Counts {
        region: "west".to_owned(),
        nodes: Some(4),
        ..says(speaker, (1, seq), (total, window))
    }
}

fn used(ledger: &mut Ledger, tick: u64) -> u64 {
    let standing = ledger.standing(at(tick), &[ask()]);
    LIMIT - standing.requests.expect("is limited").remaining
}

#[test]
fn totals_are_cumulative_and_old_news_does_nothing() {
    let mut ledger = node();
    let first = says("a", (1, 1), (5, 5));
    let later = says("a", (1, 3), (12, 12));
    ledger.hear(at(0), &first);
    assert_eq!(used(&mut ledger, 1), 5);
    ledger.hear(at(2), &later);
    // The second was lost; it comes after all, and so does the third, twice.
    ledger.hear(at(3), &says("a", (1, 2), (9, 9)));
    ledger.hear(at(4), &later);
    ledger.hear(at(5), &first);
    assert_eq!(used(&mut ledger, 6), 12);
    ledger.hear(at(7), &says("b", (1, 1), (3, 3)));
    assert_eq!(used(&mut ledger, 8), 15);
    assert_eq!(used(&mut ledger, 60_008), 0);
}

#[test]
fn what_was_given_back_elsewhere_is_free_here() {
    let mut ledger = node();
    ledger.hear(at(0), &says("a", (1, 1), (500, 500)));
    ledger.hear(at(9), &says("a", (1, 2), (120, 120)));
    assert_eq!(used(&mut ledger, 10), 120);
}

#[test]
fn of_a_node_first_heard_of_only_what_counts_now_is_taken() {
    let mut ledger = node();
    ledger.hear(at(0), &says("a", (1, 900), (1_000_000, 7)));
    assert_eq!(used(&mut ledger, 1), 7);
}

#[test]
fn a_node_that_was_silent_for_long_adds_what_counts_now() {
    let mut ledger = node();
    ledger.hear(at(0), &says("a", (1, 1), (5, 5)));
    ledger.hear(at(70_000), &says("a", (1, 2), (800, 30)));
    assert_eq!(used(&mut ledger, 70_001), 30);
}

#[test]
fn a_new_run_of_a_node_counts_beside_the_old_one_and_nothing_twice() {
    let mut ledger = node();
    ledger.hear(at(0), &says("a", (1, 40), (50, 50)));
    ledger.hear(at(10), &says("a", (2, 1), (3, 3)));
    assert_eq!(used(&mut ledger, 11), 53);
    // Late words of the run before are old news.
    ledger.hear(at(12), &says("a", (1, 41), (60, 60)));
    ledger.hear(at(13), &says("a", (2, 2), (4, 4)));
    assert_eq!(used(&mut ledger, 14), 54);
    assert_eq!(used(&mut ledger, 60_013), 0);
}

#[test]
fn a_node_that_disappears_ages_out() {
    let mut ledger = node();
    ledger.hear(at(0), &says("a", (1, 1), (50, 50)));
    assert_eq!(ledger.others(), (1, 0));
    for tick in 0..700 {
        let now = at(tick * 100);
        // It hears itself.
        for message in ledger.tick(now) {
            ledger.hear(now, &message);
        }
    }
    assert_eq!(ledger.others(), (0, 0));
    assert_eq!(used(&mut ledger, 70_000), 0);
    for second in 70..90 {
        ledger.tick(at(second * 1_000));
    }
    assert!(ledger.is_empty());
}

#[test]
fn when_another_speaks_for_a_region_nothing_is_counted_twice() {
    let mut ledger = node();
    ledger.hear(at(0), &of_region("x", 7, (300, 40)));
    assert_eq!(used(&mut ledger, 1), 40);
    // Another believes that it speaks, while the first still does.
    ledger.hear(at(500), &of_region("y", 1, (45, 45)));
    assert_eq!(used(&mut ledger, 501), 40);
    ledger.hear(at(3_000), &of_region("y", 9, (48, 48)));
    assert_eq!(used(&mut ledger, 3_001), 48);
    ledger.hear(at(3_100), &of_region("y", 10, (50, 50)));
    assert_eq!(used(&mut ledger, 3_101), 50);
    assert_eq!(ledger.others(), (0, 1));
}

#[test]
fn words_that_are_not_for_this_node_are_passed_over() {
    let mut ledger = node();
    let elsewhere = Counts {
        region: "west".to_owned(),
        ..says("a", (1, 1), (5, 5))
    };
    let own_region = Counts {
        nodes: Some(3),
        ..says("a", (1, 1), (5, 5))
    };
    let mut unknown = says("a", (1, 1), (5, 5));
    unknown.counts[0].kind = 200;
    let mut yesterday = says("a", (1, 2), (5, 5));
    yesterday.counts[0].day = 3;
    for message in [elsewhere, own_region, unknown, yesterday] {
        ledger.hear(at(0), &message);
    }
    assert_eq!(used(&mut ledger, 1), 0);
}

proptest! {
    #[test]
    fn whatever_the_order_the_newest_word_of_each_counts(
        order in proptest::collection::vec((0_usize..3, 0_u64..20), 1..80),
    ) {
        let mut ledger = node();
        let names = ["a", "b", "c"];
        let mut newest = [None; 3];
        for (tick, (who, seq)) in order.into_iter().enumerate() {
            let total = 3 * seq;
            let counted = i64::try_from(total).expect("small");
            let said = says(names[who], (1, seq), (counted, total));
            ledger.hear(at(tick as u64), &said);
            newest[who] = newest[who].max(Some(total));
        }
        let expected: u64 = newest.into_iter().flatten().sum();
        prop_assert_eq!(used(&mut ledger, 100), expected);
    }
}
