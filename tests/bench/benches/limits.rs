//! How exactly rate limits hold, and what they cost. `tests/bench/run` calls it.
//!
//! - What one call pays for its limits: the time in which it takes its place under
//!   them, alone and among others, with one thing limited and with 100,000.
//! - In virtual time: nodes that speak over a network with delays of 1 to 5 ms (80 to
//!   250 ms between regions) that loses one message of a hundred. *accepted* is the
//!   most that was let through in any minute, *used* what was let through of what
//!   could have been, both as a part of what is allowed. With
//!   `FOLDGATE_BENCH_NIGHTLY=1` also 200 nodes. *at once* is about calls under way: 60
//!   places, and three times as many calls for them.
//! - On real processes, 1, 3 and 8 data planes and one nats-server: a burst of twice
//!   the limit at all nodes at once, a steady load of twice the limit for more than a
//!   minute, and a burst of the whole limit at each node once the nats-server is gone.

use std::hint::black_box;
use std::time::{Duration, Instant};

use foldgate_domain::limits::simulation::{Outcome, Story, World, run};
use foldgate_domain::limits::{Ask, Kind, Ledger, Me, Now, Pace, Period, Unit, id_of};
use foldgate_domain::zone::Zone;
use foldgate_proto::{LimitId, Timestamp};
use foldgate_tests::{Client, FakeUpstream, Fleet};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

const ROUNDS: u64 = 2_000_000;

/// Calls per minute, on real processes.
const LIMIT: usize = 600;
const MINUTE: Duration = Duration::from_mins(1);

/// How long the steady load lasts: more than a minute, so that the limit is reached,
/// and given out anew.
const STEADY: Duration = Duration::from_secs(80);

// One thread: the other processor is the fleet's.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("rate limits\n\nwhat one call pays");
    for ids in [1, 100_000] {
        for others in [0, 7] {
            let (one, four) = (cost(ids, others, 1), cost(ids, others, 4));
            println!(
                "  {ids} limited, {others} other nodes: {one:.0} ns with one limit, \
                 {four:.0} ns with four"
            );
        }
    }
    println!("\nin virtual time, 600 calls per minute allowed, or 60 at once");
    let is_nightly = std::env::var_os("FOLDGATE_BENCH_NIGHTLY").is_some_and(|v| !v.is_empty());
    let mut sizes = vec![(1, 1), (3, 1), (8, 1), (8, 2), (40, 2)];
    if is_nightly {
        sizes.push((200, 4));
    }
    for (nodes, regions) in sizes {
        virtual_time(nodes, regions);
    }
    println!("\non real processes, {LIMIT} calls per minute allowed");
    for nodes in [1, 3, 8] {
        processes(nodes).await;
    }
}

fn now(tick: u64) -> Now {
    let wall = 1_735_689_600_000_i64.saturating_add_unsigned(tick);
    Now::at(tick, Timestamp(wall), Zone::UTC)
}

/// Nanoseconds for each call to take its place under so many limits, none of them near.
fn cost(ids: u64, others: u64, limits: usize) -> f64 {
    let mut ledger = match others {
        0 => Ledger::alone(),
        _ => Ledger::shared(Pace::default(), me("node-0")),
    };
    let mut peers: Vec<Ledger> = (1..=others)
        .map(|at| Ledger::shared(Pace::default(), me(&format!("node-{at}"))))
        .collect();
    let names: Vec<LimitId> = (0..ids).map(|id| id_of(&[&id.to_le_bytes()])).collect();
    let kinds = [
        (Unit::Requests, Period::Minute),
        (Unit::Requests, Period::Day),
        (Unit::Tokens, Period::Minute),
        (Unit::Tokens, Period::Day),
    ];
    let kinds = kinds.map(|(unit, period)| Kind { unit, period });
    let asks = |id: LimitId| {
        kinds.map(|kind| Ask {
            id,
            kind,
            limit: 1_000_000_000,
            cost: 1,
        })
    };
    let mut spent = Duration::ZERO;
    let mut at = 0_usize;
    // A thousand calls a millisecond would be a node's whole processor: as many come
    // between two ticks of the exchange as at 40,000 a second.
    for round in 0..ROUNDS / 1000 {
        let tick = now(round * 25);
        exchange(&mut ledger, &mut peers, tick);
        let begun = Instant::now();
        for _ in 0..1000 {
            at = (at + 7_919) % names.len();
            let asks = asks(names[at]);
            black_box(ledger.admit(tick, &asks[..limits], true));
        }
        spent += begun.elapsed();
    }
    nanos(spent) / float(ROUNDS)
}

/// All say what they have to, and hear it.
fn exchange(ledger: &mut Ledger, peers: &mut [Ledger], tick: Now) {
    if peers.is_empty() {
        return;
    }
    let mut said = ledger.tick(tick);
    said.extend(peers.iter_mut().flat_map(|peer| peer.tick(tick)));
    for message in &said {
        ledger.hear(tick, message);
        for peer in peers.iter_mut() {
            peer.hear(tick, message);
        }
    }
}

fn me(node: &str) -> Me {
    Me {
        node: node.to_owned(),
        region: "here".to_owned(),
        life: 1,
    }
}

fn virtual_time(nodes: usize, regions: usize) {
    const LIMIT: u64 = 600;
    let world = World {
        nodes,
        regions,
        loss: 10,
        patience: 2_000,
        seed: 7,
    };
    let play = |lasts, load: &dyn Fn(u64, usize) -> u64, cut: &dyn Fn(u64, usize) -> bool| {
        let story = Story {
            limit: LIMIT,
            period: Period::Minute,
            lasts,
            load,
            stays: 0,
            cut,
        };
        run(world, story)
    };
    let whole = |_: u64, _: usize| false;
    // Twice as much as may come through, evenly.
    let every = 50 * nodes as u64;
    let even = |at: u64, node: usize| u64::from((at + node as u64 * 7).is_multiple_of(every));
    let steady = play(150_000, &even, &whole);
    let each = 2 * LIMIT / nodes as u64 + 1;
    let at_once = |at: u64, _: usize| if at == 5_000 { each } else { 0 };
    let burst = play(30_000, &at_once, &whole);
    let away = |at: u64, _: usize| at > 90_000;
    let alone = play(240_000, &even, &away);
    let [places, stays] = [60, 4_000];
    let often = (stays / 2 / places / 3 * nodes as u64).max(1);
    let gauge = |cut: &dyn Fn(u64, usize) -> bool| {
        let story = Story {
            limit: places,
            period: Period::AtOnce,
            stays,
            lasts: 120_000,
            load: &|at, node| u64::from((at + node as u64 * 7).is_multiple_of(often)),
            cut,
        };
        run(world, story)
    };
    let busy = gauge(&whole);
    let busy_alone = gauge(&|at, _| at > 60_000);
    println!("  {nodes} nodes, {regions} regions");
    show("steady", &steady);
    show("burst", &burst);
    show("without messages", &alone);
    show("at once", &busy);
    show("at once without", &busy_alone);
    println!(
        "    {:.0} messages per second in all; {:.1} KB/s at the node that hears most",
        steady.messages,
        steady.heard / 1e3
    );
}

fn show(what: &str, outcome: &Outcome) {
    println!(
        "    {what:<18} accepted {:.3}  used {:.3}  held {} of {}",
        outcome.worst, outcome.used, outcome.held, outcome.wanted
    );
}

/// What was let through, by the clients' clock.
struct Taken(Vec<Instant>);

impl Taken {
    /// The most in any minute, of what is allowed.
    fn worst(&mut self) -> f64 {
        self.0.sort_unstable();
        let (mut first, mut most) = (0, 0);
        for (at, last) in self.0.iter().enumerate() {
            while last.duration_since(self.0[first]) >= MINUTE {
                first += 1;
            }
            most = most.max(at - first + 1);
        }
        float(most as u64) / float(LIMIT as u64)
    }
}

async fn processes(count: usize) {
    let mut fleet = Fleet::start(1, count).await;
    let upstream = FakeUpstream::start().await;
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let limit = json!({"rpm": LIMIT});
    let limits = json!({"MODEL_LIMITS": {"burst": limit, "steady": limit, "alone": limit}});
    let revision = admin.put("/x-config", &limits).await.revision();
    fleet.folded(revision).await;
    fleet.acquainted().await;
    let nodes: Vec<Client> = fleet.nodes.iter().map(|node| node.proxy()).collect();
    let mut burst = at_once(&nodes, "burst", 2 * LIMIT / count).await;
    let mut steady = steadily(&nodes, "steady").await;
    // Some is used before: shares are known.
    let mut alone = at_once(&nodes, "alone", LIMIT / 10 / count).await;
    fleet.nats.kill();
    alone.0.extend(at_once(&nodes, "alone", LIMIT).await.0);
    println!(
        "  {count} data planes: burst {:.3}, steady {:.3} (of {:.2} wanted), without NATS {:.3}",
        burst.worst(),
        steady.worst(),
        2.0,
        alone.worst()
    );
}

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

async fn call(node: &Client, body: &Value) -> Option<Instant> {
    let answer = node.post("/v1/chat/completions", body).await;
    assert!(matches!(answer.status, 200 | 429), "{}", answer.text());
    (answer.status == 200).then(Instant::now)
}

/// So many calls at each node, all at once.
async fn at_once(nodes: &[Client], model: &str, each: usize) -> Taken {
    let body = chat(model);
    let calls = (0..each).flat_map(|_| nodes.iter().map(|node| call(node, &body)));
    Taken(join_all(calls).await.into_iter().flatten().collect())
}

/// Twice as many calls as are allowed, evenly, in turn at each node.
async fn steadily(nodes: &[Client], model: &str) -> Taken {
    let body = chat(model);
    let gap = MINUTE / u32::try_from(2 * LIMIT).expect("few");
    let mut tick = interval(gap);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut calls = FuturesUnordered::new();
    let mut taken = Vec::new();
    let mut turn = nodes.iter().cycle();
    while begun.elapsed() < STEADY {
        tokio::select! {
            _ = tick.tick() => calls.extend(turn.next().map(|node| call(node, &body))),
            Some(one) = calls.next() => taken.extend(one),
        }
    }
    while let Some(one) = calls.next().await {
        taken.extend(one);
    }
    Taken(taken)
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn float(count: u64) -> f64 {
    count as f64
}
