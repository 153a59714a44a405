//! What the `openai` SDK calls beside chats, in two major versions.

use std::path::PathBuf;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::upstream::{FakeUpstream, Vendor};
use foldgate_tests::{Settings, paths};
use serde_json::json;

use crate::dialects::add;
use crate::run_script;

#[tokio::test]
async fn the_openai_sdk_calls_every_endpoint() {
    passes(paths::python()).await;
}

#[tokio::test]
async fn an_older_openai_sdk_calls_every_endpoint() {
    passes(paths::older_python()).await;
}

/// With the owner's key, and one of an account to which nothing of the owner's belongs.
async fn passes(python: PathBuf) {
    let foldgate = Settings::standalone().start().await;
    let upstreams = [
        (Vendor::OpenAi, FakeUpstream::speaking(Vendor::OpenAi).await),
        (Vendor::Azure, FakeUpstream::speaking(Vendor::Azure).await),
    ];
    for (level, (vendor, upstream)) in (1..).zip(&upstreams) {
        add(&foldgate, (*vendor, upstream), level).await;
    }
    let admin = foldgate.admin();
    let config = json!({
        "LEVEL_MAPPER": {"*": 1, "gpt-4o": 1, "gpt-4.1": 2},
        "MODEL_MAPPER": {"whisper-1": "whisper-large"},
    });
    admin.config(&config).await;
    let team = json!({"Name": "team", "Email": "team@example.com"});
    let team = admin.post("/x-users", &team).await.ok();
    let other = team["key"]["SecretKey"].as_str().expect("shown once");
    let told = [("OTHER_KEY", other.to_owned())];
    let script = (&python, "openai_rest.py");
    run_script(script, (&foldgate, OWNER_KEY), &told).await;
}
