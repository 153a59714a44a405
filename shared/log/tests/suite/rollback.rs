//! A log that went back: a server that comes with an older store, or with another
//! log. No writer may write behind what is not there any more, and no node may
//! take it for the log it has followed so far.

use std::sync::Arc;

use foldgate_log::jetstream::{Init, init};
use foldgate_log::replica::{Held, Options, Replica};
use foldgate_log::{EventLog, JetStream, Stop};
use foldgate_proto::{RecordHash, Revision};

use super::support::{Chain, LIMIT, NatsServer, eventually};

/// Appends `count` records behind what stands.
async fn write(log: &JetStream, count: usize) -> Chain {
    let mut chain = Chain::behind(log).await;
    let expected = chain.expected();
    log.append(expected, &chain.group(count)).await.unwrap();
    chain
}

async fn connected(log: &JetStream, after: u64) {
    eventually("the client has connected again", || async {
        (log.is_connected() && log.connects() > after).then_some(())
    })
    .await;
}

async fn held(replica: &Replica, word: &str) -> Held {
    eventually(word, || async {
        let status = replica.status();
        let held = status.held.filter(|held| held.reason.contains(word))?;
        assert!(!status.caught_up && status.ready);
        Some(held)
    })
    .await
}

async fn healed(replica: &Replica) {
    eventually("it heals", || async {
        let status = replica.status();
        (status.held.is_none() && status.caught_up).then_some(())
    })
    .await;
}

/// Deletes the log and creates another.
async fn replace(server: &NatsServer) {
    let context = async_nats::jetstream::new(server.client().await);
    context.delete_stream("FOLDGATE_LOG").await.unwrap();
    // The server answers before the old stream's files are gone.
    eventually("another log is created", || async {
        init(&server.options(), &Init::default()).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_behind_a_record_that_is_gone() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    write(&log, 5).await;
    let older = server.back_up();
    server.restart();
    let mut chain = write(&log, 5).await;
    let connects = log.connects();
    server.kill();
    server.restore(&older);
    let other = server.open().await;
    let head = write(&other, 5).await.at;
    assert_eq!(head.revision, chain.expected());
    connected(&log, connects).await;
    let error = log.append(Revision(10), &chain.group(2)).await.unwrap_err();
    assert!(matches!(error.stop, Stop::Refused(_)), "{error:?}");
    assert_eq!(error.written, 0);
    assert_eq!(other.verify(&mut |_| ()).await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_record_of_a_log_is_not_written_to_another() {
    let server = NatsServer::start();
    let log = server.log().await;
    let mut chain = Chain::behind(&log).await;
    replace(&server).await;
    let error = log
        .append(Revision::ZERO, &chain.group(1))
        .await
        .unwrap_err();
    assert!(matches!(error.stop, Stop::Refused(_)), "{error:?}");
    let there = server.open().await;
    assert_eq!(there.head().await.unwrap().revision, Revision::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_went_back_is_held_until_it_is_whole_again() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let replica = Replica::start(Arc::new(log.clone()), Options::default())
        .await
        .unwrap();
    write(&log, 5).await;
    let older = server.back_up();
    server.restart();
    write(&log, 5).await;
    replica.wait_for(Revision(10), LIMIT).await.unwrap();
    healed(&replica).await;
    let whole = server.back_up();

    server.restore(&older);
    let at = held(&replica, "went back").await;
    assert_eq!(at.revision, Revision(10));
    assert_eq!(replica.revision(), Revision(10), "the last table serves");

    // Another writer fills it up, and goes beyond.
    let other = server.open().await;
    write(&other, 7).await;
    assert_eq!(held(&replica, "its record is").await.revision, Revision(10));
    let mut chain = Chain {
        at: foldgate_log::Position {
            revision: Revision(10),
            hash: replica.status().chain,
        },
    };
    let error = log.append(Revision(10), &chain.group(1)).await.unwrap_err();
    assert!(matches!(error.stop, Stop::Refused(_)), "{error:?}");

    server.kill();
    server.restore(&whole);
    healed(&replica).await;
    write(&log, 1).await;
    replica.wait_for(Revision(11), LIMIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_log_is_noticed_before_it_has_a_record() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let replica = Replica::start(Arc::new(log.clone()), Options::default())
        .await
        .unwrap();
    healed(&replica).await;
    let whole = server.back_up();
    server.restart();
    replace(&server).await;
    server.kill();
    server.restart();
    held(&replica, "another log stands there").await;
    server.kill();
    server.restore(&whole);
    healed(&replica).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_names_no_chain_before_the_log_is_known() {
    let mut server = NatsServer::start();
    let id = server.log().await.log_id().await.unwrap();
    server.kill();
    let log = Arc::new(server.open().await);
    let replica = Replica::start(log, Options::default()).await.unwrap();
    let status = replica.status();
    assert!(!status.log_known);
    assert_eq!(status.chain, RecordHash([0; 32]));
    server.restart();
    healed(&replica).await;
    let status = replica.status();
    assert!(status.log_known);
    assert_eq!(status.chain, RecordHash::genesis(id));
}
