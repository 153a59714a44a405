//! Nodes that die in the midst of their calls, while NATS dies too.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use foldgate_log::JetStream;
use foldgate_log::jetstream::Options;
use foldgate_log::usage::{Sender, Streams};
use foldgate_proto::{Measure, UsageRecord};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::support::{LIMIT, NatsServer, eventually, nightly};
use super::{Folded, intent, open, place};

/// Where the child's spool is, and where NATS.
const CHILD: &str = "FOLDGATE_TEST_USAGE_NODE";

/// What became of a call, by the node's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// It was about to be written down.
    Comes,
    /// It was written down.
    Inside,
    /// Its last byte may leave.
    Settled,
}

struct Node {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Node {
    fn start(dir: &Path, url: &str) -> Self {
        let name = "usage::drill::the_killed_node";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env(CHILD, format!("{} {url}", dir.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next call it speaks of; `None` at the end. A line that the death cut is none.
    fn next(&mut self) -> Option<(Said, Uuid)> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let Some((word, id)) = line.trim_end().split_once(' ') else {
                continue;
            };
            let said = match word {
                "@comes" => Said::Comes,
                "@inside" => Said::Inside,
                "@settled" => Said::Settled,
                _ => continue,
            };
            if let Ok(id) = Uuid::try_parse(id) {
                return Some((said, id));
            }
        }
    }
}

/// Kills a node again and again; answers what became of its calls.
fn kill_nodes(dir: &Path, server: &mut NatsServer) -> HashMap<Uuid, Said> {
    let mut calls = HashMap::new();
    for round in 0..nightly(30_u32, 200) {
        let mut node = Node::start(dir, &server.url());
        let mut settled = 0;
        let mut hear = |(said, id): (Said, Uuid)| {
            let call = calls.entry(id).or_insert(said);
            *call = said.max(*call);
            said == Said::Settled
        };
        while settled <= 20 + round % 7 {
            let said = node.next().expect("the node ended by itself");
            settled += u32::from(hear(said));
        }
        let nats_too = round % 5 == 4;
        if nats_too {
            server.kill();
        }
        // Somewhere between a batch and its acknowledgement, or between two of them.
        std::thread::sleep(Duration::from_micros(u64::from(round * 37 % 100) * 3_000));
        node.child.kill().unwrap();
        while let Some(said) = node.next() {
            hear(said);
        }
        node.child.wait().unwrap();
        if nats_too {
            server.restart();
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_killed_nodes_lose_no_call_and_bill_none_twice() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let streams = Streams::nats(&log);
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_owned();
    let (calls, server) = tokio::task::spawn_blocking(move || {
        let calls = kill_nodes(&path, &mut server);
        (calls, server)
    })
    .await
    .unwrap();
    let spool = open(dir.path());
    let sender = Sender::start(&spool, streams.clone(), place()).unwrap();
    eventually("the spool is empty", || async {
        (spool.waiting() == 0).then_some(())
    })
    .await;
    sender.finish(LIMIT).await;
    let least = calls.values().filter(|said| **said > Said::Comes).count();
    let mut folded = Folded::new(&streams);
    folded.until(least).await;
    // What else there may be, of calls that died while they were written down.
    let _ = tokio::time::timeout(Duration::from_secs(1), folded.some()).await;

    let mut unsettled = 0;
    for (id, said) in &calls {
        let billed = folded.records.get(id).cloned().unwrap_or_default();
        match said {
            Said::Settled => assert_eq!(billed, [Measure::Reported], "{id}"),
            Said::Inside => {
                assert_eq!(billed.len(), 1, "{id}");
                unsettled += usize::from(billed == [Measure::Unsettled]);
            }
            Said::Comes => assert!(billed.len() <= 1, "{id}: {billed:?}"),
        }
    }
    assert!(folded.records.keys().all(|id| calls.contains_key(id)));
    assert!(unsettled > 0, "no node died in the midst of a call");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the test above"]
async fn the_killed_node() {
    let Ok(target) = std::env::var(CHILD) else {
        return;
    };
    let (dir, url) = target.split_once(' ').unwrap();
    let options = Options {
        urls: url.to_owned(),
        name: "node".into(),
        region: "east".to_owned(),
        ..Options::default()
    };
    let log = JetStream::open(options).await.unwrap();
    let spool = open(Path::new(dir));
    let _sender = Sender::start(&spool, Streams::nats(&log), place()).unwrap();
    let say = |word: &str, id: Uuid| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n@{word} {id}")
            .and_then(|()| out.flush())
            .unwrap();
    };
    let serve = || {
        // It is killed long before this ends; the bound is for a parent that died.
        for _ in 0..20_000 {
            let intent = intent(Uuid::new_v4());
            say("comes", intent.id);
            let ticket = spool.intend(&intent).unwrap();
            say("inside", intent.id);
            std::thread::sleep(Duration::from_millis(2));
            ticket.settle(UsageRecord {
                measure: Measure::Reported,
                ..intent.unsettled()
            });
            say("settled", intent.id);
        }
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(serve);
            }
        });
    });
}
