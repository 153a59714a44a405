//! One very key, any key whatever it does, and keys left alone for a model.

use super::*;

fn pool() -> Pool<()> {
    let mut pool = Pool::new(SEED);
    for number in 1..=3 {
        pool.upsert(key(number, Family::Unknown, 1), ());
    }
    pool
}

fn leased(pick: Pick<()>) -> Lease<()> {
    match pick {
        Pick::Key(lease) => lease,
        other => panic!("no key: {other:?}"),
    }
}

fn only(pool: &mut Pool<()>, number: u64, now: Timestamp) -> Pick<()> {
    pool.pick_only(id(number), &ask("m", &[]), now)
}

fn cooled(pool: &mut Pool<()>, lease: Lease<()>, secs: u64, key: Option<Fault>) -> usize {
    let model = Fault {
        length: Some(Duration::from_secs(secs)),
        ..fault(SleepCause::UpstreamError, None)
    };
    let drafts = pool.finish(lease, &Outcome::Cooled { model, key }, NOW);
    check(pool);
    drafts.len()
}

#[test]
fn the_very_key_is_picked_and_counts_as_load() {
    let mut pool = pool();
    let first = leased(only(&mut pool, 2, NOW));
    let second = leased(only(&mut pool, 2, NOW));
    assert_eq!((first.key, second.key), (id(2), id(2)));
    assert_eq!(pool.in_flight(id(2)), Some(2));
    check(&pool);
    // Others go to the least loaded.
    let other = leased(pool.pick(&ask("m", &[]), NOW));
    assert_ne!(other.key, id(2));
    for lease in [first, second, other] {
        drop(pool.finish(lease, &Outcome::Success, NOW));
    }
    assert_eq!(pool.in_flight(id(2)), Some(0));
    let tried = pool.pick_only(id(2), &ask("m", &[id(2)]), NOW);
    assert!(matches!(tried, Pick::Empty));
    assert!(matches!(only(&mut pool, 9, NOW), Pick::Empty));
    check(&pool);
}

#[test]
fn a_sleeping_key_says_when_it_wakes_and_takes_one_trial_then() {
    let mut pool = pool();
    let lease = leased(only(&mut pool, 1, NOW));
    let outcome = Outcome::Failed(fault(SleepCause::RateLimit, Some(60)));
    assert_eq!(pool.finish(lease, &outcome, NOW).len(), 1);
    let Pick::Asleep { earliest, cause } = only(&mut pool, 1, NOW) else {
        panic!("it sleeps");
    };
    assert_eq!(cause, SleepCause::RateLimit);
    let trial = leased(only(&mut pool, 1, earliest));
    assert!(trial.trial);
    assert!(matches!(only(&mut pool, 1, earliest), Pick::Asleep { .. }));
    assert_eq!(pool.finish(trial, &Outcome::Success, earliest).len(), 1);
    assert!(!leased(only(&mut pool, 1, earliest)).trial);
    check(&pool);
}

#[test]
fn an_outlook_is_what_a_pick_comes_to_and_picks_nothing() {
    let mut pool = pool();
    let look = |pool: &mut Pool<()>| pool.outlook(&ask("m", &[]), NOW);
    assert_eq!(look(&mut pool), Outlook::Awake);
    assert_eq!(pool.in_flight(id(1)), Some(0));
    for number in 1..=3 {
        let lease = leased(only(&mut pool, number, NOW));
        let outcome = Outcome::Failed(fault(SleepCause::RateLimit, Some(60 * number)));
        drop(pool.finish(lease, &outcome, NOW));
    }
    let Pick::Asleep { earliest, cause } = pool.pick(&ask("m", &[]), NOW) else {
        panic!("all sleep");
    };
    assert_eq!(look(&mut pool), Outlook::Asleep { earliest, cause });
    let mut empty: Pool<()> = Pool::new(SEED);
    assert_eq!(look(&mut empty), Outlook::Empty);
}

#[test]
fn a_key_left_alone_for_a_model_serves_others() {
    let mut pool = pool();
    let lease = leased(only(&mut pool, 1, NOW));
    assert_eq!(cooled(&mut pool, lease, 5, None), 1);
    let Pick::Asleep { earliest, .. } = only(&mut pool, 1, NOW) else {
        panic!("it is left alone");
    };
    // Exactly so long, but for the node's own share of the wake.
    assert!(later(5) <= earliest && earliest <= NOW.after(Duration::from_millis(5_500)));
    let other = pool.pick_only(id(1), &ask("other", &[]), NOW);
    drop(pool.finish(leased(other), &Outcome::Success, NOW));
    assert!(leased(only(&mut pool, 1, earliest)).trial);
    check(&pool);
}

#[test]
fn a_key_that_failed_for_good_sleeps_for_all() {
    let mut pool = pool();
    let lease = leased(only(&mut pool, 1, NOW));
    let dead = Some(fault(SleepCause::Dead, None));
    assert_eq!(cooled(&mut pool, lease, 100, dead), 2);
    let other = pool.pick_only(id(1), &ask("other", &[]), NOW);
    assert!(matches!(
        other,
        Pick::Asleep {
            cause: SleepCause::Dead,
            ..
        }
    ));
    // It is out for the longer of the two.
    let Pick::Asleep { earliest, .. } = only(&mut pool, 1, NOW) else {
        panic!("it sleeps");
    };
    assert!(later(100) <= earliest);
}

#[test]
fn any_key_is_had_whatever_it_does_and_that_proves_nothing() {
    let mut pool = pool();
    for number in 1..=3 {
        let lease = leased(only(&mut pool, number, NOW));
        let outcome = Outcome::Failed(fault(SleepCause::RateLimit, Some(60 * number)));
        drop(pool.finish(lease, &outcome, NOW));
    }
    let standing = |pool: &Pool<()>, number| pool.standing(id(number), NOW);
    let before: Vec<_> = (1..=3).map(|number| standing(&pool, number)).collect();
    let first = leased(pool.pick_anyway(None, &ask("m", &[]), NOW));
    assert_eq!(first.key, id(1), "the one that wakes first");
    let second = leased(pool.pick_anyway(None, &ask("m", &[id(1)]), NOW));
    assert_eq!(second.key, id(2));
    let third = leased(pool.pick_anyway(Some(id(3)), &ask("m", &[]), NOW));
    assert_eq!(third.key, id(3));
    check(&pool);
    assert_eq!(pool.finish(first, &Outcome::Success, NOW), []);
    let failed = Outcome::Failed(fault(SleepCause::UpstreamError, None));
    assert_eq!(pool.finish(second, &failed, NOW), []);
    drop(pool.finish(third, &Outcome::Abandoned, NOW));
    let after: Vec<_> = (1..=3).map(|number| standing(&pool, number)).collect();
    assert_eq!(before, after);
    let all = [id(1), id(2), id(3)];
    assert!(matches!(
        pool.pick_anyway(None, &ask("m", &all), NOW),
        Pick::Empty
    ));
    check(&pool);
}
