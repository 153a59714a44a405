//! Sleeps and signs of life, within a process and over NATS.

use std::sync::Arc;

use foldgate_log::{Report, Reports};
use foldgate_proto::{
    AccountNumber, Generation, Heartbeat, Job, JobKind, KeyId, Made, MadeReport, MadeWord, OwnerId,
    Quantities, RecordHash, Revision, Role, SleepCause, SleepReport, Timestamp,
};
use tokio::sync::broadcast::Receiver;
use uuid::Uuid;

use super::support::{LIMIT, NatsServer, eventually};

pub(crate) fn sleep(key: u128, until: i64) -> SleepReport {
    SleepReport {
        owner: OwnerId(Uuid::from_u128(1)),
        key: KeyId(Uuid::from_u128(key)),
        model: None,
        generation: Generation::default(),
        until: Timestamp(until),
        cause: SleepCause::RateLimit,
        status: Some(429),
        detail: "slow down".to_owned(),
        failures: 1,
        confirmed: false,
        at: Timestamp(1),
        node: "n1".to_owned(),
        region: "east".to_owned(),
    }
}

pub(crate) fn heartbeat(node: &str) -> Heartbeat {
    Heartbeat {
        node: node.to_owned(),
        region: "east".to_owned(),
        role: Role::DataPlane,
        version: "1".to_owned(),
        boot: Uuid::from_u128(3),
        at: Timestamp(2),
        revision: Revision(4),
        chain: RecordHash([1; 32]),
        state_hash: None,
        held: None,
        listeners: Vec::new(),
        sleeping: Vec::new(),
        sleeping_total: 0,
        time_zone: None,
    }
}

async fn heard(reports: &mut Receiver<Report>, wanted: &Report) {
    let hear = async { while reports.recv().await.unwrap() != *wanted {} };
    tokio::time::timeout(LIMIT, hear)
        .await
        .expect("the report did not come");
}

async fn both_kinds_arrive(sender: Reports, hearer: Reports) {
    let mut here = hearer.subscribe();
    // A subscription takes a moment to reach the server.
    let first = eventually("the first report", || async {
        let mut again = hearer.subscribe();
        sender.publish_sleep(sleep(1, 10));
        tokio::time::timeout(std::time::Duration::from_millis(100), again.recv())
            .await
            .ok()?
            .ok()
    })
    .await;
    assert_eq!(first, Report::Sleep(Arc::new(sleep(1, 10))));
    heard(&mut here, &first).await;
    sender.publish_heartbeat(heartbeat("n1"));
    heard(&mut here, &Report::Heartbeat(Arc::new(heartbeat("n1")))).await;
    sender.publish_sleep(sleep(2, 10));
    sender.publish_sleep(sleep(2, 20));
    heard(&mut here, &Report::Sleep(Arc::new(sleep(2, 20)))).await;
    let mut last = eventually("the last values", || async {
        let last = hearer.load().await.ok()?;
        (last.len() == 2 && last.contains(&sleep(2, 20))).then_some(last)
    })
    .await;
    last.sort_by_key(|sleep| sleep.key);
    assert_eq!(last, [sleep(1, 10), sleep(2, 20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_travel_within_a_process() {
    let reports = Reports::local();
    both_kinds_arrive(reports.clone(), reports).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_travel_over_nats() {
    let server = NatsServer::start();
    let (one, two) = (server.log().await, server.open().await);
    both_kinds_arrive(Reports::nats(&one), Reports::nats(&two)).await;
}

/// Reports that nobody says again are found where they are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_reports_are_looked_for_again() {
    let mut server = NatsServer::start();
    let (one, two) = (server.log().await, server.open().await);
    let (sender, hearer) = (Reports::nats(&one), Reports::nats(&two));
    let mut again = hearer.again(std::time::Duration::from_millis(50));
    let mut found = async || {
        let found = tokio::time::timeout(LIMIT, again.next()).await;
        found.expect("a report is found")
    };
    sender.publish_sleep(sleep(1, 10));
    assert_eq!(found().await, [sleep(1, 10)]);
    // Only what is new is read, unless the connection is.
    sender.publish_sleep(sleep(2, 10));
    assert_eq!(found().await, [sleep(2, 10)]);
    server.kill();
    eventually("the client notices", || async {
        (!two.is_connected()).then_some(())
    })
    .await;
    server.restart();
    let mut all = found().await;
    all.sort_by_key(|sleep| sleep.key);
    assert_eq!(all, [sleep(1, 10), sleep(2, 10)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_outlive_a_server() {
    let mut server = NatsServer::start();
    let (one, two) = (server.log().await, server.open().await);
    let (sender, hearer) = (Reports::nats(&one), Reports::nats(&two));
    both_kinds_arrive(sender.clone(), hearer.clone()).await;
    let mut here = hearer.subscribe();
    server.kill();
    eventually("the clients notice", || async {
        (!one.is_connected() && !two.is_connected()).then_some(())
    })
    .await;
    // More than the queue holds: publishing neither blocks nor fails.
    for until in 0..10_000 {
        sender.publish_sleep(sleep(3, until));
    }
    server.restart();
    one.connected(LIMIT).await.unwrap();
    two.connected(LIMIT).await.unwrap();
    // A report sent before the other side is back is lost, as the heartbeat heals.
    let heal = async {
        loop {
            sender.publish_heartbeat(heartbeat("n2"));
            let wait = std::time::Duration::from_millis(50);
            let next = tokio::time::timeout(wait, here.recv()).await;
            if matches!(next, Ok(Ok(Report::Heartbeat(beat))) if beat.node == "n2") {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, heal)
        .await
        .expect("the reports did not heal");
    eventually("the newest report is kept", || async {
        hearer
            .load()
            .await
            .ok()?
            .contains(&sleep(3, 9_999))
            .then_some(())
    })
    .await;
}

/// What one node tells and asks, another hears.
async fn words_arrive(sender: Reports, hearer: Reports) {
    let made = Made::of(OwnerId(Uuid::from_u128(1)), AccountNumber(7), "resp_1");
    let told = MadeWord::Told(MadeReport {
        made,
        key: KeyId(Uuid::from_u128(3)),
        at: Timestamp(4),
        lasting: true,
    });
    let began = MadeWord::Began(Box::new(Job {
        kind: JobKind::Batch,
        id: "batch_1".to_owned(),
        key: KeyId(Uuid::from_u128(3)),
        owner: OwnerId(Uuid::from_u128(1)),
        account: AccountNumber(7),
        caller_key: None,
        requested: String::new(),
        model: String::new(),
        estimate: Quantities::default(),
        reserved: 9,
        at: Timestamp(4),
        heard: 0,
    }));
    let billed = MadeWord::Billed(Uuid::from_u128(5));
    for word in [told, MadeWord::Asked(made), began, billed] {
        // A subscription takes a moment to reach the server.
        let heard = eventually("the word", || async {
            let mut words = hearer.hear_made();
            match &word {
                MadeWord::Told(report) => sender.publish_made(*report),
                MadeWord::Asked(made) => sender.ask_made(*made),
                MadeWord::Began(job) => sender.publish_job(Job::clone(job)),
                MadeWord::Billed(job) => sender.publish_billed(*job),
            }
            let wait = std::time::Duration::from_millis(100);
            let next = tokio::time::timeout(wait, words.recv()).await;
            next.ok()?.ok().filter(|heard| *heard == word)
        })
        .await;
        assert_eq!(heard, word);
    }
    assert!(hearer.has_others());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_what_was_made_travel_over_nats() {
    let server = NatsServer::start();
    let (one, two) = (server.log().await, server.open().await);
    words_arrive(Reports::nats(&one), Reports::nats(&two)).await;
}

#[test]
fn alone_in_its_process_a_node_has_nobody_to_ask() {
    let reports = Reports::local();
    let _own = reports.hear_made();
    assert!(!reports.has_others());
    let _other = reports.hear_made();
    assert!(reports.has_others());
}
