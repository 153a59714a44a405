//! Reading a whole log for its own sake: which copy was read, and what is missing
//! in which.

use std::time::Duration;

use foldgate_log::jetstream::{Audit, CopyAudit, Options, Outcome};
use foldgate_log::{EventLog, JetStream};
use foldgate_proto::Revision;
use serde_json::{Value, json};

use super::cluster;
use super::support::{Chain, NatsServer, eventually, filler};

const COUNT: u64 = 40;

async fn ask(client: &async_nats::Client, call: &str, body: &Value) -> Value {
    let request = client.request(format!("$JS.API.{call}"), body.to_string().into());
    let answer: Value = serde_json::from_slice(&request.await.unwrap().payload).unwrap();
    assert!(answer.get("error").is_none(), "{call}: {answer}");
    answer
}

/// Appends records of that many bytes each.
async fn write(log: &JetStream, size: usize) -> Chain {
    let mut chain = Chain::behind(log).await;
    for _ in 0..COUNT {
        let expected = chain.expected();
        let record = chain.next(filler(size));
        log.append(expected, &[record]).await.unwrap();
    }
    chain
}

/// So large that they fill more than one of the server's files: what the last one
/// held comes back from the other servers by itself.
const LARGE: usize = 400_000;

async fn audit(log: &JetStream) -> Audit {
    log.audit(&mut |_| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_log_says_which_copy_was_read() {
    let server = NatsServer::start();
    let log = server.log().await;
    let empty = audit(&log).await;
    assert_eq!((empty.fault(), empty.head), (None, Revision::ZERO));
    let chain = write(&log, 100).await;
    let mut heard = Vec::new();
    let found = log.audit(&mut |at| heard.push(at)).await.unwrap();
    assert_eq!(heard.last(), Some(&chain.at));
    assert_eq!(found.fault(), None);
    assert_eq!(found.stream, "FOLDGATE_LOG");
    assert_eq!(found.head, chain.at.revision);
    assert_eq!(found.log_id, log.log_id().await.unwrap());
    let [copy] = &found.copies[..] else {
        panic!("{found:?}");
    };
    assert_eq!(copy.server, server.name());
    assert_eq!(copy.outcome, Outcome::Whole(chain.at));
    let counts = copy.counts.unwrap();
    assert_eq!((counts.records, counts.missing()), (COUNT, 0));
}

/// A stream that nobody guarded, from which records were deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_are_found_wherever_they_stood() {
    for gone in [1, 7, COUNT] {
        let server = NatsServer::start();
        let client = server.client().await;
        let config = json!({
            "name": "FOLDGATE_LOG", "subjects": ["foldgate.log.>"], "storage": "file",
            "discard": "new", "allow_direct": true, "allow_atomic": true,
            "metadata": { "foldgate_log_id": uuid::Uuid::new_v4().to_string() },
        });
        ask(&client, "STREAM.CREATE.FOLDGATE_LOG", &config).await;
        let log = server.open().await;
        write(&log, 100).await;
        let call = "STREAM.MSG.DELETE.FOLDGATE_LOG";
        ask(&client, call, &json!({ "seq": gone })).await;
        let found = audit(&log).await;
        let fault = found.fault().expect("it is not whole");
        assert_eq!(fault.revision, Revision(gone), "{fault}");
        let copy = &found.copies[0];
        assert!(matches!(copy.outcome, Outcome::Broken(_)), "{copy}");
        assert_eq!(copy.counts.unwrap().missing(), 1, "{copy}");
    }
}

fn copy_on<'a>(audit: &'a Audit, server: &str) -> &'a CopyAudit {
    let found = audit.copies.iter().find(|copy| copy.server == server);
    found.unwrap_or_else(|| panic!("no copy on {server}: {audit:?}"))
}

/// Waits until all three copies were read, whole or not.
async fn all_read(log: &JetStream) -> Audit {
    eventually("every copy can be read", || async {
        let found = log.audit(&mut |_| ()).await.ok()?;
        let read = |copy: &CopyAudit| {
            let unread = matches!(copy.outcome, Outcome::Unread(_) | Outcome::Behind(_));
            copy.counts.is_some() && !unread
        };
        (found.copies.len() == 3 && found.copies.iter().all(read)).then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_copy_is_found_whoever_leads() {
    let mut servers = NatsServer::cluster();
    let log = cluster::log(&servers).await;
    let chain = write(&log, LARGE).await;
    let whole = all_read(&log).await;
    assert_eq!(whole.fault(), None, "{whole:?}");
    for copy in &whole.copies {
        assert_eq!(copy.outcome, Outcome::Whole(chain.at), "{copy}");
        assert_eq!(copy.counts.unwrap().records, COUNT, "{copy}");
    }
    let leader = cluster::leader(&servers[0]).await;
    let follower = servers.iter_mut().find(|server| server.name() != leader);
    let follower = follower.unwrap();
    let damaged = follower.name();
    follower.damage();
    let found = all_read(&log).await;
    let fault = found.fault().unwrap_or_else(|| panic!("{found:?}"));
    assert!(fault.reason.contains(&damaged), "{fault}");
    assert_eq!(found.copies[0].outcome, Outcome::Whole(chain.at));
    let copy = copy_on(&found, &damaged);
    assert!(matches!(copy.outcome, Outcome::Broken(_)), "{copy}");
    assert!(copy.counts.unwrap().missing() > 0, "{copy}");

    // Now it leads: two whole copies that answer direct reads do not hide it.
    let client = servers[0].client().await;
    eventually("the damaged copy leads", || async {
        let call = "$JS.API.STREAM.LEADER.STEPDOWN.FOLDGATE_LOG";
        let body = json!({ "placement": { "preferred": damaged } });
        let info = "$JS.API.STREAM.INFO.FOLDGATE_LOG";
        let asked = async {
            client.request(call, body.to_string().into()).await.ok()?;
            client.request(info, "".into()).await.ok()
        };
        // Nobody answers while there is no leader.
        let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
        let info: Value = serde_json::from_slice(&answer.ok()??.payload).unwrap();
        (info["cluster"]["leader"] == *damaged).then_some(())
    })
    .await;
    let found = all_read(&log).await;
    let fault = found.fault().expect("the leader's copy is not whole");
    assert_eq!(found.copies[0].server, damaged);
    assert!(
        matches!(found.copies[0].outcome, Outcome::Broken(_)),
        "{fault}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_said() {
    let servers = NatsServer::cluster();
    cluster::log(&servers).await;
    let options = Options {
        urls: servers[0].url(),
        monitor_url: None,
        ..servers[0].options()
    };
    let log = JetStream::open(options).await.unwrap();
    write(&log, 100).await;
    let found = audit(&log).await;
    assert_eq!(found.fault(), None, "{found:?}");
    assert!(
        found
            .uncounted
            .is_some_and(|why| why.contains("monitor_url"))
    );
    let unread = found.copies[1..]
        .iter()
        .filter(|copy| matches!(&copy.outcome, Outcome::Unread(why) if why.contains("nats.url")));
    // The server that is connected to leads, or can be read, or neither.
    assert!(unread.count() >= 1);
    for copy in &found.copies[1..] {
        assert_eq!(copy.counts, None);
        assert!(copy.to_string().contains("not known"), "{copy}");
    }
}
