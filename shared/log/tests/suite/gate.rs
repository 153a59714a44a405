//! Writes pass only while the log is known to keep them.

use foldgate_log::jetstream::{Gate, Init, Options, init};
use foldgate_log::{Error, EventLog, JetStream, Stop};
use foldgate_proto::Revision;
use serde_json::json;

use super::support::{Chain, NatsServer, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_weaker_takes_no_writes_until_it_is_mended() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let gate = Gate::new(log.clone());
    assert!(!gate.is_open());
    let mut chain = Chain::behind(&log).await;
    gate.append(Revision::ZERO, &chain.group(1)).await.unwrap();
    assert!(gate.is_open());
    for weak in [true, false] {
        let connects = log.connects();
        server.kill();
        server.weaken(weak);
        server.restart();
        eventually("the client has connected again", || async {
            (log.is_connected() && log.connects() > connects).then_some(())
        })
        .await;
        if weak {
            let refused = gate.append(Revision(1), &chain.clone().group(1)).await;
            let Err(Stop::Unavailable(why)) = refused.map_err(|error| error.stop) else {
                panic!("a weak log took a write");
            };
            assert!(why.contains("sync_interval"), "{why}");
            assert!(matches!(gate.check().await, Err(Error::Weak(_))));
        }
    }
    gate.append(Revision(1), &chain.group(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_fewer_copies_than_configured_takes_no_writes_unless_allowed() {
    let server = NatsServer::start();
    server.log().await;
    let options = |replicas, allow_weak| Options {
        replicas,
        allow_weak,
        ..server.options()
    };
    let gate = async |options| Gate::new(JetStream::open(options).await.unwrap());
    let error = gate(options(3, false)).await.check().await.unwrap_err();
    let said = matches!(&error, Error::Weak(why) if why.contains("1 copies") && why.contains('3'));
    assert!(said, "{error:?}");
    gate(options(3, true)).await.check().await.unwrap();
    gate(options(1, false)).await.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_says_that_fewer_copies_stand_than_are_configured() {
    let server = NatsServer::start();
    init(&server.options(), &Init::default()).await.unwrap();
    let more = Init {
        replicas: 3,
        log_id: None,
    };
    let error = init(&server.options(), &more).await.unwrap_err();
    let said = matches!(&error, Error::Weak(why) if why.contains("1 copies") && why.contains('3'));
    assert!(said, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_looks_at_the_place_for_sleep_reports_too() {
    let server = NatsServer::start();
    let config = json!({
        "name": "FOLDGATE_SLEEP", "subjects": ["foldgate.sleep.east.>"], "storage": "file",
        "retention": "limits", "discard": "old", "num_replicas": 1, "allow_direct": true,
    });
    let client = server.client().await;
    let call = "$JS.API.STREAM.CREATE.FOLDGATE_SLEEP";
    let made = client.request(call, config.to_string().into()).await;
    assert!(!made.unwrap().payload.is_empty());
    let error = init(&server.options(), &Init::default()).await.unwrap_err();
    let said = matches!(&error, Error::Weak(why) if why.contains("last message per subject"));
    assert!(said, "{error:?}");
}
