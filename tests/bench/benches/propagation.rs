//! How fast the fleet learns, on real processes: 2 control planes, 3 data planes
//! and one nats-server that syncs every write. `tests/bench/run` calls it.
//!
//! - A write, with 1, 100 and 10,000 keys loaded: from its acknowledgement, and
//!   from the start of its request, until every data plane has folded it. Before
//!   each write a request with `X-Foldgate-Min-Revision` of the revision to come
//!   is parked at every node: it is answered as soon as the node's table holds
//!   that revision. Asking in a loop instead would take the processors that the
//!   fleet needs, and see the change up to a round trip late. The figures hold
//!   that answer's way back; a change that was visible before its write was
//!   acknowledged counts as zero.
//! - A sleep: from the moment an upstream refuses one node until `/x-conf` of a
//!   control plane shows the key. `/x-conf` is asked in a loop.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use foldgate_tests::admin::list;
use foldgate_tests::client::finish;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Admin, Client, FakeUpstream, Fleet, Reply};
use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::{Map, Value, json};

const CONTROLS: usize = 2;
const NODES: usize = 3;
const KEYS: [usize; 3] = [1, 100, 10_000];
const WRITES: usize = 200;
const SLEEPS: u16 = 50;

/// Keys under way at a time while loading.
const LOADING: usize = 32;

/// Before each round, so that the round before is over and requests are parked.
const REST: Duration = Duration::from_millis(10);

/// A sleep that takes longer was not told at all.
const TOLD: Duration = Duration::from_secs(10);

// One thread: the other processor is the fleet's.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "propagation: {CONTROLS} control planes, {NODES} data planes, one nats-server \
         (sync_interval: always)"
    );
    writes().await;
    sleeps().await;
}

async fn writes() {
    let upstream = FakeUpstream::start().await;
    let rig = Rig::start().await;
    let mut keys = vec![rig.admin.serve_all(&upstream.url()).await];
    println!("\n{WRITES} writes, until visible on every data plane");
    for count in KEYS {
        keys.extend(rig.load(&upstream.url(), count - keys.len()).await);
        let mut revision = rig.settled().await;
        let mut rounds = Vec::with_capacity(WRITES);
        for key in keys.iter().cycle().take(WRITES) {
            revision += 1;
            rounds.push(rig.write(*key, revision).await);
        }
        let times = |of: fn(&Round) -> Duration| Times::of(rounds.iter().map(of).collect());
        println!("  {count} keys");
        println!("    acknowledged -> visible  {}", times(Round::visible));
        println!("    request -> visible       {}", times(Round::whole));
        println!("    request -> acknowledged  {}", times(Round::append));
    }
}

async fn sleeps() {
    let upstream = FakeUpstream::start().await;
    let rig = Rig::start().await;
    // A Level and a model of its own for each key.
    let mut mapper = Map::new();
    let mut keys = Vec::new();
    for level in 1..=SLEEPS {
        mapper.insert(model(level), json!(level));
        keys.push(rig.admin.add_key(level, &upstream.url()).await);
    }
    rig.admin.config(&json!({ "LEVEL_MAPPER": mapper })).await;
    rig.settled().await;
    let refused = Arc::new(Mutex::new(Instant::now()));
    let clock = Arc::clone(&refused);
    upstream.when(move |_| {
        *clock.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(Reply::rate_limited(Hint::Seconds(300)))
    });
    let mut times = Vec::new();
    for (level, key) in (1..).zip(keys) {
        let node = rig.nodes[usize::from(level) % NODES].clone();
        let seen = rig.sleep(node, model(level), key).await;
        let refused = *refused.lock().unwrap_or_else(PoisonError::into_inner);
        times.push(seen.saturating_duration_since(refused));
    }
    println!("\n{SLEEPS} sleeps, from an upstream's 429 to /x-conf of a control plane");
    println!("    refused -> shown         {}", Times::of(times));
}

fn model(level: u16) -> String {
    format!("model-of-level-{level}")
}

/// The fleet with a client, and so a kept connection, for each listener.
struct Rig {
    fleet: Fleet,
    /// The control plane that is written to.
    admin: Admin,
    /// The other one.
    other: Admin,
    nodes: Vec<Client>,
}

/// One write's moments.
struct Round {
    begun: Instant,
    acknowledged: Instant,
    visible: Instant,
}

impl Rig {
    async fn start() -> Self {
        let fleet = Fleet::start(CONTROLS, NODES).await;
        Self {
            admin: fleet.controls[0].admin(),
            other: fleet.controls[1].admin(),
            nodes: fleet.nodes.iter().map(|node| node.proxy()).collect(),
            fleet,
        }
    }

    /// Adds keys to Level 1.
    async fn load(&self, provider: &str, count: usize) -> Vec<u64> {
        let begun = Instant::now();
        let keys: Vec<u64> = stream::iter(0..count)
            .map(|_| self.admin.add_key(1, provider))
            .buffer_unordered(LOADING)
            .collect()
            .await;
        if !keys.is_empty() {
            println!("  ({count} keys added in {:.1?})", begun.elapsed());
        }
        keys
    }

    /// Waits until every node is at the head, and gives it.
    async fn settled(&self) -> u64 {
        let head = self.admin.get("/x-keys?size=1").await.revision();
        self.fleet.folded(head).await;
        head
    }

    /// Writes what becomes this revision.
    async fn write(&self, key: u64, revision: u64) -> Round {
        let nodes = self.nodes.iter().cloned();
        let parked: Vec<_> = nodes
            .map(|node| tokio::spawn(folded(node, revision)))
            .collect();
        tokio::time::sleep(REST).await;
        let name = json!({"Name": format!("named at {revision}")});
        let begun = Instant::now();
        let answer = self.admin.put(&format!("/x-keys/{key}"), &name).await;
        let acknowledged = Instant::now();
        answer.ok();
        assert_eq!(answer.revision(), revision, "nobody else writes");
        let mut visible = begun;
        for node in parked {
            visible = visible.max(node.await.expect("every node folds it"));
        }
        Round {
            begun,
            acknowledged,
            visible,
        }
    }

    /// Calls a model whose only key is refused; gives the moment at which the
    /// other control plane shows that the key sleeps.
    async fn sleep(&self, node: Client, model: String, key: u64) -> Instant {
        tokio::time::sleep(REST).await;
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        let call = tokio::spawn(async move { node.post("/v1/chat/completions", &body).await });
        let deadline = Instant::now() + TOLD;
        let seen = loop {
            let conf = self.other.conf().await;
            let seen = Instant::now();
            if sleeps_in(&conf, key) {
                break seen;
            }
            assert!(seen < deadline, "nobody was told that key {key} sleeps");
        };
        call.await.expect("the call is answered").error(429);
        seen
    }
}

fn sleeps_in(conf: &Value, key: u64) -> bool {
    let sleeping = list(&conf["SleepingKeys"]);
    sleeping.iter().any(|entry| entry["ID"] == key)
}

/// The moment at which a node says that it has folded a revision.
async fn folded(node: Client, revision: u64) -> Instant {
    let request = node.request(Method::GET, "/v1/models");
    let request = request.header("x-foldgate-min-revision", revision);
    let answer = finish("GET /v1/models", request).await;
    let seen = Instant::now();
    answer.ok();
    assert!(answer.revision() >= revision, "it waited for {revision}");
    seen
}

impl Round {
    fn visible(&self) -> Duration {
        self.visible.saturating_duration_since(self.acknowledged)
    }

    fn whole(&self) -> Duration {
        self.visible - self.begun
    }

    fn append(&self) -> Duration {
        self.acknowledged - self.begun
    }
}

/// Durations in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The smallest that this share of all do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
            let millis = self.percentile(percent).as_secs_f64() * 1e3;
            write!(f, "{name} {millis:7.2} ms  ")?;
        }
        let none = self.0.iter().filter(|time| time.is_zero()).count();
        if none > 0 {
            write!(f, "({none} of {} at zero)", self.0.len())?;
        }
        Ok(())
    }
}
