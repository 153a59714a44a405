//! Limits on requests and tokens: of keys, accounts and those above them, models, the
//! owner's MODEL_LIMITS and policies.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_domain::command::{
    AddAccount, Change, Command, LimitPatch, NewKey, ProfileEdit, PutDefinition, TermsEdit,
};
use foldgate_proto::{
    AccountId, AccountNumber, CallerKeyId, Config, DefinitionKind, KeyHash, Level, ModelLimit,
};
use http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Caller;
use crate::rig::Rig;
use crate::upstream::{Script, Upstream};

const ROOT: AccountNumber = AccountNumber(1);
const SECRET: &str = "sk-limits-0123456789-0123456789";
const CHAT: &str = "/v1/chat/completions";
const COMPLETION: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;
const CHUNKS: &str = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

async fn rig(model_limits: &[(&str, ModelLimit)]) -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    let limits = model_limits.iter();
    let limits = limits.map(|(model, limit)| ((*model).to_owned(), *limit));
    rig.config(Config {
        level_mapper: Some(BTreeMap::from([("*".to_owned(), Level::new(1).unwrap())])),
        model_limits: Some(limits.collect()),
        ..Config::default()
    })
    .await;
    (rig, upstream)
}

fn rpm(limit: u64) -> ModelLimit {
    ModelLimit {
        rpm: Some(limit),
        ..ModelLimit::default()
    }
}

fn limited(patch: LimitPatch) -> ProfileEdit {
    ProfileEdit {
        limits: patch,
        ..ProfileEdit::default()
    }
}

/// An account below another, called with `name` as its key.
async fn account(
    rig: &mut Rig,
    (parent, name): (AccountNumber, &str),
    profile: ProfileEdit,
    terms: TermsEdit,
) -> (AccountNumber, Caller) {
    let key = NewKey {
        id: CallerKeyId(Uuid::new_v4()),
        name: String::new(),
        hash: KeyHash(foldgate_vault::digest(name)),
        mask: "sk".to_owned(),
        terms,
    };
    let add = AddAccount {
        id: AccountId(Uuid::new_v4()),
        parent,
        profile: ProfileEdit {
            name: Some(name.to_owned()),
            email: Some(format!("{name}@example.com")),
            ..profile
        },
        credit: None,
        key,
    };
    rig.write(&Command::AddAccount(Box::new(add))).await;
    let number = rig.replica.state().last_account;
    (number, Caller::new(rig.address, name))
}

/// A call: its status, headers and body.
async fn call(caller: &Caller, body: &Value) -> (u16, HeaderMap, Value) {
    let answer = caller.post(CHAT, body.to_string()).await;
    let json = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    (answer.status.as_u16(), answer.headers, json)
}

async fn status(caller: &Caller, model: &str) -> u16 {
    call(caller, &json!({ "model": model })).await.0
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn an_account_s_limit_counts_all_below_it_and_says_how_it_stands() {
    let (mut rig, upstream) = rig(&[]).await;
    let three = LimitPatch {
        rpm: Change::Set(3),
        ..LimitPatch::default()
    };
    let terms = TermsEdit::default();
    let (parent, caller) = account(&mut rig, (ROOT, "parent"), limited(three), terms).await;
    let terms = TermsEdit::default();
    let below = account(&mut rig, (parent, "child"), ProfileEdit::default(), terms);
    let (_, child) = below.await;
    let (status, headers, _) = call(&caller, &json!({"model": "m"})).await;
    assert_eq!(status, 200);
    assert_eq!(text(&headers, "x-ratelimit-limit-requests"), "3");
    assert_eq!(text(&headers, "x-ratelimit-remaining-requests"), "2");
    let reset = text(&headers, "x-ratelimit-reset-requests");
    assert!(reset == "1m0s" || reset.starts_with("59."), "{reset}");
    assert!(!headers.contains_key("x-ratelimit-limit-tokens"));
    for left in ["1", "0"] {
        let (_, headers, _) = call(&child, &json!({"model": "m", "stream": true})).await;
        assert_eq!(text(&headers, "x-ratelimit-remaining-requests"), left);
    }
    let before = upstream.asked().len();
    for caller in [&caller, &child] {
        let (status, headers, body) = call(caller, &json!({"model": "m"})).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (429, &json!("rate_limit_exceeded"))
        );
        assert_eq!(body["error"]["type"], "rate_limit_error");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("this account of 3 requests per minute"),
            "{message}"
        );
        assert_eq!(text(&headers, "x-ratelimit-remaining-requests"), "0");
        let wait: u64 = text(&headers, "retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(text(&headers, "x-should-retry"), "true");
    }
    assert_eq!(upstream.asked().len(), before);
    // Who is below nobody that is limited has no limit.
    assert_eq!(
        rig.caller
            .chat("m")
            .await
            .header("x-ratelimit-limit-requests"),
        None
    );
}

#[tokio::test]
async fn a_caller_of_anthropics_is_told_of_its_limits_as_anthropic_tells() {
    let (mut rig, upstream) = rig(&[]).await;
    let limits = LimitPatch {
        rpm: Change::Set(2),
        tpm: Change::Set(10_000),
        ..LimitPatch::default()
    };
    let terms = TermsEdit::default();
    let (_, caller) = account(&mut rig, (ROOT, "team"), limited(limits), terms).await;
    // What an upstream says of its own limits is no caller's business.
    let script = Script::json(200, COMPLETION).with("anthropic-ratelimit-requests-limit", "77");
    upstream.script(SECRET, script);
    let body = json!({"model": "m", "max_tokens": 9, "messages": []});
    let mut lefts = Vec::new();
    for stream in [false, true, false] {
        let mut body = body.clone();
        if stream {
            upstream.clear(SECRET);
            upstream.script(SECRET, Script::stream(CHUNKS));
            body["stream"] = json!(true);
        }
        let begun = chrono::Utc::now();
        let reply = caller.post("/v1/messages", body.to_string()).await;
        let header = |name: &str| reply.header(&format!("anthropic-ratelimit-{name}"));
        assert_eq!(header("requests-limit"), Some("2"), "{}", reply.text());
        assert_eq!(header("tokens-limit"), Some("10000"));
        assert!(header("tokens-remaining").is_some());
        for unit in ["requests", "tokens"] {
            let reset = header(&format!("{unit}-reset")).unwrap();
            assert!(reset.ends_with('Z') && reset.len() == 20, "{reset}");
            let reset = chrono::DateTime::parse_from_rfc3339(reset).unwrap();
            assert!(reset >= begun, "{reset} is before {begun}");
            assert!(reset <= begun + chrono::TimeDelta::minutes(10), "{reset}");
        }
        let openais = |name: &&http::HeaderName| name.as_str().starts_with("x-ratelimit-");
        assert_eq!(reply.headers.keys().find(openais), None);
        let left = header("requests-remaining").unwrap().to_owned();
        lefts.push((reply.status.as_u16(), left));
    }
    let expected = [(200, "1"), (200, "0"), (429, "0")];
    assert_eq!(
        lefts,
        expected.map(|(status, left)| (status, left.to_owned()))
    );
    // The same account, asked in the other dialect.
    let (status, headers, _) = call(&caller, &json!({"model": "m"})).await;
    assert_eq!(status, 429);
    assert_eq!(text(&headers, "x-ratelimit-limit-requests"), "2");
    let anthropics = |name: &&http::HeaderName| name.as_str().starts_with("anthropic-");
    assert_eq!(headers.keys().find(anthropics), None);
}

/// Each of the headers that tell of limits stands in the document, where it is sent and
/// nowhere else.
#[tokio::test]
async fn the_document_lists_how_limits_are_told() {
    let (mut rig, upstream) = rig(&[]).await;
    let limits = LimitPatch {
        rpm: Change::Set(1),
        tpm: Change::Set(10_000),
        ..LimitPatch::default()
    };
    let document = rig.caller.get("/openapi.json").await.json();
    let in_document = |listed: &Value| -> BTreeSet<String> {
        let names = listed.as_object().unwrap().keys();
        names
            .filter(|name| name.contains("ratelimit"))
            .cloned()
            .collect()
    };
    upstream.script(SECRET, Script::json(200, COMPLETION));
    let mut refusals = BTreeSet::new();
    for (path, team) in [(CHAT, "team-one"), ("/v1/messages", "team-two")] {
        let (terms, profile) = (TermsEdit::default(), limited(limits));
        let (_, caller) = account(&mut rig, (ROOT, team), profile, terms).await;
        let body = json!({"model": "m", "max_tokens": 9, "messages": []}).to_string();
        for status in [200, 429] {
            let reply = caller.post(path, body.clone()).await;
            assert_eq!(reply.status, status, "{}", reply.text());
            let names = reply.headers.keys().map(ToString::to_string);
            let sent: BTreeSet<String> = names.filter(|name| name.contains("ratelimit")).collect();
            assert_eq!(sent.len(), 6, "{sent:?}");
            if status == 200 {
                let done = &document["paths"][path]["post"]["responses"]["200"];
                assert_eq!(in_document(&done["headers"]), sent, "{path}");
            } else {
                refusals.extend(sent);
            }
        }
    }
    let error = &document["components"]["responses"]["Error"];
    assert_eq!(in_document(&error["headers"]), refusals);
}

#[tokio::test]
async fn a_key_s_limits_are_its_own() {
    let (mut rig, _upstream) = rig(&[]).await;
    let terms = TermsEdit {
        rps: Change::Set(1_000),
        limits: LimitPatch {
            rph: Change::Set(2),
            ..LimitPatch::default()
        },
        ..TermsEdit::default()
    };
    let plain = ProfileEdit::default();
    let (_, caller) = account(&mut rig, (ROOT, "limited"), plain, terms).await;
    let statuses = [
        status(&caller, "m").await,
        status(&caller, "n").await,
        status(&caller, "m").await,
    ];
    assert_eq!(statuses, [200, 200, 429]);
    let refused = caller.chat("m").await;
    assert_eq!(refused.header("x-ratelimit-limit-requests"), Some("2"));
    // There is no room for an hour.
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    let message = refused.text();
    assert!(
        message.contains("this API key of 2 requests per hour"),
        "{message}"
    );
}

#[tokio::test]
async fn model_limits_are_counted_per_account_and_model() {
    let (mut rig, _upstream) = rig(&[("big*", rpm(2)), ("small", rpm(50))]).await;
    let mut callers = Vec::new();
    for name in ["first", "other"] {
        let (plain, terms) = (ProfileEdit::default(), TermsEdit::default());
        callers.push(account(&mut rig, (ROOT, name), plain, terms).await.1);
    }
    for caller in &callers {
        assert_eq!(status(caller, "big-1").await, 200);
        assert_eq!(status(caller, "big-1").await, 200);
        assert_eq!(status(caller, "big-1").await, 429);
        // Another model of the same pattern has its own count.
        assert_eq!(status(caller, "big-2").await, 200);
        assert_eq!(status(caller, "small").await, 200);
    }
    // The owner itself is an account too.
    for expected in [200, 200, 429] {
        assert_eq!(rig.caller.chat("big-1").await.status.as_u16(), expected);
    }
}

#[tokio::test]
async fn tokens_are_reserved_by_an_estimate_and_settled_by_what_was_used() {
    let (mut rig, upstream) = rig(&[]).await;
    let tokens = LimitPatch {
        tpm: Change::Set(1_000),
        ..LimitPatch::default()
    };
    let terms = TermsEdit::default();
    let (_, caller) = account(&mut rig, (ROOT, "tokens"), limited(tokens), terms).await;
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":20}}"#;
    upstream.script(SECRET, Script::json(200, answer));
    let asked = json!({"model": "m", "max_tokens": 800});
    for left in [1_000, 950] {
        let (status, headers, _) = call(&caller, &asked).await;
        assert_eq!(status, 200);
        // While the answer is under way all that it may take is reserved.
        let shown: u64 = text(&headers, "x-ratelimit-remaining-tokens")
            .parse()
            .unwrap();
        assert!(
            (left - 850..=left - 800).contains(&shown),
            "{shown} of {left}"
        );
    }
    // A failure uses nothing.
    upstream.clear(SECRET);
    upstream.script(SECRET, Script::json(400, r#"{"error":{"message":"no"}}"#));
    for _ in 0..3 {
        assert_eq!(call(&caller, &asked).await.0, 400);
    }
    let (status, _, body) = call(&caller, &json!({"model": "m", "max_tokens": 950})).await;
    assert_eq!(status, 429);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("1000 tokens per minute"), "{message}");
}

#[tokio::test]
async fn policies_limit_what_they_name() {
    let (mut rig, _upstream) = rig(&[]).await;
    let (plain, terms) = (ProfileEdit::default(), TermsEdit::default());
    let (team, caller) = account(&mut rig, (ROOT, "team"), plain, terms).await;
    let (plain, terms) = (ProfileEdit::default(), TermsEdit::default());
    let (_, free) = account(&mut rig, (ROOT, "free"), plain, terms).await;
    let state = rig.replica.state();
    let id = state.owners.values().next().unwrap().accounts[&team].id;
    let policy = json!({"name": "p", "scope": "team", "scope_ref": id.to_string(),
        "window": "minute", "max_requests": 1});
    let put = PutDefinition {
        kind: DefinitionKind::RateLimitPolicy,
        id: foldgate_proto::DefinitionId(Uuid::new_v4()),
        number: None,
        value: policy.as_object().unwrap().clone(),
        secrets: BTreeMap::new(),
    };
    rig.write(&Command::PutDefinition(Box::new(put))).await;
    assert_eq!(status(&caller, "m").await, 200);
    assert_eq!(status(&caller, "m").await, 429);
    assert_eq!(status(&free, "m").await, 200);
    assert_eq!(status(&free, "m").await, 200);
}
