//! Accounts through a real process: made, called with, kept over a restart.

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::{Admin, Settings};
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"Name": name, "Email": format!("{name}@example.com"), "Alias": "A"})
}

fn secret(key: &Value) -> String {
    let secret = key["SecretKey"].as_str();
    secret
        .unwrap_or_else(|| panic!("no secret: {key}"))
        .to_owned()
}

/// What `/x-self` wants to be sent, as it says itself.
async fn confirm(admin: &Admin) -> Value {
    let refused = admin.post("/x-self", &json!({})).await.refusal(400);
    let expected = refused.message.split('"').nth(1).map(str::to_owned);
    json!({"confirm": expected.expect("it is quoted")})
}

#[tokio::test]
async fn accounts_and_their_keys_outlive_a_restart() {
    let mut foldgate = Settings::standalone().start().await;
    let made = foldgate.admin().post("/x-users", &user("alice")).await.ok();
    let alice = secret(&made["key"]);
    let made = foldgate
        .admin_with(&alice)
        .post("/x-users", &user("bot-1"))
        .await
        .ok();
    let bot = secret(&made["key"]);
    let look = async |foldgate: &foldgate_tests::Foldgate| {
        let mut seen = vec![foldgate.admin().get("/x-dna").await.ok()];
        for key in [&alice, &bot] {
            seen.push(foldgate.admin_with(key).get("/dashboard/info").await.ok());
        }
        seen
    };
    let before = look(&foldgate).await;
    foldgate.restart().await;
    assert_eq!(look(&foldgate).await, before);
}

#[tokio::test]
async fn no_key_is_written_to_disk_or_log_lines() {
    let settings = Settings::standalone();
    let mut foldgate = settings.start().await;
    let admin = foldgate.admin();
    let mut keys = vec![secret(
        &admin.post("/x-users", &user("alice")).await.ok()["key"],
    )];
    let rotate = "/x-users/alice/keys/1/rotate";
    keys.push(secret(&admin.post(rotate, &json!({})).await.ok()["key"]));
    let body = json!({"name": "ci", "role": "owner"});
    let issued = admin.post("/admin/v1/admin_keys", &body).await.ok();
    keys.push(issued["key"].as_str().expect("a key").to_owned());
    foldgate.stop().await;
    let said = foldgate.output();
    let mut files = vec![settings.data()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("readable");
            files.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let bytes = std::fs::read(&path).expect("readable");
        for key in &keys {
            let found = bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes());
            assert!(!found, "{} holds a key", path.display());
        }
    }
    for key in &keys {
        assert!(!said.contains(key), "a key stands in the output");
    }
}

#[tokio::test]
async fn a_rotated_owner_key_counts_on_the_proxy_and_after_a_restart() {
    let mut foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let rotated = admin.post("/x-self", &confirm(&admin).await).await;
    let new = secret(&rotated.ok()["key"]);
    let proxy = foldgate.proxy();
    let revision = rotated.revision();
    foldgate_tests::holds(
        "the proxy has folded it",
        foldgate_tests::poll::SOON,
        async || {
            let answer = proxy.with_key(Some(&new)).get("/v1/models").await;
            answer.status == 200 && answer.revision() >= revision
        },
    )
    .await;
    proxy
        .with_key(Some(OWNER_KEY))
        .get("/v1/models")
        .await
        .error(401);
    foldgate.restart().await;
    foldgate.admin_with(&new).get("/x-keys").await.ok();
    foldgate.admin().get("/x-keys").await.refusal(401);
}

#[tokio::test]
async fn the_file_that_keeps_the_owner_key_keeps_the_new_one() {
    let settings = Settings::new(&["standalone"]);
    let mut foldgate = settings.start().await;
    let file = settings.data().join("owner.key");
    let kept = || {
        std::fs::read_to_string(&file)
            .expect("a key file")
            .trim()
            .to_owned()
    };
    let old = kept();
    let admin = foldgate.admin_with(&old);
    admin
        .post("/x-self?dry_run=1", &confirm(&admin).await)
        .await
        .ok();
    assert_eq!(kept(), old);
    let rotated = admin.post("/x-self", &confirm(&admin).await).await.ok();
    let new = secret(&rotated["key"]);
    assert_eq!(kept(), new);
    let next = settings.data().join("owner.key.next");
    assert!(!next.exists());
    // Cut off between log and file: the start puts it right.
    foldgate.stop().await;
    std::fs::write(&file, format!("{old}\n")).expect("writable");
    std::fs::write(&next, format!("{new}\n")).expect("writable");
    foldgate = settings.start().await;
    foldgate_tests::holds(
        "the file is settled",
        foldgate_tests::poll::SOON,
        async || kept() == new && !next.exists(),
    )
    .await;
    foldgate.admin_with(&new).get("/x-keys").await.ok();
    // Cut off before the log: what never counted is forgotten.
    foldgate.stop().await;
    std::fs::write(&next, "sk-fg-never-counted-0123456789\n").expect("writable");
    let foldgate = settings.start().await;
    foldgate_tests::holds(
        "the file is settled",
        foldgate_tests::poll::SOON,
        async || !next.exists(),
    )
    .await;
    assert_eq!(kept(), new);
    // A file that was taken away is not made again.
    std::fs::remove_file(&file).expect("it was there");
    let admin = foldgate.admin_with(&new);
    admin.post("/x-self", &confirm(&admin).await).await.ok();
    assert!(!file.exists());
}
