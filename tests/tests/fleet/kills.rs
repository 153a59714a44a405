//! The drill of money: nodes, control planes and NATS die by kill -9 in the midst of
//! calls, at random. Then the bill is what the upstream counted, for every call whose last
//! byte reached its client; calls that a kill cut are billed by their estimate, and
//! marked. Nothing is billed twice, and nothing that went upstream is forgotten.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use foldgate_proto::{Measure, UsageBatch, UsageRecord, names, report};
use foldgate_tests::client::attempt;
use foldgate_tests::nats::User;
use foldgate_tests::poll::{SOON, nightly};
use foldgate_tests::upstream::{Seen, Step};
use foldgate_tests::{Client, FakeUpstream, Fleet, Reply, eventually};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use super::CHAT;

/// Calls of a round.
const CALLS: usize = 60;

/// How many of them have gone upstream when somebody dies.
const BEFORE: usize = 20;

/// What a million tokens cost, read and written, in dollars.
const PRICES: (i64, i64) = (1, 2);

/// Who dies.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Node(usize),
    Control(usize),
    Nats,
}

/// A small generator: the same seed, the same drill.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).expect("31 bits");
        high % end
    }

    fn victim(&mut self) -> Victim {
        match self.below(6) {
            0..=2 => Victim::Node(self.below(2)),
            3..=4 => Victim::Control(self.below(2)),
            _ => Victim::Nats,
        }
    }
}

/// The number of a call, which is its model's name.
fn model(call: usize) -> String {
    format!("m-{call:05}")
}

/// What the upstream counts of a call: read and written.
fn counted(call: usize) -> (u64, u64) {
    let call = u64::try_from(call).expect("few calls");
    (100 + call, 10 + call % 7)
}

/// What that costs in nano-dollars.
fn cost((read, written): (u64, u64)) -> i64 {
    let nanos = |tokens: u64, price: i64| i64::try_from(tokens).expect("few") * price * 1_000;
    nanos(read, PRICES.0) + nanos(written, PRICES.1)
}

/// Whether a call's answer is a stream. Both nodes have some of both.
fn is_stream(call: usize) -> bool {
    (call / 2).is_multiple_of(2)
}

/// Answers each call with counts of its own, a part of them in pieces and late; a third
/// not before somebody has died.
fn reply(seen: &Seen, gate: &Arc<Notify>) -> Option<Reply> {
    let body = seen.json();
    let call: usize = body["model"].as_str()?.strip_prefix("m-")?.parse().ok()?;
    let (read, written) = counted(call);
    let usage = json!({"prompt_tokens": read, "completion_tokens": written,
        "total_tokens": read + written});
    let late = Duration::from_millis((call as u64 * 37) % 150);
    let held = (call / 4 % 3 == 1).then(|| Arc::clone(gate));
    if !is_stream(call) {
        let answer = json!({"object": "chat.completion", "choices": [], "usage": usage});
        let mut reply = Reply::json(200, &answer);
        reply.delay = late;
        reply.held = held;
        return Some(reply);
    }
    let mut steps = vec![Step::chunk("a"), Step::Pause(late), Step::chunk("b")];
    steps.push(Step::event(&json!({"choices": [], "usage": usage})));
    steps.push(Step::Send(Bytes::from_static(b"data: [DONE]\n\n")));
    let mut reply = Reply::stream(steps);
    reply.held = held;
    Some(reply)
}

/// Calls once; whether the answer came whole.
async fn call(proxy: &Client, call: usize) -> bool {
    let stream = is_stream(call);
    let body = json!({"model": model(call), "stream": stream, "messages": []});
    let request = proxy.request(Method::POST, CHAT).json(&body);
    let Ok(answer) = attempt("a call", request).await else {
        return false;
    };
    answer.status == 200 && (!stream || answer.text().ends_with("data: [DONE]\n\n"))
}

/// A round: calls at both nodes, and a death in their midst. Gives those that came whole.
async fn round(
    fleet: &mut Fleet,
    (upstream, gate): (&FakeUpstream, &Notify),
    from: usize,
    dies: Victim,
) -> Vec<usize> {
    let proxies: Vec<Client> = fleet.nodes.iter().map(|node| node.proxy()).collect();
    let before = upstream.count();
    let over = AtomicBool::new(false);
    let calls = join_all((from..from + CALLS).map(|number| {
        let proxy = &proxies[number % proxies.len()];
        async move { call(proxy, number).await.then_some(number) }
    }));
    let calls = async {
        let whole = calls.await;
        over.store(true, Ordering::SeqCst);
        whole
    };
    let killing = async {
        eventually("calls go upstream", SOON, async || {
            let went = upstream.count() - before;
            if went >= BEFORE {
                Ok(())
            } else {
                Err(went.to_string())
            }
        })
        .await;
        match dies {
            Victim::Node(number) => fleet.nodes[number].kill(),
            Victim::Control(number) => fleet.controls[number].kill(),
            Victim::Nats => fleet.nats.kill(),
        }
        eventually("the calls end", SOON, async || {
            gate.notify_waiters();
            let is_over = over.load(Ordering::SeqCst);
            is_over.then_some(()).ok_or_else(|| "not yet".to_owned())
        })
        .await;
    };
    let (whole, ()) = tokio::join!(calls, killing);
    match dies {
        Victim::Node(number) => {
            let settings = fleet.nodes[number].settings().clone();
            fleet.nodes[number] = settings.start().await;
        }
        Victim::Control(number) => {
            let settings = fleet.controls[number].settings().clone();
            fleet.controls[number] = settings.start().await;
        }
        Victim::Nats => fleet.nats.restart().await,
    }
    whole.into_iter().flatten().collect()
}

/// Everything that was handed over, each batch once, by the call it is about.
async fn records(fleet: &Fleet) -> BTreeMap<String, Vec<UsageRecord>> {
    let context = jetstream::new(fleet.nats.connect(User::Bootstrap).await);
    let stream = context.get_stream(names::USAGE_STREAM).await;
    let mut stream = stream.expect("the stream of usage");
    let last = stream.info().await.expect("its state").state.last_sequence;
    let mut batches: HashSet<(Uuid, u64)> = HashSet::new();
    let mut found: BTreeMap<String, Vec<UsageRecord>> = BTreeMap::new();
    for sequence in 1..=last {
        let stored = stream.get_raw_message(sequence).await.expect("a batch");
        let batch: UsageBatch = report::decode(&stored.payload).expect("a batch");
        if batches.insert((batch.spool, batch.number)) {
            for record in batch.records {
                found
                    .entry(record.requested.clone())
                    .or_default()
                    .push(record);
            }
        }
    }
    found
}

/// The calls that went upstream.
fn asked(upstream: &FakeUpstream) -> HashMap<String, usize> {
    let mut asked = HashMap::new();
    for seen in upstream.seen() {
        let model = seen.json()["model"].as_str().expect("a model").to_owned();
        *asked.entry(model).or_default() += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bill_is_what_the_upstream_counted_whatever_dies() {
    let mut fleet = Fleet::start(2, 2).await;
    let upstream = FakeUpstream::start().await;
    let gate = Arc::new(Notify::new());
    let held = Arc::clone(&gate);
    upstream.when(move |seen| reply(seen, &held));
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let prices = json!({"ChatPricing": {"m-*": {"InputText": PRICES.0, "OutputText": PRICES.1}}});
    let config = json!({"PRICING": prices.to_string()});
    let written = admin.put("/x-config", &config).await;
    fleet.folded(written.revision()).await;

    let seed = Uuid::new_v4().as_u64_pair().0;
    let mut random = Random(seed);
    let mut whole = HashSet::new();
    for number in 0..nightly(4, 30) {
        // The short drill sees each of them die.
        let dies = match number {
            0 => Victim::Node(0),
            1 => Victim::Nats,
            2 => Victim::Control(0),
            _ => random.victim(),
        };
        eprintln!("seed {seed}, round {number}: {dies:?} dies");
        whole.extend(round(&mut fleet, (&upstream, &gate), number * CALLS, dies).await);
    }

    let asked = asked(&upstream);
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
    let found = eventually("all that went upstream is handed over", SOON, async || {
        let found = records(&fleet).await;
        let missing: Vec<&String> = asked
            .keys()
            .filter(|call| !found.contains_key(*call))
            .collect();
        if missing.is_empty() {
            Ok(found)
        } else {
            Err(format!("{missing:?}"))
        }
    })
    .await;
    let mut unsettled = 0;
    for (call, records) in &found {
        let [record] = &records[..] else {
            panic!("{call} is billed twice: {records:?}");
        };
        let number: usize = call.trim_start_matches("m-").parse().expect("a number");
        match record.measure {
            Measure::Reported => {
                assert_eq!(record.cost.0, cost(counted(number)), "{record:?}");
            }
            Measure::Estimated | Measure::Unsettled => {
                assert!(!whole.contains(&number), "it came whole: {record:?}");
                assert!(record.cost.0 > 0, "{record:?}");
                unsettled += u64::from(record.measure == Measure::Unsettled);
            }
        }
    }
    for number in &whole {
        assert!(
            found.contains_key(&model(*number)),
            "{number} is not billed"
        );
    }
    assert!(unsettled > 0, "no call was cut; the drill shows nothing");
    let total: i64 = found.values().flatten().map(|record| record.cost.0).sum();
    let requests = u64::try_from(found.len()).expect("few");
    for control in &fleet.controls {
        let bill: Value = eventually("the bill is whole", SOON, async || {
            let bill: Value = control.admin().get("/dashboard/bill").await.json();
            if bill["total_usage"]["cost_nano_usd"] == total {
                Ok(bill)
            } else {
                Err(format!("{total}: {}", bill["total_usage"]))
            }
        })
        .await;
        assert_eq!(bill["total_usage"]["requests"], requests);
        assert_eq!(bill["complete_since"], Value::Null);
    }
    eprintln!(
        "{} calls went upstream, {} came whole, {unsettled} were cut by the death of their node",
        asked.len(),
        whole.len()
    );
}
