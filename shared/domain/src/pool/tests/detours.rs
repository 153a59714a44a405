//! Given models that most keys sleep for, when requests ask for them, then nobody
//! steps over the sleepers again and again.

use super::*;
use foldgate_proto::SleepCause::NotHere;

const KEYS: u64 = 200;

fn pool() -> Pool<u64> {
    let mut pool = Pool::new(SEED);
    for number in 1..=KEYS {
        pool.upsert(key(number, Family::OpenAi, 1), number);
    }
    pool
}

/// Puts a key to sleep for a model, for so many seconds.
fn sleeps(pool: &mut Pool<u64>, number: u64, model: &str, secs: u64) {
    let mut told = report(SleepDraft::wake(
        id(number),
        Some(model.to_owned()),
        Generation::default(),
        NOW,
    ));
    told.generation = Generation {
        secret: Revision(1),
        wake: 1,
    };
    told.until = later(secs);
    told.cause = NotHere;
    assert!(pool.fold(&told, NOW));
}

fn pick(pool: &mut Pool<u64>, model: &str, now: Timestamp) -> Lease<u64> {
    match pool.pick(&ask(model, &[]), now) {
        Pick::Key(lease) => lease,
        other => panic!("no key: {other:?}"),
    }
}

#[test]
fn after_a_few_picks_no_sleeper_is_stepped_over() {
    let mut pool = pool();
    for number in 2..=KEYS {
        sleeps(&mut pool, number, "m", 100);
    }
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(pick(&mut pool, "m", NOW));
    }
    assert_eq!(pool.detours(), (1, 0));
    for _ in 0..100 {
        leases.push(pick(&mut pool, "m", NOW));
        check(&pool);
    }
    assert_eq!(pool.detours(), (1, 0), "none was stepped over");
    assert!(leases.iter().all(|lease| lease.payload == 1));
    // For other models all take part, the idle ones first.
    let other = pick(&mut pool, "other", NOW);
    assert_eq!(other.payload, 2);
    for lease in leases {
        let _ = pool.finish(lease, &Outcome::Success, NOW);
    }
    check(&pool);
}

#[test]
fn when_all_sleep_for_a_model_the_first_to_wake_is_named_at_once() {
    let mut pool = pool();
    for number in 1..=KEYS {
        sleeps(&mut pool, number, "m", 100 + number);
    }
    let mut earliest = Vec::new();
    for _ in 0..3 {
        match pool.pick(&ask("m", &[]), NOW) {
            Pick::Asleep {
                earliest: at,
                cause,
            } => earliest.push((at, cause)),
            other => panic!("not asleep: {other:?}"),
        }
    }
    assert_eq!(pool.detours(), (1, 0));
    // The first two searched, the third looked it up.
    assert!(earliest[0].0 >= later(101) && earliest[0].1 == NotHere);
    assert!(
        earliest.iter().all(|one| *one == earliest[0]),
        "{earliest:?}"
    );
}

#[test]
fn a_key_that_wakes_for_the_model_takes_one_trial_and_then_its_turn() {
    let mut pool = pool();
    for number in 2..=KEYS {
        sleeps(&mut pool, number, "m", if number == 2 { 10 } else { 3000 });
    }
    for _ in 0..3 {
        let lease = pick(&mut pool, "m", NOW);
        let _ = pool.finish(lease, &Outcome::Success, NOW);
    }
    assert_eq!(pool.detours(), (1, 0));
    let now = later(60);
    let first = pick(&mut pool, "m", now);
    let second = pick(&mut pool, "m", now);
    let (steady, trial) = if first.trial {
        (second, first)
    } else {
        (first, second)
    };
    assert_eq!((steady.payload, steady.trial), (1, false));
    assert_eq!((trial.payload, trial.trial), (2, true));
    assert_eq!(pick(&mut pool, "m", now).payload, 1, "one trial at a time");
    check(&pool);
    assert_eq!(pool.finish(trial, &Outcome::Success, now).len(), 1);
    check(&pool);
    assert_eq!(pick(&mut pool, "m", now).payload, 2, "the least loaded");
    assert_eq!(pool.detours(), (1, 0));
}

#[test]
fn a_detour_ends_with_the_sleeps_it_was_for() {
    let mut pool = pool();
    for number in 2..=KEYS {
        sleeps(&mut pool, number, "m", 3000);
    }
    for _ in 0..3 {
        let _ = pick(&mut pool, "m", NOW);
    }
    assert_eq!(pool.detours().0, 1);
    for number in 2..=KEYS {
        let _ = pool.wake(id(number), NOW);
        check(&pool);
    }
    assert_eq!(pool.detours().0, 0);
}

#[test]
fn detours_are_few_and_give_way_only_when_they_rest() {
    let mut pool = pool();
    let models: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    for model in &models {
        for number in 2..=KEYS {
            sleeps(&mut pool, number, model, 3000);
        }
    }
    let mut take = |model: &str| {
        let lease = pick(&mut pool, model, NOW);
        assert_eq!(lease.payload, 1);
        let _ = pool.finish(lease, &Outcome::Success, NOW);
        check(&pool);
        pool.detours().0
    };
    for model in models.iter().cycle().take(10 * models.len()) {
        assert!(take(model) <= 8);
    }
    // The last one found no room while all were in use; now they rest.
    for _ in 0..=KEYS {
        assert_eq!(take("m11"), 8);
    }
    let before = pool.detours().1;
    let _ = pick(&mut pool, "m11", NOW);
    assert_eq!(pool.detours().1, before, "none was stepped over");
}
