//! The history from a terminal, on NATS: moved there, moved on, watched.

use std::io::Write;
use std::path::{Path, PathBuf};

use async_nats::jetstream;
use foldgate_tests::cli::{Said, asking, in_directory, piped, run};
use foldgate_tests::fleet::{REGION, init, on, row};
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Fleet, NatsServer, Settings, eventually, paths};
use serde_json::{Value, json};

/// A command on a log on NATS.
fn at(nats: &NatsServer, user: User, args: &[&str]) -> Settings {
    Settings::new(args)
        .env("FOLDGATE_NATS_URL", &nats.url(user))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
        .env("FOLDGATE_REGION", REGION)
}

async fn ask(nats: &NatsServer, args: &[&str]) -> Said {
    run(at(nats, User::Control, args)).await
}

/// An export of a fleet's log, in a file, with its state.
async fn exported(folder: &Path) -> (PathBuf, Value) {
    let fleet = Fleet::start(2, 3).await;
    let admin = fleet.admin();
    for number in 0..4 {
        let patch = json!({"EMAIL_SMTP": format!("s{number}.example.com")});
        fleet.controls[number % 2].admin().config(&patch).await;
    }
    let text = ask(&fleet.nats, &["log", "export"]).await.ok();
    let state = ask(&fleet.nats, &["state", "--json"]).await.json();
    // What the fleet itself says of its state is the same.
    let told = |row: &Value| row["state_hash"].is_string();
    for node in ["node-1", "node-2", "node-3"] {
        let node = row(&admin, node, told).await;
        let revision = node["state_revision"].to_string();
        let then = ask(&fleet.nats, &["state", "--at", &revision, "--json"]).await;
        assert_eq!(then.json()["state_hash"], node["state_hash"]);
    }
    let file = folder.join("export");
    std::fs::write(&file, &text).expect("a file can be written");
    for control in &fleet.controls {
        // A control plane gives the same export, and takes none.
        let through = |args: &[&str]| run(asking(control.admin().base(), OWNER_KEY, args));
        assert_eq!(through(&["log", "export"]).await.ok(), text);
        let args = ["log", "import", &file.to_string_lossy()];
        let said = through(&args).await.refused(64);
        assert!(said.contains("take FOLDGATE_ADMIN_URL away"), "{said}");
    }
    let said = import(&fleet.nats, &file).await.refused(64);
    assert!(said.contains("only an empty log"), "{said}");
    (file, state)
}

async fn import(nats: &NatsServer, file: &Path) -> Said {
    let args = ["log", "import", &file.to_string_lossy()];
    run(at(nats, User::Bootstrap, &args)).await
}

fn control(nats: &NatsServer) -> Settings {
    on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &nats.url(User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &nats.monitor_url())
}

#[tokio::test]
async fn a_log_moves_to_another_server_and_to_a_directory() {
    let folder = paths::scratch();
    let (file, state) = exported(folder.path()).await;
    let text = std::fs::read_to_string(&file).expect("it is there");
    for is_made in [false, true] {
        let nats = NatsServer::hub().await;
        if is_made {
            init(&nats).await;
        }
        let said = import(&nats, &file).await.ok();
        assert!(said.contains("records imported into NATS"), "{said}");
        assert_eq!(ask(&nats, &["state", "--json"]).await.json(), state);
        assert_eq!(ask(&nats, &["log", "export"]).await.ok(), text);
        let verified = ask(&nats, &["log", "verify", "--json"]).await.json();
        assert_eq!(verified["whole"], true, "{verified}");

        let said = import(&nats, &file).await.refused(64);
        assert!(said.contains("only an empty log"), "{said}");
        let control = control(&nats).start().await;
        let written = control
            .admin()
            .config(&json!({"EMAIL_SMTP": "on.example.com"}))
            .await;
        let last = state["revision"].as_u64().expect("a revision");
        assert_eq!(written.revision(), last + 1);
    }
    let data = folder.path().join("data");
    let args = ["log", "import", &file.to_string_lossy()];
    run(in_directory(&data, &args)).await.ok();
    let there = run(in_directory(&data, &["state", "--json"])).await;
    assert_eq!(there.json(), state);
}

#[tokio::test]
async fn an_unfinished_import_is_no_log_until_it_is_finished() {
    let folder = paths::scratch();
    let (file, state) = exported(folder.path()).await;
    let text = std::fs::read_to_string(&file).expect("it is there");
    let nats = NatsServer::hub().await;
    // The input breaks off behind two records, which are written by then.
    let mut child = piped(&at(&nats, User::Bootstrap, &["log", "import", "-"]));
    let half: String = text.split_inclusive('\n').take(3).collect();
    let mut stdin = child.stdin.take().expect("it has an input");
    stdin.write_all(half.as_bytes()).expect("it reads");
    drop(stdin);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let said = Said::from(ended.expect("no panic").expect("it ends")).refused(1);
    assert!(
        said.contains("line 3: ") && said.contains("it is missing"),
        "{said}"
    );

    let said = ask(&nats, &["log", "verify"]).await.refused(1);
    assert!(said.contains("is not finished"), "{said}");
    for args in [&["state"][..], &["log", "export"], &["log", "show", "1"]] {
        let said = ask(&nats, args).await.refused(74);
        assert!(said.contains("is not finished"), "{args:?}: {said}");
    }
    let waiting = control(&nats).start_bound().await;
    eventually("it says why it waits", SOON, async || {
        let ready = waiting.status().get("/readyz?verbose").await.text();
        let says = ready.contains("import into it is not finished");
        says.then_some(()).ok_or(ready)
    })
    .await;

    import(&nats, &file).await.ok();
    assert_eq!(ask(&nats, &["state", "--json"]).await.json(), state);
    waiting.ready().await;
    let revision = waiting.admin().get("/x-config").await.revision();
    assert_eq!(json!(revision), state["revision"]);
}

#[tokio::test]
async fn the_tail_shows_a_write_as_it_comes_and_ends_by_ctrl_c() {
    let fleet = Fleet::start(2, 3).await;
    let admin = fleet.admin();
    let args = ["log", "tail", "-n", "1", "--json"];
    let mut tail = at(&fleet.nats, User::Control, &args).spawn();
    let rows = |output: String| -> Vec<Value> {
        // The last line may not be whole yet.
        let rows = output.lines().map(serde_json::from_str);
        rows.filter_map(Result::ok).collect()
    };
    let seen = async |tail: &foldgate_tests::process::Process, count: usize| {
        eventually("rows of the tail", SOON, async || {
            let output = tail.output();
            let found = rows(output.clone());
            (found.len() >= count).then_some(found).ok_or(output)
        })
        .await
    };
    let first = seen(&tail, 1).await;
    assert_eq!(first[0]["kinds"], json!(["OwnerClaimed"]));
    let written = admin.config(&json!({"EMAIL_SMTP": "a.example.com"})).await;
    let both = seen(&tail, 2).await;
    assert_eq!(both[1]["revision"], written.revision());
    assert_eq!(both[1]["actor"], "owner:owner");
    tail.interrupt();
    let status = tail.end(SOON).await;
    assert_eq!(status.code(), Some(0), "{}", tail.output());
}

#[tokio::test]
async fn a_broken_link_is_named_by_every_command_that_reads_all() {
    let fleet = Fleet::start(2, 3).await;
    let patch = json!({"EMAIL_SMTP": "a.example.com"});
    let revision = fleet.admin().config(&patch).await.revision();
    let context = jetstream::new(fleet.nats.connect(User::Bootstrap).await);
    let stream = context.get_stream("FOLDGATE_LOG").await.expect("the log");
    let old = stream.get_raw_message(1).await.expect("record 1");
    let publish = context
        .publish(old.subject.clone(), old.payload.clone())
        .await;
    publish.expect("sent").await.expect("stored");
    let forged = revision + 1;
    let broken = format!("broken at revision {forged}");
    for args in [
        &["log", "verify"][..],
        &["log", "export"],
        &["state"],
        &["state", "diff", "1"],
        &["log", "show", &forged.to_string()],
    ] {
        let said = ask(&fleet.nats, args).await.refused(1);
        assert!(said.contains(&broken), "{args:?}: {said}");
    }
    let said = ask(&fleet.nats, &["log", "verify", "--json"]).await;
    assert_eq!(said.code, Some(1));
    let found: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(found["whole"], false);
    assert_eq!(found["broken"]["revision"], forged);
    // A control plane names it too; what stands before it can be looked at.
    let at = revision.to_string();
    for control in &fleet.controls {
        let through = |args: &[&str]| run(asking(control.admin().base(), OWNER_KEY, args));
        let said = through(&["log", "verify"]).await.refused(1);
        assert!(said.contains(&broken), "{said}");
        through(&["state", "--at", &at]).await.ok();
    }
    ask(&fleet.nats, &["state", "--at", &at]).await.ok();
}
