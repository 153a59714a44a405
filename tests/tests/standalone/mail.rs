//! Mails from one process, whose board is its own.

use foldgate_tests::mail::{MailServer, PASSWORD};
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Reply, Settings};
use serde_json::json;

use super::{CHAT, World, chat};

#[tokio::test]
async fn a_sleeping_level_is_told_once_over_restarts_and_nobody_sees_the_password() {
    let server = MailServer::start().await;
    let ca = server.ca_file();
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_CA_FILE", &ca.to_string_lossy());
    let mut world = World::with(settings).await;
    server.use_for(&world.admin).await;
    world.upstream.next(Reply::rate_limited(Hint::Seconds(600)));
    world.proxy.post(CHAT, &chat("m")).await.error(429);
    let mails = server.came(1).await;
    let text = mails[0]["text"].as_str().expect("a text");
    assert!(
        text.contains("rate_limit") && text.contains("/x-conf"),
        "{text}"
    );

    // It sleeps on after a restart, and was told: the next mail is another Level's.
    world.foldgate.restart().await;
    let (admin, proxy) = (world.foldgate.admin(), world.foldgate.proxy());
    admin.sleeping(world.key, SOON).await;
    admin.add_key(2, &world.upstream.url()).await;
    let mapper = json!({"LEVEL_MAPPER": {"other": 2}});
    admin.config(&mapper).await;
    world.upstream.next(Reply::rate_limited(Hint::Seconds(600)));
    proxy.post(CHAT, &chat("other")).await.error(429);
    let mails = server.came(2).await;
    let subject = mails[1]["subject"].as_str().expect("a text");
    assert!(subject.contains("Level 2"), "{mails:?}");
    assert_eq!(mails.len(), 2);
    assert!(!world.foldgate.output().contains(PASSWORD));
}
