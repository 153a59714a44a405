//! A bulk of caller keys through the admin API, on real processes: 16 writers on
//! kept connections POST `/admin/v1/api_keys`, to a standalone process with its
//! embedded log, or to a control plane with 3 data planes on one nats-server that
//! syncs every write. The figures come back as text:
//!
//! - How many are accepted per second, and how many share an append.
//! - From the last acknowledgement until every data plane has folded them all. It
//!   is asked with `X-Foldgate-Min-Revision`, which is answered as soon as the
//!   table holds that revision; the figure holds that question's way.
//! - The curve: the processor time of the writing process, and of one data plane,
//!   for each step of rows. If a row's cost does not depend on how many there are,
//!   the second half costs as much as the first; where a row costs as much as
//!   there are rows, it costs three times as much. Every process also saves a
//!   snapshot of its state now and then, for at most a tenth of the time: on a
//!   data plane, which does little else, that shows.
//!
//! The writers' own processor time is taken from the same machine.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use crate::client::finish;
use crate::{Admin, Client, Fleet, Foldgate, Settings};

/// How many write at the same time.
pub const WRITERS: u32 = 16;

const NODES: usize = 3;
const STEPS: usize = 10;
const KEYS: &str = "/admin/v1/api_keys";

/// In `/proc`, Linux counts processor time in hundredths of a second; this many
/// milliseconds.
const TICK: u32 = 10;

/// What a bulk showed.
#[derive(Debug)]
pub struct Shown {
    /// Rows that shared an append, on average.
    pub group: f64,
    /// The writing process's time for the second half of the rows, in parts of that for
    /// the first.
    pub growth: f64,
    /// The figures, as lines.
    pub text: String,
}

/// A bulk into a standalone process with its embedded log.
pub async fn standalone(rows: usize) -> Shown {
    let mut standalone = Settings::standalone().start().await;
    let rig = Rig {
        control: standalone.process().id(),
        node: None,
        status: standalone.status(),
        admin: standalone.admin(),
        proxies: vec![standalone.proxy()],
    };
    let shown = rig.measure("standalone, embedded log", rows).await;
    standalone.stop().await;
    shown
}

/// A bulk into a control plane with 3 data planes on one nats-server.
pub async fn fleet(rows: usize) -> Shown {
    let mut fleet = Fleet::start(1, NODES).await;
    let rig = Rig {
        control: fleet.controls[0].process().id(),
        node: Some(fleet.nodes[0].process().id()),
        status: fleet.controls[0].status(),
        admin: fleet.admin(),
        proxies: fleet.nodes.iter().map(Foldgate::proxy).collect(),
    };
    let title = "1 control plane, 3 data planes, one nats-server (sync_interval: always)";
    rig.measure(title, rows).await
}

/// Where the rows go, and where they have to arrive.
struct Rig {
    /// The process that writes.
    control: u32,
    /// One that only folds, if there is one.
    node: Option<u32>,
    status: Client,
    admin: Admin,
    proxies: Vec<Client>,
}

/// A look at the clocks when so many rows were acknowledged.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    /// Processor time in milliseconds.
    control: f64,
    /// The same of a data plane.
    node: f64,
}

/// What the writers share.
struct Work {
    rows: usize,
    begun: Cell<usize>,
    acknowledged: Cell<usize>,
    /// The greatest that an answer named.
    revision: Cell<u64>,
    looks: RefCell<Vec<Look>>,
    /// The last key that was made, as its caller would present it.
    secret: RefCell<String>,
}

impl Rig {
    async fn measure(&self, title: &str, rows: usize) -> Shown {
        // Every connection is there before the clock runs.
        for node in &self.proxies {
            node.get("/v1/models").await.ok();
        }
        join_all((0..WRITERS).map(|_| self.admin.get("/admin/v1/api_keys?limit=1"))).await;
        let groups = self.groups().await;
        let work = Work {
            rows,
            begun: Cell::new(0),
            acknowledged: Cell::new(0),
            revision: Cell::new(0),
            looks: RefCell::new(vec![self.look()]),
            secret: RefCell::default(),
        };
        join_all((0..WRITERS).map(|_| self.write(&work))).await;
        let acknowledged = Instant::now();
        let revision = work.revision.get();
        let asked = self.proxies.iter().map(|node| folded(node, revision));
        let visible = join_all(asked).await.into_iter().max();
        let visible = visible.map_or(Duration::ZERO, |seen| seen - acknowledged);
        let after = self.groups().await;
        self.check(&work).await;

        let looks = work.looks.into_inner();
        let took = (acknowledged - looks[0].at).as_secs_f64();
        let group = (after.0 - groups.0) / (after.1 - groups.1);
        let mut text = format!(
            "{title}\n  accepted                      {:.0}/s ({took:.1} s)\n  rows in an append             \
             {group:.1}\n  last acknowledged -> visible  {:.1} ms on every data plane\n",
            per_second(rows, took),
            visible.as_secs_f64() * 1e3
        );
        let alone = self.node.is_none();
        let told = curve(&mut text, &looks, rows / STEPS, alone);
        told.expect("a string takes any text");
        let growth = growth(&looks, |look| look.control);
        Shown {
            group,
            growth,
            text,
        }
    }

    /// One writer: the next row as soon as the one before is acknowledged.
    async fn write(&self, work: &Work) {
        loop {
            let number = work.begun.get();
            if number == work.rows {
                return;
            }
            work.begun.set(number + 1);
            let row = json!({"display_name": format!("row-{number}"), "allowed_models": ["*"]});
            let answer = self.admin.post(KEYS, &row).await;
            let entry = answer.ok();
            let revision = work.revision.get().max(answer.revision());
            work.revision.set(revision);
            let count = work.acknowledged.get() + 1;
            work.acknowledged.set(count);
            if count.is_multiple_of(work.rows / STEPS) {
                work.looks.borrow_mut().push(self.look());
            }
            if count == work.rows {
                let secret = entry["plaintext"].as_str();
                let secret = secret.expect("a new key is shown once");
                secret.clone_into(&mut work.secret.borrow_mut());
            }
        }
    }

    /// All of it is really there, and the last key opens every door.
    async fn check(&self, work: &Work) {
        let page = self.admin.get("/admin/v1/api_keys?limit=1").await;
        let total = page.header("x-total-count").unwrap_or_default();
        assert_eq!(total, work.rows.to_string(), "as many as were acknowledged");
        let secret = work.secret.borrow().clone();
        for node in &self.proxies {
            let node = node.with_key(Some(&secret));
            node.get("/v1/models").await.ok();
        }
    }

    fn look(&self) -> Look {
        Look {
            at: Instant::now(),
            control: processor_time(self.control),
            node: self.node.map_or(0.0, processor_time),
        }
    }

    /// The rows that were appended, and in how many groups.
    async fn groups(&self) -> (f64, f64) {
        let metrics = self.status.get("/metrics").await.text();
        let value = |end: &str| {
            let name = format!("foldgate_admin_write_group_size{end} ");
            let found = metrics.lines().find_map(|line| line.strip_prefix(&name));
            found.and_then(|text| text.parse().ok()).unwrap_or(0.0)
        };
        (value("_sum"), value("_count"))
    }
}

/// The moment at which a node says that it has folded a revision.
async fn folded(node: &Client, revision: u64) -> Instant {
    let request = node.request(Method::GET, "/v1/models");
    let request = request.header("x-foldgate-min-revision", revision);
    let answer = finish("GET /v1/models", request).await;
    let seen = Instant::now();
    answer.ok();
    assert!(answer.revision() >= revision, "it waited for {revision}");
    seen
}

/// A line for each step, and the second half beside the first.
fn curve(text: &mut String, looks: &[Look], step: usize, is_alone: bool) -> std::fmt::Result {
    let node = |text: String| if is_alone { String::new() } else { text };
    let beside = node(format!(" {:>18}", "CPU of a data plane"));
    writeln!(
        text,
        "  {:>6} {:>8} {:>18}{beside}",
        "rows", "rows/s", "CPU/step"
    )?;
    for (index, pair) in looks.windows(2).enumerate() {
        writeln!(
            text,
            "  {:>6} {:>8.0} {:>15.0} ms{}",
            (index + 1) * step,
            per_second(step, (pair[1].at - pair[0].at).as_secs_f64()),
            pair[1].control - pair[0].control,
            node(format!(" {:>16.0} ms", pair[1].node - pair[0].node))
        )?;
    }
    let on_node = growth(looks, |look| look.node);
    writeln!(
        text,
        "  second half of the rows, of the first: {:.2}{}",
        growth(looks, |look| look.control),
        node(format!("; on a data plane {on_node:.2}"))
    )
}

/// What the second half of the rows took, in parts of what the first took.
fn growth(looks: &[Look], of: fn(&Look) -> f64) -> f64 {
    let (half, last) = (looks.len() / 2, looks.len() - 1);
    let first = of(&looks[half]) - of(&looks[0]);
    (of(&looks[last]) - of(&looks[half])) / first.max(f64::from(TICK))
}

/// The processor time that a process has taken, in user and in system mode, in
/// milliseconds.
fn processor_time(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"));
    let text = text.expect("a running process has its line in /proc");
    // Behind the program's name, which may hold anything.
    let (_, fields) = text.rsplit_once(") ").expect("the name is in brackets");
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse().ok());
    let (user, system): (Option<u32>, Option<u32>) = (ticks(), ticks());
    user.zip(system)
        .map(|(user, system)| f64::from(TICK) * f64::from(user + system))
        .expect("the 14th and 15th fields are numbers")
}

#[expect(clippy::cast_precision_loss, reason = "rows are few")]
fn per_second(rows: usize, seconds: f64) -> f64 {
    rows as f64 / seconds
}
