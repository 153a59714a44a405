//! The history from a terminal, by the word of a running control plane.

use foldgate_tests::cli::{in_directory, run};
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::process::Process;
use foldgate_tests::{Settings, eventually};
use serde_json::{Value, json};

use crate::World;
use crate::cli::world;

fn ask(world: &World, args: &[&str]) -> Settings {
    Settings::new(args)
        .env("FOLDGATE_ADMIN_URL", world.admin.base())
        .env("FOLDGATE_OWNER_KEY", OWNER_KEY)
}

#[tokio::test]
async fn states_and_differences_are_the_same_served_or_folded() {
    let (mut world, revision) = world().await;
    let before = (revision - 1).to_string();
    let state = ["state", "--json", "--at", &before];
    let diff = ["state", "diff", &before, "--json"];
    let served = run(ask(&world, &state)).await.json();
    let changed = run(ask(&world, &diff)).await.json();
    let text = run(ask(&world, &["state"])).await.ok();
    assert!(
        text.contains("owner owner") && text.contains("s2.example.com"),
        "{text}"
    );
    let said = run(ask(&world, &["state", "--at", "999"]))
        .await
        .refused(64);
    assert!(said.contains("999"), "{said}");
    let said = run(ask(&world, &["state", "--at", "0"])).await.refused(64);
    assert!(said.contains("begins at revision 1"), "{said}");
    run(ask(&world, &["state", "--owner", "owner"]))
        .await
        .refused(64);

    assert!(world.foldgate.stop().await.success());
    let data = world.foldgate.settings().data();
    let folded = run(in_directory(&data, &state)).await.json();
    for name in ["revision", "at", "state_hash"] {
        assert_eq!(served[name], folded[name], "{name}");
    }
    let owner = folded["owners"][0].as_object().expect("an owner");
    for (name, value) in owner.iter().filter(|(name, _)| *name != "id") {
        assert_eq!(&served[name], value, "{name}");
    }
    let mut folded = run(in_directory(&data, &diff)).await.json();
    for change in folded["changes"].as_array_mut().expect("changes") {
        change.as_object_mut().expect("a change").remove("owner");
    }
    for name in ["from", "to", "changes"] {
        assert_eq!(changed[name], folded[name], "{name}");
    }
}

fn rows(tail: &Process) -> Vec<Value> {
    let output = tail.output();
    let lines = output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

async fn reaches(tail: &Process, revision: u64) {
    eventually("the tail shows it", SOON, async || {
        let rows = rows(tail);
        let last = rows.last().and_then(|row| row["revision"].as_u64());
        (last == Some(revision))
            .then_some(())
            .ok_or_else(|| tail.output())
    })
    .await;
}

#[tokio::test]
async fn the_tail_shows_writes_as_they_come_over_a_restart_too() {
    let (mut world, revision) = world().await;
    // Where it comes back, it must be found again.
    let address = world.admin.base().trim_start_matches("http://").to_owned();
    let mut tail = ask(&world, &["log", "tail", "-n", "2", "--json"]).spawn();
    reaches(&tail, revision).await;
    assert_eq!(rows(&tail).len(), 2);
    let smtp = json!({"EMAIL_SMTP": "x.example.com"});
    let written = world.admin.config(&smtp).await.revision();
    reaches(&tail, written).await;
    assert!(world.foldgate.stop().await.success());
    let settings = world.foldgate.settings().clone();
    world.foldgate = settings.env("FOLDGATE_ADMIN_ADDR", &address).start().await;
    let smtp = json!({"EMAIL_SMTP": "y.example.com"});
    let written = world.foldgate.admin().config(&smtp).await.revision();
    reaches(&tail, written).await;
    let revisions: Vec<Value> = rows(&tail)
        .iter()
        .map(|row| row["revision"].clone())
        .collect();
    let expected: Vec<u64> = (revision - 1..=written).collect();
    assert_eq!(revisions, expected, "each once, in order");
    tail.interrupt();
    assert_eq!(tail.end(SOON).await.code(), Some(0), "{}", tail.output());
}

#[tokio::test]
async fn the_tail_of_a_directory_in_use_comes_from_its_process() {
    let (world, revision) = world().await;
    let data = world.foldgate.settings().data();
    let tail = in_directory(&data, &["log", "tail", "--json"]).env("FOLDGATE_OWNER_KEY", OWNER_KEY);
    let mut tail = tail.spawn();
    reaches(&tail, revision).await;
    tail.interrupt();
    assert_eq!(tail.end(SOON).await.code(), Some(0), "{}", tail.output());
}
