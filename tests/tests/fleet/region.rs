//! A hub and one region that mirrors its log; the link between them is cut and
//! mended.

use foldgate_tests::fleet::{REGION, init, log_command, on, row};
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Foldgate, Link, NatsServer, Reply, Settings, eventually};
use serde_json::json;

use super::{CHAT, chat, must_chat};

const WEST: &str = "west";

async fn west_node(west: &NatsServer, name: &str) -> Foldgate {
    on(Settings::data_plane(), name, WEST)
        .env("FOLDGATE_NATS_URL", &west.url(User::Node))
        .env("FOLDGATE_NATS_FOLLOW", "mirror")
        .start()
        .await
}

#[tokio::test]
async fn a_region_follows_its_mirror_and_outlives_the_link() {
    let hub = NatsServer::hub().await;
    init(&hub).await;
    let control = on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &hub.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &hub.monitor_url())
        .start()
        .await;
    let east = on(Settings::data_plane(), "east-1", REGION)
        .env("FOLDGATE_NATS_URL", &hub.url(User::Node))
        .start()
        .await;
    let link = Link::to(hub.leaf_port()).await;
    let west = NatsServer::region(WEST, link.port()).await;
    let mirror = || {
        log_command("init", &west.url(User::Bootstrap))
            .arg("--mirror")
            .env("FOLDGATE_REGION", WEST)
    };
    for _ in 0..2 {
        eventually("the mirror is made, and made again", SOON, async || {
            let output = mirror().output().await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
    }
    let nodes = [
        west_node(&west, "west-1").await,
        west_node(&west, "west-2").await,
    ];
    let upstream = FakeUpstream::start().await;
    let admin = control.admin();
    let key = admin.serve_all(&upstream.url()).await;
    let revision = admin.get("/x-keys").await.revision();
    for node in nodes.iter().chain([&east]) {
        node.folded(revision).await;
        must_chat(&node.proxy(), "m").await;
    }
    let found = row(&admin, "west-1", |row| row["revision"] == revision).await;
    assert_eq!(found["region"], WEST);

    // Cut: the region serves what it has, the hub goes on without it.
    link.cut();
    let after = admin
        .config(&json!({"MODEL_MAPPER": "m=mapped"}))
        .await
        .revision();
    east.folded(after).await;
    for node in &nodes {
        must_chat(&node.proxy(), "m").await;
        assert_eq!(upstream.last().json()["model"], "m");
    }
    // Inside the region nodes still tell each other who sleeps.
    upstream.always(Reply::rate_limited(Hint::Seconds(900)));
    nodes[0].proxy().post(CHAT, &chat("m")).await.error(429);
    let mut called = upstream.count();
    eventually("the other western node knows", SOON, async || {
        nodes[1].proxy().post(CHAT, &chat("m")).await.error(429);
        let before = std::mem::replace(&mut called, upstream.count());
        if before == called {
            Ok(())
        } else {
            Err("it was called".to_owned())
        }
    })
    .await;

    // Mended: both sides learn what they missed.
    link.mend();
    for node in &nodes {
        node.folded(after).await;
    }
    let entry = admin.sleeping(key, SOON).await;
    assert_eq!(entry["Region"], WEST);
    row(&admin, "east-1", |row| row["sleeping"] == 1).await;
    row(&admin, "west-2", |row| row["lag"] == 0).await;
}
