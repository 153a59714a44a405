//! Behind a load balancer: whose address is judged and written down.

use foldgate_tests::client::finish;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Client, Settings, holds};
use http::Method;
use serde_json::json;

use super::{CHAT, World, chat};

const HEADER: &str = "x-forwarded-for";

/// A client in the network of the account below, as the balancer tells it, behind a
/// word of the client's own.
const INSIDE: &str = "203.0.113.66, 198.51.100.7";

/// One outside, who claims to be inside.
const OUTSIDE: &str = "198.51.100.7, 203.0.113.66";

async fn call(client: &Client, forwarded: Option<(&str, &str)>) -> u16 {
    let mut request = client.request(Method::POST, CHAT).json(&chat("m"));
    if let Some((name, value)) = forwarded {
        request = request.header(name, value);
    }
    finish("chat", request).await.status
}

/// A process, and the key of an account that may call from 198.51.100.0/24 alone.
async fn world(settings: Settings) -> (World, String) {
    let world = World::with(settings).await;
    let user =
        json!({"Name": "alice", "Email": "alice@example.com", "AllowIPs": "198.51.100.0/24"});
    let made = world.admin.post("/x-users", &user).await.ok();
    let key = made["key"]["SecretKey"].as_str().expect("shown once");
    (world, key.to_owned())
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_clients_address() {
    let settings = Settings::standalone().env("FOLDGATE_TRUSTED_PROXIES", "127.0.0.1");
    let (world, key) = world(settings).await;
    let caller = world.proxy.with_key(Some(&key));
    assert_eq!(call(&caller, Some((HEADER, INSIDE))).await, 200);
    let forwarded = ("forwarded", "for=\"198.51.100.7:4711\";proto=https");
    assert_eq!(call(&caller, Some(forwarded)).await, 200);
    assert_eq!(call(&caller, Some((HEADER, OUTSIDE))).await, 403);
    assert_eq!(call(&caller, Some((HEADER, "no address"))).await, 403);
    assert_eq!(call(&caller, None).await, 403);

    // On the admin listener: who may look, and what is written down.
    let look = world.admin.with_key(Some(&key));
    for (told, status) in [(INSIDE, 200), (OUTSIDE, 403)] {
        let request = look.request(Method::GET, "/dashboard/info");
        let answer = finish("info", request.header(HEADER, told)).await;
        assert_eq!(answer.status, status, "{told}: {}", answer.text());
    }
    let write = world.admin.request(Method::PUT, "/x-config");
    let write = write.json(&json!({"EMAIL_SMTP": "a.example.com"}));
    let written = finish("write", write.header(HEADER, INSIDE)).await;
    written.ok();
    let path = format!("/admin/v1/history/{}", written.revision());
    assert_eq!(world.admin.get(&path).await.ok()["address"], "198.51.100.7");
    holds("the refusal is in the journal", SOON, async || {
        let journal = world.admin.get("/admin/v1/access_log").await.ok();
        journal["items"][0]["address"] == "203.0.113.66"
    })
    .await;
    for listener in ["admin", "proxy"] {
        holds("both lines are in the access log", SOON, async || {
            let told = format!("\"listener\":\"{listener}\"");
            let output = world.foldgate.output();
            let mut lines = output.lines().filter(|line| line.contains(&told));
            lines.any(|line| line.contains("\"client\":\"198.51.100.7\""))
        })
        .await;
    }
}

#[tokio::test]
async fn nobody_else_is_believed() {
    for settings in [
        Settings::standalone(),
        Settings::standalone().env("FOLDGATE_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.2"),
    ] {
        let (world, key) = world(settings).await;
        let caller = world.proxy.with_key(Some(&key));
        for spoofed in [
            (HEADER, "198.51.100.7"),
            (HEADER, "198.51.100.7, 10.0.0.1"),
            ("forwarded", "for=198.51.100.7"),
        ] {
            assert_eq!(call(&caller, Some(spoofed)).await, 403, "{spoofed:?}");
        }
        let write = world.admin.request(Method::PUT, "/x-config");
        let write = write.json(&json!({"EMAIL_SMTP": "a.example.com"}));
        let written = finish("write", write.header(HEADER, "198.51.100.7")).await;
        written.ok();
        let path = format!("/admin/v1/history/{}", written.revision());
        assert_eq!(world.admin.get(&path).await.ok()["address"], "127.0.0.1");
        assert!(!world.foldgate.output().contains("198.51.100.7"));
    }
}
