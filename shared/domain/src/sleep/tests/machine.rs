//! Given a key, when attempts end, then it sleeps and wakes.

use super::*;
use foldgate_proto::SleepCause::{Dead, Exhausted, RateLimit, Timeout, UpstreamError};

fn awake() -> KeySleep {
    KeySleep::new(Revision(7))
}

/// A key that failed once at `NOW` and sleeps.
fn slept(fault: &Fault) -> KeySleep {
    let mut sleep = awake();
    let ticket = sleep.begin(NOW).expect("awake");
    assert!(sleep.fail(&ticket, fault, NOW, 0.0));
    sleep
}

fn until(sleep: &KeySleep, now: Timestamp) -> Timestamp {
    match sleep.standing(now) {
        Standing::Asleep { until, .. } => until,
        other => panic!("not asleep: {other:?}"),
    }
}

#[test]
fn a_failure_puts_an_awake_key_to_sleep() {
    let mut sleep = slept(&fault(RateLimit));
    assert_eq!(until(&sleep, NOW), later(30));
    assert_eq!(sleep.begin(later(29)), None);
    let draft = sleep.draft(key(1), None, NOW);
    assert_eq!(
        (draft.until, draft.cause, draft.failures),
        (later(30), RateLimit, 1)
    );
    assert_eq!(
        (draft.generation, draft.confirmed),
        (generation(7, 0), false)
    );
}

#[test]
fn a_failure_of_another_kind_begins_a_new_row() {
    let mut sleep = slept(&fault(UpstreamError));
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(sleep.fail(&trial, &fault(Timeout), later(5), 0.0));
    assert_eq!(until(&sleep, later(5)), later(25), "the second of one kind");
    let trial = sleep.begin(later(25)).expect("half-open");
    assert!(sleep.fail(&trial, &fault(Exhausted), later(25), 0.0));
    assert_eq!(sleep.draft(key(1), None, later(25)).failures, 1);
    assert_eq!(until(&sleep, later(25)), later(25 + 3600));
}

#[test]
fn twenty_that_fail_together_are_one_failure() {
    let mut sleep = awake();
    let tickets: Vec<Ticket> = (0..20).map(|_| sleep.begin(NOW).expect("awake")).collect();
    let due: Vec<bool> = tickets
        .iter()
        .map(|ticket| sleep.fail(ticket, &fault(UpstreamError), later(1), 0.0))
        .collect();
    assert_eq!(due.iter().filter(|due| **due).count(), 1);
    let draft = sleep.draft(key(1), None, NOW);
    assert_eq!((draft.failures, draft.until), (1, later(6)));
}

#[test]
fn one_in_flight_that_was_told_to_wait_longer_lengthens_the_sleep() {
    let mut sleep = awake();
    let tickets: Vec<Ticket> = (0..4).map(|_| sleep.begin(NOW).expect("awake")).collect();
    assert!(sleep.fail(&tickets[0], &hinted(RateLimit, 10), NOW, 0.0));
    assert_eq!(until(&sleep, NOW), later(11));
    assert!(!sleep.fail(&tickets[1], &hinted(RateLimit, 5), NOW, 0.0));
    assert!(sleep.fail(&tickets[2], &hinted(RateLimit, 60), NOW, 0.0));
    assert_eq!(until(&sleep, NOW), later(61));
    assert!(sleep.fail(&tickets[3], &fault(Exhausted), NOW, 0.0));
    assert_eq!(until(&sleep, NOW), later(3600));
    let draft = sleep.draft(key(1), None, NOW);
    assert_eq!((draft.cause, draft.failures), (Exhausted, 1));
}

#[test]
fn a_key_that_wakes_takes_one_trial() {
    let mut sleep = slept(&fault(UpstreamError));
    assert_eq!(sleep.standing(later(5)), Standing::HalfOpen);
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(trial.is_trial());
    assert_eq!(sleep.standing(later(5)), Standing::Trying);
    assert_eq!(sleep.begin(later(5)), None);
    assert!(sleep.succeed(&trial, later(6)));
    assert_eq!(sleep.standing(later(6)), Standing::Awake);
    assert!(!sleep.begin(later(6)).expect("awake").is_trial());
    let draft = sleep.draft(key(1), None, later(6));
    assert_eq!(
        (draft.cause, draft.until),
        (SleepCause::Awake, Timestamp(0))
    );
    assert!(draft.generation > generation(7, 0));
}

#[test]
fn a_trial_that_fails_doubles_the_sleep_and_a_success_resets_it() {
    let mut sleep = slept(&fault(UpstreamError));
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(sleep.fail(&trial, &fault(UpstreamError), later(5), 0.0));
    assert_eq!(until(&sleep, later(5)), later(15));
    let trial = sleep.begin(later(15)).expect("half-open");
    assert!(sleep.succeed(&trial, later(15)));
    let ticket = sleep.begin(later(15)).expect("awake");
    assert!(sleep.fail(&ticket, &fault(UpstreamError), later(15), 0.0));
    assert_eq!(until(&sleep, later(15)), later(20));
}

#[test]
fn a_dropped_trial_gives_its_slot_back() {
    let mut sleep = slept(&fault(UpstreamError));
    let trial = sleep.begin(later(5)).expect("half-open");
    sleep.release(&trial);
    assert_eq!(sleep.standing(later(5)), Standing::HalfOpen);
    let second = sleep.begin(later(5)).expect("half-open");
    sleep.release(&trial);
    assert_eq!(
        sleep.standing(later(5)),
        Standing::Trying,
        "the second holds it"
    );
    sleep.release(&second);
    assert_eq!(sleep.standing(later(5)), Standing::HalfOpen);
}

#[test]
fn a_trial_nobody_settled_is_given_up() {
    let mut sleep = slept(&fault(UpstreamError));
    let lost = sleep.begin(later(5)).expect("half-open");
    let then = later(5).after(TRIAL_LIFETIME);
    assert_eq!(sleep.standing(Timestamp(then.0 - 1)), Standing::Trying);
    assert_eq!(sleep.standing(then), Standing::HalfOpen);
    let next = sleep.begin(then).expect("half-open");
    assert!(next.is_trial() && next != lost);
}

#[test]
fn a_dead_key_is_confirmed_by_its_trial_only() {
    let mut sleep = slept(&fault(Dead));
    assert!(!sleep.draft(key(1), None, NOW).confirmed);
    let trial = sleep.begin(later(60)).expect("half-open");
    assert!(sleep.fail(&trial, &fault(Dead), later(60), 0.0));
    assert!(sleep.draft(key(1), None, NOW).confirmed);

    let mut other = slept(&fault(RateLimit));
    let trial = other.begin(later(30)).expect("half-open");
    assert!(other.fail(&trial, &fault(Dead), later(30), 0.0));
    assert!(
        !other.draft(key(1), None, NOW).confirmed,
        "another cause before"
    );
}

#[test]
fn what_began_before_the_sleep_neither_wakes_nor_fails_the_key() {
    let mut sleep = awake();
    let slow = sleep.begin(NOW).expect("awake");
    let ticket = sleep.begin(NOW).expect("awake");
    assert!(sleep.fail(&ticket, &fault(UpstreamError), NOW, 0.0));
    assert!(!sleep.succeed(&slow, later(1)));
    assert_eq!(until(&sleep, later(1)), later(5));
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(!sleep.fail(&slow, &hinted(RateLimit, 600), later(5), 0.0));
    assert_eq!(sleep.standing(later(5)), Standing::Trying);
    assert!(sleep.succeed(&trial, later(6)));
    assert!(!sleep.fail(&slow, &hinted(RateLimit, 600), later(6), 0.0));
    assert_eq!(sleep.standing(later(6)), Standing::Awake);
}

#[test]
fn a_stream_that_breaks_after_its_first_byte_is_a_failure() {
    let mut sleep = slept(&fault(UpstreamError));
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(sleep.succeed(&trial, later(6)));
    assert!(!sleep.succeed(&trial, later(7)), "told once");
    assert!(sleep.fail(&trial, &fault(UpstreamError), later(8), 0.0));
    assert_eq!(until(&sleep, later(8)), later(13));
}

#[test]
fn a_new_secret_wakes_the_key_and_old_attempts_are_nothing_to_it() {
    let mut sleep = awake();
    let old = sleep.begin(NOW).expect("awake");
    let ticket = sleep.begin(NOW).expect("awake");
    assert!(sleep.fail(&ticket, &fault(Dead), NOW, 0.0));
    assert!(!sleep.renew(Revision(7)));
    assert!(sleep.renew(Revision(8)));
    assert_eq!(sleep.standing(NOW), Standing::Awake);
    assert!(!sleep.fail(&old, &fault(Dead), NOW, 0.0));
    assert_eq!(sleep.standing(NOW), Standing::Awake);
    let late = report(generation(7, 9), later(600), Dead);
    assert!(!sleep.fold(&late, NOW, 0.0));
    let ticket = sleep.begin(NOW).expect("awake");
    assert!(sleep.fail(&ticket, &fault(UpstreamError), NOW, 0.0));
    assert!(!sleep.fail(&old, &hinted(RateLimit, 600), NOW, 0.0));
    assert_eq!(until(&sleep, NOW), later(5));
}

#[test]
fn nodes_wake_a_key_at_moments_of_their_own() {
    let mut sleep = awake();
    let ticket = sleep.begin(NOW).expect("awake");
    assert!(sleep.fail(&ticket, &fault(RateLimit), NOW, 1.0));
    assert_eq!(until(&sleep, NOW), later(33));
    assert_eq!(
        sleep.draft(key(1), None, NOW).until,
        later(30),
        "what is reported"
    );
    let mut far = awake();
    assert!(far.fold(&report(generation(7, 0), later(3600), Exhausted), NOW, 1.0));
    assert_eq!(until(&far, NOW), later(3605));
}

#[test]
fn a_cause_that_is_none_is_no_failure() {
    let mut sleep = slept(&fault(UpstreamError));
    let trial = sleep.begin(later(5)).expect("half-open");
    assert!(!sleep.fail(&trial, &fault(SleepCause::Awake), later(5), 0.0));
    assert_eq!(sleep.standing(later(5)), Standing::HalfOpen);
}
