//! Accounts that may spend no more, as a control plane tells it.

use std::sync::Arc;

use foldgate_domain::command::{Change, Command, Grant, PatchAccount, ProfileEdit};
use foldgate_proto::{AccountNumber, Config, NanoDollars, Purses, Timestamp};

use http::Method;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::accounts::{ROOT, account, rig};
use crate::client::Caller;
use crate::rig::{OWNER, PATIENCE, Rig, until};
use crate::upstream::{Script, Step};

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1}}"#;

/// What a call costs where a token costs ten cents.
const CALL: i64 = 100_000_000;

/// Tells the node as a control plane does that has folded as much as it can.
fn tell(rig: &Rig, empty: &[AccountNumber], capped: &[AccountNumber]) {
    rig.reports.publish_purses(Purses {
        empty: empty.to_vec(),
        capped: capped.to_vec(),
        ..told(rig, 1)
    });
}

/// What is told where there is nothing to tell.
fn told(rig: &Rig, spent: i64) -> Purses {
    Purses {
        node: "control".to_owned(),
        owner: OWNER,
        revision: rig.replica.status().revision,
        spent: NanoDollars(spent),
        at: Timestamp(0),
        least: NanoDollars(0),
        empty: Vec::new(),
        capped: Vec::new(),
        left: Vec::new(),
        room: Vec::new(),
    }
}

/// Calls until the answer has this status and code.
async fn comes_to(rig: &Rig, name: &str, wanted: (u16, &str)) {
    let deadline = std::time::Instant::now() + PATIENCE;
    let caller = Caller::new(rig.address, name);
    loop {
        let reply = caller.chat("m").await;
        if reply.code() == (wanted.0, wanted.1.to_owned()) {
            let again = (wanted.0 == 402).then_some("false");
            assert_eq!(reply.header("x-should-retry"), again);
            if wanted.0 == 402 {
                let told = "\"type\":\"insufficient_quota\"";
                assert!(reply.text().contains(told), "{}", reply.text());
            }
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{reply:?}");
    }
}

async fn grant(rig: &mut Rig, number: AccountNumber) {
    let patch = PatchAccount {
        number,
        parent: ROOT,
        profile: ProfileEdit::default(),
        credit: Some(Grant {
            amount: NanoDollars::DOLLAR,
            days: None,
        }),
    };
    rig.write(&Command::PatchAccount(Box::new(patch))).await;
}

#[tokio::test]
async fn whose_credit_is_spent_is_refused_with_those_it_pays_for() {
    let (mut rig, upstream) = rig().await;
    upstream.script(crate::accounts::SECRET, Script::json(200, ANSWER));
    let alice = account(&mut rig, ROOT, "alice", ProfileEdit::default()).await;
    account(&mut rig, alice, "child", ProfileEdit::default()).await;
    account(&mut rig, ROOT, "other", ProfileEdit::default()).await;
    grant(&mut rig, alice).await;
    tell(&rig, &[alice], &[]);
    comes_to(&rig, "alice", (402, "insufficient_balance")).await;
    comes_to(&rig, "child", (402, "insufficient_balance")).await;
    // Others are served, and what is free is.
    for name in ["other", crate::rig::KEY] {
        let reply = Caller::new(rig.address, name).chat("m").await;
        assert_eq!(reply.status, 200, "{name}");
    }
    let body = r#"{"model":"m","input":"x"}"#;
    let free = Caller::new(rig.address, "alice")
        .post("/v1/moderations", body)
        .await;
    assert_eq!(free.status, 200);
    let asked = upstream.asked().len();
    comes_to(&rig, "alice", (402, "insufficient_balance")).await;
    assert_eq!(upstream.asked().len(), asked);
    tell(&rig, &[], &[]);
    comes_to(&rig, "alice", (200, "")).await;
    comes_to(&rig, "child", (200, "")).await;
}

#[tokio::test]
async fn who_has_come_to_a_hard_limit_is_refused_with_all_below() {
    let (mut rig, upstream) = rig().await;
    upstream.script(crate::accounts::SECRET, Script::json(200, ANSWER));
    let alice = account(&mut rig, ROOT, "alice", ProfileEdit::default()).await;
    let limited = ProfileEdit {
        hard_limit: Change::Set(NanoDollars::DOLLAR),
        ..ProfileEdit::default()
    };
    let child = account(&mut rig, alice, "child", limited).await;
    account(&mut rig, child, "grandchild", ProfileEdit::default()).await;
    tell(&rig, &[], &[child]);
    comes_to(&rig, "grandchild", (402, "hard_limit_reached")).await;
    comes_to(&rig, "child", (402, "hard_limit_reached")).await;
    comes_to(&rig, "alice", (200, "")).await;
    tell(&rig, &[], &[]);
    comes_to(&rig, "grandchild", (200, "")).await;
}

async fn ten_cents_a_token(rig: &mut Rig) {
    priced(rig, r#"{"ChatPricing":{"m":{"InputText":100000}}}"#).await;
}

async fn priced(rig: &mut Rig, pricing: &str) {
    let pricing = Config {
        pricing: Some(pricing.to_owned()),
        ..Config::default()
    };
    rig.config(pricing).await;
}

#[tokio::test]
async fn a_node_that_is_told_nothing_stops_by_what_it_knows() {
    let (mut rig, upstream) = rig().await;
    ten_cents_a_token(&mut rig).await;
    // Ten cents each.
    upstream.script(crate::accounts::SECRET, Script::json(200, ANSWER));
    let alice = account(&mut rig, ROOT, "alice", ProfileEdit::default()).await;
    account(&mut rig, alice, "child", ProfileEdit::default()).await;
    grant(&mut rig, alice).await;
    // A dollar is granted, and nobody has told of anything spent.
    for name in ["alice", "child"] {
        let caller = Caller::new(rig.address, name);
        for _ in 0..5 {
            assert_eq!(caller.chat("m").await.status, 200);
        }
    }
    comes_to(&rig, "alice", (402, "insufficient_balance")).await;
    assert_eq!(upstream.asked().len(), 10);
    // Three are told to be left: they are, and no more.
    let told = Purses {
        left: vec![(alice, NanoDollars(3 * CALL))],
        ..told(&rig, 1)
    };
    rig.reports.publish_purses(told);
    comes_to(&rig, "child", (200, "")).await;
    comes_to(&rig, "child", (402, "insufficient_balance")).await;
    assert_eq!(upstream.asked().len(), 13);
    // So it is with limits.
    let limited = ProfileEdit {
        hard_limit: Change::Set(NanoDollars(2 * CALL)),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "limited", limited).await;
    let caller = Caller::new(rig.address, "limited");
    for _ in 0..2 {
        assert_eq!(caller.chat("m").await.status, 200);
    }
    comes_to(&rig, "limited", (402, "hard_limit_reached")).await;
    assert_eq!(upstream.asked().len(), 15);
}

/// What an answer may cost at most counts, not what answers mostly cost.
#[tokio::test]
async fn an_answer_holds_as_much_as_it_may_have() {
    let (mut rig, upstream) = rig().await;
    priced(&mut rig, r#"{"ChatPricing":{"m":{"OutputText":100000}}}"#).await;
    let gate = Arc::new(Notify::new());
    let slow = Script {
        steps: vec![Step::Wait(gate.clone()), Step::Send(ANSWER.to_owned())],
        ..Script::json(200, "")
    };
    upstream.script(crate::accounts::SECRET, slow);
    let limited = ProfileEdit {
        hard_limit: Change::Set(NanoDollars(100 * NanoDollars::DOLLAR.0)),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "limited", limited).await;
    let caller = Caller::new(rig.address, "limited");
    let bounded = |most: u64, n: u64| {
        let (caller, begun) = (caller.clone(), upstream.begun());
        let body = json!({"model": "m", "messages": [], "max_tokens": most, "n": n});
        let post = async move { caller.post("/v1/chat/completions", body.to_string()).await };
        (begun, post)
    };
    // Ninety of a hundred dollars, by three answers of three hundred tokens.
    let (begun, post) = bounded(300, 3);
    let first = tokio::spawn(post);
    until("the first is under way", || upstream.begun() == begun + 1).await;
    let (begun, post) = bounded(150, 1);
    let second = tokio::spawn(post);
    until("a second as well, for something is left", || {
        upstream.begun() == begun + 1
    })
    .await;
    let (_, post) = bounded(150, 1);
    let third = tokio::spawn(post);
    let refused = third.await.unwrap();
    assert_eq!(refused.code(), (429, "credit_held".to_owned()));
    for call in [first, second] {
        gate.notify_one();
        assert_eq!(call.await.unwrap().status, 200);
    }
    gate.notify_one();
    let (_, post) = bounded(150, 1);
    assert_eq!(post.await.status, 200);
}

/// Twenty calls at once, of which each is going to cost all that is left.
#[tokio::test]
async fn calls_under_way_hold_what_they_are_going_to_cost() {
    let (mut rig, upstream) = rig().await;
    ten_cents_a_token(&mut rig).await;
    let gate = Arc::new(Notify::new());
    let slow = Script {
        steps: vec![Step::Wait(gate.clone()), Step::Send(ANSWER.to_owned())],
        ..Script::json(200, "")
    };
    upstream.script(crate::accounts::SECRET, slow.clone());
    let alice = account(&mut rig, ROOT, "alice", ProfileEdit::default()).await;
    grant(&mut rig, alice).await;
    let limited = ProfileEdit {
        hard_limit: Change::Set(NanoDollars::DOLLAR),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "limited", limited).await;
    for name in ["alice", "limited"] {
        let begun = upstream.begun();
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            let caller = Caller::new(rig.address, name);
            // Ten tokens and more, of ten cents each.
            let body =
                json!({"model": "m", "messages": [{"role": "user", "content": "0123456789"}]});
            calls.spawn(async move { caller.post("/v1/chat/completions", body.to_string()).await });
        }
        for _ in 0..19 {
            let reply = calls.join_next().await.unwrap().unwrap();
            assert_eq!(reply.code(), (429, "credit_held".to_owned()));
            assert_eq!(reply.header("x-should-retry"), Some("true"));
        }
        until("one is under way", || upstream.begun() == begun + 1).await;
        gate.notify_one();
        let last = calls.join_next().await.unwrap().unwrap();
        assert_eq!(last.status, 200);
        // It cost ten cents, and holds no more.
        gate.notify_one();
        let caller = Caller::new(rig.address, name);
        assert_eq!(caller.chat("m").await.status, 200);
        // Nor does one whose client has left.
        let body = r#"{"model":"m","messages":[],"stream":true,"x":"0123456789"}"#;
        let request = caller.request(Method::POST, "/v1/chat/completions", body);
        let left = tokio::spawn(async move { caller.open(request).await.status() });
        until("another is under way", || upstream.begun() == begun + 3).await;
        left.abort();
        upstream.clear(crate::accounts::SECRET);
        upstream.script(crate::accounts::SECRET, Script::json(200, ANSWER));
        comes_to(&rig, name, (200, "")).await;
        upstream.clear(crate::accounts::SECRET);
        upstream.script(crate::accounts::SECRET, slow.clone());
    }
}
