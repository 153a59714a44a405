//! Sessions of the `openai` SDK: WebSockets of two libraries, with Foldgate between.

use std::path::PathBuf;

use foldgate_tests::admin::CANARY;
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::{Settings, paths};
use serde_json::json;

use crate::run_script;

#[tokio::test]
async fn the_openai_sdk_holds_a_session() {
    passes(paths::python()).await;
}

#[tokio::test]
async fn an_older_openai_sdk_holds_a_session() {
    passes(paths::older_python()).await;
}

/// The script is the upstream too, on a port that it is told.
async fn passes(python: PathBuf) {
    let foldgate = Settings::standalone().start().await;
    let [port] = paths::free_ports();
    let upstream = format!("http://127.0.0.1:{port}");
    foldgate.admin().add_key(1, &upstream).await;
    let mapper = json!({"LEVEL_MAPPER": {"gpt-realtime": 1}});
    foldgate.admin().config(&mapper).await;
    let told = [
        ("UPSTREAM_PORT", port.to_string()),
        ("FOLDGATE_SECRET", CANARY.to_owned()),
    ];
    let script = (&python, "realtime.py");
    run_script(script, (&foldgate, OWNER_KEY), &told).await;
}
