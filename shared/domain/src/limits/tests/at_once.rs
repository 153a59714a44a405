//! Calls under way at once, over several nodes.

use foldgate_proto::{Count, Counts, Timestamp};

use crate::limits::simulation::{Outcome, Story, World, run};
use crate::limits::{Ask, Kind, Ledger, Me, Now, Pace, Period, Verdict, id_of};
use crate::zone::Zone;

/// The bound on calls under way, to what may be.
const BOUND: f64 = 1.05;

/// Nodes, regions and a seed; the limit; how long it lasts, and each call at most.
type Terms = ((usize, usize, u64), u64, (u64, u64));

fn play(
    ((nodes, regions, seed), limit, (lasts, stays)): Terms,
    load: &dyn Fn(u64, usize) -> u64,
    cut: &dyn Fn(u64, usize) -> bool,
) -> Outcome {
    let world = World {
        nodes,
        regions,
        loss: 10,
        patience: 2_000,
        seed,
    };
    let story = Story {
        limit,
        period: Period::AtOnce,
        stays,
        lasts,
        load,
        cut,
    };
    let outcome = run(world, story);
    println!("{nodes} nodes, {regions} regions, limit {limit}, {stays} ms: {outcome:?}");
    outcome
}

fn whole(_: u64, _: usize) -> bool {
    false
}

#[test]
fn a_steady_load_keeps_to_the_limit_and_uses_it() {
    for (nodes, regions) in [(1, 1), (3, 1), (8, 1), (8, 2)] {
        for (limit, stays) in [(6, 4_000), (40, 1_000)] {
            // About three times as many as there may be, evenly.
            let every = (stays / 2 / limit / 3).max(1) * nodes as u64;
            let load =
                |at: u64, node: usize| u64::from((at + node as u64 * 7).is_multiple_of(every));
            let terms = ((nodes, regions, 7), limit, (60_000, stays));
            let outcome = play(terms, &load, &whole);
            assert!(outcome.worst <= BOUND, "{outcome:?}");
            // Between regions, a place that came free is a second on its way.
            let least = if regions > 1 { 0.3 } else { 0.7 };
            assert!(outcome.used >= least, "{outcome:?}");
        }
    }
}

#[test]
fn a_burst_at_all_nodes_at_once_keeps_to_the_limit() {
    for (nodes, regions) in [(1, 1), (3, 1), (8, 1), (8, 2)] {
        for seed in 1..6 {
            // All of the limit at each node, within a millisecond; and again as the
            // calls of before end.
            let load = |at: u64, _: usize| if at % 7_000 == 5_000 { 20 } else { 0 };
            let terms = ((nodes, regions, seed), 20, (40_000, 3_000));
            let outcome = play(terms, &load, &whole);
            assert!(outcome.worst <= BOUND, "{outcome:?}");
        }
    }
}

#[test]
fn without_messages_each_node_keeps_to_an_even_part() {
    for nodes in [3, 8] {
        // Twenty times as many as there may be, and all are cut off for good.
        let load = |at: u64, node: usize| u64::from((at + node as u64 * 7).is_multiple_of(50));
        let away = |at: u64, _: usize| at > 10_000;
        let terms = ((nodes, 1, 5), 10, (60_000, 2_000));
        let outcome = play(terms, &load, &away);
        // Who had more than an even part when the others took it to be over keeps it until
        // its calls end.
        assert!(outcome.worst <= 1.5, "{outcome:?}");
        assert!(outcome.used >= 0.8, "{outcome:?}");
    }
}

#[test]
fn a_node_that_is_cut_off_adds_what_it_has_and_then_its_part() {
    let load = |at: u64, node: usize| u64::from((at + node as u64 * 7).is_multiple_of(50));
    let away = |at: u64, node: usize| node == 0 && (10_000..40_000).contains(&at);
    let outcome = play(((3, 1, 5), 12, (60_000, 2_000)), &load, &away);
    assert!(outcome.worst <= 1.0 + 1.0 / 3.0 + 0.1, "{outcome:?}");
    assert!(outcome.used >= 0.8, "{outcome:?}");
}

fn at(tick: u64) -> Now {
    let wall = 1_735_689_600_000_i64.saturating_add_unsigned(tick);
    Now::at(tick, Timestamp(wall), Zone::UTC)
}

fn me(node: &str) -> Ledger {
    let me = Me {
        node: node.to_owned(),
        region: "east".to_owned(),
        life: 1,
    };
    Ledger::shared(Pace::default(), me)
}

fn ask(limit: u64) -> Ask {
    Ask {
        id: id_of(&[b"one"]),
        kind: Kind::AT_ONCE,
        limit,
        cost: 1,
    }
}

/// What `a` says: of which run, in which message, how many calls are under way.
fn says((life, seq): (u64, u64), running: u64) -> Counts {
    let count = Count {
        id: ask(1).id,
        kind: Kind::AT_ONCE.code(),
        born: 0,
        total: running.cast_signed(),
        window: running,
        day: 0,
        wants: 0,
    };
    Counts {
        node: "a".to_owned(),
        region: "east".to_owned(),
        life,
        seq,
        nodes: None,
        hello: false,
        counts: vec![count],
    }
}

#[test]
fn what_a_node_says_last_is_all_that_counts_of_it() {
    let mut ledger = me("me");
    let id = ask(1).id;
    for ((life, seq), running) in [((1, 1), 5), ((1, 2), 2), ((1, 4), 7), ((2, 1), 1)] {
        ledger.hear(at(seq), &says((life, seq), running));
        assert_eq!(ledger.under_way(id, at(seq)), running);
    }
    // Of the run before.
    ledger.hear(at(9), &says((1, 9), 70));
    assert_eq!(ledger.under_way(id, at(9)), 1);
}

#[test]
fn calls_of_a_node_that_is_not_heard_any_more_are_over_after_six_seconds() {
    let mut ledger = me("me");
    let id = ask(1).id;
    ledger.hear(at(1_000), &says((1, 1), 5));
    ledger.hear(at(3_000), &says((1, 2), 5));
    assert_eq!(ledger.under_way(id, at(9_000)), 5);
    assert_eq!(ledger.under_way(id, at(9_600)), 0);
    // It was not dead after all.
    ledger.hear(at(9_700), &says((1, 9), 4));
    assert_eq!(ledger.under_way(id, at(9_700)), 4);
}

#[test]
fn the_even_parts_of_nodes_that_are_cut_off_come_to_the_limit() {
    const NODES: [&str; 3] = ["a", "b", "c"];
    for limit in [1, 2, 3, 10] {
        let mut ledgers = NODES.map(me);
        for tick in (0..3_000).step_by(50) {
            let said: Vec<Counts> = ledgers
                .iter_mut()
                .flat_map(|one| one.tick(at(tick)))
                .collect();
            for ledger in &mut ledgers {
                for message in &said {
                    ledger.hear(at(tick + 1), message);
                }
            }
        }
        // Then nobody hears anybody.
        let mut taken = 0;
        for ledger in &mut ledgers {
            for _ in 0..20 {
                let verdict = ledger.admit(at(20_000), &[ask(limit)], true);
                taken += u64::from(matches!(verdict, Verdict::Taken(_)));
            }
        }
        assert_eq!(taken, limit);
    }
}
