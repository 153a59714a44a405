//! Real faults: servers killed and restarted under load, writers killed between
//! append and acknowledgement.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use foldgate_log::jetstream::Options;
use foldgate_log::{Embedded, EventLog, FollowItem, JetStream, Stop, Stored};
use foldgate_proto::{RecordId, Revision};
use tempfile::TempDir;

use super::support::{Chain, LIMIT, NatsServer, eventually, nightly};

/// What tells the child process which log to write.
const CHILD: &str = "FOLDGATE_TEST_WRITER";

pub(super) async fn everything(log: &dyn EventLog) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let from = all.last().map_or(Revision(1), |last| last.revision.next());
        let chunk = log.read(from, 256).await.unwrap();
        if chunk.is_empty() {
            return all;
        }
        all.extend(chunk);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_and_doubles_nothing() {
    let most = nightly(4, 80);
    let count = 120 * (most + 1);
    let mut server = NatsServer::start();
    let log = server.log().await;
    let start = log.head().await.unwrap();

    let writer = server.open().await;
    let written = tokio::spawn(async move {
        let mut chain = Chain { at: start };
        let mut acknowledged = Vec::new();
        while acknowledged.len() < count {
            let expected = chain.expected();
            let group = chain.group(1 + acknowledged.len() % 5);
            // No outcome is unknown within the deadline, and there is no other writer.
            writer.append(expected, &group).await.unwrap();
            acknowledged.extend(group.iter().map(|record| record.id));
        }
        acknowledged
    });

    let mut follow = log.follow(start);
    let mut followed: Vec<RecordId> = Vec::new();
    let mut kills = 0;
    while followed.len() < count {
        if followed.len() >= (kills + 1) * 120 && kills < most {
            kills += 1;
            server.kill();
            server.restart();
        }
        let item = tokio::time::timeout(LIMIT, follow.next())
            .await
            .expect("silent");
        match item.expect("ended") {
            FollowItem::Entry {
                revision, record, ..
            } => {
                followed.push(record.id);
                assert_eq!(revision, Revision(followed.len() as u64));
            }
            FollowItem::CaughtUp(_) => {}
            FollowItem::Held { revision, reason } => panic!("held at {revision}: {reason}"),
        }
    }
    assert_eq!(kills, most);
    let written = written.await.unwrap();
    assert_eq!(followed[..count], written[..count]);
    let head = log.verify(&mut |_| ()).await.unwrap();
    assert_eq!(head.revision, Revision(written.len() as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_while_the_server_is_away_waits_for_it() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let mut chain = Chain::behind(&log).await;
    log.append(Revision::ZERO, &chain.group(1)).await.unwrap();
    server.kill();
    let group = chain.group(3);
    let append = {
        let (log, group) = (log.clone(), group.clone());
        tokio::spawn(async move { log.append(Revision(1), &group).await })
    };
    eventually("the client notices", || async {
        (!log.is_connected()).then_some(())
    })
    .await;
    server.restart();
    append.await.unwrap().unwrap();
    assert_eq!(everything(&log).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_without_a_server_says_that_nothing_was_written() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let mut chain = Chain::behind(&log).await;
    log.append(Revision::ZERO, &chain.group(1)).await.unwrap();
    server.kill();
    eventually("the client notices", || async {
        (!log.is_connected()).then_some(())
    })
    .await;
    let error = log.append(Revision(1), &chain.group(1)).await.unwrap_err();
    assert!(matches!(error.stop, Stop::Unavailable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_nobody_acknowledges_is_unknown_and_then_settled() {
    let server = NatsServer::start();
    let log = server.log().await;
    let mut chain = Chain::behind(&log).await;
    log.append(Revision::ZERO, &chain.group(1)).await.unwrap();
    // Frozen, the server takes the record and says nothing.
    server.signal("STOP");
    let group = chain.group(2);
    let error = log.append(Revision(1), &group).await.unwrap_err();
    assert_eq!(error.written, 0);
    assert_eq!(error.stop, Stop::Unknown { id: group[0].id });
    server.signal("CONT");
    // Sent again with the same ids, it stands once, whether it did before or not.
    eventually("the append is settled", || async {
        log.append(Revision(1), &group).await.ok()
    })
    .await;
    let ids: Vec<_> = everything(&log)
        .await
        .iter()
        .map(|s| s.encoded().unwrap().id)
        .collect();
    assert_eq!(ids[1..], [group[0].id, group[1].id]);
}

/// A writer in a process of its own, that is killed while it writes.
struct Writer {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Writer {
    fn start(target: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "faults::the_killed_writer",
                "--ignored",
                "--nocapture",
            ])
            .env(CHILD, target)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next word and record id; `None` at the end.
    fn next(&mut self) -> Option<(String, String)> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let said = line
                .trim_end()
                .strip_prefix('@')
                .and_then(|line| line.split_once(' '));
            if let Some((word, id)) = said {
                return Some((word.to_owned(), id.to_owned()));
            }
        }
    }
}

/// Kills a writer again and again between append and acknowledgement; answers
/// what was sent and what was acknowledged.
fn kill_writers(target: &str) -> HashMap<String, bool> {
    let mut acknowledged: HashMap<String, bool> = HashMap::new();
    for round in 0..nightly(50, 400) {
        let mut writer = Writer::start(target);
        let mut sent = 0;
        let mut note = |(word, id): (String, String)| {
            *acknowledged.entry(id).or_default() |= word == "acknowledged";
            word
        };
        while sent <= round % 3 {
            let said = writer.next().expect("the writer ended by itself");
            sent += u32::from(note(said) == "sends");
        }
        // Somewhere between the append and its acknowledgement, or a little later.
        std::thread::sleep(Duration::from_micros(u64::from(round % 50) * 60));
        writer.child.kill().unwrap();
        while let Some(said) = writer.next() {
            note(said);
        }
        writer.child.wait().unwrap();
    }
    acknowledged
}

async fn check_killed(log: &dyn EventLog, acknowledged: HashMap<String, bool>) {
    let stored = everything(log).await;
    let head = log.verify(&mut |_| ()).await.unwrap();
    assert_eq!(head.revision, Revision(stored.len() as u64));
    let ids: Vec<String> = stored
        .iter()
        .map(|s| s.encoded().unwrap().id.to_string())
        .collect();
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "a record stands twice");
    for (id, acknowledged) in &acknowledged {
        assert!(
            !acknowledged || unique.contains(id),
            "acknowledged record {id} is lost"
        );
    }
    assert!(
        ids.iter().all(|id| acknowledged.contains_key(id)),
        "a record nobody sent"
    );
    let lost = acknowledged
        .values()
        .filter(|acknowledged| !**acknowledged)
        .count();
    assert!(lost > 0, "no writer was killed before its acknowledgement");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_killed_writers_on_the_embedded_log() {
    let dir = TempDir::new().unwrap();
    let target = format!("embedded:{}", dir.path().display());
    let acknowledged = tokio::task::spawn_blocking(move || kill_writers(&target))
        .await
        .unwrap();
    let log = Embedded::open(dir.path()).await.unwrap();
    check_killed(&log, acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_killed_writers_on_jetstream() {
    let server = NatsServer::start();
    let log = server.log().await;
    let target = server.url();
    let acknowledged = tokio::task::spawn_blocking(move || kill_writers(&target))
        .await
        .unwrap();
    check_killed(&log, acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the tests above"]
async fn the_killed_writer() {
    let Ok(target) = std::env::var(CHILD) else {
        return;
    };
    let log: Arc<dyn EventLog> = if let Some(dir) = target.strip_prefix("embedded:") {
        Arc::new(Embedded::open(Path::new(dir)).await.unwrap())
    } else {
        let options = Options {
            urls: target,
            name: "writer".into(),
            ..Options::default()
        };
        Arc::new(JetStream::open(options).await.unwrap())
    };
    let say = |word: &str, id: RecordId| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n@{word} {id}")
            .and_then(|()| out.flush())
            .unwrap();
    };
    let mut chain = Chain::behind(&*log).await;
    // It is killed long before this ends; the bound is for a parent that died.
    for round in 0..10_000 {
        let expected = chain.expected();
        let group = chain.group(1 + round % 3);
        let say_all = |word| group.iter().for_each(|record| say(word, record.id));
        say_all("sends");
        match log.append(expected, &group).await {
            Ok(_) => say_all("acknowledged"),
            // The record of the writer before, that was still on its way.
            Err(error) if matches!(error.stop, Stop::Conflict { .. }) => {
                chain = Chain::behind(&*log).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}
