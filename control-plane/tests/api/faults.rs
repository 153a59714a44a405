//! A log that answers late, wrongly or not at all. The records go to the real
//! log; what is changed is only what the writer hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use foldgate_log::{
    AppendError, Appended, Error, EventLog, Follow, Position, Reports, Stop, Stored,
};
use foldgate_proto::{Encoded, LogId, Revision};
use serde_json::json;

use crate::node::{Node, embedded, eventually};
use crate::writer::news;

/// What happens to the next append.
#[derive(Clone, Copy)]
enum Fault {
    None = 0,
    /// Written, but nobody hears of it.
    LostAnswer = 1,
    /// Not written, and nobody knows.
    LostRequest = 2,
    /// Not written, and that is known.
    Unreachable = 3,
    /// Refused by the log.
    Refused = 4,
    /// The log's code panics.
    Panic = 5,
}

struct Faulty {
    log: Arc<dyn EventLog>,
    next: AtomicUsize,
    appends: AtomicUsize,
}

impl Faulty {
    fn arm(&self, fault: Fault) {
        self.next.store(fault as usize, Ordering::SeqCst);
    }
}

#[async_trait]
impl EventLog for Faulty {
    async fn log_id(&self) -> Result<LogId, Error> {
        self.log.log_id().await
    }

    async fn head(&self) -> Result<Position, Error> {
        self.log.head().await
    }

    async fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let stop = |stop| Err(AppendError { written: 0, stop });
        let id = group[0].id;
        match self.next.swap(Fault::None as usize, Ordering::SeqCst) {
            1 => {
                self.log.append(expected, group).await?;
                stop(Stop::Unknown { id })
            }
            2 => stop(Stop::Unknown { id }),
            3 => stop(Stop::Unavailable("cable cut at host-7.internal".to_owned())),
            4 => stop(Stop::Refused("does not belong there".to_owned())),
            5 => panic!("the log's code has a fault"),
            _ => self.log.append(expected, group).await,
        }
    }

    async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        self.log.read(from, max).await
    }

    fn follow(&self, from: Position) -> Follow {
        self.log.follow(from)
    }
}

async fn faulty() -> (Node, Arc<Faulty>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(Faulty {
        log: embedded(dir.path()).await,
        next: AtomicUsize::new(0),
        appends: AtomicUsize::new(0),
    });
    let node = Node::on(log.clone(), Reports::local()).await;
    (node, log, dir)
}

#[tokio::test]
async fn an_unknown_outcome_is_told_with_the_record_and_never_written_twice() {
    let (node, log, _dir) = faulty().await;
    let body = json!({"title": "t", "content": "c"});
    log.arm(Fault::LostAnswer);
    let appends = log.appends.load(Ordering::SeqCst);
    let unknown = node.post("/x-news", &body).await;
    let header = unknown.header("x-foldgate-record").to_owned();
    let error = unknown.refused(504, "outcome_unknown");
    assert_eq!(error["record"], header);
    assert_eq!(
        log.appends.load(Ordering::SeqCst),
        appends + 1,
        "it is not tried again"
    );
    let record = eventually("the record", async || {
        node.records().await.into_iter().nth(1)
    })
    .await;
    assert_eq!(record.id.to_string(), header);

    log.arm(Fault::LostRequest);
    node.post("/x-news", &body)
        .await
        .refused(504, "outcome_unknown");
    assert_eq!(node.records().await.len(), 2);

    let posted = node.post("/x-news", &body).await.ok();
    assert_eq!(
        posted["news"]["id"], 2,
        "the writer goes on from what is written"
    );
}

#[tokio::test]
async fn a_retry_with_the_same_key_finds_what_was_written_after_all() {
    let (node, log, _dir) = faulty().await;
    log.arm(Fault::LostAnswer);
    let send = async || {
        let request = node.request(reqwest::Method::POST, "/x-news");
        let request = request.header("idempotency-key", "retry");
        crate::node::answer(request.json(&json!({"title": "t", "content": "c"}))).await
    };
    send().await.refused(504, "outcome_unknown");
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["news"]["id"], 1);
    assert_eq!(node.records().await.len(), 2);
}

#[tokio::test]
async fn a_log_out_of_reach_is_told_without_its_address() {
    let (node, log, _dir) = faulty().await;
    log.arm(Fault::Unreachable);
    let refused = node
        .post("/x-news", &json!({"title": "t", "content": "c"}))
        .await;
    assert_eq!(refused.header("retry-after"), "1");
    let error = refused.refused(503, "log_unavailable");
    assert!(!error.to_string().contains("host-7"), "{error}");
    assert_eq!(node.records().await.len(), 1);
}

#[tokio::test]
async fn a_record_the_log_refuses_is_our_fault() {
    let (node, log, _dir) = faulty().await;
    log.arm(Fault::Refused);
    let refused = node
        .post("/x-news", &json!({"title": "t", "content": "c"}))
        .await;
    let error = refused.refused(500, "internal_error");
    assert_eq!(error["message"], "internal error");
    node.post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
}

#[tokio::test]
async fn a_panic_in_the_log_does_not_end_the_writer() {
    let (node, log, _dir) = faulty().await;
    log.arm(Fault::Panic);
    let unknown = node
        .post("/x-news", &json!({"title": "t", "content": "c"}))
        .await;
    unknown.refused(504, "outcome_unknown");
    node.post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
}

#[tokio::test]
async fn a_whole_group_hears_of_an_unknown_outcome() {
    let (node, log, _dir) = faulty().await;
    log.arm(Fault::LostAnswer);
    let submits = (0..50).map(|n| {
        let writer = node.control.writer().clone();
        let submission = news(&node, &format!("n{n}"));
        async move { writer.submit(submission).await }
    });
    let outcomes = futures_util::future::join_all(submits).await;
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let unknown = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(error) if error.code() == "outcome_unknown"));
    assert_eq!(written + unknown.count(), 50);
    let head = log.head().await.unwrap().revision;
    assert_eq!(head, Revision(51), "all of them stand, none twice");
}
