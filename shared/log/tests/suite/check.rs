//! What a writer makes sure of before it trusts a NATS log.

use foldgate_log::jetstream::{Init, Options, init};
use foldgate_log::{Error, EventLog, JetStream};
use foldgate_proto::LogId;
use serde_json::json;

use super::support::{NatsServer, Shape, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_may_be_repeated_and_keeps_the_log() {
    let server = NatsServer::start();
    let first = init(&server.options(), &Init::default()).await.unwrap();
    assert!(first.created);
    let again = init(&server.options(), &Init::default()).await.unwrap();
    assert!(!again.created);
    assert_eq!(again.log_id, first.log_id);
    assert_eq!(server.open().await.log_id().await.unwrap(), first.log_id);
    let other = Init {
        replicas: 1,
        log_id: Some(LogId(uuid::Uuid::new_v4())),
    };
    let error = init(&server.options(), &other).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_create_at_once_agree_on_one_log() {
    let server = NatsServer::start();
    let options = server.options();
    let how = Init::default();
    let (one, two) = tokio::join!(init(&options, &how), init(&options, &how));
    assert_eq!(one.unwrap().log_id, two.unwrap().log_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strong_log_passes_by_either_way_of_reading_it() {
    let server = NatsServer::start();
    server.log().await.check().await.unwrap();
    let by_system = Options {
        monitor_url: None,
        system_url: Some(server.system_url()),
        ..server.options()
    };
    JetStream::open(by_system)
        .await
        .unwrap()
        .check()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_refused_unless_allowed() {
    let server = NatsServer::shaped(&Shape {
        weak: true,
        ..Shape::default()
    });
    let error = server.log().await.check().await.unwrap_err();
    assert!(
        matches!(&error, Error::Weak(why) if why.contains("sync_interval")),
        "{error:?}"
    );
    let by_system = Options {
        monitor_url: None,
        system_url: Some(server.system_url()),
        ..server.options()
    };
    let error = JetStream::open(by_system)
        .await
        .unwrap()
        .check()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Weak(_)), "{error:?}");
    let allowed = Options {
        allow_weak: true,
        ..server.options()
    };
    JetStream::open(allowed)
        .await
        .unwrap()
        .check()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strength_that_cannot_be_read_is_refused_unless_allowed() {
    let server = NatsServer::start();
    server.log().await;
    let closed = NatsServer::start().monitor_url();
    // Another server's strength says nothing about the one that holds the log.
    let other = NatsServer::start();
    let ways = [
        (None, None),
        (Some(closed), None),
        (Some(other.monitor_url()), None),
        // No user of the system account.
        (None, Some(server.url())),
    ];
    for (monitor_url, system_url) in ways {
        let options = Options {
            monitor_url,
            system_url,
            ..server.options()
        };
        let error = JetStream::open(options.clone())
            .await
            .unwrap()
            .check()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::StrengthUnknown(_)), "{error:?}");
        let allowed = Options {
            allow_weak: true,
            ..options
        };
        JetStream::open(allowed)
            .await
            .unwrap()
            .check()
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_weakness_of_the_stream_is_named() {
    let weaknesses = [
        (json!({ "storage": "memory" }), "files"),
        (json!({ "discard": "old" }), "oldest"),
        (json!({ "deny_delete": false }), "deleted"),
        (json!({ "deny_purge": false }), "purged"),
        (json!({ "max_age": 3_600_000_000_000_u64 }), "expire"),
        (json!({ "max_msgs": 1000 }), "limited"),
        (json!({ "allow_direct": false }), "direct"),
        (json!({ "republish": null }), "republished"),
        (json!({ "allow_atomic": false }), "batches"),
    ];
    let server = NatsServer::start();
    let client = server.client().await;
    for (change, word) in weaknesses {
        let mut config = json!({
            "name": "FOLDGATE_LOG", "subjects": ["foldgate.log.>"], "storage": "file",
            "retention": "limits", "discard": "new", "num_replicas": 1,
            "deny_delete": true, "deny_purge": true, "allow_direct": true, "allow_atomic": true,
            "republish": { "src": "foldgate.log.>", "dest": "foldgate.fold.east.>" },
            "metadata": { "foldgate_log_id": uuid::Uuid::new_v4().to_string() },
        });
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        api(&client, "STREAM.CREATE.FOLDGATE_LOG", &config).await;
        let error = server.open().await.check().await.unwrap_err();
        assert!(
            matches!(&error, Error::Weak(why) if why.contains(word)),
            "{word}: {error:?}"
        );
        let error = init(&server.options(), &Init::default()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Weak(why) if why.contains(word)),
            "{word}: {error:?}"
        );
        api(&client, "STREAM.DELETE.FOLDGATE_LOG", &json!({})).await;
    }
    let error = server.open().await.check().await.unwrap_err();
    assert!(matches!(error, Error::Missing(_)), "{error:?}");
}

/// One call; again as long as the server is still removing the files of the
/// stream that was deleted before (it answers a deletion first).
async fn api(client: &async_nats::Client, call: &str, body: &serde_json::Value) {
    eventually(call, || async {
        let request = client.request(format!("$JS.API.{call}"), body.to_string().into());
        let answer = request.await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        let still_removing = answer["error"]["err_code"] == STORE_FAILED;
        assert!(
            still_removing || answer.get("error").is_none(),
            "{call}: {answer}"
        );
        (!still_removing).then_some(())
    })
    .await;
}

/// "error creating store for stream".
const STORE_FAILED: u64 = 10049;
