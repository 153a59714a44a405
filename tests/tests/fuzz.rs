//! The admin listener, fuzzed by schemathesis from its own document: no 5xx, no
//! status, header or body that the document does not have, nothing invalid taken,
//! nothing valid refused. What is left out stands in `tests/fuzz` with its reason.

use std::process::Command;
use std::time::Duration;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::nightly;
use foldgate_tests::process::Process;
use foldgate_tests::{Settings, paths};

/// The longest a run may take; it has other bounds before.
const PATIENCE: Duration = Duration::from_mins(10);

/// Runs phases of the fuzzer, with a module of hooks, and what bounds them.
async fn fuzz(phases: &str, hooks: &str, bounds: &[&str]) {
    let mut foldgate = Settings::standalone().start().await;
    let folder = paths::workspace().join("tests/fuzz");
    let url = format!("{}/admin/openapi.json", foldgate.admin().base());
    // The fuzzer leaves files where it runs.
    let scratch = paths::scratch();
    let mut command = Command::new(paths::schemathesis());
    command
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &url])
        .args(["--phases", phases, "--checks", "all"])
        .args(bounds)
        .arg("--header")
        .arg(format!("Authorization: Bearer {OWNER_KEY}"))
        .env("SCHEMATHESIS_HOOKS", hooks)
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_COLOR", "1")
        .current_dir(scratch.path());
    let log = scratch.path().join("fuzz.log");
    let mut fuzzer = Process::start("schemathesis", &command, &log);
    let status = fuzzer.end(PATIENCE).await;
    let output = fuzzer.output();
    assert_eq!(status.code(), Some(0), "{output}");
    for phase in phases.split(',') {
        assert!(ran(&output, phase), "{phase}: {output}");
    }
    assert!(foldgate.stop().await.success());
}

/// Whether the summary says that a phase passed, which is not said of one that found
/// nothing to do.
fn ran(output: &str, phase: &str) -> bool {
    let mut lines = output.lines().map(str::trim);
    lines.any(|line| {
        let passed = line.strip_prefix('✅').unwrap_or_default();
        passed.trim().eq_ignore_ascii_case(phase)
    })
}

#[tokio::test]
async fn the_listener_is_as_its_document_says_whatever_comes() {
    let examples = ["--max-examples", nightly("20", "100")];
    fuzz("examples,fuzzing", "hooks", &examples).await;
}

/// Every bound and every combination of parameters once: the number of requests, about
/// 25,000, follows from the document.
#[tokio::test]
async fn it_keeps_to_its_document_at_every_bound() {
    fuzz("coverage", "hooks", &[]).await;
}

/// Chains of requests, of which one lives on what another made: there is no end of
/// them, so that they have a time.
#[tokio::test]
async fn it_keeps_to_its_document_step_by_step() {
    let seconds = ["--max-time", nightly("30", "300")];
    fuzz("stateful", "stateful", &seconds).await;
}
