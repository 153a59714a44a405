//! The unmodified `openai` and `anthropic` Python SDKs against Foldgate: what most
//! callers use.

mod dialects;
mod realtime;
mod rest;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::process::Process;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{FakeUpstream, Foldgate, Reply, Settings, paths};
use serde_json::json;

/// Importing the SDK alone takes seconds on a busy machine.
const SCRIPT: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_openai_sdk_works_unmodified() {
    run(None).await;
}

/// A key that the admin API issues is as good.
#[tokio::test]
async fn the_openai_sdk_works_with_an_issued_key() {
    run(Some(
        &json!({"allowed_models": ["*"], "display_name": "sdk"}),
    ))
    .await;
}

/// Runs the script with the owner key, or with one that is issued so.
async fn run(issue: Option<&serde_json::Value>) {
    let upstream = FakeUpstream::start().await;
    upstream.when(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match body["model"].as_str() {
            Some("refused") => Some(Reply::error(
                400,
                "invalid_request_error",
                Some("bad_field"),
                "bad field",
            )),
            Some("limited") => Some(Reply::rate_limited(Hint::Seconds(60))),
            Some("failing") => Some(Reply::failing(500)),
            Some("late") => Some(Reply::error_in_stream(&["one"])),
            _ => None,
        }
    });
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for level in 1..=4 {
        admin.add_key(level, &upstream.url()).await;
    }
    let levels = "gpt-4o=1, text-embedding-3-small=1, refused=1, late=2, limited=3, failing=4";
    admin.config(&json!({"LEVEL_MAPPER": levels})).await;

    let key = match issue {
        None => OWNER_KEY.to_owned(),
        Some(body) => {
            let issued = admin.post("/admin/v1/api_keys", body).await.ok();
            issued["plaintext"].as_str().expect("shown once").to_owned()
        }
    };
    succeeds("sdk.py", &foldgate, &key).await;
}

/// A Model that leads to others, called with a key that may call nothing else.
#[tokio::test]
async fn the_openai_sdk_calls_a_routing_model_with_an_issued_key() {
    let upstream = FakeUpstream::start().await;
    upstream.when(|seen| {
        let body = String::from_utf8_lossy(&seen.body);
        let fails = body.contains("fail at first") && body.contains("up-1");
        fails.then(|| Reply::failing(500))
    });
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    for number in 1..=2 {
        let key = json!({
            "display_name": format!("key {number}"), "api_base": upstream.url(),
            "api_key": format!("sk-sdk-{number}-0123456789abcdef"),
        });
        let key = admin.post("/admin/v1/provider_keys", &key).await.ok();
        let model = json!({
            "display_name": format!("t{number}"), "model_name": format!("up-{number}"),
            "provider_key_id": key["id"],
        });
        admin.post("/admin/v1/models", &model).await.ok();
    }
    let targets = json!([{"model": "t1"}, {"model": "t2"}]);
    let lead = json!({"display_name": "lead", "routing": {"targets": targets}});
    admin.post("/admin/v1/models", &lead).await.ok();
    let key = json!({"allowed_models": ["lead"]});
    let issued = admin.post("/admin/v1/api_keys", &key).await.ok();
    let key = issued["plaintext"].as_str().expect("shown once");
    succeeds("models.py", &foldgate, key).await;
}

/// Runs a script with a key.
async fn succeeds(name: &str, foldgate: &Foldgate, key: &str) {
    run_script((&paths::python(), name), (foldgate, key), &[]).await;
}

/// Runs a script in an environment, with a key and what else it is told.
async fn run_script(
    (python, name): (&PathBuf, &str),
    (foldgate, key): (&Foldgate, &str),
    told: &[(&str, String)],
) {
    let folder = paths::scratch();
    let mut command = Command::new(python);
    command
        .arg(paths::workspace().join("tests/python").join(name))
        .env(
            "FOLDGATE_BASE_URL",
            format!("{}/v1", foldgate.proxy().base()),
        )
        .env("FOLDGATE_KEY", key)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(told.iter().map(|(name, value)| (name, value)));
    let log = folder.path().join("script.log");
    let mut script = Process::start(name, &command, &log);
    let status = script.end(SCRIPT).await;
    let said = script.output();
    assert!(status.success(), "{said}");
    assert!(said.contains("all checks passed"), "{said}");
}
