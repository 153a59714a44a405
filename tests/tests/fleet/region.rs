//! A hub and one region that mirrors its log; the link between them is cut and
//! mended.

use std::time::Duration;

use foldgate_tests::admin::list;
use foldgate_tests::fleet::{REGION, init, log_command, on, row};
use foldgate_tests::nats::User;
use foldgate_tests::poll::{SOON, nightly};
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Foldgate, Link, NatsServer, Reply, Settings, eventually};
use serde_json::json;

use super::{CHAT, chat, must_chat};

const WEST: &str = "west";

/// Nodes look every fifteen seconds for what they missed, and the streams may take as
/// long to find each other again.
const LEARNT: Duration = Duration::from_mins(2);

async fn west_node(west: &NatsServer, name: &str) -> Foldgate {
    on(Settings::data_plane(), name, WEST)
        .env("FOLDGATE_NATS_URL", &west.url(User::Node))
        .env("FOLDGATE_NATS_FOLLOW", "mirror")
        .start()
        .await
}

/// Makes the mirror; the leaf link may take a moment to stand.
async fn mirror(west: &NatsServer) {
    let command = log_command("init", &west.url(User::Bootstrap))
        .arg("--mirror")
        .env("FOLDGATE_REGION", WEST);
    eventually("the mirror is made", SOON, async || {
        let output = command.output().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
}

/// How many sleeps a server's own region keeps.
async fn sleeps(server: &NatsServer) -> u64 {
    let context = async_nats::jetstream::new(server.connect(User::Bootstrap).await);
    let stream = context.get_stream("FOLDGATE_SLEEP").await;
    stream
        .expect("the stream is there")
        .cached_info()
        .state
        .messages
}

fn control_plane(hub: &NatsServer) -> Settings {
    on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &hub.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &hub.monitor_url())
}

fn east_node(hub: &NatsServer, name: &str) -> Settings {
    on(Settings::data_plane(), name, REGION).env("FOLDGATE_NATS_URL", &hub.url(User::Node))
}

/// Waits until a node's chats find every key asleep, of an upstream that is well
/// again: a node that knows of no sleep goes on calling it.
async fn must_sleep(node: &Foldgate, model: &str) {
    eventually(model, SOON, async || {
        let answer = node.proxy().post(CHAT, &chat(model)).await;
        match answer.status {
            429 => Ok(()),
            _ => Err(answer.text()),
        }
    })
    .await;
}

/// Who caused a sleep is gone when another region's node starts, and so is everybody
/// who could tell it: what the streams keep must do.
#[tokio::test]
async fn a_late_joiner_knows_of_a_sleep_in_the_other_region() {
    let hub = NatsServer::hub().await;
    init(&hub).await;
    let west = NatsServer::region(WEST, hub.leaf_port()).await;
    mirror(&west).await;
    let upstream = FakeUpstream::start().await;
    let mut control = control_plane(&hub).start().await;
    let admin = control.admin();
    for level in [1, 2] {
        admin.add_key(level, &upstream.url()).await;
    }
    let revision = admin
        .config(&json!({"LEVEL_MAPPER": {"from-west": 1, "from-east": 2}}))
        .await
        .revision();
    control.kill();
    upstream.always(Reply::rate_limited(Hint::Seconds(900)));
    for (model, mut node) in [
        ("from-west", west_node(&west, "west-1").await),
        ("from-east", east_node(&hub, "east-1").start().await),
    ] {
        node.folded(revision).await;
        eventually("its own region keeps it", SOON, async || {
            let answer = node.proxy().post(CHAT, &chat(model)).await;
            let kept = if model == "from-west" { &west } else { &hub };
            match (answer.status, sleeps(kept).await) {
                (429, 1) => Ok(()),
                (status, kept) => Err(format!("{status}, {kept} kept")),
            }
        })
        .await;
        node.kill();
    }
    upstream.recover();
    let late = [
        ("from-west", east_node(&hub, "east-late").start().await),
        ("from-east", west_node(&west, "west-late").await),
    ];
    for (model, node) in &late {
        node.folded(revision).await;
        must_sleep(node, model).await;
    }
    // So does a control plane, by what the streams keep or the nodes repeat.
    let control = control_plane(&hub).start().await;
    let admin = control.admin();
    eventually("the control plane knows of both", SOON, async || {
        let conf = admin.conf().await;
        match list(&conf["SleepingKeys"]).len() {
            2 => Ok(()),
            _ => Err(conf.to_string()),
        }
    })
    .await;
}

/// Both sides of a cut link put a key to sleep, and the nodes that did die before it is
/// mended: those that live on learn of it all the same.
#[tokio::test]
async fn who_was_cut_off_learns_of_a_sleep_whose_teller_died() {
    let hub = NatsServer::hub().await;
    init(&hub).await;
    let link = Link::to(hub.leaf_port()).await;
    let west = NatsServer::region(WEST, link.port()).await;
    mirror(&west).await;
    let control = control_plane(&hub).start().await;
    let admin = control.admin();
    let upstream = FakeUpstream::start().await;
    let [of_west, of_east] = [
        admin.add_key(1, &upstream.url()).await,
        admin.add_key(2, &upstream.url()).await,
    ];
    let mapper = json!({"LEVEL_MAPPER": {"from-west": 1, "from-east": 2}});
    let revision = admin.config(&mapper).await.revision();
    let staying = [
        ("from-east", west_node(&west, "west-1").await),
        ("from-west", east_node(&hub, "east-1").start().await),
    ];
    let dying = [
        ("from-west", &west, west_node(&west, "west-2").await),
        ("from-east", &hub, east_node(&hub, "east-2").start().await),
    ];
    let nodes = dying.iter().map(|(_, _, node)| node);
    for node in nodes.chain(staying.iter().map(|(_, node)| node)) {
        node.folded(revision).await;
    }
    link.cut();
    upstream.always(Reply::rate_limited(Hint::Seconds(900)));
    for (model, kept, mut node) in dying {
        node.proxy().post(CHAT, &chat(model)).await.error(429);
        eventually("its own region keeps it", SOON, async || {
            match sleeps(kept).await {
                1 => Ok(()),
                kept => Err(format!("{kept} kept")),
            }
        })
        .await;
        node.kill();
    }
    upstream.recover();
    for (model, node) in &staying {
        must_chat(&node.proxy(), model).await;
    }
    link.mend();
    for (model, node) in &staying {
        eventually(model, LEARNT, async || {
            let answer = node.proxy().post(CHAT, &chat(model)).await;
            match answer.status {
                429 => Ok(()),
                _ => Err(answer.text()),
            }
        })
        .await;
    }
    for key in [of_west, of_east] {
        admin.sleeping(key, LEARNT).await;
    }
}

#[tokio::test]
async fn a_region_follows_its_mirror_and_outlives_the_link() {
    let hub = NatsServer::hub().await;
    init(&hub).await;
    let control = control_plane(&hub).start().await;
    let east = east_node(&hub, "east-1").start().await;
    let link = Link::to(hub.leaf_port()).await;
    let west = NatsServer::region(WEST, link.port()).await;
    // It may be repeated.
    mirror(&west).await;
    mirror(&west).await;
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

/// The link is cut (closed) and frozen (silent) in turn, amid writes.
#[tokio::test]
async fn a_link_cut_again_and_again_loses_nothing() {
    let hub = NatsServer::hub().await;
    init(&hub).await;
    let link = Link::to(hub.leaf_port()).await;
    let west = NatsServer::region(WEST, link.port()).await;
    mirror(&west).await;
    let control = control_plane(&hub).start().await;
    let node = west_node(&west, "west-1").await;
    let upstream = FakeUpstream::start().await;
    let admin = control.admin();
    admin.serve_all(&upstream.url()).await;
    let mut revision = admin.get("/x-keys").await.revision();
    for round in 0..nightly(2, 24) {
        node.folded(revision).await;
        let before = revision;
        if round % 2 == 0 {
            link.cut();
        } else {
            link.freeze();
        }
        for number in 0..nightly(5, 50) {
            let name = format!("s{round}-{number}.example.com");
            let answer = admin.config(&json!({"EMAIL_SMTP": name})).await;
            assert_eq!(
                answer.revision(),
                revision + 1,
                "no write is lost or doubled"
            );
            revision = answer.revision();
            must_chat(&node.proxy(), "m").await;
        }
        let there = node.proxy().get("/v1/models").await.revision();
        assert_eq!(there, before, "nothing comes over the link");
        link.mend();
    }
    node.folded(revision).await;
    // Both copies are whole, and end alike.
    let verify = |nats: &NatsServer| {
        log_command("verify", &nats.url(User::Control))
            .env("FOLDGATE_REGION", WEST)
            .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
    };
    let hubs = verify(&hub).output().await;
    let mirrors = verify(&west)
        .env("FOLDGATE_NATS_FOLLOW", "mirror")
        .output()
        .await;
    let [hubs, mirrors] = [hubs, mirrors].map(|output| {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    assert_eq!(hubs.lines().next(), mirrors.lines().next());
    assert!(
        hubs.contains(&format!("{revision} records, every link holds")),
        "{hubs}"
    );
    assert!(mirrors.contains("stream FOLDGATE_LOG_WEST"), "{mirrors}");
}
