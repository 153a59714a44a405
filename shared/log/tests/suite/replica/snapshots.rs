//! What a replica begins with: which snapshots it serves from, and which it
//! refuses.

use std::path::Path;
use std::sync::Arc;

use foldgate_domain::{FOLD_VERSION, State};
use foldgate_log::replica::{Options, Replica};
use foldgate_log::snapshot::{Header, Snapshots};
use foldgate_log::{Error, EventLog, JetStream};
use foldgate_proto::{LogId, RecordHash};
use tempfile::TempDir;

use super::super::support::{Bench, LIMIT, eventually};
use super::{Witness, hashed, options, reached, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_another_history_is_not_folded_on() {
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let state = write(&*log, 3).await;
    let mut foreign = state.clone();
    foreign.chain = RecordHash([9; 32]);
    let mut unknown = state.clone();
    unknown.log = LogId(uuid::Uuid::from_u128(5));
    for wrong in [foreign, unknown] {
        let dir = TempDir::new().unwrap();
        save(dir.path(), &wrong, FOLD_VERSION);
        let replica = Replica::start(log.clone(), options(dir.path()))
            .await
            .unwrap();
        assert!(
            replica.status().ready,
            "until it is known to be wrong, it serves"
        );
        eventually("the right state", || async {
            (replica.state().to_bytes().unwrap() == state.to_bytes().unwrap()).then_some(())
        })
        .await;
        hashed(&replica, &state).await;
        assert!(dir.path().join("snapshot-a.damaged").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_of_the_fold_before_serve_and_are_folded_anew() {
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let state = write(&*log, 3).await;
    let mut older = state.clone();
    // What an older fold might have made of it.
    older.last_account.0 = 99;
    let dir = TempDir::new().unwrap();
    save(dir.path(), &older, FOLD_VERSION - 1);
    let replica = Replica::start(log.clone(), options(dir.path()))
        .await
        .unwrap();
    assert!(replica.status().ready);
    eventually("the state of this fold", || async {
        (replica.state().to_bytes().unwrap() == state.to_bytes().unwrap()).then_some(())
    })
    .await;
    // One older still is not used at all.
    let dir = TempDir::new().unwrap();
    save(dir.path(), &older, FOLD_VERSION + 7);
    let replica = Replica::start(away().await, options(dir.path()))
        .await
        .unwrap();
    assert!(!replica.status().ready);
}

fn save(dir: &Path, state: &State, fold_version: u32) {
    let bytes = state.to_bytes().unwrap();
    save_bytes(dir, state, fold_version, &bytes);
}

fn save_bytes(dir: &Path, state: &State, fold_version: u32, bytes: &[u8]) {
    let (mut snapshots, _) = Snapshots::open(dir).unwrap();
    let header = Header {
        log_id: state.log,
        revision: state.revision,
        chain: state.chain,
        state_hash: RecordHash::of(bytes),
        fold_version,
        serial: 0,
    };
    snapshots.save(header, bytes).unwrap();
}

/// A log that never answers.
async fn away() -> Arc<dyn EventLog> {
    let nowhere = foldgate_log::jetstream::Options {
        urls: "nats://127.0.0.1:1".to_owned(),
        ..foldgate_log::jetstream::Options::default()
    };
    Arc::new(JetStream::open(nowhere).await.unwrap())
}

/// The newer slot is whole and cannot be used: the older one serves, not nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_cannot_be_used_leaves_the_older_one() {
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let older = write(&*log, 3).await;
    let newer = write(&*log, 3).await;
    let bytes = newer.to_bytes().unwrap();
    // A fold of another time, and a state that this program does not understand.
    let ways = [
        (FOLD_VERSION + 7, bytes.clone()),
        (FOLD_VERSION, b"no state at all".to_vec()),
        (FOLD_VERSION, bytes[..bytes.len() - 1].to_vec()),
    ];
    for (fold_version, bytes) in ways {
        let dir = TempDir::new().unwrap();
        save(dir.path(), &older, FOLD_VERSION);
        save_bytes(dir.path(), &newer, fold_version, &bytes);
        let replica = Replica::start(away().await, options(dir.path()))
            .await
            .unwrap();
        assert!(replica.status().ready, "the older slot serves");
        assert_eq!(replica.revision(), older.revision);
        replica.stop().await;
        // It is folded on from there, not from the first record.
        let witness = Arc::new(Witness::default());
        let observed = Options {
            observers: vec![witness.clone()],
            ..options(dir.path())
        };
        let replica = Replica::start(log.clone(), observed).await.unwrap();
        let head = log.head().await.unwrap().revision;
        replica.wait_for(head, LIMIT).await.unwrap();
        assert_eq!(*witness.loaded.lock().unwrap(), [older.revision]);
        let first = witness.folded.lock().unwrap().first().copied();
        assert_eq!(first, Some(older.revision.next()));
        replica.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_of_another_log_than_the_one_beside_them_are_refused() {
    let bench = Bench::embedded().await;
    let log = bench.log().await;
    let state = write(&*log, 3).await;
    let dir = TempDir::new().unwrap();
    save(dir.path(), &state, FOLD_VERSION);
    let start = |log: Arc<dyn EventLog>, id| {
        let beside = Options {
            log_id: Some(id),
            ..options(dir.path())
        };
        Replica::start(log, beside)
    };
    let other = Bench::embedded().await.log().await;
    let other_id = other.log_id().await.unwrap();
    let Err(error) = start(other, other_id).await else {
        panic!("another log was taken for the one of the snapshots");
    };
    assert!(matches!(error, Error::Exchanged(_)), "{error:?}");
    for id in [other_id, state.log] {
        assert!(error.to_string().contains(&id.to_string()), "{error}");
    }
    // Nothing was thrown away: with its own log it goes on.
    let replica = start(log, state.log).await.unwrap();
    assert!(replica.status().ready);
    reached(&replica, &state).await;
}
