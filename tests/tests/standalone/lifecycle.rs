//! What a restart, a kill and a check of the log show.

use std::time::Duration;

use foldgate_tests::admin::{CANARY, id};
use foldgate_tests::client::attempt;
use foldgate_tests::poll::{SOON, nightly};
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Reply, Settings};
use http::Method;
use serde_json::json;

use super::{CHAT, World, chat};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut world = World::new().await;
    world
        .admin
        .config(&json!({"MODEL_MAPPER": "a=b", "PRICING": "{}", "EMAIL_PASS": "a-mail-password"}))
        .await;
    world
        .admin
        .post("/x-news", &json!({"title": "t", "content": "c"}))
        .await
        .ok();
    world
        .upstream
        .next(Reply::rate_limited(Hint::Seconds(3000)));
    let tired = world.admin.add_key(9, &world.upstream.url()).await;
    world
        .admin
        .config(&json!({"LEVEL_MAPPER": {"*": 1, "tired": 9}}))
        .await;
    world.proxy.post(CHAT, &chat("tired")).await.error(429);
    world.admin.sleeping(tired, SOON).await;
    let look = async |world: &World| {
        let mut seen = Vec::new();
        for path in ["/x-keys", "/x-config", "/dashboard/news"] {
            let answer = world.admin.get(path).await;
            seen.push((answer.revision(), answer.ok()));
        }
        seen
    };
    let before = look(&world).await;
    world.foldgate.restart().await;
    world.admin = world.foldgate.admin();
    world.proxy = world.foldgate.proxy();
    assert_eq!(look(&world).await, before);
    world.admin.sleeping(tired, SOON).await;
    world.proxy.post(CHAT, &chat("a")).await.ok();
    assert_eq!(world.upstream.last().json()["model"], "b");
    assert_eq!(world.upstream.last().credential(), Some(CANARY));
}

/// Nothing acknowledged is lost, whenever the process dies.
#[tokio::test]
async fn a_kill_amid_writes_loses_nothing_acknowledged() {
    let settings = Settings::standalone();
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..nightly(4_u64, 50) {
        let mut foldgate = settings.start().await;
        let admin = foldgate.admin();
        let present: Vec<u64> = admin.keys().await.iter().map(id).collect();
        for key in &acknowledged {
            assert!(present.contains(key), "round {round}: key {key} is lost");
        }
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let admin = admin.clone();
            writers.spawn(async move {
                let mut written = Vec::new();
                loop {
                    let body = json!({"SecretKey": CANARY, "Level": 1, "Provider": "https://llm.example.com"});
                    let request = admin.request(Method::POST, "/x-keys").json(&body);
                    match attempt("write", request.timeout(Duration::from_secs(10))).await {
                        Ok(answer) if answer.status == 200 => written.push(id(&answer.json()["key"])),
                        _ => return written,
                    }
                }
            });
        }
        // Killed once some writes were acknowledged, amid the next.
        let before = admin.get("/x-keys").await.revision();
        foldgate_tests::holds("writes flow", SOON, async || {
            admin.get("/x-keys").await.revision() >= before + 8 + round * 3
        })
        .await;
        foldgate.kill();
        for written in writers.join_all().await {
            acknowledged.extend(written);
        }
    }
    assert!(acknowledged.len() >= 8);
    let verify = Settings::new(&["log", "verify"]);
    let output = verify
        .env("FOLDGATE_DATA_DIR", &settings.data().to_string_lossy())
        .output()
        .await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[tokio::test]
async fn a_log_with_a_broken_link_is_found_and_not_written_to() {
    let settings = Settings::standalone();
    let mut foldgate = settings.start().await;
    for number in 0..5 {
        foldgate
            .admin()
            .config(&json!({"EMAIL_SMTP": format!("s{number}.planted.example.com")}))
            .await;
    }
    foldgate.stop().await;
    let verify = Settings::new(&["log", "verify"])
        .env("FOLDGATE_DATA_DIR", &settings.data().to_string_lossy());
    assert!(verify.output().await.status.success());
    assert!(
        damage(&settings.data(), b"s2.planted.example"),
        "the record is found on the disk"
    );
    let output = verify.output().await;
    assert!(!output.status.success(), "a changed record is found");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("panicked at"), "{said}");
    let output = settings.output().await;
    assert!(
        !output.status.success(),
        "a damaged log is not opened for writing"
    );
}

/// Changes every place below a folder where these bytes stand.
fn damage(folder: &std::path::Path, text: &[u8]) -> bool {
    let mut found = false;
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found |= damage(&path, text);
            continue;
        }
        let mut bytes = std::fs::read(&path).expect("readable");
        let places: Vec<usize> = bytes
            .windows(text.len())
            .enumerate()
            .filter(|(_, window)| *window == text)
            .map(|(at, _)| at)
            .collect();
        for at in &places {
            bytes[at + 1] = b'9';
        }
        if !places.is_empty() {
            std::fs::write(&path, bytes).expect("writable");
            found = true;
        }
    }
    found
}
