//! What an upstream made goes back to the key that made it, and to the account alone.

mod conversations;

use foldgate_domain::command::{AddAccount, Command, NewKey, ProfileEdit, TermsEdit};
use foldgate_proto::{AccountId, AccountNumber, CallerKeyId, KeyHash};
use http::{HeaderValue, Method};
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::{Caller, Reply};
use crate::rig::{PATIENCE, Rig, settings};
use crate::upstream::{Script, Upstream};

const ONE: &str = "sk-affinity-one-0123456789-012345";
const TWO: &str = "sk-affinity-two-0123456789-012345";
const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n";

/// Two keys, of which the second has made nothing and fails at nothing.
async fn rig() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, ONE).await;
    rig.key(1, &upstream, TWO).await;
    rig.all_to_level_1().await;
    for name in ["team-one", "team-two"] {
        let add = AddAccount {
            id: AccountId(Uuid::new_v4()),
            parent: AccountNumber(1),
            profile: ProfileEdit {
                name: Some(name.to_owned()),
                email: Some(format!("{name}@example.com")),
                ..ProfileEdit::default()
            },
            credit: None,
            key: NewKey {
                id: CallerKeyId(Uuid::new_v4()),
                name: String::new(),
                hash: KeyHash(foldgate_vault::digest(name)),
                mask: "sk".to_owned(),
                terms: TermsEdit::default(),
            },
        };
        rig.write(&Command::AddAccount(Box::new(add))).await;
    }
    (rig, upstream)
}

/// The secret of the last call.
fn by(upstream: &Upstream) -> String {
    let asked = upstream.asked().pop().unwrap();
    let bearer = asked.headers["authorization"].to_str().unwrap().to_owned();
    bearer.strip_prefix("Bearer ").unwrap().to_owned()
}

async fn send(caller: &Caller, method: Method, path: &str) -> Reply {
    caller.send(caller.request(method, path, "")).await
}

async fn upload(caller: &Caller) -> Reply {
    let form = "--b42\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b42\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n{}\r\n--b42--\r\n";
    let mut request = caller.request(Method::POST, "/v1/files", form);
    let kind = HeaderValue::from_static("multipart/form-data; boundary=b42");
    request.headers_mut().insert("content-type", kind);
    caller.send(request).await
}

#[tokio::test]
async fn a_response_is_followed_to_the_key_that_made_it() {
    let (rig, upstream) = rig().await;
    let team = Caller::new(rig.address, "team-one");
    for (n, stream) in [(1, false), (2, true)] {
        let id = format!("resp_{n}");
        for secret in [ONE, TWO] {
            upstream.clear(secret);
            upstream.script(
                secret,
                if stream {
                    Script::stream(&CREATED.replace("resp_1", &id))
                } else {
                    Script::json(200, &format!(r#"{{"id":"{id}","output":[]}}"#))
                },
            );
        }
        let body = json!({"model": "m", "stream": stream}).to_string();
        assert_eq!(team.post("/v1/responses", body).await.status, 200);
        let maker = by(&upstream);
        for secret in [ONE, TWO] {
            upstream.clear(secret);
        }
        for (method, path) in [
            (Method::GET, format!("/v1/responses/{id}")),
            (Method::GET, format!("/responses/{id}/input_items?limit=3")),
            (Method::POST, format!("/v1/responses/{id}/cancel")),
            (
                Method::GET,
                format!("/v1/responses/{id}?stream=true&starting_after=4"),
            ),
            (Method::DELETE, format!("/v1/responses/{id}")),
        ] {
            let reply = send(&team, method.clone(), &path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            assert_eq!(by(&upstream), maker, "{path}");
            let asked = upstream.asked().pop().unwrap();
            let length = asked.headers.get("content-length");
            let expected = (method == Method::POST).then_some("0");
            assert_eq!(length.and_then(|it| it.to_str().ok()), expected, "{path}");
            let query = asked
                .query
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            let full = format!("/v1{}", path.strip_prefix("/v1").unwrap_or(&path));
            assert_eq!(
                (asked.method, format!("{}{query}", asked.path)),
                (method, full)
            );
        }
        for _ in 0..3 {
            let body = json!({"model": "m", "previous_response_id": id}).to_string();
            assert_eq!(team.post("/v1/responses", body).await.status, 200);
            assert_eq!(by(&upstream), maker);
        }
    }
}

#[tokio::test]
async fn what_one_account_made_no_other_finds() {
    let (rig, upstream) = rig().await;
    for secret in [ONE, TWO] {
        upstream.script(secret, Script::json(200, r#"{"id":"resp_1","output":[]}"#));
    }
    let [one, two] = ["team-one", "team-two"].map(|name| Caller::new(rig.address, name));
    assert_eq!(
        one.post("/v1/responses", r#"{"model":"m"}"#).await.status,
        200
    );
    let asked = upstream.asked().len();
    for (method, path) in [
        (Method::GET, "/v1/responses/resp_1"),
        (Method::DELETE, "/v1/responses/resp_1"),
        (Method::GET, "/v1/files/resp_1/content"),
    ] {
        let reply = send(&two, method, path).await;
        assert_eq!(reply.code(), (404, "not_found".to_owned()));
    }
    let body = r#"{"model":"m","previous_response_id":"resp_1"}"#;
    let reply = two.post("/v1/responses", body).await;
    assert_eq!(
        reply.code(),
        (400, "previous_response_not_found".to_owned())
    );
    let body = r#"{"input_file_id":"resp_1","endpoint":"/v1/responses","completion_window":"24h"}"#;
    assert_eq!(two.post("/v1/batches", body).await.code().0, 400);
    assert_eq!(upstream.asked().len(), asked, "nobody was asked");
}

#[tokio::test]
async fn files_and_batches_go_back_to_their_key_with_what_they_bring() {
    let (rig, upstream) = rig().await;
    let team = Caller::new(rig.address, "team-one");
    let all = |script: &Script| {
        for secret in [ONE, TWO] {
            upstream.clear(secret);
            upstream.script(secret, script.clone());
        }
    };
    for n in 0..4 {
        all(&Script::json(200, &format!(r#"{{"id":"file-{n}"}}"#)));
        assert_eq!(upload(&team).await.status, 200);
        let maker = by(&upstream);
        let sent = upstream.asked().pop().unwrap();
        assert_eq!(
            (sent.method, sent.path.as_str()),
            (Method::POST, "/v1/files")
        );
        all(&Script::json(200, &format!(r#"{{"id":"batch_{n}"}}"#)));
        let body = json!({"input_file_id": format!("file-{n}"), "endpoint": "/v1/responses"});
        assert_eq!(team.post("/v1/batches", body.to_string()).await.status, 200);
        assert_eq!(by(&upstream), maker);
        let done =
            format!(r#"{{"id":"batch_{n}","output_file_id":"out-{n}","error_file_id":null}}"#);
        all(&Script::json(200, &done));
        let reply = team.get(&format!("/v1/batches/batch_{n}")).await;
        assert_eq!((reply.text(), by(&upstream)), (done, maker.clone()));
        all(&Script::bytes("application/octet-stream", "lines\n"));
        let reply = team.get(&format!("/v1/files/out-{n}/content")).await;
        assert_eq!(
            (reply.text().as_str(), by(&upstream)),
            ("lines\n", maker.clone())
        );
        all(&Script::json(200, "{}"));
        send(
            &team,
            Method::POST,
            &format!("/v1/batches/batch_{n}/cancel"),
        )
        .await;
        assert_eq!(by(&upstream), maker);
        send(&team, Method::DELETE, &format!("/v1/files/file-{n}")).await;
        assert_eq!(by(&upstream), maker);
    }
}

#[tokio::test]
async fn what_a_model_is_asked_of_files_goes_to_the_key_that_has_them() {
    let (rig, upstream) = rig().await;
    let [one, two] = ["team-one", "team-two"].map(|name| Caller::new(rig.address, name));
    let mut makers = Vec::new();
    // Keys take turns, so both make some.
    for n in 0..4 {
        for secret in [ONE, TWO] {
            upstream.clear(secret);
            upstream.script(
                secret,
                Script::json(200, &format!(r#"{{"id":"file-{n}"}}"#)),
            );
        }
        assert_eq!(upload(&one).await.status, 200);
        makers.push(by(&upstream));
    }
    for secret in [ONE, TWO] {
        upstream.clear(secret);
    }
    let paths = ["/v1/responses", "/v1/chat/completions"];
    let asks = |file: &str| {
        json!({"model": "m", "input": [{"content": [{"type": "input_file", "file_id": file}]}]})
            .to_string()
    };
    for (n, maker) in makers.iter().enumerate() {
        for path in paths {
            let reply = one.post(path, asks(&format!("file-{n}"))).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(&by(&upstream), maker);
        }
    }
    let asked = upstream.asked().len();
    for (caller, body) in [
        (&two, asks("file-0")),
        (&two, asks("file-0").replace("file_id", r"file\u005fid")),
        (&one, asks("file-9")),
    ] {
        let reply = caller.post("/v1/responses", body).await;
        assert_eq!(reply.code(), (400, "not_found".to_owned()));
        assert_eq!(reply.json()["error"]["param"], "file_id");
    }
    let other = makers.iter().position(|maker| *maker != makers[0]);
    let other = other.expect("keys take turns");
    let both = json!({"model": "m", "file_ids": ["file-0", format!("file-{other}")]});
    let reply = one.post("/v1/responses", both.to_string()).await;
    assert_eq!(reply.code(), (400, "made_elsewhere".to_owned()));
    assert_eq!(upstream.asked().len(), asked, "nobody was asked");
    // The owner, whose keys they all are, may name what nobody remembers.
    let reply = rig.caller.post("/v1/responses", asks("file-9")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn lists_are_of_every_key_and_of_what_is_own() {
    let (rig, upstream) = rig().await;
    let team = Caller::new(rig.address, "team-one");
    for (secret, id) in [(ONE, "file-1"), (TWO, "file-2")] {
        for secret in [ONE, TWO] {
            upstream.clear(secret);
        }
        upstream.script(secret, Script::json(200, &format!(r#"{{"id":"{id}"}}"#)));
        let other = if secret == ONE { TWO } else { ONE };
        upstream.script(other, Script::json(500, "{}"));
        assert_eq!(upload(&team).await.status, 200);
        for report in rig.pools.sleeps().all() {
            let mut wake = report.clone();
            wake.cause = foldgate_proto::SleepCause::Awake;
            wake.generation.wake += 1;
            rig.pools.hear(&wake);
        }
    }
    for (secret, list) in [
        (
            ONE,
            r#"{"object":"list","data":[{"id":"file-1"},{"id":"theirs"}]}"#,
        ),
        (TWO, r#"{"object":"list","data":[{"id":"file-2"}]}"#),
    ] {
        upstream.clear(secret);
        upstream.script(secret, Script::json(200, list));
    }
    let reply = team.get("/v1/files?purpose=batch").await;
    assert_eq!(
        reply.text(),
        r#"{"object":"list","data":[{"id":"file-1"},{"id":"file-2"}]}"#
    );
    assert_eq!(
        upstream.asked().pop().unwrap().query.as_deref(),
        Some("purpose=batch")
    );
    let all = rig.caller.get("/v1/files").await.text();
    assert!(all.contains("theirs"), "the owner sees all: {all}");
    let other = Caller::new(rig.address, "team-two").get("/v1/files").await;
    assert_eq!(other.text(), r#"{"object":"list","data":[]}"#);
}

#[tokio::test]
async fn the_owner_finds_what_nobody_remembers_and_no_key_sleeps_for_it() {
    let (rig, upstream) = rig().await;
    upstream.script(
        ONE,
        Script::json(404, r#"{"error":{"message":"no such file"}}"#),
    );
    upstream.script(TWO, Script::json(200, r#"{"id":"file-9"}"#));
    for _ in 0..4 {
        assert_eq!(rig.caller.get("/v1/files/file-9").await.status, 200);
    }
    upstream.clear(TWO);
    upstream.script(
        TWO,
        Script::json(404, r#"{"error":{"message":"no such file"}}"#),
    );
    let reply = rig.caller.get("/v1/files/file-8").await;
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("no such file"), "{}", reply.text());
    assert!(rig.pools.sleeps().all().is_empty());
}

#[tokio::test]
async fn another_node_is_told_and_a_new_one_asks() {
    let (rig, upstream) = rig().await;
    let told = rig.beside(settings()).await;
    for secret in [ONE, TWO] {
        upstream.script(secret, Script::json(200, r#"{"id":"resp_1","output":[]}"#));
    }
    let team = Caller::new(rig.address, "team-one");
    assert_eq!(
        team.post("/v1/responses", r#"{"model":"m"}"#).await.status,
        200
    );
    let maker = by(&upstream);
    // This one was not there when it was told.
    let new = rig.beside(settings()).await;
    for node in [&told, &new] {
        let team = Caller::new(node.address, "team-one");
        for _ in 0..3 {
            let body = r#"{"model":"m","previous_response_id":"resp_1"}"#;
            assert_eq!(team.post("/v1/responses", body).await.status, 200);
            assert_eq!(by(&upstream), maker);
        }
        let other = Caller::new(node.address, "team-two");
        let reply = other.get("/v1/responses/resp_1").await;
        assert_eq!(reply.code(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn what_was_made_is_known_after_a_start_of_the_only_node() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeping = settings();
    keeping.made_file = Some(dir.path().join("made"));
    let (rig, upstream) = rig().await;
    let node = rig.beside(keeping.clone()).await;
    for secret in [ONE, TWO] {
        upstream.script(secret, Script::json(200, r#"{"id":"resp_1"}"#));
    }
    let team = Caller::new(node.address, "team-one");
    assert_eq!(
        team.post("/v1/responses", r#"{"model":"m"}"#).await.status,
        200
    );
    let maker = by(&upstream);
    node.shutdown.begin();
    timeout(PATIENCE, node.beside).await.unwrap().unwrap();
    timeout(PATIENCE, node.served).await.unwrap().unwrap();
    let again = rig.apart(keeping).await;
    for _ in 0..3 {
        let team = Caller::new(again.address, "team-one");
        assert_eq!(team.get("/v1/responses/resp_1").await.status, 200);
        assert_eq!(by(&upstream), maker);
    }
}
