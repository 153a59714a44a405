//! The fold task of a process.

mod snapshots;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foldgate_domain::{FOLD_VERSION, State, Table};
use foldgate_log::replica::{Options, Replica};
use foldgate_log::snapshot::Snapshots;
use foldgate_log::{Embedded, EventLog, Observer, Position};
use foldgate_proto::{OwnerId, Record, Revision};
use tempfile::TempDir;

use super::support::{Bench, Chain, LIMIT, NatsServer, claim, config, eventually};

#[derive(Default)]
struct Witness {
    loaded: Mutex<Vec<Revision>>,
    folded: Mutex<Vec<Revision>>,
    compiled: Mutex<Vec<(Revision, Option<BTreeSet<OwnerId>>)>>,
}

impl Observer for Witness {
    fn loaded(&self, state: &State) {
        self.loaded.lock().unwrap().push(state.revision);
    }

    fn folded(&self, state: &State, record: &Record) {
        assert_eq!(record.command, "Test");
        self.folded.lock().unwrap().push(state.revision);
    }

    fn compiled(&self, table: &Table, changed: Option<&BTreeSet<OwnerId>>) {
        let mut compiled = self.compiled.lock().unwrap();
        compiled.push((table.state.revision, changed.cloned()));
    }
}

fn options(dir: &Path) -> Options {
    Options {
        snapshots: Some(dir.to_owned()),
        ..Options::default()
    }
}

/// Writes an owner and some changes; answers the state they fold to.
async fn write(log: &dyn EventLog, changes: u32) -> State {
    let mut chain = Chain::behind(log).await;
    let mut state = State::new(log.log_id().await.unwrap());
    let mut events = vec![claim()];
    events.extend((0..changes).map(|number| config(&format!("{number}@example.org"))));
    for event in events {
        let expected = chain.expected();
        let record = chain.next(event);
        log.append(expected, std::slice::from_ref(&record))
            .await
            .unwrap();
        let decoded = Record::decode(&record.bytes).unwrap();
        state.apply(chain.at.revision, chain.at.hash, &decoded);
    }
    state
}

async fn reached(replica: &Replica, state: &State) {
    replica.wait_for(state.revision, LIMIT).await.unwrap();
    assert_eq!(
        replica.state().to_bytes().unwrap(),
        state.to_bytes().unwrap()
    );
}

/// Waits until the hash of the whole state at its current revision is known.
async fn hashed(replica: &Replica, state: &State) {
    let hash = eventually("the state's hash", || async {
        let hash = replica.status().state_hash?;
        (hash.revision == state.revision).then_some(hash)
    })
    .await;
    assert_eq!(hash.hash, state.hash().unwrap());
    assert_eq!(hash.fold_version, FOLD_VERSION);
}

async fn folds_and_observes(bench: Bench) {
    let log = bench.log().await;
    let before = write(&*log, 5).await;
    let witness = Arc::new(Witness::default());
    let observed = Options {
        observers: vec![witness.clone()],
        ..Options::default()
    };
    let replica = Replica::start(log.clone(), observed).await.unwrap();
    reached(&replica, &before).await;
    let mut chain = Chain::behind(&*log).await;
    let group: Vec<_> = (0..50)
        .map(|n| chain.next(config(&n.to_string())))
        .collect();
    log.append(before.revision, &group).await.unwrap();
    let mut after = before.clone();
    for (index, record) in group.iter().enumerate() {
        let revision = Revision(before.revision.0 + 1 + index as u64);
        after.apply(
            revision,
            record.hash,
            &Record::decode(&record.bytes).unwrap(),
        );
    }
    reached(&replica, &after).await;
    hashed(&replica, &after).await;
    let status = replica.status();
    assert!(status.ready);
    assert_eq!(status.held, None);
    assert_eq!(*witness.loaded.lock().unwrap(), [before.revision]);
    let compiled = witness.compiled.lock().unwrap().clone();
    assert_eq!(compiled.first(), Some(&(before.revision, None)));
    let owners = after.owners.keys().copied().collect();
    assert_eq!(compiled.last(), Some(&(after.revision, Some(owners))));
    let folded: Vec<u64> = witness.folded.lock().unwrap().iter().map(|r| r.0).collect();
    assert_eq!(
        folded,
        (before.revision.0 + 1..=after.revision.0).collect::<Vec<_>>()
    );
    let lagging = replica
        .wait_for(Revision(10_000), Duration::from_millis(20))
        .await;
    assert_eq!(lagging.unwrap_err().at, after.revision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folds_and_observes_the_embedded_log() {
    folds_and_observes(Bench::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folds_and_observes_jetstream() {
    folds_and_observes(Bench::jetstream().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_restarted_without_nats_serves_from_its_snapshot() {
    let mut server = NatsServer::start();
    let log = Arc::new(server.log().await);
    let dir = TempDir::new().unwrap();
    let state = write(&*log, 3).await;
    let replica = Replica::start(log.clone(), options(dir.path()))
        .await
        .unwrap();
    reached(&replica, &state).await;
    replica.stop().await;
    server.kill();

    let offline = Arc::new(server.open().await);
    let replica = Replica::start(offline, options(dir.path())).await.unwrap();
    assert!(replica.status().ready);
    assert_eq!(
        replica.state().to_bytes().unwrap(),
        state.to_bytes().unwrap()
    );
    hashed(&replica, &state).await;

    server.restart();
    let after = {
        let mut chain = Chain::behind(&*log).await;
        let expected = chain.expected();
        let record = chain.next(config("later@example.org"));
        log.append(expected, std::slice::from_ref(&record))
            .await
            .unwrap();
        let mut after = state.clone();
        after.apply(
            chain.at.revision,
            chain.at.hash,
            &Record::decode(&record.bytes).unwrap(),
        );
        after
    };
    reached(&replica, &after).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_written_soon_after_a_change() {
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let dir = TempDir::new().unwrap();
    let replica = Replica::start(log.clone(), options(dir.path()))
        .await
        .unwrap();
    let state = write(&*log, 2).await;
    reached(&replica, &state).await;
    let saved = eventually("a snapshot", || async {
        let (_, newest) = Snapshots::open(dir.path()).unwrap();
        newest.filter(|snapshot| snapshot.header.revision == state.revision)
    })
    .await;
    assert_eq!(saved.state, state.to_bytes().unwrap());
    assert_eq!(saved.header.position().hash, state.chain);
}

async fn holds_before_the_unreadable(mut bench: Bench) {
    let log = bench.log().await;
    let state = write(&*log, 2).await;
    let mut chain = Chain {
        at: Position {
            revision: state.revision,
            hash: state.chain,
        },
    };
    drop(log);
    let mut newer = Record::decode(&chain.next(config("x")).bytes).unwrap();
    newer.schema = 1000;
    let bytes = newer.encode().unwrap().bytes;
    bench.intrude(state.revision.next(), &bytes).await;
    let replica = Replica::start(bench.log().await, Options::default())
        .await
        .unwrap();
    let held = eventually("the hold", || async { replica.status().held }).await;
    assert_eq!(held.revision, state.revision.next());
    assert_eq!(
        replica.state().to_bytes().unwrap(),
        state.to_bytes().unwrap()
    );
    assert!(replica.status().ready, "the last good table serves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_before_the_unreadable_in_the_embedded_log() {
    holds_before_the_unreadable(Bench::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_before_the_unreadable_in_jetstream() {
    holds_before_the_unreadable(Bench::jetstream().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_log_is_ready_at_once_and_has_a_hash() {
    let dir = TempDir::new().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(Embedded::open(dir.path()).await.unwrap());
    let replica = Replica::start(log.clone(), Options::default())
        .await
        .unwrap();
    replica.wait_ready(LIMIT).await.unwrap();
    hashed(&replica, &State::new(log.log_id().await.unwrap())).await;
}

/// Poison must not end the process, nor be folded over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_makes_the_program_panic_is_held() {
    struct Bomb;
    impl Observer for Bomb {
        fn loaded(&self, _: &State) {}

        fn folded(&self, _: &State, record: &Record) {
            let foldgate_proto::Event::ConfigPatched(patched) = &record.events[0] else {
                return;
            };
            assert_ne!(patched.patch.xai_mail.as_deref(), Some("poison"));
        }
    }
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let state = write(&*log, 2).await;
    let observed = Options {
        observers: vec![Arc::new(Bomb)],
        ..Options::default()
    };
    let replica = Replica::start(log.clone(), observed).await.unwrap();
    reached(&replica, &state).await;
    let mut chain = Chain::behind(&*log).await;
    let expected = chain.expected();
    let group: Vec<_> = ["fine", "poison"]
        .map(|mail| chain.next(config(mail)))
        .into();
    log.append(expected, &group).await.unwrap();
    let held = eventually("the hold", || async { replica.status().held }).await;
    assert!(held.revision > state.revision);
    assert!(replica.status().ready);
    replica.stop().await;
}
