//! Accounts and their keys on the proxy: who may call, from where, what, and
//! for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::{
    AddAccount, Change, Command, KeyOf, NewKey, PatchAccount, PatchCallerKey, PatchConfig,
    ProfileEdit, RotateCallerKey, TermsEdit,
};
use foldgate_proto::{
    AccountId, AccountNumber, CallerKeyId, CallerKeyNumber, Config, KeyHash, Level, SleepCause,
    Timestamp,
};
use uuid::Uuid;

use crate::client::Caller;
use crate::rig::{Rig, until};
use crate::upstream::{Script, Upstream};

pub(crate) const ROOT: AccountNumber = AccountNumber(1);
pub(crate) const SECRET: &str = "sk-accounts-0123456789-0123456789";
const OTHER: &str = "sk-accounts-other-0123456789-012345";

/// Level 1 serves everything but `claude*`, which Level 2 serves.
pub(crate) async fn rig() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.key(2, &upstream, OTHER).await;
    let level = |n| Level::new(n).unwrap();
    rig.config(Config {
        level_mapper: Some(BTreeMap::from([
            ("*".to_owned(), level(1)),
            ("claude*".to_owned(), level(2)),
        ])),
        switch_over: Some(BTreeMap::from([(level(1), level(2))])),
        ..Config::default()
    })
    .await;
    (rig, upstream)
}

fn key(text: &str, terms: TermsEdit) -> NewKey {
    NewKey {
        id: CallerKeyId(Uuid::new_v4()),
        name: String::new(),
        hash: KeyHash(foldgate_vault::digest(text)),
        mask: "sk".to_owned(),
        terms,
    }
}

/// An account below another, called with `name` as its key.
pub(crate) async fn account(
    rig: &mut Rig,
    parent: AccountNumber,
    name: &str,
    profile: ProfileEdit,
) -> AccountNumber {
    let add = AddAccount {
        id: AccountId(Uuid::new_v4()),
        parent,
        profile: ProfileEdit {
            name: Some(name.to_owned()),
            email: Some(format!("{name}@example.com")),
            ..profile
        },
        credit: None,
        key: key(name, TermsEdit::default()),
    };
    rig.write(&Command::AddAccount(Box::new(add))).await;
    rig.replica.state().last_account
}

async fn patch(rig: &mut Rig, number: AccountNumber, profile: ProfileEdit) {
    let parent = rig.replica.state().owners.values().next().unwrap().accounts[&number].parent;
    let patch = PatchAccount {
        number,
        parent,
        profile,
        credit: None,
    };
    rig.write(&Command::PatchAccount(Box::new(patch))).await;
}

fn list<T: foldgate_domain::acl::Item>(text: &str) -> ListEdit<T> {
    ListEdit::parse(text).unwrap()
}

fn calls(rig: &Rig, key: &str) -> Caller {
    Caller::new(rig.address, key)
}

#[tokio::test]
async fn an_account_calls_with_its_own_key() {
    let (mut rig, upstream) = rig().await;
    account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    assert_eq!(calls(&rig, "team-one").chat("gpt-4o").await.status, 200);
    assert_eq!(upstream.asked().len(), 1);
    let unknown = calls(&rig, "team-two").chat("gpt-4o").await;
    assert_eq!(unknown.code(), (401, "invalid_api_key".to_owned()));
}

#[tokio::test]
async fn a_suspended_account_stops_with_all_below_it() {
    let (mut rig, _upstream) = rig().await;
    let team = account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    account(&mut rig, team, "member-one", ProfileEdit::default()).await;
    assert_eq!(calls(&rig, "member-one").chat("gpt-4o").await.status, 200);
    let off = |suspended| ProfileEdit {
        suspended: Some(suspended),
        ..ProfileEdit::default()
    };
    patch(&mut rig, team, off(true)).await;
    for name in ["team-one", "member-one"] {
        let reply = calls(&rig, name).chat("gpt-4o").await;
        assert_eq!(
            reply.code(),
            (403, "account_suspended".to_owned()),
            "{name}"
        );
        assert_eq!(calls(&rig, name).get("/v1/models").await.status, 403);
    }
    patch(&mut rig, team, off(false)).await;
    assert_eq!(calls(&rig, "member-one").chat("gpt-4o").await.status, 200);
}

#[tokio::test]
async fn lists_bound_addresses_paths_models_and_levels() {
    let (mut rig, _upstream) = rig().await;
    let lists = ProfileEdit {
        allow_models: Some(list("gpt-4*")),
        resources: Some(list("/v1/chat")),
        ..ProfileEdit::default()
    };
    let team = account(&mut rig, ROOT, "team-one", lists).await;
    let caller = calls(&rig, "team-one");
    assert_eq!(caller.chat("gpt-4o").await.status, 200);
    let model = caller.chat("gpt-3.5-turbo").await;
    assert_eq!(model.code(), (403, "model_not_allowed".to_owned()));
    let path = caller.post("/v1/embeddings", r#"{"model":"gpt-4o"}"#).await;
    assert_eq!(path.code(), (403, "resource_not_allowed".to_owned()));
    let alias = caller.post("/embeddings", r#"{"model":"gpt-4o"}"#).await;
    assert_eq!(alias.status.as_u16(), 403, "an alias is the same path");
    let paths = ProfileEdit {
        resources: Some(list("/v1/batches, /v1/realtime")),
        ..ProfileEdit::default()
    };
    patch(&mut rig, team, paths).await;
    let batch = r#"{"endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
    let batch = caller.post("/v1/batches", batch).await;
    assert_eq!(batch.code(), (403, "model_not_allowed".to_owned()));
    let session = r#"{"session":{"type":"realtime","model":"gpt-4o"}}"#;
    let secret = caller.post("/v1/realtime/client_secrets", session).await;
    assert_eq!(secret.code(), (403, "resource_not_allowed".to_owned()));

    let away = ProfileEdit {
        allow_ips: Some(list("192.0.2.0/24")),
        ..ProfileEdit::default()
    };
    patch(&mut rig, team, away).await;
    assert_eq!(
        caller.chat("gpt-4o").await.code(),
        (403, "ip_not_allowed".to_owned())
    );
    let home = ProfileEdit {
        allow_ips: Some(list("-*")),
        ..ProfileEdit::default()
    };
    patch(&mut rig, team, home).await;
    assert_eq!(
        caller.chat("gpt-4o").await.status,
        200,
        "nothing still means loopback"
    );

    let level = ProfileEdit {
        allow_levels: Some(list("2")),
        ..ProfileEdit::default()
    };
    patch(&mut rig, team, level).await;
    assert_eq!(
        caller.chat("gpt-4o").await.code(),
        (403, "level_not_allowed".to_owned())
    );
}

#[tokio::test]
async fn a_switch_over_never_leaves_the_allowed_levels() {
    let (mut rig, upstream) = rig().await;
    let one = ProfileEdit {
        allow_levels: Some(list("1")),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "team-one", one).await;
    account(&mut rig, ROOT, "team-two", ProfileEdit::default()).await;
    upstream.script(SECRET, Script::json(500, "{}"));
    let bound = calls(&rig, "team-one").chat("gpt-4o").await;
    assert_ne!(bound.status.as_u16(), 200);
    assert_eq!(calls(&rig, "team-two").chat("gpt-4o").await.status, 200);
    let sleeping = rig.pools.sleeps().all();
    assert_eq!(sleeping.len(), 1);
    assert_eq!(sleeping[0].cause, SleepCause::UpstreamError);
}

#[tokio::test]
async fn the_accounts_mapper_comes_before_the_owners() {
    let (mut rig, upstream) = rig().await;
    let mapper = |from: &str, to: &str| BTreeMap::from([(from.to_owned(), to.to_owned())]);
    let own = ProfileEdit {
        model_mapper: Some(mapper("cheap", "gpt-4")),
        allow_models: Some(list("cheap, gpt-4")),
        ..ProfileEdit::default()
    };
    account(&mut rig, ROOT, "team-one", own).await;
    rig.write(&Command::PatchConfig(PatchConfig {
        set: Config {
            model_mapper: Some(mapper("gpt-4", "gpt-4o-mini")),
            ..Config::default()
        },
        merge_limits: None,
    }))
    .await;
    let caller = calls(&rig, "team-one");
    assert_eq!(caller.chat("cheap").await.status, 200);
    let asked = upstream.asked().pop().unwrap();
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["model"], "gpt-4o-mini");
    let listed = caller.get("/v1/models").await.json();
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["cheap", "gpt-4"], "only what may be named");
    assert_eq!(caller.get("/v1/models/cheap").await.status, 200);
    assert_eq!(caller.get("/v1/models/gpt-4o").await.status.as_u16(), 403);
}

#[tokio::test]
async fn a_key_ends_when_it_expires_and_lives_on_beside_its_successor() {
    let (mut rig, _upstream) = rig().await;
    let team = account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    let soon = Timestamp::from(chrono::Utc::now()).after(Duration::from_millis(300));
    let terms = TermsEdit {
        expires_at: Change::Set(soon),
        allow_models: Some(list("gpt-4o")),
        ..TermsEdit::default()
    };
    rig.write(&Command::IssueCallerKey(
        foldgate_domain::command::IssueCallerKey {
            account: team,
            key: key("short-lived", terms),
            own_name: false,
        },
    ))
    .await;
    let caller = calls(&rig, "short-lived");
    let other = caller.chat("gpt-3.5").await;
    assert!(matches!(other.code(), (403 | 401, _)));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let reply = caller.chat("gpt-4o").await;
        if reply.code() == (401, "expired_api_key".to_owned()) {
            break;
        }
        assert_eq!(reply.status, 200);
        assert!(std::time::Instant::now() < deadline, "it never expires");
    }

    let rotate = |text: &str, overlap| {
        Command::RotateCallerKey(RotateCallerKey {
            key: KeyOf {
                account: team,
                number: CallerKeyNumber(1),
            },
            hash: KeyHash(foldgate_vault::digest(text)),
            mask: "sk".to_owned(),
            overlap,
        })
    };
    rig.write(&rotate("team-one-2", Duration::from_hours(1)))
        .await;
    for name in ["team-one", "team-one-2"] {
        assert_eq!(calls(&rig, name).chat("gpt-4o").await.status, 200, "{name}");
    }
    rig.write(&rotate("team-one-3", Duration::ZERO)).await;
    for (name, status) in [("team-one", 401), ("team-one-2", 401), ("team-one-3", 200)] {
        let reply = calls(&rig, name).chat("gpt-4o").await;
        assert_eq!(reply.status.as_u16(), status, "{name}");
    }
}

#[tokio::test]
async fn a_key_revoked_while_the_body_comes_does_not_get_in() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (mut rig, upstream) = rig().await;
    let team = account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    let body = r#"{"model":"gpt-4o","messages":[]}"#;
    let mut socket = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer team-one\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
        body.len(),
        &body[..5]
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // A second request on the same key shows that the first one's head was taken.
    assert_eq!(calls(&rig, "team-one").chat("gpt-4o").await.status, 200);
    rig.write(&Command::RevokeCallerKey(KeyOf {
        account: team,
        number: CallerKeyNumber(1),
    }))
    .await;
    socket.write_all(&body.as_bytes()[5..]).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(upstream.asked().len(), 1, "only the first was sent on");
}

#[tokio::test]
async fn a_key_revoked_or_disabled_between_two_attempts_makes_no_second_one() {
    let key = |account| KeyOf {
        account,
        number: CallerKeyNumber(1),
    };
    no_second_attempt_after(|account| Command::RevokeCallerKey(key(account))).await;
    no_second_attempt_after(|account| {
        Command::PatchCallerKey(PatchCallerKey {
            key: key(account),
            name: None,
            terms: TermsEdit {
                disabled: Some(true),
                ..TermsEdit::default()
            },
            hash: None,
            own_name: false,
        })
    })
    .await;
}

async fn no_second_attempt_after(end: impl FnOnce(AccountNumber) -> Command) {
    let (mut rig, upstream) = rig().await;
    let team = account(&mut rig, ROOT, "team-one", ProfileEdit::default()).await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    upstream.script(
        SECRET,
        Script::events(vec![
            crate::upstream::Step::Wait(std::sync::Arc::clone(&gate)),
            crate::upstream::Step::Break,
        ]),
    );
    let caller = calls(&rig, "team-one");
    let asking = tokio::spawn(async move { caller.chat_stream("gpt-4o").await });
    until("the first attempt", || upstream.asked().len() == 1).await;
    rig.write(&end(team)).await;
    gate.notify_one();
    let reply = asking.await.unwrap();
    assert_eq!(reply.code(), (401, "invalid_api_key".to_owned()));
    assert_eq!(upstream.asked().len(), 1);
}
