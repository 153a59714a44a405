//! A region: a leaf server with its own JetStream domain, whose mirror its nodes
//! follow, whether or not the hub can be reached.

use foldgate_log::jetstream::{Init, MirrorInit, Options, Source, init, init_mirror};
use foldgate_log::{Error, EventLog, FollowItem, JetStream, Position, Reports};
use foldgate_proto::{Revision, SleepReport};
use serde_json::json;

use super::support::{Chain, LIMIT, NatsServer, Shape, eventually};

async fn entries(follow: &mut foldgate_log::Follow, last: u64) -> Vec<u64> {
    let mut found = Vec::new();
    while found.last() != Some(&last) {
        match tokio::time::timeout(LIMIT, follow.next())
            .await
            .expect("silent")
            .expect("ended")
        {
            FollowItem::Entry { revision, .. } => found.push(revision.0),
            FollowItem::CaughtUp(_) | FollowItem::Held { .. } => {}
        }
    }
    found
}

fn west(server: &NatsServer) -> Options {
    Options {
        region: "west".to_owned(),
        source: Source::Mirror,
        hub_domain: Some("hub".to_owned()),
        ..server.options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_follows_its_mirror_while_the_hub_is_away() {
    let mut hub = NatsServer::shaped(&Shape {
        domain: Some("hub"),
        ..Shape::default()
    });
    let log = hub.log().await;
    let leaf = NatsServer::shaped(&Shape {
        domain: Some("west"),
        joins: Some(hub.leaf),
        ..Shape::default()
    });
    let how = MirrorInit {
        replicas: 1,
        hub_domain: "hub".to_owned(),
    };
    let made = eventually("the leaf link stands", || async {
        init_mirror(&west(&leaf), &how).await.ok()
    })
    .await;
    assert!(made.created);
    assert_eq!(made.log_id, log.log_id().await.unwrap());
    assert!(!init_mirror(&west(&leaf), &how).await.unwrap().created);

    let node = JetStream::open(west(&leaf)).await.unwrap();
    let start = Position::genesis(node.log_id().await.unwrap());
    let mut chain = Chain { at: start };
    log.append(Revision::ZERO, &chain.group(10)).await.unwrap();
    let mut follow = node.follow(start);
    assert_eq!(entries(&mut follow, 10).await, (1..=10).collect::<Vec<_>>());
    log.append(Revision(10), &chain.group(5)).await.unwrap();
    assert_eq!(
        entries(&mut follow, 15).await,
        (11..=15).collect::<Vec<_>>()
    );

    // The region keeps its own sleep reports.
    let reports = Reports::nats(&node);
    let sleep = SleepReport {
        region: "west".to_owned(),
        ..super::reports::sleep(1, 10)
    };

    hub.kill();
    reports.publish_sleep(sleep.clone());
    eventually("the region's sleep reports", || async {
        (Reports::nats(&node).load().await.ok()? == [sleep.clone()]).then_some(())
    })
    .await;
    // A node that starts now has the whole history in its region.
    let late = JetStream::open(west(&leaf)).await.unwrap();
    let mut fresh = late.follow(Position::genesis(late.log_id().await.unwrap()));
    assert_eq!(entries(&mut fresh, 15).await, (1..=15).collect::<Vec<_>>());

    hub.restart();
    log.append(Revision(15), &chain.group(5)).await.unwrap();
    assert_eq!(
        entries(&mut follow, 20).await,
        (16..=20).collect::<Vec<_>>()
    );
    assert_eq!(entries(&mut fresh, 20).await, (16..=20).collect::<Vec<_>>());
    eventually("the mirror's head", || async {
        (node.head().await.ok()? == chain.at).then_some(())
    })
    .await;
}

/// Each node is gone before the next one starts: only the streams can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_joiner_knows_of_sleeps_in_every_other_region() {
    let mut hub = NatsServer::shaped(&Shape {
        domain: Some("hub"),
        ..Shape::default()
    });
    hub.log().await;
    let leaf = |name| {
        NatsServer::shaped(&Shape {
            domain: Some(name),
            joins: Some(hub.leaf),
            ..Shape::default()
        })
    };
    let (west_server, south_server) = (leaf("west"), leaf("south"));
    let how = MirrorInit {
        replicas: 1,
        hub_domain: "hub".to_owned(),
    };
    let south = Options {
        region: "south".to_owned(),
        ..west(&south_server)
    };
    let regions = [hub.options(), west(&west_server), south];
    // Both regions at once, and again: each adds itself to what the hub gathers.
    for _ in 0..2 {
        for region in &regions[1..] {
            eventually("the leaf link stands", || async {
                init_mirror(region, &how).await.ok()
            })
            .await;
        }
    }
    let mut slept = Vec::new();
    for (number, options) in (1..).zip(&regions) {
        let sleep = SleepReport {
            region: options.region.clone(),
            ..super::reports::sleep(number, 10)
        };
        let node = JetStream::open(options.clone()).await.unwrap();
        let reports = Reports::nats(&node);
        reports.publish_sleep(sleep.clone());
        eventually("its own region keeps it", || async {
            reports.load().await.ok()?.contains(&sleep).then_some(())
        })
        .await;
        drop((reports, node));
        slept.push(sleep);
    }
    for options in &regions {
        let late = JetStream::open(options.clone()).await.unwrap();
        let reports = Reports::nats(&late);
        eventually("it knows of all three", || async {
            let mut known = reports.load().await.ok()?;
            known.sort_by_key(|sleep| sleep.key);
            (known == slept).then_some(())
        })
        .await;
    }
    // The regions have them for themselves, should the hub be away.
    for server in [&west_server, &south_server] {
        let alone = Options {
            hub_domain: None,
            ..server.options()
        };
        let reports = Reports::nats(&JetStream::open(alone).await.unwrap());
        eventually("the region has them itself", || async {
            (reports.load().await.ok()?.len() == 3).then_some(())
        })
        .await;
    }
    hub.kill();
    let late = Reports::nats(&JetStream::open(regions[1].clone()).await.unwrap());
    eventually("it knows without the hub", || async {
        (late.load().await.ok()?.len() == 3).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_without_a_domain_of_its_own_is_refused() {
    let hub = NatsServer::shaped(&Shape {
        domain: Some("hub"),
        ..Shape::default()
    });
    hub.log().await;
    let how = MirrorInit {
        replicas: 1,
        hub_domain: "hub".to_owned(),
    };
    let error = init_mirror(&west(&hub), &how).await.unwrap_err();
    let said = matches!(&error, Error::Invalid(why) if why.contains("domain of their own"));
    assert!(said, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_in_a_region_appends_to_the_hub() {
    let hub = NatsServer::shaped(&Shape {
        domain: Some("hub"),
        ..Shape::default()
    });
    let there = hub.log().await;
    let leaf = NatsServer::shaped(&Shape {
        domain: Some("west"),
        joins: Some(hub.leaf),
        ..Shape::default()
    });
    let options = Options {
        hub_domain: Some("hub".to_owned()),
        region: "west".to_owned(),
        ..leaf.options()
    };
    let writer = JetStream::open(options).await.unwrap();
    let log_id = eventually("the leaf link stands", || async {
        writer.log_id().await.ok()
    })
    .await;
    let mut chain = Chain {
        at: Position::genesis(log_id),
    };
    writer
        .append(Revision::ZERO, &chain.group(10))
        .await
        .unwrap();
    assert_eq!(there.head().await.unwrap(), chain.at);
    assert_eq!(writer.head().await.unwrap(), chain.at);
}

/// A mirror with holes is never folded over; the whole copy answers instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_in_the_mirror_is_healed_from_the_hub() {
    let server = NatsServer::start();
    let log = server.log().await;
    let client = server.client().await;
    let mut chain = Chain::behind(&log).await;
    let start = chain.at;
    log.append(Revision::ZERO, &chain.group(20)).await.unwrap();
    let mirror = json!({
        "name": "FOLDGATE_LOG_EAST", "mirror": { "name": "FOLDGATE_LOG" }, "storage": "file",
        "retention": "limits", "discard": "old", "num_replicas": 1, "allow_direct": true,
        "metadata": { "foldgate_log_id": log.log_id().await.unwrap().to_string() },
    });
    ask(&client, "STREAM.CREATE.FOLDGATE_LOG_EAST", &mirror).await;
    eventually("the mirror is full", || async {
        let info = ask(&client, "STREAM.INFO.FOLDGATE_LOG_EAST", &json!({})).await;
        (info["state"]["last_seq"] == json!(20)).then_some(())
    })
    .await;
    for seq in [5, 6, 13] {
        let call = "STREAM.MSG.DELETE.FOLDGATE_LOG_EAST";
        ask(&client, call, &json!({ "seq": seq })).await;
    }
    let info = ask(&client, "STREAM.INFO.FOLDGATE_LOG_EAST", &json!({})).await;
    assert_eq!(info["state"]["num_deleted"], json!(3));
    let options = Options {
        source: Source::Mirror,
        ..server.options()
    };
    let node = JetStream::open(options).await.unwrap();
    let mut follow = node.follow(start);
    assert_eq!(entries(&mut follow, 20).await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_without_a_mirror_follows_the_hub() {
    let server = NatsServer::start();
    init(&server.options(), &Init::default()).await.unwrap();
    let options = Options {
        source: Source::Mirror,
        ..server.options()
    };
    let node = JetStream::open(options).await.unwrap();
    let start = Position::genesis(node.log_id().await.unwrap());
    let mut follow = node.follow(start);
    let mut chain = Chain { at: start };
    node.append(Revision::ZERO, &chain.group(3)).await.unwrap();
    assert_eq!(entries(&mut follow, 3).await, [1, 2, 3]);
}

async fn ask(
    client: &async_nats::Client,
    call: &str,
    body: &serde_json::Value,
) -> serde_json::Value {
    let answer = client
        .request(format!("$JS.API.{call}"), body.to_string().into())
        .await
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer.get("error").is_none(), "{call}: {answer}");
    answer
}
