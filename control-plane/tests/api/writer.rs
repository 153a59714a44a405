//! The submitter: groups, races, and clients that leave.

use std::collections::BTreeSet;

use foldgate_control_plane::Submission;
use foldgate_domain::Command;
use foldgate_domain::command::PublishNews;
use foldgate_log::Reports;
use foldgate_proto::{Actor, NewsId, Revision};
use serde_json::json;
use uuid::Uuid;

use crate::node::{Node, SOON, embedded, eventually};

/// A command that always writes.
pub(crate) fn news(node: &Node, title: &str) -> Submission {
    Submission {
        owner: node.owner,
        command: Command::PublishNews(PublishNews {
            id: NewsId(Uuid::now_v7()),
            title: title.to_owned(),
            content: "content".to_owned(),
            target: None,
            days: None,
        }),
        actor: Actor::owner("root"),
        stamp: foldgate_control_plane::Stamp::default(),
        precondition: None,
    }
}

#[tokio::test]
async fn commands_that_wait_together_are_all_written_in_order() {
    let node = Node::start().await;
    let submits = (0..200).map(|n| {
        let writer = node.control.writer().clone();
        let submission = news(&node, &format!("n{n}"));
        async move { writer.submit(submission).await.unwrap() }
    });
    let settled = futures_util::future::join_all(submits).await;
    let revisions: BTreeSet<Revision> = settled
        .iter()
        .map(foldgate_control_plane::Settled::revision)
        .collect();
    let expected: BTreeSet<Revision> = (2..=201).map(Revision).collect();
    assert_eq!(revisions, expected);
    let numbers: BTreeSet<Option<u64>> = settled
        .iter()
        .map(foldgate_control_plane::Settled::subject)
        .collect();
    assert_eq!(numbers, (1..=200).map(Some).collect());
}

#[tokio::test]
async fn writers_that_race_on_one_log_all_succeed_and_no_number_is_given_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Node::on(log.clone(), Reports::local()).await);
    }
    let submits = (0..150).map(|n: usize| {
        let node = &nodes[n % nodes.len()];
        let writer = node.control.writer().clone();
        let submission = news(node, &format!("n{n}"));
        async move { writer.submit(submission).await.unwrap() }
    });
    let settled = futures_util::future::join_all(submits).await;
    let numbers: BTreeSet<Option<u64>> = settled
        .iter()
        .map(foldgate_control_plane::Settled::subject)
        .collect();
    assert_eq!(numbers, (1..=150).map(Some).collect());
    let head = log.head().await.unwrap();
    assert_eq!(head.revision, Revision(151));
    for node in &nodes {
        node.replica.wait_for(head.revision, SOON).await.unwrap();
        assert_eq!(node.replica.status().chain, head.hash);
    }
    let verified = log.verify(&mut |_| {}).await.unwrap();
    assert_eq!(verified, head);
}

#[tokio::test]
async fn a_write_can_be_read_on_the_same_node_at_once() {
    let node = Node::start().await;
    for number in 1..=30 {
        assert_eq!(node.add_key(1, "http://127.0.0.1:9").await, number);
        let listed = node.get("/x-keys").await.ok();
        assert_eq!(listed["keys"].as_array().unwrap().len() as u64, number);
    }
}

#[tokio::test]
async fn what_another_node_just_wrote_is_found_here() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let one = Node::on(log.clone(), Reports::local()).await;
    let two = Node::on(log, Reports::local()).await;
    for number in 1..=20 {
        one.add_key(1, "http://127.0.0.1:9").await;
        let path = format!("/x-keys/{number}");
        two.put(&path, &json!({"Level": 2})).await.ok();
        one.delete(&path).await.ok();
        two.get(&path).await;
        two.delete(&path).await.refused(404, "key_not_found");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cancel_its_command() {
    let node = Node::start().await;
    let writer = node.control.writer().clone();
    let submission = news(&node, "left");
    {
        let submit = writer.submit(submission);
        tokio::pin!(submit);
        // Polled once: queued, then dropped.
        assert!(futures_util::poll!(submit.as_mut()).is_pending());
    }
    let written = eventually("the record", async || {
        let state = node.replica.state();
        let owner = state.owner(node.owner)?;
        owner.news.values().next().cloned()
    })
    .await;
    assert_eq!(written.title, "left");
}

#[tokio::test]
async fn a_stopped_writer_finishes_what_it_took_and_takes_no_more() {
    let running = Node::start().await;
    let writer = running.control.writer().clone();
    let late = news(&running, "late");
    let log = running.log.clone();
    let submits: Vec<_> = (0..20)
        .map(|n| {
            let writer = writer.clone();
            let submission = news(&running, &format!("n{n}"));
            tokio::spawn(async move { writer.submit(submission).await })
        })
        .collect();
    eventually("the first record", async || {
        (log.head().await.unwrap().revision >= Revision(2)).then_some(())
    })
    .await;
    running.stop().await;
    let mut written = 0;
    for submit in submits {
        written += u64::from(submit.await.unwrap().is_ok());
    }
    assert_eq!(log.head().await.unwrap().revision, Revision(1 + written));
    let refused = writer.submit(late).await.unwrap_err();
    assert_eq!(refused.code(), "log_unavailable");
}
