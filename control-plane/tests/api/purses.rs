//! What accounts have left, who may spend no more, and what follows from it.

use std::sync::Arc;

use chrono::Utc;
use foldgate_log::Report;
use foldgate_proto::{AccountNumber, NanoDollars, Purses, Timestamp};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

use crate::bills::{hand_over, used};
use crate::node::{Node, SOON, eventually};
use crate::people::user;

const DOLLAR: i64 = 1_000_000_000;

/// Hands over that an account spent so much just now.
async fn spend(node: &Node, batch: u64, account: u64, cost: i64) {
    let mut record = used(node, account, "gpt-4o", cost);
    record.at = Timestamp::from(Utc::now());
    hand_over(node, batch, vec![record]).await;
}

/// What is told next that is so.
async fn told(
    heard: &mut Receiver<Report>,
    what: &str,
    wanted: impl Fn(&Purses) -> bool,
) -> Arc<Purses> {
    let next = async {
        loop {
            match heard.recv().await {
                Ok(Report::Purses(told)) if wanted(&told) => return told,
                _ => {}
            }
        }
    };
    let told = tokio::time::timeout(SOON, next).await;
    told.unwrap_or_else(|_| panic!("never told: {what}"))
}

async fn left(node: &Node, account: u64) -> Value {
    let user = node.get(&format!("/x-users/{account}")).await.ok();
    user["user"]["Balance"].clone()
}

#[tokio::test]
async fn an_account_whose_credit_is_spent_is_stopped_until_it_gets_more() {
    let node = Node::start().await;
    let mut heard = node.reports.subscribe();
    let (alice, key) = node.add_user("alice", &json!({"CreditGranted": 5})).await;
    assert_eq!(left(&node, alice).await, 5);
    spend(&node, 1, alice, 2 * DOLLAR).await;
    eventually("three dollars are left", async || {
        (left(&node, alice).await == 3).then_some(())
    })
    .await;
    let info = node.with(&key).get("/dashboard/info").await.ok();
    assert_eq!(info["balance"]["total"], 3);
    assert_eq!(info["balance"]["credits"][0]["amount"], 3);
    assert_eq!(
        node.with(&key).get("/dashboard/status").await.ok()["balance"],
        3
    );
    // UserMinBalance is 2.
    spend(&node, 2, alice, DOLLAR + 1).await;
    let number = AccountNumber(alice);
    let stopped = told(&mut heard, "it is stopped", |told| told.empty == [number]).await;
    assert_eq!(stopped.spent, NanoDollars(3 * DOLLAR + 1));
    node.put(&format!("/x-users/{alice}"), &json!({"CreditGranted": 1}))
        .await
        .ok();
    let free = told(&mut heard, "it is free again", |told| told.empty.is_empty()).await;
    assert!(free.revision > stopped.revision);
}

#[tokio::test]
async fn who_comes_to_its_hard_limit_is_stopped_with_all_below() {
    let node = Node::start().await;
    let mut heard = node.reports.subscribe();
    let (alice, key) = node
        .add_user("alice", &json!({"HardLimit": 4, "SoftLimit": 2}))
        .await;
    let below = node.with(&key);
    let (bob, _) = below.add_user("bobby", &json!({})).await;
    spend(&node, 1, alice, 3 * DOLLAR).await;
    spend(&node, 2, bob, DOLLAR - 1).await;
    told(&mut heard, "all of it", |told| {
        told.spent == NanoDollars(4 * DOLLAR - 1)
    })
    .await;
    spend(&node, 3, bob, 1).await;
    let number = AccountNumber(alice);
    let stopped = told(&mut heard, "it is stopped", |told| told.capped == [number]).await;
    assert!(stopped.empty.is_empty());
    node.put(&format!("/x-users/{alice}"), &json!({"HardLimit": 9}))
        .await
        .ok();
    told(&mut heard, "it is free again", |told| {
        told.capped.is_empty()
    })
    .await;
}

#[tokio::test]
async fn who_has_too_little_left_manages_nobody() {
    let node = Node::start().await;
    let (_, poor) = node
        .add_user("poor", &json!({"CreditGranted": 19.99}))
        .await;
    let (_, rich) = node.add_user("rich", &json!({"CreditGranted": 20})).await;
    let (_, unpaid) = node.add_user("unpaid", &json!({})).await;
    let make = async |key: &str, name: &str| {
        node.with(key)
            .post("/x-users", &user(name, &json!({})))
            .await
    };
    make(&poor, "of-poor")
        .await
        .refused(403, "insufficient_balance");
    make(&rich, "of-rich").await.ok();
    // The owner pays for it.
    make(&unpaid, "of-unpaid").await.ok();
    // It may look, and take its own next key.
    node.with(&poor).get("/x-users").await.ok();
}
