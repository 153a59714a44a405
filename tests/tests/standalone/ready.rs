//! What `/readyz` says of a process and its parts.

use foldgate_tests::eventually;
use foldgate_tests::foldgate::{Foldgate, MASTER_KEY};
use foldgate_tests::poll::SOON;

use super::World;

/// The parts by name, as the verbose page lists them.
async fn parts(foldgate: &Foldgate) -> Vec<(String, String, String)> {
    let page = foldgate.status().get("/readyz?verbose").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let lines = page.text();
    assert!(lines.ends_with("readyz check passed\n"), "{lines}");
    let parts = lines.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("[+]")?.split_once(' ')?;
        let (status, reason) = rest.split_once(": ").unwrap_or((rest, ""));
        Some([name, status, reason].map(str::to_owned).into())
    });
    parts.collect()
}

#[tokio::test]
async fn every_part_is_listed_when_all_are_ready() {
    let world = World::new().await;
    eventually("every part ready", SOON, async || {
        let parts = parts(&world.foldgate).await;
        for name in ["process", "log", "fold", "owner", "secrets", "history"] {
            let found = parts.iter().find(|part| part.0 == name);
            if found.is_none_or(|part| part.1 != "ok") {
                return Err(format!("{name}: {parts:?}"));
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn keys_that_a_wrong_master_key_cannot_open_are_told_of() {
    let mut world = World::new().await;
    world.admin.add_key(2, &world.upstream.url()).await;
    world.foldgate.stop().await;
    let settings = world.foldgate.settings().clone();
    // Without the file nothing tells that the new key is another.
    std::fs::remove_file(settings.data().join("master.key")).expect("removed");
    let foldgate = settings
        .env("FOLDGATE_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let reason = eventually("the secrets' part", SOON, async || {
        let parts = parts(&foldgate).await;
        let found = parts
            .iter()
            .find(|part| part.0 == "secrets" && part.1 == "degraded");
        found
            .map(|part| part.2.clone())
            .ok_or_else(|| format!("{parts:?}"))
    })
    .await;
    assert!(
        reason.starts_with("2 provider keys are left out"),
        "{reason}"
    );
    assert!(reason.contains("cannot be opened"), "{reason}");
    assert!(reason.contains("is this the master key"), "{reason}");
    // Said once for all of them, not once for each.
    let output = foldgate.output();
    let mut said = output.lines().filter(|line| line.contains("left out"));
    assert!(said.clone().count() > 0, "{output}");
    assert!(
        said.all(|line| line.contains("2 provider keys are left out")),
        "{output}"
    );
}
