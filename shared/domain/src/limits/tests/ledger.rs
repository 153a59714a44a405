//! A node by itself.

use foldgate_proto::{LimitId, Timestamp};
use proptest::prelude::*;

use crate::limits::{Ask, Given, Kind, Ledger, Now, Period, Refused, Unit, Verdict, id_of};
use crate::zone::Zone;

/// Midnight, UTC.
const MIDNIGHT: u64 = 1_735_689_600_000;

fn at(tick: u64) -> Now {
    let wall = i64::try_from(MIDNIGHT + tick).expect("in this age");
    Now::at(tick, Timestamp(wall), Zone::UTC)
}

fn ask(id: LimitId, unit: Unit, period: Period, limit: u64) -> Ask {
    let kind = Kind { unit, period };
    Ask {
        id,
        kind,
        limit,
        cost: 1,
    }
}

fn rpm(limit: u64) -> Ask {
    ask(id_of(&[b"one"]), Unit::Requests, Period::Minute, limit)
}

fn tpm(limit: u64, cost: u64) -> Ask {
    let id = id_of(&[b"one"]);
    Ask {
        cost,
        ..ask(id, Unit::Tokens, Period::Minute, limit)
    }
}

fn taken(verdict: Verdict) -> Given {
    match verdict {
        Verdict::Taken(given) => given,
        other => panic!("{other:?}"),
    }
}

fn refused(verdict: Verdict) -> Refused {
    match verdict {
        Verdict::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_has_no_room_is_told_when_it_will() {
    let mut ledger = Ledger::alone();
    taken(ledger.admit(at(1_000), &[rpm(2)], true));
    taken(ledger.admit(at(5_000), &[rpm(2)], true));
    let told = refused(ledger.admit(at(11_000), &[rpm(2)], true));
    assert_eq!(told.wait, 50_000);
    assert_eq!(told.standing.requests.map(|one| one.remaining), Some(0));
    assert_eq!(told.standing.requests.map(|one| one.reset), Some(54_000));
    refused(ledger.admit(at(60_999), &[rpm(2)], true));
    taken(ledger.admit(at(61_000), &[rpm(2)], true));
}

#[test]
fn the_strictest_wins_and_the_others_take_nothing() {
    let mut ledger = Ledger::alone();
    let other = Ask {
        id: id_of(&[b"other"]),
        ..rpm(1)
    };
    taken(ledger.admit(at(0), &[other], true));
    for tick in 1..5 {
        let told = refused(ledger.admit(at(tick), &[rpm(3), other], true));
        assert_eq!(told.which, 1);
    }
    // Nothing of the first was used up by what the second refused.
    for tick in 5..8 {
        taken(ledger.admit(at(tick), &[rpm(3)], true));
    }
    refused(ledger.admit(at(8), &[rpm(3)], true));
}

#[test]
fn tokens_are_reserved_and_settled() {
    let mut ledger = Ledger::alone();
    let first = tpm(1_000, 700);
    let given = taken(ledger.admit(at(0), &[first], true));
    assert_eq!(given.standing.tokens.map(|one| one.remaining), Some(300));
    refused(ledger.admit(at(10), &[tpm(1_000, 400)], true));
    ledger.settle(&first, 100, (given.at, at(20)));
    let second = tpm(1_000, 400);
    let given = taken(ledger.admit(at(30), &[second], true));
    assert_eq!(given.standing.tokens.map(|one| one.remaining), Some(500));
    // More than was thought is counted when it is known.
    ledger.settle(&second, 900, (given.at, at(40)));
    let standing = ledger.standing(at(50), &[second]);
    assert_eq!(standing.tokens.map(|one| one.remaining), Some(0));
    let standing = ledger.standing(at(60_030), &[second]);
    assert_eq!(standing.tokens.map(|one| one.remaining), Some(500));
}

#[test]
fn a_call_that_takes_more_than_there_ever_is_takes_all() {
    let mut ledger = Ledger::alone();
    let given = taken(ledger.admit(at(0), &[tpm(1_000, 5_000)], true));
    assert_eq!(given.standing.tokens.map(|one| one.remaining), Some(0));
    refused(ledger.admit(at(59_999), &[tpm(1_000, 5_000)], true));
    taken(ledger.admit(at(60_000), &[tpm(1_000, 5_000)], true));
}

#[test]
fn a_day_is_one_of_the_calendar() {
    const DAY: u64 = 86_400_000;
    let mut ledger = Ledger::alone();
    let rpd = ask(id_of(&[b"one"]), Unit::Requests, Period::Day, 1);
    taken(ledger.admit(at(DAY - 60_000), &[rpd], true));
    let told = refused(ledger.admit(at(DAY - 20_000), &[rpd], true));
    assert_eq!(told.wait, 20_000);
    taken(ledger.admit(at(DAY), &[rpd], true));
    refused(ledger.admit(at(DAY + 1), &[rpd], true));
}

#[test]
fn what_a_day_used_outlives_a_restart() {
    let mut before = Ledger::alone();
    let rpd = ask(id_of(&[b"one"]), Unit::Requests, Period::Day, 3);
    taken(before.admit(at(1_000), &[rpd], true));
    taken(before.admit(at(2_000), &[rpm(9), rpd], true));
    let kept = before.of_today(at(3_000));
    assert_eq!(kept, [(rpd.id, rpd.kind, 2)]);
    let mut after = Ledger::alone();
    after.inherit(at(4_000), (rpd.id, rpd.kind), 2);
    taken(after.admit(at(5_000), &[rpd], true));
    refused(after.admit(at(6_000), &[rpd], true));
    assert_eq!(after.of_today(at(7_000)), [(rpd.id, rpd.kind, 3)]);
}

#[test]
fn what_is_not_in_use_is_dropped() {
    let mut ledger = Ledger::alone();
    for name in 0..1_000_u32 {
        let one = Ask {
            id: id_of(&[&name.to_le_bytes()]),
            ..rpm(5)
        };
        taken(ledger.admit(at(0), &[one], true));
    }
    assert_eq!(ledger.len(), 1_000);
    assert!(ledger.bytes() < 1_000 * 700, "{} bytes", ledger.bytes());
    for second in 0..100 {
        assert!(ledger.tick(at(second * 1_000)).is_empty());
    }
    assert!(ledger.is_empty());
}

proptest! {
    #[test]
    fn a_lone_node_lets_through_what_a_list_of_calls_does(
        limits in (1_u64..20, 1_u64..60),
        steps in proptest::collection::vec(0_u64..9_000, 1..300),
    ) {
        let mut ledger = Ledger::alone();
        let (per_minute, per_hour) = limits;
        let asks = [rpm(per_minute), ask(rpm(1).id, Unit::Requests, Period::Hour, per_hour)];
        let (mut now, mut all) = (0, Vec::<u64>::new());
        for step in steps {
            now += step;
            let within = |length| all.iter().filter(|at| now < **at + length).count() as u64;
            let expected = within(60_000) < per_minute && within(3_600_000) < per_hour;
            let verdict = ledger.admit(at(now), &asks, true);
            prop_assert_eq!(matches!(verdict, Verdict::Taken(_)), expected, "at {}", now);
            if expected {
                all.push(now);
            }
        }
    }

    #[test]
    fn the_time_that_is_told_is_the_first_with_room(
        limit in 1_u64..12,
        steps in proptest::collection::vec(0_u64..9_000, 1..80),
    ) {
        let mut ledger = Ledger::alone();
        let mut now = 0;
        for step in steps {
            now += step;
            if let Verdict::Refused(told) = ledger.admit(at(now), &[rpm(limit)], true) {
                let early = ledger.admit(at(now + told.wait - 1), &[rpm(limit)], true);
                prop_assert!(matches!(early, Verdict::Refused(_)));
                now += told.wait;
                let then = ledger.admit(at(now), &[rpm(limit)], true);
                prop_assert!(matches!(then, Verdict::Taken(_)));
            }
        }
    }
}
