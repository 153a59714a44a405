//! Reading the history from a terminal: of a data directory, and through the
//! process that holds it.

use std::io::Read;

use foldgate_tests::admin::CANARY;
use foldgate_tests::cli::{fed, in_directory, piped, run};
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Foldgate, Settings, fleet};
use serde_json::{Value, json};

use crate::World;

/// A process with a key and some configuration, and its last revision.
pub(crate) async fn world() -> (World, u64) {
    let world = World::new().await;
    let mut revision = 0;
    for number in 0..3 {
        let patch = json!({"EMAIL_SMTP": format!("s{number}.example.com")});
        revision = world.admin.config(&patch).await.revision();
    }
    (world, revision)
}

async fn stopped() -> (Foldgate, u64) {
    let (mut world, revision) = world().await;
    assert!(world.foldgate.stop().await.success());
    (world.foldgate, revision)
}

/// A command on a process's data directory.
fn on(foldgate: &Foldgate, args: &[&str]) -> Settings {
    in_directory(&foldgate.settings().data(), args)
}

#[tokio::test]
async fn a_record_is_shown_with_what_it_changed_and_no_secret() {
    let (foldgate, revision) = stopped().await;
    let shown = run(on(
        &foldgate,
        &["log", "show", &revision.to_string(), "--json"],
    ))
    .await;
    let shown = shown.json();
    assert_eq!(shown["revision"], revision);
    assert_eq!(shown["actor"], "owner:owner");
    assert_eq!(shown["command"], "PatchConfig");
    assert_eq!(
        shown["events"],
        json!([{"ConfigPatched": {"patch": {"email_smtp": "s2.example.com"}}}])
    );
    let change = json!({
        "resource": "config", "field": "EMAIL_SMTP",
        "before": "s1.example.com", "after": "s2.example.com",
    });
    assert_eq!(shown["changes"], json!([change]));

    // The key: its event and its fields show a mask, never what is sealed.
    let key = run(on(&foldgate, &["log", "show", "2"])).await.ok();
    assert!(key.contains("KeyAdded") && key.contains("key/1"), "{key}");
    let key = run(on(&foldgate, &["log", "show", "2", "--json"]))
        .await
        .ok();
    assert!(key.contains("\"secret\":\"sk-c...4a6f\""), "{key}");
    for hidden in [CANARY, "sealed", "key_hash"] {
        assert!(!key.contains(hidden), "{hidden}: {key}");
    }
    let beyond = (revision + 1).to_string();
    let said = run(on(&foldgate, &["log", "show", &beyond])).await;
    let said = said.refused(64);
    assert!(said.contains(&format!("ends at {revision}")), "{said}");
}

#[tokio::test]
async fn the_state_is_shown_at_any_revision_and_time() {
    let (foldgate, revision) = stopped().await;
    let newest = run(on(&foldgate, &["state", "--json"])).await.json();
    assert_eq!(newest["revision"], revision);
    let owner = &newest["owners"][0];
    assert_eq!(owner["owner"]["name"], "owner");
    assert_eq!(owner["config"]["EMAIL_SMTP"], "s2.example.com");
    assert_eq!(owner["keys"][0]["number"], 1);

    let before = (revision - 1).to_string();
    let earlier = run(on(&foldgate, &["state", "--at", &before, "--json"])).await;
    let earlier = earlier.json();
    let smtp = |state: &Value| state["owners"][0]["config"]["EMAIL_SMTP"].clone();
    assert_eq!(smtp(&earlier), "s1.example.com");
    assert_ne!(earlier["state_hash"], newest["state_hash"]);
    let at = newest["at"].as_str().expect("a time");
    let by_time = run(on(&foldgate, &["state", "--at", at, "--json"])).await;
    assert_eq!(by_time.json(), newest);
    let text = run(on(&foldgate, &["state", "--owner", "owner"]))
        .await
        .ok();
    let hash = newest["state_hash"].as_str().expect("a hash");
    assert!(
        text.contains(hash) && text.contains("s2.example.com"),
        "{text}"
    );

    for (args, says) in [
        (&["state", "--at", "0"][..], "before the first record"),
        (
            &["state", "--at", "1999-12-31T00:00:00Z"],
            "before the first record",
        ),
        (&["state", "--at", "999"], "there is no revision 999"),
        (&["state", "--owner", "nobody"], "there are: owner"),
        (&["state", "--at", "1", "diff", "1"], "not as --at"),
    ] {
        let said = run(on(&foldgate, args)).await.refused(64);
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_diff_names_each_changed_field() {
    let (foldgate, revision) = stopped().await;
    let from = (revision - 1).to_string();
    let args = ["state", "diff", &from, "--json"];
    let diff = run(on(&foldgate, &args)).await.json();
    let change = json!({
        "owner": "owner", "resource": "config", "field": "EMAIL_SMTP",
        "before": "s1.example.com", "after": "s2.example.com",
    });
    let expected = json!({"from": revision - 1, "to": revision, "changes": [change]});
    assert_eq!(diff, expected);
    let to = revision.to_string();
    let back = run(on(&foldgate, &["state", "diff", &to, &from]))
        .await
        .ok();
    let words: Vec<&str> = back
        .lines()
        .last()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let wanted = [
        "config",
        "EMAIL_SMTP",
        "\"s2.example.com\"",
        "\"s1.example.com\"",
    ];
    assert_eq!(words, wanted);
    let same = run(on(&foldgate, &["state", "diff", &to, &to])).await.ok();
    assert!(same.contains("nothing changed"), "{same}");
}

#[tokio::test]
async fn the_tail_of_a_log_that_nobody_holds_ends() {
    let (foldgate, revision) = stopped().await;
    let said = run(on(&foldgate, &["log", "tail", "-n", "2", "--json"])).await;
    assert!(said.err.contains("no process holds this log"), "{said:?}");
    let rows: Vec<Value> = said
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let revisions: Vec<&Value> = rows.iter().map(|row| &row["revision"]).collect();
    assert_eq!(revisions, [revision - 1, revision]);
    assert_eq!(rows[1]["kinds"], json!(["ConfigPatched"]));
    let text = run(on(&foldgate, &["log", "tail", "-n", "300"])).await.ok();
    assert_eq!(text.lines().count() as u64, revision + 1, "{text}");
}

#[tokio::test]
async fn a_log_in_use_is_read_through_its_process() {
    let (mut world, revision) = world().await;
    let foldgate = &world.foldgate;
    let through = |args: &[&str]| on(foldgate, args).env("FOLDGATE_OWNER_KEY", OWNER_KEY);
    let named = |args: &[&str]| {
        Settings::new(args)
            .env("FOLDGATE_ADMIN_URL", world.admin.base())
            .env("FOLDGATE_OWNER_KEY", OWNER_KEY)
    };
    let verified = run(through(&["log", "verify", "--json"])).await.json();
    assert_eq!(verified["whole"], true);
    assert_eq!(verified["head"]["revision"], revision);
    assert_eq!(
        run(named(&["log", "verify", "--json"])).await.json(),
        verified
    );
    let exported = run(through(&["log", "export"])).await.ok();
    assert_eq!(run(named(&["log", "export"])).await.ok(), exported);
    let show = ["log", "show", "2", "--json"];
    let shown = run(named(&show)).await.json();

    // A wrong key, no key, nobody there, and an import into it.
    let wrong = named(&["log", "export"]).env("FOLDGATE_OWNER_KEY", &"x".repeat(20));
    let said = run(wrong).await.refused(64);
    assert!(said.contains("API key is not known"), "{said}");
    let without = named(&["log", "export"]).without("FOLDGATE_OWNER_KEY");
    assert!(
        run(without)
            .await
            .refused(64)
            .contains("FOLDGATE_OWNER_KEY")
    );
    let said = run(on(foldgate, &["log", "export"])).await.refused(74);
    assert!(
        said.contains("in use") && said.contains("--admin-url"),
        "{said}"
    );
    let gone = named(&["log", "export"]).env("FOLDGATE_ADMIN_URL", "http://127.0.0.1:9");
    run(gone).await.refused(74);
    let import = named(&["log", "import", "-"]);
    assert!(run(import).await.refused(64).contains("FOLDGATE_ADMIN_URL"));
    let import = through(&["log", "import", "-"]);
    let said = fed(import, exported.clone().into_bytes()).await.refused(74);
    assert!(
        said.contains("in use by another foldgate process"),
        "{said}"
    );

    assert!(world.foldgate.stop().await.success());
    let foldgate = &world.foldgate;
    assert_eq!(run(on(foldgate, &["log", "export"])).await.ok(), exported);
    assert_eq!(run(on(foldgate, &show)).await.json(), shown);
}

#[tokio::test]
async fn a_fleet_view_and_a_terminal_name_the_same_state() {
    let (mut world, _) = world().await;
    let told = |row: &Value| row["state_hash"].is_string() && row["state_revision"].is_u64();
    let node = world.admin.fleet().await[0]["node"].clone();
    let node = node.as_str().expect("a name");
    let row = fleet::row(&world.admin, node, told).await;
    assert!(world.foldgate.stop().await.success());
    let at = row["state_revision"].to_string();
    let args = ["state", "--at", &at, "--json"];
    let state = run(on(&world.foldgate, &args)).await.json();
    assert_eq!(state["state_hash"], row["state_hash"]);
    assert_eq!(state["fold_version"], row["fold_version"]);
}

#[tokio::test]
async fn whoever_stops_reading_causes_no_panic() {
    let (foldgate, _) = stopped().await;
    for (args, code) in [
        (&["log", "export"][..], 74),
        (&["state"], 0),
        (&["log", "show", "2"], 0),
        (&["log", "tail"], 0),
        (&["log", "verify"], 0),
    ] {
        let mut child = piped(&on(&foldgate, args));
        drop(child.stdout.take());
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        let ended = tokio::time::timeout(SOON, ended).await;
        let output = ended.expect("it ends").expect("no panic").expect("it ran");
        let mut said = String::new();
        let read = output.stderr.as_slice().read_to_string(&mut said);
        read.expect("it is text");
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    }
}
