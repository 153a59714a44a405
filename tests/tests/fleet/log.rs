//! `foldgate log init` and `foldgate log verify`, and logs too weak to trust.

use std::time::Duration;

use async_nats::jetstream;
use foldgate_tests::fleet::{REGION, init, log_command, on};
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Fleet, NatsServer, Settings};
use futures_util::{FutureExt, StreamExt};
use serde_json::json;

/// How `foldgate log verify` ends, and all it says.
async fn verify(nats: &NatsServer) -> (Option<i32>, String) {
    let output = log_command("verify", &nats.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
        .output()
        .await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[tokio::test]
async fn init_is_idempotent_and_the_stream_is_guarded() {
    let nats = NatsServer::hub().await;
    init(&nats).await;
    init(&nats).await;
    let context = jetstream::new(nats.connect(User::Bootstrap).await);
    let mut stream = context
        .get_stream("FOLDGATE_LOG")
        .await
        .expect("the stream is there");
    let config = stream
        .info()
        .await
        .expect("it tells its config")
        .config
        .clone();
    assert!(
        config.deny_delete && config.deny_purge && config.allow_direct,
        "{config:?}"
    );
    assert_eq!(config.max_age, std::time::Duration::ZERO);
    assert_eq!(config.discard, jetstream::stream::DiscardPolicy::New);
    assert_eq!(config.storage, jetstream::stream::StorageType::File);
    // The users of running planes may not weaken it.
    for user in [User::Control, User::Node] {
        let context = jetstream::new(nats.connect(user).await);
        assert!(
            context.delete_stream("FOLDGATE_LOG").await.is_err(),
            "{user:?}"
        );
    }
    let (code, said) = verify(&nats).await;
    assert_eq!(code, Some(0), "an empty log is whole: {said}");
}

/// What one role is answered is nothing for another.
#[tokio::test]
async fn roles_hear_the_answers_to_their_own_role_only() {
    const MARK: &str = "foldgate.sleep.x";
    let hub = NatsServer::hub().await;
    let west = NatsServer::region("west", hub.leaf_port()).await;
    for server in [&hub, &west] {
        let teller = server.connect(User::Bootstrap).await;
        for (user, own) in [
            (User::Control, "_INBOX_control.x"),
            (User::Node, "_INBOX_node.x"),
        ] {
            let hearer = server.connect(user).await;
            for subject in ["_INBOX_control.x", "_INBOX_node.x", "_INBOX.x"] {
                let mut heard = hearer.subscribe(subject).await.expect("asked for");
                let mut marks = hearer.subscribe(MARK).await.expect("asked for");
                let tell = async |subject, what: &'static str| {
                    teller.publish(subject, what.into()).await.expect("told");
                };
                foldgate_tests::holds("the subscriptions stand", SOON, async || {
                    tell(MARK, "first").await;
                    let wait = Duration::from_millis(100);
                    tokio::time::timeout(wait, marks.next()).await.is_ok()
                })
                .await;
                // One after the other: what is heard at all is heard before the last.
                tell(subject, "").await;
                tell(MARK, "last").await;
                let last = async {
                    while let Some(mark) = marks.next().await {
                        if mark.payload == "last" {
                            return;
                        }
                    }
                    panic!("the connection has ended");
                };
                tokio::time::timeout(SOON, last).await.expect("in time");
                let heard = heard.next().now_or_never().flatten().is_some();
                assert_eq!(heard, subject == own, "{user:?} on {subject}");
            }
        }
    }
}

#[tokio::test]
async fn verify_finds_the_first_broken_link() {
    let fleet = Fleet::start(1, 1).await;
    let admin = fleet.admin();
    for number in 0..5 {
        admin
            .config(&json!({"EMAIL_SMTP": format!("s{number}.example.com")}))
            .await;
    }
    let revision = admin.get("/x-config").await.revision();
    fleet.folded(revision).await;
    let (code, said) = verify(&fleet.nats).await;
    assert_eq!(code, Some(0), "{said}");
    // It says which copy it has read, up to where, and how many records are there.
    for words in [
        format!("{revision} records, every link holds"),
        format!("revisions 1 to {revision} of stream FOLDGATE_LOG, by the word of its leader"),
        format!("copy on hub (leader): {revision} records, 0 missing"),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }

    // A record that was once true, written again by somebody else.
    let context = jetstream::new(fleet.nats.connect(User::Bootstrap).await);
    let stream = context
        .get_stream("FOLDGATE_LOG")
        .await
        .expect("the stream is there");
    let old = stream.get_raw_message(2).await.expect("record 2");
    let publish = context
        .publish(old.subject.clone(), old.payload.clone())
        .await
        .expect("sent");
    let forged = publish.await.expect("stored").sequence;
    assert_eq!(forged, revision + 1);
    let (code, said) = verify(&fleet.nats).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("broken at revision {forged}")),
        "{said}"
    );
    assert!(!said.contains("every link holds,"), "{said}");
    assert!(!said.contains("panicked"), "{said}");

    // Nodes hold their last good table, say so, and go on.
    let node = &fleet.nodes[0];
    foldgate_tests::holds("the node says that it holds", SOON, async || {
        node.status()
            .get("/readyz")
            .await
            .text()
            .contains(&forged.to_string())
            || node
                .metrics()
                .await
                .lines()
                .any(|line| line.contains("held") && line.ends_with(" 1"))
    })
    .await;
    assert_eq!(node.proxy().get("/v1/models").await.revision(), revision);
    let answer = admin
        .put("/x-config", &json!({"EMAIL_SMTP": "after.example.com"}))
        .await;
    assert!(
        answer.status >= 500,
        "nothing is written behind a broken link: {}",
        answer.text()
    );
}

#[tokio::test]
async fn a_weak_log_is_refused_unless_allowed() {
    let nats = NatsServer::weak_hub().await;
    init(&nats).await;
    let settings = || {
        on(Settings::control_plane(), "control-1", REGION)
            .env("FOLDGATE_NATS_URL", &nats.url(User::Control))
    };
    let with_monitor = || settings().env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url());
    for (settings, why) in [
        (with_monitor(), "it syncs too rarely"),
        (settings(), "it cannot be read"),
    ] {
        let mut process = settings.spawn();
        let status = process.end(SOON).await;
        assert!(!status.success(), "{why}");
        let said = process.output();
        assert!(said.contains("sync_interval"), "{why}: {said}");
    }
    let control = with_monitor()
        .env("FOLDGATE_ALLOW_WEAK_LOG", "true")
        .start()
        .await;
    control.admin().get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_log_in_fewer_copies_than_configured_is_refused_unless_allowed() {
    let nats = NatsServer::hub().await;
    init(&nats).await;
    let settings = on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &nats.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
        .env("FOLDGATE_NATS_REPLICAS", "3");
    let mut process = settings.spawn();
    let status = process.end(SOON).await;
    assert_eq!(status.code(), Some(64));
    let said = process.output();
    assert!(
        said.contains("1 copies are kept, 3 are configured"),
        "{said}"
    );
    assert!(said.contains("--allow-weak-log"), "{said}");
    let control = settings.arg("--allow-weak-log").start().await;
    control.admin().get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_control_plane_without_a_stream_says_what_to_do() {
    let nats = NatsServer::hub().await;
    let mut process = on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &nats.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
        .spawn();
    foldgate_tests::holds("it says so", SOON, async || {
        process.output().contains("log init")
    })
    .await;
    if let Some(status) = process.ended() {
        assert!(!status.success());
    }
}

#[tokio::test]
async fn files_for_nats_that_cannot_be_used_are_named_at_the_start() {
    for setting in ["CA_FILE", "CREDENTIALS_FILE", "NKEY_FILE"] {
        let settings = on(Settings::data_plane(), "node-1", REGION)
            .env("FOLDGATE_NATS_URL", "nats://127.0.0.1:1")
            .env(&format!("FOLDGATE_NATS_{setting}"), "/nonexistent/for-nats");
        let output = settings.output().await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{setting}: {said}");
        assert!(said.contains("/nonexistent/for-nats"), "{setting}: {said}");
    }
}

#[tokio::test]
async fn standalone_can_use_nats_too() {
    let nats = NatsServer::hub().await;
    init(&nats).await;
    let settings = Settings::standalone()
        .env("FOLDGATE_NATS_URL", &nats.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url());
    let mut foldgate = settings.start().await;
    let revision = foldgate
        .admin()
        .config(&json!({"EMAIL_SMTP": "a.example.com"}))
        .await
        .revision();
    foldgate.restart().await;
    assert_eq!(foldgate.admin().get("/x-config").await.revision(), revision);
}
