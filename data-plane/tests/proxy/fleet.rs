//! What nodes tell each other: sleeps, wakes and listeners.

use foldgate_log::Report;
use foldgate_proto::{
    Generation, Heartbeat, RecordHash, Revision, Role, SleepCause, SleepReport, Timestamp,
};
use std::time::Duration;
use uuid::Uuid;

use crate::rig::{OWNER, PATIENCE, Rig, settings, until};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-fleet-0123456789-0123456789";

async fn rig() -> (Rig, Upstream, foldgate_proto::KeyId) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    let key = rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    (rig, upstream, key)
}

fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

fn report(key: foldgate_proto::KeyId, cause: SleepCause, wake: u64) -> SleepReport {
    SleepReport {
        owner: OWNER,
        key,
        model: None,
        generation: Generation {
            secret: Revision(2),
            wake,
        },
        until: now().after(Duration::from_mins(5)),
        cause,
        status: Some(429),
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: now(),
        node: "other".to_owned(),
        region: "there".to_owned(),
    }
}

fn heartbeat(listeners: Vec<String>, sleeping: Vec<SleepReport>) -> Heartbeat {
    Heartbeat {
        node: "other".to_owned(),
        region: "there".to_owned(),
        role: Role::DataPlane,
        version: "1".to_owned(),
        boot: Uuid::new_v4(),
        at: now(),
        revision: Revision(1),
        chain: RecordHash([0; 32]),
        state_hash: None,
        held: None,
        listeners,
        sleeping_total: sleeping.len() as u64,
        time_zone: None,
        sleeping,
    }
}

#[tokio::test]
async fn what_another_node_saw_counts_here() {
    let (rig, upstream, key) = rig().await;
    rig.reports
        .publish_sleep(report(key, SleepCause::RateLimit, 0));
    until("the key sleeps", || !rig.pools.sleeps().all().is_empty()).await;
    assert_eq!(rig.caller.chat("m").await.status, 429);
    assert_eq!(upstream.asked().len(), 0);
    // Told by others, it is not this node's to repeat.
    let (own, all) = rig.pools.sleeps().sleeping();
    assert_eq!((own.len(), all), (0, 1));
    rig.reports.publish_sleep(report(key, SleepCause::Awake, 1));
    until("the key woke", || rig.pools.sleeps().all().is_empty()).await;
    assert_eq!(rig.caller.chat("m").await.status, 200);
}

#[tokio::test]
async fn a_heartbeat_repeats_what_was_lost() {
    let (rig, upstream, key) = rig().await;
    let beat = heartbeat(
        vec![upstream.address.to_string()],
        vec![report(key, SleepCause::RateLimit, 0)],
    );
    rig.reports.publish_heartbeat(beat);
    until("the key sleeps", || !rig.pools.sleeps().all().is_empty()).await;
    rig.reports.publish_sleep(report(key, SleepCause::Awake, 1));
    until("the key woke", || rig.pools.sleeps().all().is_empty()).await;
    // Its listeners are the system's own.
    assert_eq!(rig.caller.chat("m").await.status, 503);
    let detail = &rig.pools.sleeps().all()[0].detail;
    assert!(detail.contains("listener"), "{detail}");
}

#[tokio::test]
async fn what_this_node_saw_is_told_at_once() {
    let (rig, upstream, key) = rig().await;
    upstream.script(SECRET, Script::json(500, "{}"));
    let mut heard = rig.reports.subscribe();
    rig.caller.chat("m").await;
    let told = tokio::time::timeout(PATIENCE, heard.recv())
        .await
        .unwrap()
        .unwrap();
    let Report::Sleep(told) = told else {
        panic!("{told:?}")
    };
    assert_eq!((told.key, told.cause), (key, SleepCause::UpstreamError));
    assert_eq!(
        (told.owner, told.node.as_str(), told.region.as_str()),
        (OWNER, "node", "here")
    );
    let (own, all) = rig.pools.sleeps().sleeping();
    assert_eq!((own.len(), all), (1, 1));
}

#[tokio::test]
async fn sleeps_are_kept_where_there_is_no_fleet() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sleeps");
    let mut keeping = settings();
    keeping.sleeps_file = Some(file.clone());
    let upstream = Upstream::start().await;
    let mut rig = Rig::with(keeping).await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    upstream.script(SECRET, Script::json(500, "{}"));
    rig.caller.chat("m").await;
    until("the file is written", || file.exists()).await;
}
