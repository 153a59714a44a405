//! More than one owner: made by a running process or beside a stopped one.

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::{Client, Settings};
use serde_json::{Value, json};

/// `foldgate owner create`, to be told where.
fn create(name: &str, more: &[&str]) -> Settings {
    let mut arguments = vec!["owner", "create", "--name", name];
    arguments.extend(more);
    Settings::new(&arguments)
}

fn admin_url(admin: &Client) -> String {
    admin.base().to_owned()
}

async fn made(settings: &Settings) -> Value {
    let output = settings.output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[tokio::test]
async fn a_running_process_makes_an_owner() {
    let foldgate = Settings::standalone().start().await;
    let url = admin_url(&foldgate.admin());
    let asked = |name: &str, more: &[&str], key: &str| {
        create(name, more)
            .env("FOLDGATE_ADMIN_URL", &url)
            .env("FOLDGATE_OWNER_KEY", key)
    };
    let owner = made(&asked("Acme", &["--json"], OWNER_KEY)).await;
    let fields: Vec<&String> = owner.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["account", "id", "key", "name"], "{owner}");
    assert_eq!(
        (&owner["name"], &owner["account"]),
        (&json!("Acme"), &json!(2))
    );
    let key = owner["key"].as_str().expect("a key");
    let second = foldgate.admin_with(key);
    assert_eq!(second.get("/x-config").await.ok()["oid"], 2);
    // For people.
    let output = asked("Other", &[], OWNER_KEY).output().await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("sk-fg-"), "{said}");
    // What is refused: a name that is taken, a key that may not, none at all.
    for (name, by) in [
        ("ACME", OWNER_KEY),
        ("Third", key),
        ("Third", "sk-fg-nobody-0123456789"),
    ] {
        let output = asked(name, &[], by).output().await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{name}: {said}");
        assert!(!said.contains(by), "{said}");
    }
    let output = create("Third", &[])
        .env("FOLDGATE_ADMIN_URL", &url)
        .output()
        .await;
    assert_eq!(output.status.code(), Some(64));
    for url in [
        "ftp://localhost",
        "http://user:pass@localhost",
        "localhost:3001",
    ] {
        let output = create("Third", &[])
            .env("FOLDGATE_ADMIN_URL", url)
            .output()
            .await;
        assert_eq!(output.status.code(), Some(64), "{url}");
    }
    let nobody = asked("Third", &[], OWNER_KEY).env("FOLDGATE_ADMIN_URL", "http://127.0.0.1:1");
    assert_eq!(nobody.output().await.status.code(), Some(74));
}

#[tokio::test]
async fn an_owner_is_made_beside_a_stopped_process() {
    let settings = Settings::standalone();
    let folder = settings.data().to_string_lossy().into_owned();
    let here = |name: &str| create(name, &["--json"]).env("FOLDGATE_DATA_DIR", &folder);
    let nothing = here("Acme").output().await;
    assert_eq!(nothing.status.code(), Some(64), "there is no log yet");
    assert!(!settings.data().exists(), "and none was made");
    let mut foldgate = settings.start().await;
    let busy = here("Acme").output().await;
    assert_eq!(busy.status.code(), Some(74), "another process has it");
    foldgate.stop().await;
    let owner = made(&here("Acme")).await;
    let key = owner["key"].as_str().expect("a key");
    assert_eq!(
        here("acme").output().await.status.code(),
        Some(64),
        "the name is taken"
    );
    let foldgate = settings.start().await;
    let second = foldgate.admin_with(key);
    let status = second.get("/dashboard/status").await.ok();
    assert_eq!(
        (&status["name"], &status["id"]),
        (&json!("Acme"), &json!(2))
    );
    assert!(second.keys().await.is_empty());
    foldgate.admin().get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_later_owner_sees_one_record_of_its_own() {
    let foldgate = Settings::standalone().start().await;
    let url = admin_url(&foldgate.admin());
    let shown = |arguments: &[&str], key: &str| {
        Settings::new(arguments)
            .env("FOLDGATE_ADMIN_URL", &url)
            .env("FOLDGATE_OWNER_KEY", key)
    };
    let owner = create("Acme", &["--json"])
        .env("FOLDGATE_ADMIN_URL", &url)
        .env("FOLDGATE_OWNER_KEY", OWNER_KEY);
    let owner = made(&owner).await;
    let key = owner["key"].as_str().expect("a key");
    let patch = json!({"EMAIL_SMTP": "smtp.example.com"});
    let second = foldgate.admin_with(key);
    let revision = second.config(&patch).await.revision().to_string();
    let record = made(&shown(&["log", "show", &revision, "--json"], key)).await;
    assert_eq!(record["revision"].to_string(), revision);
    assert_eq!(record["kinds"], json!(["ConfigPatched"]));
    assert_eq!(record["changes"][0]["field"], "EMAIL_SMTP");
    // For people.
    let output = shown(&["log", "show", &revision], key).output().await;
    let said = String::from_utf8_lossy(&output.stdout);
    for told in ["ConfigPatched", "EMAIL_SMTP", "smtp.example.com"] {
        assert!(output.status.success() && said.contains(told), "{said}");
    }
    // The first owner's records are none of its own.
    let output = shown(&["log", "show", "1"], key).output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
}
