//! What stands in the way of reading the log is said, with the server's reason.

use std::sync::Arc;

use foldgate_log::jetstream::{Init, Options, init};
use foldgate_log::replica::{self, Replica};
use foldgate_log::{EventLog, JetStream};

use super::support::{LIMIT, NatsServer, eventually};

async fn trouble(log: &JetStream, word: &str) {
    eventually(word, || async {
        let trouble = log.trouble()?;
        trouble.reason.contains(word).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_there_is_named() {
    let server = NatsServer::start();
    let log = server.open().await;
    let _replica = Replica::start(Arc::new(log.clone()), replica::Options::default())
        .await
        .unwrap();
    trouble(&log, "no stream FOLDGATE_LOG; run `foldgate log init`").await;
    init(&server.options(), &Init::default()).await.unwrap();
    eventually("it can be read", || async {
        log.trouble().is_none().then_some(())
    })
    .await;
    // And while it is being followed.
    let context = async_nats::jetstream::new(server.client().await);
    context.delete_stream("FOLDGATE_LOG").await.unwrap();
    trouble(&log, "no stream FOLDGATE_LOG; run `foldgate log init`").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named() {
    let server = NatsServer::start();
    server.log().await;
    let options = Options {
        urls: format!("nats://mute:mutepw@127.0.0.1:{}", server.port),
        ..server.options()
    };
    let log = JetStream::open(options).await.unwrap();
    let _replica = Replica::start(Arc::new(log.clone()), replica::Options::default())
        .await
        .unwrap();
    trouble(&log, "NATS refused: Permissions Violation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_end_a_command_at_once_with_the_reason() {
    let server = NatsServer::start();
    let options = Options {
        urls: format!("nats://control:wrong@127.0.0.1:{}", server.port),
        ..server.options()
    };
    let log = JetStream::open(options.clone()).await.unwrap();
    let unauthorized = |error: String| {
        assert!(error.contains("authorization violation"), "{error}");
    };
    // Without waiting for what cannot come.
    let commands = async {
        let made = init(&options, &Init::default()).await;
        unauthorized(made.unwrap_err().to_string());
        let verified = log.verify(&mut |_| ()).await;
        unauthorized(verified.unwrap_err().to_string());
    };
    tokio::time::timeout(LIMIT / 2, commands).await.unwrap();
    assert_eq!(
        log.disconnected().as_deref(),
        Some("authorization violation")
    );
    trouble(&log, "authorization violation").await;
}
