//! Mails: each goes out once, whichever of the control planes sends it.

use std::time::Duration;

use foldgate_tests::admin::list;
use foldgate_tests::mail::{MailServer, TO, USER};
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Fleet, Reply, eventually};
use serde_json::json;

use super::{CHAT, chat};

/// A fleet whose control planes trust the mail server and may reach it.
pub(super) async fn fleet(server: &MailServer, controls: usize) -> Fleet {
    let mut fleet = Fleet::start(0, 1).await;
    for number in 1..=controls {
        let settings = fleet
            .control_settings(&format!("control-{number}"))
            .env(
                "FOLDGATE_UPSTREAM_CA_FILE",
                &server.ca_file().to_string_lossy(),
            )
            .env("FOLDGATE_ALLOWED_PROVIDER_CIDRS", "127.0.0.0/8,::1/128");
        fleet.controls.push(settings.start().await);
    }
    fleet
}

#[tokio::test]
async fn one_mail_tells_that_a_level_sleeps_and_one_that_a_key_is_dead() {
    let server = MailServer::start().await;
    let fleet = fleet(&server, 2).await;
    let admin = fleet.admin();
    server.use_for(&admin).await;
    let upstream = FakeUpstream::start().await;
    let key = admin.serve_all(&upstream.url()).await;
    fleet.folded(admin.get("/x-keys").await.revision()).await;

    // Refused for good: asleep first, and out of use after its trial.
    upstream.always(Reply::unauthorized());
    let proxy = fleet.nodes[0].proxy();
    eventually("the key is disabled", Duration::from_mins(1), async || {
        proxy.post(CHAT, &chat("m")).await;
        let conf = admin.conf().await;
        let disabled = list(&conf["DisabledKeys"]);
        disabled.into_iter().next().ok_or_else(|| conf.to_string())
    })
    .await;
    let mails = server.came(2).await;
    let subjects: Vec<&str> = mails
        .iter()
        .map(|mail| mail["subject"].as_str().expect("a text"))
        .collect();
    assert!(subjects[0].contains("all keys of Level 1"), "{subjects:?}");
    assert!(
        subjects[1].contains(&format!("key {key} of")),
        "{subjects:?}"
    );
    for mail in &mails {
        assert_eq!(mail["from"], USER);
        assert_eq!(mail["to"], json!([TO]));
        assert_eq!((&mail["tls"], &mail["user"]), (&json!(true), &json!(USER)));
    }

    // The same again within the hour is not told again: another mail that comes
    // later shows that none came in between.
    upstream.recover();
    admin
        .put(&format!("/x-keys/{key}"), &json!({"Status": true}))
        .await
        .ok();
    admin
        .post(&format!("/x-keys/{key}/wake"), &json!({}))
        .await
        .ok();
    upstream.next(Reply::rate_limited(Hint::Seconds(600)));
    eventually(
        "the Level sleeps again",
        Duration::from_secs(30),
        async || {
            proxy.post(CHAT, &chat("m")).await;
            let conf = admin.conf().await;
            let asleep = list(&conf["SleepingKeys"]);
            asleep.into_iter().next().ok_or_else(|| conf.to_string())
        },
    )
    .await;
    admin.add_key(2, &upstream.url()).await;
    admin.config(&json!({"LEVEL_MAPPER": {"other": 2}})).await;
    eventually("Level 2 sleeps", Duration::from_secs(30), async || {
        upstream.next(Reply::rate_limited(Hint::Seconds(600)));
        proxy.post(CHAT, &chat("other")).await;
        let conf = admin.conf().await;
        let asleep = list(&conf["SleepingKeys"]);
        if asleep.len() == 2 {
            Ok(())
        } else {
            Err(conf.to_string())
        }
    })
    .await;
    let mails = server.came(3).await;
    assert_eq!(mails.len(), 3, "{mails:?}");
    assert!(
        mails[2]["subject"].to_string().contains("Level 2"),
        "{mails:?}"
    );
}

#[tokio::test]
async fn a_mail_waits_for_its_server_also_over_a_restart() {
    let mut server = MailServer::start().await;
    let mut fleet = fleet(&server, 1).await;
    let admin = fleet.admin();
    server.use_for(&admin).await;
    server.kill();
    let upstream = FakeUpstream::start().await;
    let key = admin.serve_all(&upstream.url()).await;
    fleet.folded(admin.get("/x-keys").await.revision()).await;
    upstream.next(Reply::rate_limited(Hint::Seconds(600)));
    fleet.nodes[0]
        .proxy()
        .post(CHAT, &chat("m"))
        .await
        .error(429);
    admin.sleeping(key, Duration::from_secs(30)).await;
    eventually("an attempt failed", Duration::from_secs(30), async || {
        let metrics = fleet.controls[0].metrics().await;
        if metrics.contains("foldgate_mail_failures_total") {
            Ok(())
        } else {
            Err(metrics)
        }
    })
    .await;
    fleet.controls[0].restart().await;
    server.restart().await;
    let mails = server.came(1).await;
    assert!(
        mails[0]["subject"].to_string().contains("Level 1"),
        "{mails:?}"
    );
    assert_eq!(mails.len(), 1);
}
