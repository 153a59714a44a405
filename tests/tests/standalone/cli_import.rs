//! Carrying a history elsewhere: what `log export` writes, `log import` puts
//! back, byte by byte, or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use foldgate_tests::admin::CANARY;
use foldgate_tests::cli::{Said, fed, in_directory, piped, run};
use foldgate_tests::{Settings, eventually, paths, poll::SOON};
use serde_json::{Value, json};

use crate::cli::world;
use crate::{CHAT, chat};

/// An export of a log with a key and some configuration, as its lines.
async fn exported() -> Vec<String> {
    let (mut world, _) = world().await;
    assert!(world.foldgate.stop().await.success());
    let data = world.foldgate.settings().data();
    let text = run(in_directory(&data, &["log", "export"])).await.ok();
    text.lines().map(str::to_owned).collect()
}

fn file(folder: &Path, lines: &[String]) -> PathBuf {
    let path = folder.join("export");
    let text = lines.iter().map(|line| format!("{line}\n"));
    std::fs::write(&path, text.collect::<String>()).expect("a file can be written");
    path
}

async fn import(data: &Path, file: &Path) -> Said {
    let args = ["log", "import", &file.to_string_lossy()];
    run(in_directory(data, &args)).await
}

#[tokio::test]
async fn an_export_puts_the_same_log_into_another_directory() {
    let (mut world, revision) = world().await;
    let configs = world.admin.configs().await;
    assert!(world.foldgate.stop().await.success());
    let origin = world.foldgate.settings().data();
    let text = run(in_directory(&origin, &["log", "export"])).await.ok();
    assert!(!text.contains(CANARY), "secrets stay sealed");
    let header: Value = serde_json::from_str(text.lines().next().expect("a header")).expect("JSON");
    assert_eq!(header["foldgate_log"], 1);
    assert_eq!(header["head"]["revision"], revision);

    let settings = Settings::standalone();
    let data = settings.data();
    let folder = paths::scratch();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let said = import(&data, &file(folder.path(), &lines)).await;
    assert!(said.err.contains("master key"), "{said:?}");
    let said = said.ok();
    assert!(
        said.contains(&format!("{revision} records imported")),
        "{said}"
    );
    let verified = run(in_directory(&data, &["log", "verify", "--json"]))
        .await
        .json();
    assert_eq!(verified["whole"], true);
    assert_eq!(verified["log_id"], header["log_id"]);
    assert_eq!(verified["head"], header["head"]);
    let state = async |data: &Path| run(in_directory(data, &["state", "--json"])).await.json();
    assert_eq!(state(&data).await, state(&origin).await);
    let again = run(in_directory(&data, &["log", "export"])).await.ok();
    assert_eq!(again, text, "an export of it is the same");

    // It serves from there, with the origin's keys, and writes on.
    std::fs::copy(origin.join("master.key"), data.join("master.key")).expect("a copy");
    let foldgate = settings.start().await;
    let admin = foldgate.admin();
    assert_eq!(admin.configs().await, configs);
    foldgate.proxy().post(CHAT, &chat("any")).await.ok();
    let written = admin.config(&json!({"EMAIL_SMTP": "on.example.com"})).await;
    assert_eq!(written.revision(), revision + 1);
}

#[tokio::test]
async fn a_broken_export_is_refused_by_its_line_and_leaves_nothing() {
    let good = exported().await;
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = good.clone();
        change(&mut lines);
        lines
    };
    let replaced = |line: usize, from: &str, to: &str| {
        assert!(good[line].contains(from), "{from}: {}", good[line]);
        changed(&|lines| lines[line] = lines[line].replace(from, to))
    };
    let (one, other) = (good[2].clone(), good[3].clone());
    let bytes = |line: &str| line.split("\"bytes\":\"").nth(1).map(str::to_owned);
    let (one, other) = (bytes(&one).expect("bytes"), bytes(&other).expect("bytes"));
    let last = good.len();
    for (what, lines, line) in [
        ("tampered bytes", replaced(2, &one, &other), 3),
        (
            "a tampered field",
            replaced(2, "owner:owner", "owner:other"),
            3,
        ),
        ("a missing line", changed(&|lines| drop(lines.remove(2))), 3),
        ("swapped lines", changed(&|lines| lines.swap(2, 3)), 3),
        (
            "a doubled line",
            changed(&|lines| lines.insert(3, lines[2].clone())),
            4,
        ),
        (
            "a cut end",
            changed(&|lines| lines.truncate(last - 1)),
            last - 1,
        ),
        (
            "another format",
            replaced(0, "\"foldgate_log\":1", "\"foldgate_log\":9"),
            1,
        ),
        ("no header", changed(&|lines| drop(lines.remove(0))), 1),
        ("nothing", Vec::new(), 1),
    ] {
        let target = paths::scratch();
        let data = target.path().join("data");
        let folder = paths::scratch();
        let said = import(&data, &file(folder.path(), &lines)).await.refused(1);
        assert!(said.contains(&format!("line {line}: ")), "{what}: {said}");
        assert!(!data.exists(), "{what}: nothing is even begun");
        let text = lines.join("\n").into_bytes();
        let from_pipe = fed(in_directory(&data, &["log", "import", "-"]), text).await;
        assert_eq!(from_pipe.refused(1), said, "{what}, through a pipe");
        assert!(!data.join("log").exists(), "{what}");
        run(in_directory(&data, &["log", "verify"]))
            .await
            .refused(64);
    }
    let nowhere = Path::new("/nonexistent/export");
    import(paths::scratch().path(), nowhere).await.refused(74);
}

#[tokio::test]
async fn a_log_that_is_not_empty_is_not_imported_into() {
    let good = exported().await;
    let (mut world, revision) = world().await;
    assert!(world.foldgate.stop().await.success());
    let data = world.foldgate.settings().data();
    let before = run(in_directory(&data, &["log", "export"])).await.ok();
    let folder = paths::scratch();
    let said = import(&data, &file(folder.path(), &good)).await.refused(64);
    assert!(
        said.contains(&format!("holds {revision} records")),
        "{said}"
    );
    let after = run(in_directory(&data, &["log", "export"])).await.ok();
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_interrupted_import_is_no_log_and_can_be_repeated() {
    let good = exported().await;
    let target = paths::scratch();
    let data = target.path().join("data");
    let half = good[..3].join("\n") + "\n";
    let mut child = piped(&in_directory(&data, &["log", "import", "-"]));
    let stdin = child.stdin.as_mut().expect("it has an input");
    stdin.write_all(half.as_bytes()).expect("it reads");
    let begun = data.join("log-importing");
    eventually("the import has begun", SOON, async || {
        begun
            .exists()
            .then_some(())
            .ok_or_else(|| "not yet".to_owned())
    })
    .await;
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(!data.join("log").exists());
    let said = run(in_directory(&data, &["log", "verify"]))
        .await
        .refused(64);
    assert!(said.contains("there is no log"), "{said}");

    let text = good.join("\n").into_bytes();
    fed(in_directory(&data, &["log", "import", "-"]), text)
        .await
        .ok();
    assert!(!begun.exists());
    let again = run(in_directory(&data, &["log", "export"])).await.ok();
    assert!(again.lines().eq(good.iter()));
}

/// The fields that a table of the format's page names.
fn documented(heading: &str) -> Vec<String> {
    let page = include_str!("../../../deploy/foldgate/EXPORT.md");
    let (_, behind) = page.split_once(heading).expect("the heading is there");
    let rows = behind
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_format_is_as_its_page_says() {
    let lines = exported().await;
    let fields = |line: &str| -> Vec<String> {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let fields = value.as_object().expect("an object");
        fields.keys().cloned().collect()
    };
    assert_eq!(fields(&lines[0]), documented("The header:"));
    for line in &lines[1..] {
        assert_eq!(fields(line), documented("A record:"));
    }
}
