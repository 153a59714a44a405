//! No more calls at once with one caller key than its `concurrency`, whatever they
//! ask for, until their answers end.

use std::sync::Arc;

use foldgate_domain::command::{
    Change, Command, IssueCallerKey, KeyOf, NewKey, PatchCallerKey, TermsEdit,
};
use foldgate_proto::{AccountNumber, CallerKeyId, CallerKeyNumber, KeyHash};
use futures_util::future::join_all;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::client::Caller;
use crate::rig::PATIENCE;
use crate::targets::{CHAT, COMPLETIONS, EMBEDDINGS, EVENTS, World, held, routing};

const ROOT: AccountNumber = AccountNumber(1);

fn at_once(most: u32) -> TermsEdit {
    TermsEdit {
        concurrency: Change::Set(most),
        ..TermsEdit::default()
    }
}

/// A key of the owner's own account, and a caller that has it.
async fn issue(world: &mut World, text: &str, terms: TermsEdit) -> (CallerKeyNumber, Caller) {
    let key = NewKey {
        id: CallerKeyId(Uuid::new_v4()),
        name: text.to_owned(),
        hash: KeyHash(foldgate_vault::digest(text)),
        mask: "sk".to_owned(),
        terms,
    };
    let issue = IssueCallerKey {
        account: ROOT,
        key,
        own_name: true,
    };
    world.rig.write(&Command::IssueCallerKey(issue)).await;
    let state = world.rig.replica.state();
    let owner = state.owners.values().next().unwrap();
    let number = *owner.caller_keys.keys().next_back().unwrap();
    (number, Caller::new(world.rig.address, text))
}

/// Asks for a stream: its head.
async fn stream(caller: &Caller, path: &str, model: &str) -> Response<Incoming> {
    let body = json!({"model": model, "stream": true}).to_string();
    caller.open(caller.request(Method::POST, path, body)).await
}

async fn all_refused(world: &World, caller: &Caller) {
    let before = world.asked().len();
    for path in [CHAT, COMPLETIONS, EMBEDDINGS] {
        for model in ["t1", "t2", "smart", "plain"] {
            let reply = caller
                .post(path, json!({ "model": model }).to_string())
                .await;
            assert_eq!(reply.code(), (429, "rate_limit_exceeded".to_owned()));
            assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
            assert!(reply.header("retry-after").is_some());
        }
    }
    assert_eq!(world.asked().len(), before, "the upstream hears of none");
}

#[tokio::test]
async fn no_more_calls_at_once_than_a_caller_key_allows_until_the_streams_end() {
    let mut world = World::start(2, json!({})).await;
    world.rig.all_to_level_1().await;
    world.model(routing("smart", 2, json!({}))).await;
    let (number, caller) = issue(&mut world, "sk-bounded", at_once(2)).await;
    let (_, other) = issue(&mut world, "sk-free", TermsEdit::default()).await;
    let go = Arc::new(Notify::new());
    world.script(1, held(&go));
    world.script(2, held(&Arc::new(Notify::new())));
    // A Model that leads, and another on another endpoint, together are two.
    let first = stream(&caller, CHAT, "smart").await;
    let second = stream(&caller, COMPLETIONS, "t2").await;
    assert_eq!([first.status(), second.status()], [200, 200]);
    all_refused(&world, &caller).await;
    // It is the key that is bounded, not its account.
    assert_eq!(stream(&other, CHAT, "t2").await.status(), 200);
    // A list is no call.
    assert_eq!(caller.get("/v1/models").await.status, 200);

    // One reads to the end.
    go.notify_one();
    let body = first.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, EVENTS);
    let third = stream(&caller, CHAT, "plain").await;
    assert_eq!(third.status(), 200);
    all_refused(&world, &caller).await;
    // Two leave; their connections are closed beside our own calls.
    drop((second, third));
    let room = async {
        loop {
            let answer = stream(&caller, CHAT, "t2").await;
            if answer.status() == 200 {
                return answer;
            }
        }
    };
    let kept = tokio::time::timeout(PATIENCE, room).await;
    let kept = kept.expect("callers who leave make room");

    // A new limit counts those that are under way.
    let key = KeyOf {
        account: ROOT,
        number,
    };
    let patch = PatchCallerKey {
        key,
        name: None,
        terms: at_once(1),
        hash: None,
        own_name: true,
    };
    world.rig.write(&Command::PatchCallerKey(patch)).await;
    all_refused(&world, &caller).await;
    drop(kept);
}

#[tokio::test]
async fn of_many_calls_at_the_same_moment_just_so_many_pass() {
    let mut world = World::start(1, json!({})).await;
    let (_, caller) = issue(&mut world, "sk-rush", at_once(3)).await;
    world.script(1, held(&Arc::new(Notify::new())));
    let calls = (0..40).map(|_| {
        // Each over a connection of its own.
        let caller = Caller::new(world.rig.address, "sk-rush");
        async move { stream(&caller, CHAT, "t1").await }
    });
    let answers = join_all(calls).await;
    let passed = answers.iter().filter(|answer| answer.status() == 200);
    assert_eq!(passed.count(), 3);
    let refused = answers.iter().filter(|answer| answer.status() == 429);
    assert_eq!(refused.count(), 37);
    assert_eq!(world.asked().len(), 3);
    assert_eq!(stream(&caller, CHAT, "t1").await.status(), 429);
}
