//! The book of all sleeps.

use super::*;
use foldgate_proto::SleepCause::{Awake, Dead, RateLimit};

fn of(number: u128, model: Option<&str>, until: Timestamp) -> SleepReport {
    SleepReport {
        key: key(number),
        model: model.map(str::to_owned),
        ..report(generation(1, 0), until, RateLimit)
    }
}

fn listed(book: &SleepBook, now: Timestamp) -> Vec<(KeyId, Option<String>)> {
    book.sleeping(now)
        .map(|report| (report.key, report.model.clone()))
        .collect()
}

#[test]
fn it_lists_who_sleeps_in_order_and_as_long_as_he_does() {
    let mut book = SleepBook::new();
    assert!(book.fold(&of(2, Some("m"), later(60)), NOW));
    assert!(book.fold(&of(2, None, later(30)), NOW));
    assert!(book.fold(&of(1, None, later(90)), NOW));
    assert!(!book.fold(&of(1, None, later(90)), NOW));
    assert!(!book.fold(&of(3, None, NOW), NOW), "over already");
    let all = vec![
        (key(1), None),
        (key(2), None),
        (key(2), Some("m".to_owned())),
    ];
    assert_eq!(listed(&book, NOW), all);
    assert_eq!(book.sleeping_of(key(2), NOW).count(), 2);
    assert_eq!(listed(&book, later(60)), vec![(key(1), None)]);
    assert_eq!(book.prune(later(60)), 2);
    assert_eq!(book.len(), 1);
    assert_eq!(book.prune(later(90)), 1);
    assert!(book.is_empty());
}

#[test]
fn a_wake_ends_a_sleep_and_keeps_late_reports_out() {
    let mut book = SleepBook::new();
    let sleep = of(1, None, later(3600));
    assert!(book.fold(&sleep, NOW));
    assert!(book.fold(&report(generation(1, 1), Timestamp(0), Awake), later(1)));
    assert!(listed(&book, later(1)).is_empty());
    book.prune(later(2));
    assert!(!book.fold(&sleep, later(2)));
    assert!(listed(&book, later(2)).is_empty());
}

#[test]
fn an_operators_wake_outranks_whatever_nodes_remember() {
    let mut book = SleepBook::new();
    assert!(book.fold(&of(1, None, later(60)), NOW));
    assert!(book.fold(&of(1, Some("m"), later(60)), NOW));
    let drafts = book.wake(key(1), later(1));
    let models: Vec<_> = drafts.iter().map(|draft| draft.model.as_deref()).collect();
    assert_eq!(models, vec![None, Some("m")]);
    let place = Place {
        owner: OwnerId(Uuid::nil()),
        node: "cp",
        region: "eu",
    };
    let mut node = KeySleep::new(Revision(1));
    let sooner = report(generation(1, 40), later(900), Dead);
    assert!(node.fold(&sooner, NOW, 0.0));
    for draft in drafts {
        let report = draft.report(place);
        assert!(book.fold(&report, later(1)));
        assert!(report.model.is_some() || node.fold(&report, later(1), 0.0));
    }
    assert!(listed(&book, later(1)).is_empty());
    assert_eq!(node.standing(later(1)), Standing::Awake);
}

#[test]
fn a_key_nobody_heard_of_can_be_woken() {
    let mut book = SleepBook::new();
    book.know(key(1), Revision(5));
    let drafts = book.wake(key(1), NOW);
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].generation.secret, Revision(5));
}

#[test]
fn a_new_secret_ends_what_was_known_of_the_old() {
    let mut book = SleepBook::new();
    assert!(book.fold(&of(1, None, later(60)), NOW));
    assert!(book.fold(&of(2, None, later(60)), NOW));
    assert!(!book.know(key(1), Revision(1)));
    assert!(book.know(key(1), Revision(2)));
    assert_eq!(listed(&book, NOW), vec![(key(2), None)]);
    assert!(
        !book.fold(&of(1, None, later(90)), NOW),
        "of the old secret"
    );
    assert!(book.fold(&report(generation(2, 0), later(60), Dead), NOW));
}

#[test]
fn a_key_that_is_gone_is_forgotten() {
    let mut book = SleepBook::new();
    assert!(book.fold(&of(1, None, later(60)), NOW));
    assert!(book.fold(&of(1, Some("m"), later(60)), NOW));
    assert!(book.fold(&of(2, None, later(60)), NOW));
    assert!(book.forget(key(1)));
    assert!(!book.forget(key(1)));
    assert_eq!(listed(&book, NOW), vec![(key(2), None)]);
    assert_eq!(book.prune(later(60)), 1);
}

#[test]
fn it_outlives_a_restart() {
    let mut book = SleepBook::new();
    assert!(book.fold(&of(1, None, later(60)), NOW));
    assert!(book.fold(&of(2, Some("m"), later(90)), NOW));
    let mut next = SleepBook::new();
    for report in book.reports() {
        assert!(next.fold(report, later(1)));
    }
    assert_eq!(listed(&next, later(1)), listed(&book, later(1)));
    assert_eq!(next.reports_of(key(2)).count(), 1);
}

#[test]
fn a_full_book_gives_up_what_ends_first() {
    let mut book = SleepBook::new();
    for number in 0..MAX_BOOK_ENTRIES {
        assert!(book.fold(
            &of(number as u128 + 10, None, later(100 + number as u64 % 7)),
            NOW
        ));
    }
    assert!(
        !book.fold(&of(1, None, later(50)), NOW),
        "ends before all others"
    );
    assert!(book.fold(&of(2, None, later(500)), NOW));
    assert_eq!(book.len(), MAX_BOOK_ENTRIES);
    assert_eq!(book.sleeping_of(key(10), NOW).count(), 0, "gave way");
    assert_eq!(book.sleeping_of(key(2), NOW).count(), 1);
}

#[test]
fn a_report_too_large_to_keep_is_refused() {
    let mut book = SleepBook::new();
    assert!(!book.fold(&of(1, Some(&"m".repeat(257)), later(60)), NOW));
    let long = SleepReport {
        detail: "x".repeat(2000),
        ..of(1, None, later(60))
    };
    assert!(!book.fold(&long, NOW));
    assert!(book.is_empty());
}
