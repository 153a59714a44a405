//! The admin listener, fuzzed by schemathesis from its own document: no 5xx, no
//! status, header or body that the document does not have, nothing invalid taken.
//! What is left out stands in `tests/fuzz` with its reason.

use std::process::Command;
use std::time::Duration;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::nightly;
use foldgate_tests::process::Process;
use foldgate_tests::{Settings, paths};

/// The longest a run may take; it is bounded by its examples before.
const PATIENCE: Duration = Duration::from_mins(10);

#[tokio::test]
async fn the_listener_is_as_its_document_says_whatever_comes() {
    let mut foldgate = Settings::standalone().start().await;
    let folder = paths::workspace().join("tests/fuzz");
    let url = format!("{}/admin/openapi.json", foldgate.admin().base());
    let examples = nightly("20", "100");
    // The fuzzer leaves files where it runs.
    let scratch = paths::scratch();
    let mut command = Command::new(paths::schemathesis());
    command
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &url])
        .args(["--phases", "examples,fuzzing", "--checks", "all"])
        .args(["--max-examples", examples])
        .arg("--header")
        .arg(format!("Authorization: Bearer {OWNER_KEY}"))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_COLOR", "1")
        .current_dir(scratch.path());
    let log = scratch.path().join("fuzz.log");
    let mut fuzzer = Process::start("schemathesis", &command, &log);
    let status = fuzzer.end(PATIENCE).await;
    assert_eq!(status.code(), Some(0), "{}", fuzzer.output());
    assert!(
        fuzzer.output().contains("Test cases"),
        "{}",
        fuzzer.output()
    );
    assert!(foldgate.stop().await.success());
}
