//! Accounts that may spend no more, as a control plane tells it.

use foldgate_domain::command::{Command, Grant, PatchAccount, ProfileEdit};
use foldgate_proto::{AccountNumber, NanoDollars, Purses, Timestamp};

use crate::accounts::{ROOT, account, rig};
use crate::client::Caller;
use crate::rig::{OWNER, PATIENCE, Rig};
use crate::upstream::Script;

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1}}"#;

/// Tells the node as a control plane does that has folded as much as it can.
fn tell(rig: &Rig, empty: &[AccountNumber], capped: &[AccountNumber]) {
    rig.reports.publish_purses(Purses {
        node: "control".to_owned(),
        owner: OWNER,
        revision: rig.replica.status().revision,
        spent: NanoDollars(1),
        at: Timestamp(0),
        empty: empty.to_vec(),
        capped: capped.to_vec(),
    });
}

/// Calls until the answer has this status and code.
async fn comes_to(rig: &Rig, name: &str, wanted: (u16, &str)) {
    let deadline = std::time::Instant::now() + PATIENCE;
    let caller = Caller::new(rig.address, name);
    loop {
        let reply = caller.chat("m").await;
        if reply.code() == (wanted.0, wanted.1.to_owned()) {
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
    let child = account(&mut rig, alice, "child", ProfileEdit::default()).await;
    account(&mut rig, child, "grandchild", ProfileEdit::default()).await;
    tell(&rig, &[], &[child]);
    comes_to(&rig, "grandchild", (402, "hard_limit_reached")).await;
    comes_to(&rig, "child", (402, "hard_limit_reached")).await;
    comes_to(&rig, "alice", (200, "")).await;
    tell(&rig, &[], &[]);
    comes_to(&rig, "grandchild", (200, "")).await;
}
