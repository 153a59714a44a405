//! Money that is spent on one node is spent on all.

use std::sync::Arc;
use std::time::Instant;

use foldgate_tests::mail::MailServer;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Client, FakeUpstream, Fleet, Reply, eventually};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{CHAT, chat, mail};

/// What a call costs, in dollars.
const CALL: f64 = 0.1;

/// Calls cost ten cents each.
async fn priced(fleet: &Fleet) -> FakeUpstream {
    let upstream = FakeUpstream::start().await;
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 100});
    upstream.always(Reply::json(200, &json!({"choices": [], "usage": usage})));
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let prices = json!({"ChatPricing": {"*": {"InputText": 1_000}}}).to_string();
    let written = admin.put("/x-config", &json!({"PRICING": prices})).await;
    fleet.folded(written.revision()).await;
    upstream
}

/// An account with these fields, as its key and its number.
async fn account(admin: &Admin, fleet: &Fleet, more: &Value) -> (String, u64) {
    let mut body = json!({"Name": "alice", "Email": "alice@example.com"});
    for (field, value) in more.as_object().expect("fields") {
        body[field] = value.clone();
    }
    let made = admin.post("/x-users", &body).await;
    fleet.folded(made.revision()).await;
    let made: Value = made.ok();
    let key = made["key"]["SecretKey"].as_str().expect("a key").to_owned();
    (key, made["user"]["ID"].as_u64().expect("a number"))
}

/// Calls until it is refused so; how many calls passed.
async fn spend(proxy: &Client, code: &str) -> usize {
    let deadline = Instant::now() + SOON;
    let mut passed = 0;
    loop {
        let answer = proxy.post(CHAT, &chat("m")).await;
        if answer.status != 200 {
            assert_eq!(answer.status, 402, "{}", answer.text());
            assert_eq!(answer.json()["error"]["code"], code);
            return passed;
        }
        passed += 1;
        assert!(Instant::now() < deadline, "{passed} calls passed");
    }
}

async fn passes(proxy: &Client) {
    eventually("calls pass", SOON, async || {
        let answer = proxy.post(CHAT, &chat("m")).await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_that_is_spent_is_spent_on_every_node() {
    let mut fleet = Fleet::start(1, 3).await;
    let upstream = priced(&fleet).await;
    let admin = fleet.admin();
    let (key, number) = account(&admin, &fleet, &json!({"CreditGranted": 5})).await;
    let proxies: Vec<Client> = fleet
        .nodes
        .iter()
        .map(|node| node.proxy().with_key(Some(&key)))
        .collect();
    // Three dollars are thirty calls; below two it is refused.
    let began = Instant::now();
    let passed = spend(&proxies[0], "insufficient_balance").await;
    assert!(passed > 30, "{passed} calls passed");
    for proxy in &proxies[1..] {
        spend(proxy, "insufficient_balance").await;
    }
    eprintln!(
        "{} calls passed beyond the thirty, all nodes together, within {:?}",
        upstream.count() - 30,
        began.elapsed()
    );
    // What a node was told it forgets with its life, and is told again.
    fleet.nodes[1].restart().await;
    let again = fleet.nodes[1].proxy().with_key(Some(&key));
    spend(&again, "insufficient_balance").await;
    // The balance is what the upstream counted.
    let spent = f64::from(u32::try_from(upstream.count()).expect("few")) * CALL;
    eventually("the balance", SOON, async || {
        let user: Value = admin.get(&format!("/x-users/{number}")).await.json();
        let left = user["user"]["Balance"].as_f64().expect("a number");
        let close = (left - (5.0 - spent)).abs() < 1e-6;
        close
            .then_some(())
            .ok_or_else(|| user["user"]["Balance"].to_string())
    })
    .await;
    let more = json!({"CreditGranted": 100});
    admin.put(&format!("/x-users/{number}"), &more).await.ok();
    for proxy in [&proxies[0], &again, &proxies[2]] {
        passes(proxy).await;
    }
}

/// Sixty calls of three dollars at once, where half a dollar may be spent: each node lets
/// one in, which holds what is left until it has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_do_not_spend_one_credit_many_times() {
    let fleet = Fleet::start(1, 2).await;
    let upstream = priced(&fleet).await;
    let gate = Arc::new(Notify::new());
    let usage = json!({"prompt_tokens": 3_000, "completion_tokens": 0, "total_tokens": 3_000});
    let answer = Reply::json(200, &json!({"choices": [], "usage": usage}));
    upstream.always(answer.held_by(&gate));
    let admin = fleet.admin();
    // Below two dollars it is refused.
    let (key, _) = account(&admin, &fleet, &json!({"CreditGranted": 2.5})).await;
    let mut body = chat("m");
    body["messages"][0]["content"] = "word ".repeat(2_400).into();
    let mut calls = JoinSet::new();
    for number in 0..60 {
        let proxy = fleet.nodes[number % 2].proxy().with_key(Some(&key));
        let body = body.clone();
        calls.spawn(async move { proxy.post(CHAT, &body).await });
    }
    for _ in 0..58 {
        let refused = calls.join_next().await.expect("a call").expect("no panic");
        let told = refused.text();
        assert_eq!(refused.status, 429, "{told}");
        assert!(told.contains("credit_held"), "{told}");
    }
    eventually("one call a node is under way", SOON, async || {
        let count = upstream.count();
        (count == 2).then_some(()).ok_or_else(|| count.to_string())
    })
    .await;
    let mut passed = 0;
    eventually("both end", SOON, async || {
        gate.notify_waiters();
        while let Some(call) = calls.try_join_next() {
            assert_eq!(call.expect("no panic").status, 200);
            passed += 1;
        }
        let left = calls.len();
        (left == 0).then_some(()).ok_or_else(|| left.to_string())
    })
    .await;
    eprintln!(
        "{passed} of 60 calls of 3 dollars passed where half a dollar was left: overspent by {} dollars",
        f64::from(passed) * 3.0 - 0.5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_limit_stops_an_account_on_every_node() {
    let fleet = Fleet::start(1, 3).await;
    let _upstream = priced(&fleet).await;
    let admin = fleet.admin();
    let (key, number) = account(&admin, &fleet, &json!({"HardLimit": 1, "SoftLimit": 0.5})).await;
    for node in &fleet.nodes {
        let proxy = node.proxy().with_key(Some(&key));
        spend(&proxy, "hard_limit_reached").await;
    }
    // The owner is no account.
    passes(&fleet.nodes[0].proxy()).await;
    let more = json!({"HardLimit": 1_000});
    admin.put(&format!("/x-users/{number}"), &more).await.ok();
    for node in &fleet.nodes {
        passes(&node.proxy().with_key(Some(&key))).await;
    }
}

#[tokio::test]
async fn the_owner_is_told_of_a_soft_limit_and_of_a_low_balance() {
    let server = MailServer::start().await;
    let fleet = mail::fleet(&server, 2).await;
    let admin = fleet.admin();
    server.use_for(&admin).await;
    let _upstream = priced(&fleet).await;
    let (key, _) = account(
        &admin,
        &fleet,
        &json!({"CreditGranted": 3, "SoftLimit": 0.5}),
    )
    .await;
    let proxy = fleet.nodes[0].proxy().with_key(Some(&key));
    spend(&proxy, "insufficient_balance").await;
    let mails = server.came(2).await;
    let mut subjects: Vec<String> = mails
        .iter()
        .map(|mail| mail["subject"].as_str().expect("a text").to_owned())
        .collect();
    subjects.sort();
    assert_eq!(
        subjects,
        [
            "Foldgate: account alice has come to its SoftLimit",
            "Foldgate: the credit of account alice is nearly spent",
        ]
    );
}
