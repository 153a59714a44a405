//! README is what a newcomer types: its first session runs as it stands there,
//! and its table of settings is the program's own.

use std::process::Command;
use std::time::Duration;

use foldgate_tests::process::Process;
use foldgate_tests::{FakeUpstream, Settings, paths};
use serde_json::json;

/// A handful of curl calls, on a busy machine.
const SCRIPT: Duration = Duration::from_mins(1);

/// Makes an answer that is an error end the script, which README's reader would
/// see with their own eyes.
const PREAMBLE: &str =
    "set -eu\ncurl() { command curl --fail-with-body --max-time 30 -w '\\n' \"$@\"; }\n";

fn readme() -> String {
    std::fs::read_to_string(paths::workspace().join("README.md")).expect("README.md is there")
}

/// The lines between ```sh fences of one section.
fn shell_of(readme: &str, heading: &str) -> String {
    let (_, section) = readme.split_once(heading).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// Replaces what must be there: README and this test may not drift apart.
fn put(script: &str, from: &str, to: &str) -> String {
    assert!(script.contains(from), "README no longer says {from}");
    script.replace(from, to)
}

#[tokio::test]
async fn the_first_session_runs_as_it_is_written() {
    let upstream = FakeUpstream::start().await;
    let settings = Settings::standalone().without("FOLDGATE_OWNER_KEY");
    let foldgate = settings.start().await;
    let key_file = settings.data().join("owner.key");
    let key = std::fs::read_to_string(&key_file).expect("owner.key is there");
    // OpenAI's own address maps these models by itself; the one that stands in
    // for it is not known.
    let admin = foldgate.admin_with(key.trim());
    admin.config(&json!({"LEVEL_MAPPER": "gpt*=1"})).await;

    let script = shell_of(&readme(), "\n## A first session\n");
    let script = put(
        &script,
        "foldgate-data/owner.key",
        &key_file.to_string_lossy(),
    );
    let script = put(&script, "https://api.openai.com", &upstream.url());
    let script = put(&script, "http://127.0.0.1:3000", foldgate.proxy().base());
    let script = put(&script, "http://127.0.0.1:3001", admin.base());

    let folder = paths::scratch();
    let file = folder.path().join("session.sh");
    std::fs::write(&file, format!("{PREAMBLE}{script}")).expect("the script can be written");
    let mut command = Command::new("bash");
    command
        .arg(&file)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("OPENAI_API_KEY", "sk-of-the-readme-0123456789");
    let mut session = Process::start("README's session", &command, &folder.path().join("log"));
    let status = session.end(SCRIPT).await;
    let said = session.output();
    assert!(status.success(), "{said}");
    assert!(said.contains("[DONE]"), "the chat is streamed: {said}");
    let seen = upstream.last();
    assert_eq!(seen.credential(), Some("sk-of-the-readme-0123456789"));
    assert_eq!(admin.keys().await.len(), 2, "{said}");
    let configs = admin.configs().await.to_string();
    assert!(configs.contains("llama*"), "{configs}");
}

#[tokio::test]
async fn the_settings_are_the_programs_own() {
    let output = Settings::new(&["settings", "--markdown"]).output().await;
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).expect("text");
    assert!(table.lines().count() > 20, "{table}");
    let readme = readme();
    let (_, rest) = readme
        .split_once("<!-- settings:begin -->")
        .expect("a place");
    let (block, _) = rest.split_once("<!-- settings:end -->").expect("an end");
    assert_eq!(block.trim(), table.trim(), "README's table is an old one");
}
