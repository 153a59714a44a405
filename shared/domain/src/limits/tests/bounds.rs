//! How exactly a limit holds over several nodes, in virtual time.

use crate::limits::Period;
use crate::limits::simulation::{Outcome, Story, World, run};

/// The bound on what is let through, to what may be: under a steady load, and in the
/// worst burst.
const STEADY: f64 = 1.02;
const BURST: f64 = 1.05;

fn world(nodes: usize, regions: usize, seed: u64) -> World {
    World {
        nodes,
        regions,
        loss: 10,
        patience: 2_000,
        seed,
    }
}

fn play(world: World, limit: u64, load: &dyn Fn(u64, usize) -> u64) -> Outcome {
    let story = Story {
        limit,
        period: Period::Minute,
        lasts: 150_000,
        load,
        stays: 0,
        cut: &|_, _| false,
    };
    let outcome = run(world, story);
    println!(
        "{} nodes, {} regions, limit {limit}: {outcome:?}",
        world.nodes, world.regions
    );
    outcome
}

#[test]
fn a_steady_load_keeps_to_the_limit() {
    for (nodes, regions) in [(1, 1), (3, 1), (8, 1), (8, 2)] {
        for limit in [60, 600] {
            // Three times as much as may come through, evenly.
            let every = 20_000 / limit * nodes as u64;
            let load =
                |at: u64, node: usize| u64::from((at + node as u64 * 7).is_multiple_of(every));
            let outcome = play(world(nodes, regions, 7), limit, &load);
            assert!(outcome.worst <= STEADY, "{nodes} nodes: {outcome:?}");
            // Across regions the last few calls of a small limit come late.
            let least = if regions > 1 { 0.88 } else { 0.94 };
            assert!(outcome.used >= least, "{nodes} nodes: {outcome:?}");
        }
    }
}

#[test]
fn a_burst_at_all_nodes_at_once_keeps_to_the_limit() {
    for (nodes, regions) in [(1, 1), (3, 1), (8, 1), (8, 2)] {
        for seed in 1..8 {
            // All of the limit at each node, within a millisecond.
            let load = |at: u64, _: usize| if at % 61_000 == 5_000 { 120 } else { 0 };
            let outcome = play(world(nodes, regions, seed), 60, &load);
            assert!(outcome.worst <= BURST, "{nodes} nodes: {outcome:?}");
            assert!(outcome.used >= 0.9, "{nodes} nodes: {outcome:?}");
        }
    }
}

#[test]
fn a_burst_at_one_node_gets_all_of_the_limit() {
    for (nodes, regions) in [(3, 1), (8, 1), (8, 2)] {
        let load = |at: u64, node: usize| if node == 1 && at == 5_000 { 90 } else { 0 };
        let outcome = play(world(nodes, regions, 3), 60, &load);
        assert!(outcome.worst <= BURST, "{nodes} nodes: {outcome:?}");
        assert!(outcome.taken >= 54, "{nodes} nodes: {outcome:?}");
    }
}

/// Steadily twice as much as may come through, with some nodes cut off in between.
fn cut(nodes: usize, (from, until): (u64, u64), who: &dyn Fn(usize) -> bool) -> Outcome {
    let every = 500 * nodes as u64;
    let story = Story {
        limit: 60,
        period: Period::Minute,
        lasts: 240_000,
        load: &|at, node| u64::from((at + node as u64 * 7).is_multiple_of(every)),
        stays: 0,
        cut: &|at, node| (from..until).contains(&at) && who(node),
    };
    let outcome = run(world(nodes, 1, 5), story);
    println!("{nodes} nodes, some cut off: {outcome:?}");
    outcome
}

#[test]
fn without_messages_all_together_keep_to_the_limit() {
    for nodes in [3, 8] {
        for until in [150_000, 300_000] {
            let outcome = cut(nodes, (30_000, until), &|_| true);
            // At the moment of the cut some words do not arrive: a call or two.
            assert!(outcome.worst <= BURST, "{nodes} nodes: {outcome:?}");
            // The shares of the last moment go on: some of each is too small to use.
            assert!(outcome.used >= 0.75, "{nodes} nodes: {outcome:?}");
        }
    }
}

#[test]
fn a_node_that_is_cut_off_adds_its_last_share_at_most() {
    for nodes in [3, 8] {
        let outcome = cut(nodes, (30_000, 150_000), &|node| node == 0);
        let bound = 1.0 + 1.0 / f64::from(u32::try_from(nodes).expect("few"));
        assert!(outcome.worst <= bound + 0.02, "{nodes} nodes: {outcome:?}");
        assert!(outcome.used >= 0.9, "{nodes} nodes: {outcome:?}");
    }
}

#[test]
fn a_burst_over_seconds_and_hours_keeps_to_the_limit_too() {
    for (period, limit) in [
        (Period::Second, 30),
        (Period::Hour, 240),
        (Period::Day, 240),
    ] {
        let story = Story {
            limit,
            period,
            lasts: 60_000,
            load: &|at, _| {
                if at > 3_000 && at.is_multiple_of(40) {
                    2
                } else {
                    0
                }
            },
            stays: 0,
            cut: &|_, _| false,
        };
        let outcome = run(world(3, 1, 11), story);
        println!("{period:?}: {outcome:?}");
        assert!(outcome.worst <= BURST, "{period:?}: {outcome:?}");
        assert!(outcome.worst >= 0.9, "{period:?}: {outcome:?}");
    }
}

/// All are cut off as a burst begins, and come back one after another.
fn outage(nodes: usize, (seed, out): (u64, u64), between: u64) -> Outcome {
    let story = Story {
        limit: 60,
        period: Period::Hour,
        lasts: 60_000,
        load: &|at, _| match at {
            3_000 => 4,
            3_300 => 60,
            // Meanwhile, and afterwards, each is asked for more.
            5_000.. if at.is_multiple_of(100) => 1,
            _ => 0,
        },
        stays: 0,
        cut: &|at, node| (3_200..3_200 + out + between * node as u64).contains(&at),
    };
    let outcome = run(world(nodes, 1, seed), story);
    println!("{nodes} nodes, away for {out} and {between} each: {outcome:?}");
    outcome
}

#[test]
fn nodes_that_come_back_one_after_another_keep_to_the_limit() {
    for nodes in [3, 8] {
        for out in [700, 1_600, 14_000] {
            for between in [0, 40, 1_100] {
                let outcome = outage(nodes, (out + between, out), between);
                assert!(outcome.worst <= BURST, "{nodes} nodes: {outcome:?}");
                assert!(outcome.used >= 0.95, "{nodes} nodes: {outcome:?}");
            }
        }
    }
}

#[test]
fn a_large_fleet_keeps_to_the_limit() {
    let is_nightly = std::env::var_os("FOLDGATE_NIGHTLY").is_some_and(|value| !value.is_empty());
    let sizes: &[usize] = if is_nightly { &[40, 200] } else { &[40] };
    for nodes in sizes {
        let story = Story {
            limit: 600,
            period: Period::Minute,
            lasts: 20_000,
            load: &|at, node| {
                let burst = if at == 3_000 { 30 } else { 0 };
                burst + u64::from(at > 4_000 && (at + node as u64 * 7).is_multiple_of(1_000))
            },
            stays: 0,
            cut: &|_, _| false,
        };
        let outcome = run(world(*nodes, 4, 3), story);
        println!("{nodes} nodes: {outcome:?}");
        assert!(outcome.worst <= BURST, "{nodes} nodes: {outcome:?}");
        assert!(outcome.worst >= 0.8, "{nodes} nodes: {outcome:?}");
    }
}
