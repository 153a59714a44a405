//! The arithmetic of routing against the plainest way to say it.

use std::collections::BTreeSet;
use std::time::Duration;

use foldgate_proto::Timestamp;
use proptest::prelude::*;

use super::{
    Average, By, Candidate, DEFAULT_TAG, HashKey, STALE_AFTER, Wheel, eligible, order, ranked,
    read_tags,
};

fn candidate(place: usize) -> Candidate {
    Candidate {
        place,
        id: place as u128 + 1,
        priority: 0,
        weight: 1,
        cost: None,
        latency: None,
        busy: 0,
    }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (
        any::<u128>(),
        -2..3_i32,
        0..4_u32,
        proptest::option::of(0..3_u8),
        proptest::option::of(0..3_u64),
        0..4_u32,
    );
    proptest::collection::vec(one, 0..12).prop_map(|all| {
        let placed = all.into_iter().enumerate();
        placed
            .map(
                |(place, (id, priority, weight, cost, latency, busy))| Candidate {
                    place,
                    id,
                    priority,
                    weight,
                    cost: cost.map(f64::from),
                    latency,
                    busy,
                },
            )
            .collect()
    })
}

/// Whether `a` goes before `b`, word by word.
fn oracle_before(a: &Candidate, b: &Candidate, by: &By<'_>) -> bool {
    if (a.weight == 0) != (b.weight == 0) {
        return b.weight == 0;
    }
    if a.priority != b.priority {
        return a.priority > b.priority;
    }
    let listed = a.place < b.place;
    match by {
        By::Cost => match (a.cost, b.cost) {
            (Some(a), Some(b)) if a < b || b < a => a < b,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            _ => listed,
        },
        By::Latency => match (a.latency, b.latency) {
            (Some(a), Some(b)) if a != b => a < b,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            _ => listed,
        },
        By::Busy => {
            let load = |one: &Candidate| f64::from(one.busy) / f64::from(one.weight.max(1));
            if (load(a) - load(b)).abs() > 1e-9 {
                load(a) < load(b)
            } else {
                listed
            }
        }
        _ => listed,
    }
}

/// Picks the one that goes before all others, again and again.
fn oracle_order(all: &[Candidate], by: &By<'_>) -> Vec<usize> {
    let mut left = all.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let first = (0..left.len())
            .find(|i| (0..left.len()).all(|j| *i == j || oracle_before(&left[*i], &left[j], by)))
            .expect("the rule is a total order");
        order.push(left.remove(first).place);
    }
    order
}

/// Smooth weighted turns as they are usually written down.
fn oracle_turn(owed: &mut [i64], weights: &[u32]) -> usize {
    let mut best = 0;
    for at in 0..weights.len() {
        owed[at] += i64::from(weights[at]);
        if owed[at] > owed[best] {
            best = at;
        }
    }
    owed[best] -= weights.iter().map(|w| i64::from(*w)).sum::<i64>();
    best
}

proptest! {
    #[test]
    fn orders_are_what_the_rules_say(all in candidates()) {
        for by in [|| By::Listed, || By::Cost, || By::Latency, || By::Busy] {
            prop_assert_eq!(order(&all, by()), oracle_order(&all, &by()));
        }
    }

    #[test]
    fn every_strategy_gives_each_candidate_once_and_keeps_the_tiers(
        all in candidates(),
        key in any::<u64>(),
    ) {
        let weights: Vec<u32> = all.iter().map(|one| one.weight).collect();
        let mut wheel = Wheel::default();
        let hash = HashKey::of(&key.to_le_bytes());
        for by in [By::Turn(&mut wheel, &weights), By::Hash(hash)] {
            let found = order(&all, by);
            let each: BTreeSet<usize> = found.iter().copied().collect();
            prop_assert_eq!(each.len(), all.len());
            prop_assert_eq!(found.len(), all.len());
            let tier = |place: &usize| (all[*place].weight == 0, -all[*place].priority);
            prop_assert!(found.iter().map(tier).is_sorted());
        }
    }

    #[test]
    fn turns_agree_with_the_textbook(
        weights in proptest::collection::vec(1..20_u32, 1..8),
        turns in 1..80_usize,
    ) {
        let among: Vec<usize> = (0..weights.len()).collect();
        let (mut wheel, mut owed) = (Wheel::default(), vec![0; weights.len()]);
        for _ in 0..turns {
            let first = wheel.turn(&weights, &among)[0];
            prop_assert_eq!(first, oracle_turn(&mut owed, &weights));
        }
    }

    #[test]
    fn a_round_gives_each_its_weight(weights in proptest::collection::vec(1..20_u32, 1..8)) {
        let among: Vec<usize> = (0..weights.len()).collect();
        let mut wheel = Wheel::default();
        let mut had = vec![0; weights.len()];
        for _ in 0..weights.iter().sum::<u32>() {
            had[wheel.turn(&weights, &among)[0]] += 1;
        }
        prop_assert_eq!(had, weights);
    }

    #[test]
    fn of_some_of_them_each_has_its_turn(
        weights in proptest::collection::vec(1..5_u32, 2..8),
        without in any::<proptest::sample::Index>(),
        before in 0..20_usize,
    ) {
        let all: Vec<usize> = (0..weights.len()).collect();
        let out = without.index(weights.len());
        let some: Vec<usize> = all.iter().copied().filter(|at| *at != out).collect();
        let mut wheel = Wheel::default();
        for _ in 0..before {
            wheel.turn(&weights, &all);
        }
        let mut had = BTreeSet::new();
        let enough = 3 * weights.iter().sum::<u32>();
        for _ in 0..enough {
            had.insert(wheel.turn(&weights, &some)[0]);
        }
        prop_assert_eq!(had, some.into_iter().collect::<BTreeSet<_>>());
    }

    #[test]
    fn only_what_was_a_target_that_is_gone_moves(
        ids in proptest::collection::btree_set(any::<u128>(), 2..10),
        key in any::<u64>(),
        gone in any::<proptest::sample::Index>(),
    ) {
        let key = HashKey::of(&key.to_le_bytes());
        let targets: Vec<(u128, u32)> = ids.iter().map(|id| (*id, 3)).collect();
        let before: Vec<u128> = ranked(key, &targets).into_iter().map(|at| targets[at].0).collect();
        let gone = targets[gone.index(targets.len())].0;
        let left: Vec<(u128, u32)> = targets.into_iter().filter(|(id, _)| *id != gone).collect();
        let after: Vec<u128> = ranked(key, &left).into_iter().map(|at| left[at].0).collect();
        let expected: Vec<u128> = before.into_iter().filter(|id| *id != gone).collect();
        prop_assert_eq!(after, expected);
    }

    #[test]
    fn a_greater_weight_never_loses_a_key(
        ids in proptest::collection::btree_set(any::<u128>(), 2..8),
        key in any::<u64>(),
        more in 2..50_u32,
    ) {
        let key = HashKey::of(&key.to_le_bytes());
        let mut targets: Vec<(u128, u32)> = ids.iter().map(|id| (*id, 1)).collect();
        let first = ranked(key, &targets)[0];
        targets[first].1 = more;
        prop_assert_eq!(ranked(key, &targets)[0], first);
    }

    #[test]
    fn an_average_lies_between_what_it_heard(samples in proptest::collection::vec(0..1_000_000_u64, 1..30)) {
        let mut average = Average::default();
        for sample in &samples {
            average.add(Duration::from_micros(*sample), Timestamp(0));
        }
        let known = average.get(Timestamp(0)).expect("it heard something");
        prop_assert!(samples.iter().min() <= Some(&known) && Some(&known) <= samples.iter().max());
    }

    #[test]
    fn tags_lead_where_they_say(
        asked in proptest::collection::vec("[ab]|default", 0..3),
        targets in proptest::collection::vec(proptest::collection::vec("[abc]|default", 0..3), 0..6),
    ) {
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let tags: Vec<&[String]> = targets.iter().map(Vec::as_slice).collect();
        let found = eligible(&asked, &tags);
        let has = |at: usize, tag: &str| targets[at].iter().any(|one| one == tag);
        let matches = |at: usize| asked.iter().any(|tag| has(at, tag));
        let all = 0..targets.len();
        for at in all.clone() {
            let expected = if all.clone().all(|at| targets[at].is_empty()) {
                true
            } else if all.clone().any(matches) {
                matches(at)
            } else if all.clone().any(|at| has(at, DEFAULT_TAG)) {
                has(at, DEFAULT_TAG)
            } else {
                targets[at].is_empty()
            };
            prop_assert_eq!(found.contains(&at), expected);
        }
        prop_assert!(found.is_sorted());
    }
}

#[test]
fn turns_are_smooth() {
    let mut wheel = Wheel::default();
    let turns: Vec<usize> = (0..7)
        .map(|_| wheel.turn(&[5, 1, 1], &[0, 1, 2])[0])
        .collect();
    assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn other_weights_begin_anew() {
    let mut wheel = Wheel::default();
    for _ in 0..3 {
        wheel.turn(&[1_000_000, 1], &[0, 1]);
    }
    let turns: Vec<usize> = (0..4).map(|_| wheel.turn(&[1, 1], &[0, 1])[0]).collect();
    assert_eq!(turns, [0, 1, 0, 1]);
    assert!(wheel.turn(&[1, 1], &[]).is_empty());
    assert_eq!(
        wheel.turn(&[1, 1], &[7]),
        [7],
        "an unknown place is no panic"
    );
}

#[test]
fn keys_are_shared_out_by_weight() {
    let targets = [(1_u128, 1), (2, 3)];
    let second = (0..4_000_u32)
        .filter(|key| ranked(HashKey::of(&key.to_le_bytes()), &targets)[0] == 1)
        .count();
    assert!((2_800..3_200).contains(&second), "{second} of 4,000");
}

#[test]
fn the_same_key_leads_to_the_same_target_on_every_machine() {
    let targets: Vec<(u128, u32)> = (1..=5).map(|id| (id, 1)).collect();
    let firsts: Vec<usize> = ["a", "b", "c", "team-7", ""]
        .map(|key| ranked(HashKey::of(key.as_bytes()), &targets)[0])
        .into();
    assert_eq!(firsts, FIRSTS);
}

/// As this program first drew them; another result moves every conversation.
const FIRSTS: [usize; 5] = [0, 3, 1, 0, 3];

#[test]
fn an_average_forgets() {
    let mut average = Average::default();
    assert_eq!(average.get(Timestamp(0)), None);
    average.add(Duration::from_micros(800), Timestamp(0));
    average.add(Duration::from_micros(1_600), Timestamp(1));
    assert_eq!(average.get(Timestamp(1)), Some(900));
    let later = Timestamp(1).after(STALE_AFTER);
    assert_eq!(average.get(later), None);
    average.add(Duration::from_micros(50), later);
    assert_eq!(average.get(later), Some(50));
}

#[test]
fn a_weight_of_nothing_comes_after_all_tiers() {
    let with = |place, priority, weight| Candidate {
        priority,
        weight,
        ..candidate(place)
    };
    let all = [with(0, 9, 0), with(1, 0, 1), with(2, 5, 1), with(3, 0, 0)];
    assert_eq!(order(&all, By::Listed), [2, 1, 0, 3]);
}

#[test]
fn a_list_of_tags_is_read_generously_and_bounded() {
    assert_eq!(read_tags([" eu, ,fast ,", "eu2"]), ["eu", "fast", "eu2"]);
    assert!(read_tags([""]).is_empty());
    assert_eq!(
        read_tags(["a,".repeat(1_000).as_str()]).len(),
        super::MAX_TAGS
    );
}
