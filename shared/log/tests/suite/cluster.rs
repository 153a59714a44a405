//! Three servers with three copies: what production runs.

use std::collections::HashSet;
use std::time::Duration;

use foldgate_log::jetstream::{Init, Options, init};
use foldgate_log::{EventLog, FollowItem, JetStream, Report, Reports, Stop};
use foldgate_proto::{RecordId, Revision};

use super::support::{Chain, LIMIT, NatsServer, eventually, nightly};

pub(super) fn options(servers: &[NatsServer; 3]) -> Options {
    let list = |each: fn(&NatsServer) -> String| servers.each_ref().map(each).join(",");
    Options {
        urls: list(NatsServer::url),
        monitor_url: Some(list(NatsServer::monitor_url)),
        ..servers[0].options()
    }
}

pub(super) async fn log(servers: &[NatsServer; 3]) -> JetStream {
    let how = Init {
        replicas: 3,
        log_id: None,
    };
    let options = options(servers);
    eventually("the cluster has a leader", || async {
        init(&options, &how).await.ok()
    })
    .await;
    JetStream::open(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_groups_leave_a_whole_chain_in_a_cluster() {
    let servers = NatsServer::cluster();
    let log = log(&servers).await;
    eventually("the log is checked", || async { log.check().await.ok() }).await;
    let (count, each) = nightly((4, 40), (8, 1000));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..count {
        let log = JetStream::open(options(&servers)).await.unwrap();
        writers.spawn(async move {
            let (mut stood, mut conflicts) = (Vec::new(), 0);
            while stood.len() < each {
                let mut chain = Chain::behind(&log).await;
                let expected = chain.expected();
                let group = chain.group(8);
                let written = match log.append(expected, &group).await {
                    Ok(_) => group.len(),
                    Err(error) => {
                        assert!(matches!(error.stop, Stop::Conflict { .. }), "{error:?}");
                        conflicts += 1;
                        error.written
                    }
                };
                stood.extend(group[..written].iter().map(|record| record.id));
            }
            (stood, conflicts)
        });
    }
    let outcomes = writers.join_all().await;
    assert!(
        outcomes.iter().any(|(_, conflicts)| *conflicts > 0),
        "nobody raced"
    );
    let head = log.verify(&mut |_| ()).await.unwrap();
    let ids: HashSet<_> = outcomes.iter().flat_map(|(stood, _)| stood).collect();
    assert_eq!(head.revision, Revision(ids.len() as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_loses_and_doubles_nothing() {
    let kills = nightly(1, 12);
    let count = 100 * (kills + 1);
    let mut servers = NatsServer::cluster();
    let log = log(&servers).await;
    let start = log.head().await.unwrap();
    let writer = JetStream::open(options(&servers)).await.unwrap();
    let written = tokio::spawn(async move {
        let mut chain = Chain { at: start };
        let mut acknowledged: Vec<RecordId> = Vec::new();
        while acknowledged.len() < count {
            let expected = chain.expected();
            let group = chain.group(1 + acknowledged.len() % 5);
            writer.append(expected, &group).await.unwrap();
            acknowledged.extend(group.iter().map(|record| record.id));
        }
        acknowledged
    });
    let mut follow = log.follow(start);
    let mut followed = Vec::new();
    let (mut killed, mut done) = (None, 0);
    while followed.len() < count {
        if done < kills && followed.len() >= (done + 1) * 100 {
            if let Some(last) = killed {
                let server: &mut NatsServer = &mut servers[last];
                server.restart();
            }
            let leader = leader(&servers[killed.unwrap_or(0)]).await;
            let index = servers.iter().position(|server| server.name() == leader);
            let index = index.expect("the leader is one of the three");
            servers[index].kill();
            killed = Some(index);
            done += 1;
        }
        let item = tokio::time::timeout(LIMIT, follow.next())
            .await
            .expect("silent");
        match item.expect("ended") {
            FollowItem::Entry {
                revision, record, ..
            } => {
                followed.push(record.id);
                assert_eq!(revision, Revision(followed.len() as u64));
            }
            FollowItem::CaughtUp(_) => {}
            FollowItem::Held { revision, reason } => panic!("held at {revision}: {reason}"),
        }
    }
    let written = written.await.unwrap();
    assert_eq!(done, kills);
    assert_eq!(followed[..count], written[..count]);
    let head = log.verify(&mut |_| ()).await.unwrap();
    assert_eq!(head.revision, Revision(written.len() as u64));
}

/// Who leads, once all three copies are there.
pub(super) async fn leader(server: &NatsServer) -> String {
    eventually("a leader with two whole copies", || async {
        let asked = async {
            let client = server.client().await;
            let info = client.request("$JS.API.STREAM.INFO.FOLDGATE_LOG", "".into());
            info.await.ok()
        };
        // Nobody answers while there is no leader.
        let info = tokio::time::timeout(Duration::from_secs(1), asked).await;
        let info: serde_json::Value = serde_json::from_slice(&info.ok()??.payload).ok()?;
        let cluster = &info["cluster"];
        let others = cluster["replicas"].as_array()?;
        let whole = others.iter().all(|other| other["current"] == true);
        let leader = cluster["leader"].as_str()?.to_owned();
        (whole && others.len() == 2).then_some(leader)
    })
    .await
}

/// The permissions a data node gets are enough to follow and to report.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_may_only_read_follows_and_reports() {
    let server = NatsServer::start();
    let log = server.log().await;
    let urls = format!("nats://node:nodepw@127.0.0.1:{}", server.port);
    let node = JetStream::open(Options {
        urls,
        ..server.options()
    })
    .await
    .unwrap();
    let start = log.head().await.unwrap();
    let mut follow = node.follow(start);
    let mut chain = Chain { at: start };
    log.append(Revision::ZERO, &chain.group(3)).await.unwrap();
    let mut last = Revision::ZERO;
    while last < Revision(3) {
        match tokio::time::timeout(LIMIT, follow.next())
            .await
            .unwrap()
            .unwrap()
        {
            FollowItem::Entry { revision, .. } => last = revision,
            FollowItem::CaughtUp(_) => {}
            FollowItem::Held { revision, reason } => panic!("held at {revision}: {reason}"),
        }
    }
    node.read(Revision(1), 3).await.unwrap();
    node.head().await.unwrap();
    let (sender, hearer) = (Reports::nats(&node), Reports::nats(&log));
    let mut heard = hearer.subscribe();
    let hear = async {
        loop {
            sender.publish_heartbeat(super::reports::heartbeat("node"));
            let wait = std::time::Duration::from_millis(50);
            let next = tokio::time::timeout(wait, heard.recv()).await;
            if matches!(next, Ok(Ok(Report::Heartbeat(_)))) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, hear)
        .await
        .expect("the heartbeat did not come");
    assert!(sender.load().await.unwrap().is_empty());
}
