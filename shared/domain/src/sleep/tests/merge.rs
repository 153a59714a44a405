//! How nodes agree.

use super::*;
use foldgate_proto::SleepCause::{Awake, Dead, Exhausted, RateLimit};
use proptest::prelude::*;

fn asleep_until(sleep: &KeySleep, now: Timestamp) -> Option<Timestamp> {
    match sleep.standing(now) {
        Standing::Asleep { until, .. } => Some(until),
        _ => None,
    }
}

#[test]
fn a_late_or_doubled_report_never_shortens_a_sleep() {
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(&report(generation(1, 0), later(600), RateLimit), NOW, 0.0));
    assert!(!sleep.fold(&report(generation(1, 0), later(600), RateLimit), NOW, 0.0));
    assert!(!sleep.fold(
        &report(generation(1, 0), later(30), RateLimit),
        later(1),
        0.0
    ));
    assert!(!sleep.fold(
        &report(generation(1, 0), Timestamp(0), Awake),
        later(1),
        0.0
    ));
    assert_eq!(asleep_until(&sleep, later(1)), Some(later(600)));
}

#[test]
fn a_wake_is_of_a_new_generation_and_ends_older_sleeps() {
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(&report(generation(1, 0), later(600), RateLimit), NOW, 0.0));
    assert!(sleep.fold(
        &report(generation(1, 1), Timestamp(0), Awake),
        later(1),
        0.0
    ));
    assert_eq!(sleep.standing(later(1)), Standing::Awake);
    assert!(!sleep.fold(
        &report(generation(1, 0), later(900), RateLimit),
        later(2),
        0.0
    ));
    assert!(sleep.fold(
        &report(generation(1, 1), later(60), RateLimit),
        later(2),
        0.0
    ));
    assert_eq!(asleep_until(&sleep, later(2)), Some(later(60)));
}

#[test]
fn what_a_node_makes_of_its_own_outranks_what_it_made_before() {
    let mut here = KeySleep::new(Revision(1));
    let mut there = KeySleep::new(Revision(1));
    let mut told = Vec::new();
    for round in 0..6 {
        let now = later(round * 4000);
        let ticket = here.begin(now).expect("it may be used");
        if round % 3 == 2 {
            assert!(here.succeed(&ticket, now));
        } else {
            assert!(here.fail(&ticket, &fault(RateLimit), now, 0.0));
        }
        let place = Place {
            owner: OwnerId(Uuid::nil()),
            node: "n1",
            region: "eu",
        };
        let report = here.draft(key(1), None, now).report(place);
        assert!(there.fold(&report, now, 0.0), "round {round}");
        assert_eq!(asleep_until(&here, now), asleep_until(&there, now));
        for old in &told {
            assert!(!there.fold(old, now, 0.0));
        }
        told.push(report);
    }
}

#[test]
fn a_clock_far_ahead_cannot_hold_a_key_longer_than_a_day() {
    let far = Timestamp(i64::MAX);
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(&report(generation(1, 0), far, RateLimit), NOW, 0.0));
    assert_eq!(asleep_until(&sleep, NOW), Some(NOW.after(LONGEST_SLEEP)));
    // Heartbeats repeat it; counted from the first receipt all the same.
    assert!(!sleep.fold(&report(generation(1, 0), far, RateLimit), later(60), 0.0));
    assert_eq!(
        asleep_until(&sleep, later(60)),
        Some(NOW.after(LONGEST_SLEEP))
    );
    // And what this node sees afterwards still outranks the claim.
    let then = NOW.after(LONGEST_SLEEP);
    let trial = sleep.begin(then).expect("half-open");
    assert!(sleep.fail(&trial, &fault(RateLimit), then, 0.0));
    let mut other = KeySleep::new(Revision(1));
    assert!(other.fold(&report(generation(1, 0), far, RateLimit), NOW, 0.0));
    let place = Place {
        owner: OwnerId(Uuid::nil()),
        node: "n1",
        region: "eu",
    };
    let draft = sleep.draft(key(1), None, then);
    assert!(other.fold(&draft.report(place), then, 0.0));
}

#[test]
fn a_sleep_over_before_it_was_heard_of_leaves_the_key_half_open() {
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(
        &report(generation(1, 0), later(5), RateLimit),
        later(9),
        0.0
    ));
    assert_eq!(sleep.standing(later(9)), Standing::HalfOpen);
}

#[test]
fn a_trial_elsewhere_that_failed_ends_the_one_here() {
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(&report(generation(1, 0), later(60), Dead), NOW, 0.0));
    let trial = sleep.begin(later(60)).expect("half-open");
    assert!(sleep.fold(&report(generation(1, 0), later(180), Dead), later(61), 0.0));
    assert!(!sleep.succeed(&trial, later(62)));
    assert_eq!(asleep_until(&sleep, later(62)), Some(later(180)));
}

#[test]
fn a_reported_sleep_of_a_secret_not_yet_folded_survives_the_folding() {
    let mut sleep = KeySleep::new(Revision(1));
    assert!(sleep.fold(&report(generation(2, 0), later(60), Exhausted), NOW, 0.0));
    assert!(!sleep.renew(Revision(2)));
    assert_eq!(asleep_until(&sleep, NOW), Some(later(60)));
    assert!(sleep.renew(Revision(3)));
    assert_eq!(sleep.standing(NOW), Standing::Awake);
}

/// Sleeps that are not over: one that is over when it comes is nothing to the book.
fn any_report() -> impl Strategy<Value = SleepReport> {
    let cause = prop::sample::select(vec![RateLimit, Dead, Exhausted, Awake]);
    (0u64..3, 0u64..3, 1u64..200, cause).prop_map(|(secret, wake, secs, cause)| {
        report(generation(secret, wake), later(secs), cause)
    })
}

proptest! {
    #[test]
    fn any_order_of_reports_comes_to_the_same(
        reports in prop::collection::vec(any_report(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 24),
    ) {
        let mut straight = KeySleep::new(Revision(0));
        for report in &reports {
            straight.fold(report, NOW, 0.0);
        }
        let mut mixed = KeySleep::new(Revision(0));
        for index in &order {
            mixed.fold(index.get(&reports), NOW, 0.0);
        }
        for report in reports.iter().rev() {
            mixed.fold(report, NOW, 0.0);
        }
        prop_assert_eq!(straight.generation(), mixed.generation());
        prop_assert_eq!(asleep_until(&straight, NOW), asleep_until(&mixed, NOW));

        let mut book = SleepBook::new();
        for report in &reports {
            book.fold(report, NOW);
        }
        let listed = book.sleeping(NOW).next().map(|report| report.until);
        prop_assert_eq!(listed, asleep_until(&straight, NOW));
    }

    #[test]
    fn no_report_of_the_same_generation_shortens(reports in prop::collection::vec(any_report(), 1..20)) {
        let mut sleep = KeySleep::new(Revision(0));
        for report in &reports {
            let before = (sleep.generation(), asleep_until(&sleep, NOW));
            let changed = sleep.fold(report, NOW, 0.0);
            let after = (sleep.generation(), asleep_until(&sleep, NOW));
            prop_assert!(after >= before);
            prop_assert!(changed || after == before);
        }
    }
}
