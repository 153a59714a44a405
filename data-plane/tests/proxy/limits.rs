//! What is refused before anybody is called, and where nobody may be called.

use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_proto::SleepCause;
use std::time::Duration;

use http::{HeaderValue, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::{Rig, settings};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-limits-0123456789-0123456789";

async fn rig() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    (rig, upstream)
}

#[tokio::test]
async fn requests_that_cannot_be_served_are_refused() {
    let (rig, upstream) = rig().await;
    let caller = &rig.caller;
    let chat = "/v1/chat/completions";
    assert_eq!(
        caller.post("/v1/nothing", "{}").await.code(),
        (404, "unknown_url".to_owned())
    );
    let wrong = caller.get(chat).await;
    assert_eq!(wrong.code(), (405, "method_not_allowed".to_owned()));
    assert_eq!(wrong.header("allow"), Some("POST"));
    assert_eq!(caller.post(chat, "[]").await.status, 400);
    let missing = caller.post(chat, "{}").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.json()["error"]["param"]),
        (400, &"model".into())
    );
    let mut request = caller.request(Method::POST, chat, r#"{"model":"m"}"#);
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert("content-type", kind);
    assert_eq!(caller.send(request).await.status, 415);
    let large = format!(r#"{{"model":"m","x":"{}"}}"#, "x".repeat(1024 * 1024));
    let reply = caller.post(chat, large).await;
    assert_eq!(reply.code(), (413, "request_too_large".to_owned()));
    assert_eq!(upstream.asked().len(), 0);
    for reply in [missing, wrong, reply] {
        assert!(reply.header("x-request-id").is_some());
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_loop_is_refused() {
    let (rig, upstream) = rig().await;
    for hops in [rig.boot.simple().to_string(), "a,b,c".to_owned()] {
        let mut request =
            rig.caller
                .request(Method::POST, "/v1/chat/completions", r#"{"model":"m"}"#);
        let value = HeaderValue::from_str(&hops).unwrap();
        request.headers_mut().insert("x-foldgate-hop", value);
        let reply = rig.caller.send(request).await;
        assert_eq!(reply.code(), (508, "request_loop".to_owned()));
    }
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn a_forbidden_address_is_refused_when_it_is_connected_to() {
    let upstream = Upstream::start().await;
    let mut strict = settings();
    strict.transport.policy = AddressPolicy::default();
    let mut rig = Rig::with(strict).await;
    // A name, as a provider would have it; it leads to this machine.
    let url = format!("http://localhost:{}", upstream.address.port());
    rig.key_at(1, &url, SECRET).await;
    rig.all_to_level_1().await;
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.status, 503);
    assert!(!reply.text().contains("localhost"), "{}", reply.text());
    let sleeping = rig.pools.sleeps().all();
    assert_eq!(sleeping[0].cause, SleepCause::Connect);
    assert!(
        sleeping[0].detail.contains("refused"),
        "{}",
        sleeping[0].detail
    );
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn a_provider_that_is_this_very_system_is_refused() {
    let mut rig = Rig::start().await;
    let url = format!("http://{}", rig.address);
    rig.key_at(1, &url, SECRET).await;
    rig.all_to_level_1().await;
    assert_eq!(rig.caller.chat("m").await.status, 503);
    let detail = &rig.pools.sleeps().all()[0].detail;
    assert!(detail.contains("listener"), "{detail}");
    // Without that check the hop header ends it: the call comes back once.
    let mut rig = Rig::start().await;
    let url = format!("http://{}", rig.address);
    rig.key_at(1, &url, crate::rig::KEY).await;
    rig.all_to_level_1().await;
    rig.listeners.set_own([]);
    assert_eq!(rig.caller.chat("m").await.status, 503);
    assert_eq!(rig.pools.sleeps().all()[0].status, Some(508));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_passes_as_it_is() {
    let (rig, upstream) = rig().await;
    upstream.script(
        SECRET,
        Script::json(200, "not really br").with("content-encoding", "br"),
    );
    let reply = rig.caller.chat("m").await;
    assert_eq!(reply.header("content-encoding"), Some("br"));
    assert_eq!(reply.text(), "not really br");
}

#[tokio::test]
async fn a_slow_body_costs_the_attempts_no_time() {
    let upstream = Upstream::start().await;
    let mut hasty = settings();
    hasty.limits.total = Duration::from_secs(1);
    let mut rig = Rig::with(hasty).await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let body = r#"{"model":"m","messages":[]}"#;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        crate::rig::KEY,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The pause is what is tested: longer than all attempts may take.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
