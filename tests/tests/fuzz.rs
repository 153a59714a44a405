//! Both listeners, fuzzed by schemathesis from their own documents: no 5xx, no status,
//! header or body that the document does not have, nothing invalid taken, nothing valid
//! refused. What is left out stands in `tests/fuzz` with its reason.

use std::process::Command;
use std::time::Duration;

use foldgate_tests::foldgate::{Foldgate, OWNER_KEY};
use foldgate_tests::poll::nightly;
use foldgate_tests::process::Process;
use foldgate_tests::upstream::{Reply, Seen, shape};
use foldgate_tests::{FakeUpstream, Settings, paths};
use serde_json::json;

/// The longest that all runs together may take, which go on at once.
fn patience() -> Duration {
    nightly(Duration::from_mins(5), Duration::from_mins(20))
}

/// A run of the fuzzer.
struct Run<'r> {
    /// Where the document is.
    document: String,
    /// The key that it comes with.
    key: &'r str,
    /// Which phases.
    phases: &'r str,
    /// Its configuration, and its module of hooks.
    rules: (&'r str, &'r str),
    /// What bounds it, and other arguments.
    arguments: &'r [&'r str],
}

impl Run<'_> {
    async fn passes(self) {
        let folder = paths::workspace().join("tests/fuzz");
        let (config, hooks) = self.rules;
        // The fuzzer leaves files where it runs.
        let scratch = paths::scratch();
        let mut command = Command::new(paths::schemathesis());
        command
            .arg("--config-file")
            .arg(folder.join(config))
            .args(["run", &self.document])
            .args(["--phases", self.phases, "--checks", "all"])
            .args(self.arguments)
            .arg("--header")
            .arg(format!("Authorization: Bearer {}", self.key))
            .env("SCHEMATHESIS_HOOKS", hooks)
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_COLOR", "1")
            .current_dir(scratch.path());
        let log = scratch.path().join("fuzz.log");
        let mut fuzzer = Process::start("schemathesis", &command, &log);
        let status = fuzzer.end(patience()).await;
        let output = fuzzer.output();
        assert_eq!(status.code(), Some(0), "{output}");
        for phase in self.phases.split(',') {
            assert!(ran(&output, phase), "{phase}: {output}");
        }
    }
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

/// Runs phases over the admin listener, with a module of hooks, and what bounds them.
async fn fuzz(phases: &str, hooks: &str, arguments: &[&str]) {
    let mut foldgate = Settings::standalone().start().await;
    let run = Run {
        document: admin_document(&foldgate),
        key: OWNER_KEY,
        phases,
        rules: ("schemathesis.toml", hooks),
        arguments,
    };
    run.passes().await;
    assert!(foldgate.stop().await.success());
}

fn admin_document(foldgate: &Foldgate) -> String {
    format!("{}/admin/openapi.json", foldgate.admin().base())
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

/// A process that serves every model from a fake upstream, and a caller key of it.
struct Serving {
    foldgate: Foldgate,
    upstream: FakeUpstream,
    key: String,
}

impl Serving {
    async fn start() -> Self {
        let foldgate = Settings::standalone().start().await;
        let upstream = FakeUpstream::start().await;
        upstream.when(|seen| Some(reply(seen)));
        let admin = foldgate.admin();
        admin.serve_all(&upstream.url()).await;
        let key = json!({"display_name": "fuzz", "allowed_models": ["*"]});
        let made = admin.post("/admin/v1/api_keys", &key).await.ok();
        let key = made["plaintext"].as_str().expect("a key was drawn");
        Self {
            key: key.to_owned(),
            foldgate,
            upstream,
        }
    }

    /// Runs over one of its documents; the upstream must have heard of it.
    async fn passes(mut self, document: String, arguments: &[&str]) {
        let run = Run {
            document,
            key: &self.key,
            phases: "examples,fuzzing,coverage",
            rules: ("calls.toml", "calls"),
            arguments,
        };
        run.passes().await;
        assert!(self.upstream.count() > 20, "calls that went through");
        assert!(self.foldgate.stop().await.success());
    }
}

/// What takes whatever comes: lists where there are lists, bytes where there are bytes.
fn reply(seen: &Seen) -> Reply {
    let (method, path) = seen.line.split_once(' ').unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    match (method, last) {
        (_, "completions" | "embeddings") => shape::answer(&seen.line, &seen.body),
        (_, "speech" | "content") => Reply::bytes(200, "application/octet-stream", "bytes"),
        ("GET", "files" | "batches" | "input_items") => Reply::json(
            200,
            &json!({"object": "list", "data": [], "has_more": false}),
        ),
        _ => Reply::json(200, &json!({"id": "thing_1", "object": "thing"})),
    }
}

#[tokio::test]
async fn the_proxy_is_as_its_document_says() {
    let serving = Serving::start().await;
    let document = format!("{}/openapi.json", serving.foldgate.proxy().base());
    let examples = ["--max-examples", nightly("5", "100")];
    serving.passes(document, &examples).await;
}

#[tokio::test]
async fn the_playground_is_as_its_document_says() {
    let serving = Serving::start().await;
    let document = admin_document(&serving.foldgate);
    let only = [
        "--include-path",
        "/playground/chat/completions",
        "--max-examples",
        nightly("40", "400"),
    ];
    serving.passes(document, &only).await;
}
