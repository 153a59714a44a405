//! Given a pool, when requests come and go, then keys are used and spared.

use super::*;
use foldgate_proto::SleepCause::{Awake, Dead, NotHere, RateLimit, UpstreamError};

fn pool_of(keys: u64) -> Pool<u64> {
    let mut pool = Pool::new(SEED);
    for number in 1..=keys {
        pool.upsert(key(number, Family::OpenAi, 1), number);
    }
    pool
}

fn pick(pool: &mut Pool<u64>, now: Timestamp) -> Lease<u64> {
    match pool.pick(&ask("m", &[]), now) {
        Pick::Key(lease) => lease,
        other => panic!("no key: {other:?}"),
    }
}

fn end(
    pool: &mut Pool<u64>,
    lease: Lease<u64>,
    cause: SleepCause,
    now: Timestamp,
) -> Vec<SleepDraft> {
    let drafts = pool.finish(lease, &Outcome::Failed(fault(cause, None)), now);
    check(pool);
    drafts
}

fn done(pool: &mut Pool<u64>, lease: Lease<u64>, now: Timestamp) {
    assert_eq!(pool.finish(lease, &Outcome::Success, now), vec![]);
    check(pool);
}

/// When the only key wakes here: its sleep and this node's own delay.
fn wakes(pool: &mut Pool<u64>, now: Timestamp) -> Timestamp {
    match pool.pick(&ask("m", &[]), now) {
        Pick::Asleep { earliest, .. } => earliest,
        other => panic!("not asleep: {other:?}"),
    }
}

#[test]
fn an_empty_pool_has_no_key() {
    let mut pool: Pool<u64> = Pool::new(SEED);
    assert!(matches!(pool.pick(&ask("m", &[]), NOW), Pick::Empty));
    assert!(pool.is_empty() && !pool.remove(id(1)));
}

#[test]
fn equals_take_turns() {
    let mut pool = pool_of(3);
    for _ in 0..3 {
        for expected in 1..=3 {
            let lease = pick(&mut pool, NOW);
            assert_eq!(
                (lease.payload, lease.number),
                (expected, KeyNumber(expected))
            );
            done(&mut pool, lease, NOW);
        }
    }
}

#[test]
fn the_least_loaded_key_is_next() {
    let mut pool = pool_of(3);
    let mut leases: Vec<_> = (0..6).map(|_| pick(&mut pool, NOW)).collect();
    assert!((1..=3).all(|number| pool.in_flight(id(number)) == Some(2)));
    let freed = leases.swap_remove(4);
    let expected = freed.key;
    done(&mut pool, freed, NOW);
    assert_eq!(pick(&mut pool, NOW).key, expected);
    assert_eq!(pool.in_flight(expected), Some(2));
}

#[test]
fn a_key_that_is_known_not_to_serve_comes_last() {
    let mut pool = Pool::new(SEED);
    pool.upsert(key(1, Family::Anthropic, 1), 1);
    pool.upsert(key(2, Family::OpenAi, 1), 2);
    pool.upsert(key(3, Family::Unknown, 1), 3);
    let leases: Vec<_> = (0..20).map(|_| pick(&mut pool, NOW)).collect();
    assert!(leases.iter().all(|lease| lease.payload != 1));
    assert_eq!(pool.in_flight(id(2)), Some(10));
    let tried = [id(2), id(3)];
    let Pick::Key(last) = pool.pick(&ask("m", &tried), NOW) else {
        panic!("the last resort is a key too");
    };
    assert_eq!(last.payload, 1);
}

#[test]
fn tried_keys_are_not_picked_again() {
    let mut pool = pool_of(3);
    let mut tried = Vec::new();
    while let Pick::Key(lease) = pool.pick(&ask("m", &tried), NOW) {
        assert!(!tried.contains(&lease.key));
        tried.push(lease.key);
        let _ = pool.finish(lease, &Outcome::Abandoned, NOW);
    }
    assert_eq!(tried.len(), 3);
    assert!(matches!(pool.pick(&ask("m", &tried), NOW), Pick::Empty));
}

#[test]
fn a_failed_key_sleeps_and_the_others_work_on() {
    let mut pool = pool_of(2);
    let lease = pick(&mut pool, NOW);
    let failed = lease.key;
    let drafts = end(&mut pool, lease, RateLimit, NOW);
    assert_eq!(drafts.len(), 1);
    assert_eq!((drafts[0].key, drafts[0].until), (failed, later(30)));
    for _ in 0..4 {
        assert_ne!(pick(&mut pool, later(1)).key, failed);
    }
    let counts = pool.counts(later(1));
    assert_eq!(
        counts,
        Counts {
            keys: 2,
            ready: 1,
            asleep: 1,
            trying: 0
        }
    );
    assert_eq!(pool.sleeping(later(1)).count(), 1);
}

#[test]
fn when_all_sleep_the_first_to_wake_is_named() {
    let mut pool = pool_of(2);
    for (hint, cause) in [(600, RateLimit), (60, UpstreamError)] {
        let lease = pick(&mut pool, NOW);
        let _ = pool.finish(lease, &Outcome::Failed(fault(cause, Some(hint))), NOW);
    }
    let Pick::Asleep { earliest, cause } = pool.pick(&ask("m", &[]), later(1)) else {
        panic!("all sleep");
    };
    assert_eq!(cause, UpstreamError);
    assert!(earliest >= later(61) && earliest <= later(67));
}

#[test]
fn a_key_that_wakes_takes_one_trial_then_full_load() {
    let mut pool = pool_of(1);
    let lease = pick(&mut pool, NOW);
    end(&mut pool, lease, UpstreamError, NOW);
    let wake = wakes(&mut pool, NOW);
    let trial = pick(&mut pool, wake);
    assert!(trial.trial);
    assert_eq!(wakes(&mut pool, wake), wake.after(Duration::from_secs(1)));
    assert_eq!(pool.counts(wake).trying, 1);
    let drafts = pool.first_byte(&trial, wake);
    check(&pool);
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].cause, Awake);
    assert_eq!(
        pool.in_flight(id(1)),
        Some(1),
        "in flight until it is finished"
    );
    let second = pick(&mut pool, wake);
    assert!(!second.trial);
    done(&mut pool, trial, wake);
    done(&mut pool, second, wake);
    assert_eq!(pool.in_flight(id(1)), Some(0));
}

#[test]
fn a_dropped_trial_frees_its_slot() {
    let mut pool = pool_of(1);
    let lease = pick(&mut pool, NOW);
    end(&mut pool, lease, UpstreamError, NOW);
    let wake = wakes(&mut pool, NOW);
    let trial = pick(&mut pool, wake);
    assert_eq!(pool.finish(trial, &Outcome::Abandoned, wake), vec![]);
    assert!(pick(&mut pool, wake).trial);
}

#[test]
fn a_trial_that_fails_dead_again_is_confirmed() {
    let mut pool = pool_of(1);
    let lease = pick(&mut pool, NOW);
    assert!(!end(&mut pool, lease, Dead, NOW)[0].confirmed);
    let wake = wakes(&mut pool, NOW);
    let trial = pick(&mut pool, wake);
    assert!(end(&mut pool, trial, Dead, wake)[0].confirmed);
}

#[test]
fn a_model_sleeps_alone() {
    let mut pool = pool_of(1);
    let lease = pick(&mut pool, NOW);
    let drafts = end(&mut pool, lease, NotHere, NOW);
    assert_eq!(drafts[0].model.as_deref(), Some("m"));
    let wake = wakes(&mut pool, NOW);
    assert!(matches!(pool.pick(&ask("other", &[]), NOW), Pick::Key(_)));
    let trial = pick(&mut pool, wake);
    assert!(trial.trial);
    assert!(matches!(
        pool.pick(&ask("m", &[]), wake),
        Pick::Asleep { cause: NotHere, .. }
    ));
    assert!(matches!(pool.pick(&ask("other", &[]), wake), Pick::Key(_)));
    let drafts = pool.finish(trial, &Outcome::Success, wake);
    check(&pool);
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        (drafts[0].model.as_deref(), drafts[0].cause),
        (Some("m"), Awake)
    );
    assert!(!pick(&mut pool, wake).trial);
}

#[test]
fn twenty_that_miss_a_model_together_are_one_failure() {
    let mut pool = pool_of(1);
    let leases: Vec<_> = (0..20).map(|_| pick(&mut pool, NOW)).collect();
    let mut drafts = Vec::new();
    for lease in leases {
        drafts.extend(end(&mut pool, lease, NotHere, NOW));
    }
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].failures, 1);
}

#[test]
fn leases_of_a_removed_key_do_no_harm() {
    let mut pool = pool_of(1);
    let old = pick(&mut pool, NOW);
    let older = pick(&mut pool, NOW);
    assert!(pool.remove(id(1)));
    check(&pool);
    pool.upsert(key(1, Family::OpenAi, 1), 1);
    let lease = pick(&mut pool, NOW);
    assert!(pool.first_byte(&old, NOW).is_empty());
    assert!(end(&mut pool, old, Dead, NOW).is_empty());
    done(&mut pool, older, NOW);
    assert_eq!(pool.in_flight(id(1)), Some(1));
    done(&mut pool, lease, NOW);
}

#[test]
fn a_changed_key_keeps_its_load_and_a_new_secret_wakes_it() {
    let mut pool = pool_of(1);
    let held = pick(&mut pool, NOW);
    let missed = pick(&mut pool, NOW);
    end(&mut pool, missed, NotHere, NOW);
    let Pick::Key(lease) = pool.pick(&ask("other", &[]), NOW) else {
        panic!("awake for others");
    };
    end(&mut pool, lease, Dead, NOW);
    pool.upsert(key(1, Family::Gemini, 1), 7);
    check(&pool);
    assert!(matches!(
        pool.pick(&ask("m", &[]), NOW),
        Pick::Asleep { .. }
    ));
    pool.upsert(key(1, Family::OpenAi, 2), 8);
    check(&pool);
    assert_eq!(pool.in_flight(id(1)), Some(1));
    let lease = pick(&mut pool, NOW);
    assert_eq!((lease.payload, lease.trial), (8, false));
    assert!(
        end(&mut pool, held, Dead, NOW).is_empty(),
        "it used the old secret"
    );
    done(&mut pool, lease, NOW);
}

#[test]
fn an_operator_wakes_a_key_with_all_its_models() {
    let mut pool = pool_of(1);
    assert!(pool.wake(id(1), NOW).is_empty());
    let missed = pick(&mut pool, NOW);
    let failed = pick(&mut pool, NOW);
    let slept: Vec<_> = end(&mut pool, missed, NotHere, NOW)
        .into_iter()
        .chain(end(&mut pool, failed, Dead, NOW))
        .map(report)
        .collect();
    let drafts = pool.wake(id(1), later(1));
    check(&pool);
    assert_eq!(drafts.len(), 2);
    assert!(drafts.iter().all(|draft| draft.cause == Awake));
    for late in &slept {
        assert!(!pool.fold(late, later(2)));
    }
    assert!(!pick(&mut pool, later(2)).trial);
}

#[test]
fn what_one_node_reports_another_obeys() {
    let (mut here, mut there) = (pool_of(1), pool_of(1));
    let lease = pick(&mut here, NOW);
    let drafts = end(&mut here, lease, RateLimit, NOW);
    let told = report(drafts[0].clone());
    assert!(there.fold(&told, NOW));
    check(&there);
    assert!(!there.fold(&told, NOW), "told twice");
    let wake = wakes(&mut there, NOW);
    assert_eq!(wake, wakes(&mut here, NOW), "of one seed");
    let trial = pick(&mut here, wake);
    let drafts = here.first_byte(&trial, wake);
    assert!(there.fold(&report(drafts[0].clone()), wake));
    assert!(!pick(&mut there, wake).trial);
}

#[test]
fn reports_of_unknown_keys_and_endless_models_change_nothing() {
    let mut pool = pool_of(1);
    let mut told = SleepReport {
        model: Some("m".repeat(MAX_MODEL_BYTES + 1)),
        ..report(SleepDraft::wake(id(1), None, Generation::default(), NOW))
    };
    assert!(!pool.fold(&told, NOW));
    told.key = id(9);
    assert!(!pool.fold(&told, NOW));
    let endless = "m".repeat(MAX_MODEL_BYTES + 1);
    let Pick::Key(lease) = pool.pick(&ask(&endless, &[]), NOW) else {
        panic!("a key");
    };
    assert!(end(&mut pool, lease, NotHere, NOW).is_empty());
}

#[test]
fn models_are_forgotten_in_time_and_bounded_in_number() {
    let mut pool = pool_of(1);
    for number in 0..MAX_MODEL_SLEEPS + 10 {
        let model = format!("m{number}");
        let Pick::Key(lease) = pool.pick(&ask(&model, &[]), NOW) else {
            panic!("awake for this one");
        };
        let drafts = pool.finish(lease, &Outcome::Failed(fault(NotHere, None)), NOW);
        assert_eq!(drafts.len(), 1);
    }
    assert_eq!(pool.forget.len(), MAX_MODEL_SLEEPS);
    check(&pool);
    let _ = pick(&mut pool, later(3 * 3600));
    assert_eq!(pool.forget.len(), 0);
    check(&pool);
}
