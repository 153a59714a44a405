//! The first start, and starts that must not happen.

use std::os::unix::fs::PermissionsExt;

use foldgate_tests::foldgate::{MASTER_KEY, OWNER_KEY};
use foldgate_tests::poll::SOON;
use foldgate_tests::{Settings, paths};
use serde_json::json;

#[tokio::test]
async fn the_owner_key_is_made_printed_once_and_kept_in_a_private_file() {
    let settings = Settings::standalone().without("FOLDGATE_OWNER_KEY");
    let mut foldgate = settings.start().await;
    let file = settings.data().join("owner.key");
    let key = std::fs::read_to_string(&file).expect("owner.key is there");
    let key = key.trim();
    assert!(
        key.len() >= 32,
        "too short to be safe: {} characters",
        key.len()
    );
    let mode = std::fs::metadata(&file)
        .expect("it has metadata")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "owner.key has mode {mode:o}");
    assert_eq!(foldgate.output().matches(key).count(), 1, "printed once");
    foldgate.admin_with(key).get("/x-keys").await.ok();
    foldgate.restart().await;
    assert_eq!(
        foldgate.output().matches(key).count(),
        1,
        "not printed again"
    );
    let output = foldgate.output();
    assert_eq!(output.matches("shown this once").count(), 1, "{output}");
    let place = format!("The owner key is in {}", file.display());
    assert_eq!(output.matches(&place).count(), 1, "{output}");
    foldgate.admin_with(key).get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_given_owner_key_holds_and_is_never_printed() {
    let settings = Settings::standalone();
    let mut foldgate = settings.start().await;
    foldgate.admin().get("/x-keys").await.ok();
    assert!(!foldgate.output().contains(OWNER_KEY));
    // Another key at a later start changes nothing: the log has the owner.
    let status = foldgate.stop().await;
    assert!(status.success());
    let other = "sk-fg-another-owner-key-0123456789";
    let foldgate = settings.env("FOLDGATE_OWNER_KEY", other).start().await;
    foldgate.admin().get("/x-keys").await.ok();
    foldgate.admin_with(other).get("/x-keys").await.refusal(401);
}

#[tokio::test]
async fn faults_in_settings_are_reported_together_with_exit_64() {
    let settings = Settings::standalone()
        .env("FOLDGATE_PROXY_ADDR", "nowhere")
        .env("FOLDGATE_MASTER_KEY", "short")
        .env("FOLDGATE_UPSTREAM_MAX_ATTEMPTS", "0");
    let output = settings.output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    for name in ["PROXY_ADDR", "master.key", "max_attempts"] {
        assert!(said.contains(name), "{name} is not named: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn planes_refuse_to_start_without_nats() {
    for settings in [Settings::control_plane(), Settings::data_plane()] {
        let output = settings.output().await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains("FOLDGATE_NATS_URL"), "{said}");
    }
}

#[tokio::test]
async fn two_processes_do_not_share_a_data_folder() {
    let settings = Settings::standalone();
    let foldgate = settings.start().await;
    let output = settings.output().await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    foldgate.admin().get("/x-keys").await.ok();
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let [port] = paths::free_ports();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("bound");
    let address = format!("127.0.0.1:{port}");
    let mut process = Settings::standalone()
        .env("FOLDGATE_ADMIN_ADDR", &address)
        .spawn();
    let status = process.end(SOON).await;
    assert!(!status.success());
    let said = process.output();
    assert!(
        said.contains(&address) && !said.contains("panicked"),
        "{said}"
    );
    drop(taken);
}

#[tokio::test]
async fn a_settings_file_is_read_and_the_environment_wins() {
    let settings = Settings::standalone();
    let file = settings.data().with_file_name("foldgate.toml");
    std::fs::write(&file, "node = \"from-file\"\nregion = \"from-file\"\n").expect("written");
    let foldgate = settings.env("FOLDGATE_REGION", "from-env").start().await;
    let rows = foldgate.admin().fleet().await;
    assert_eq!(rows[0]["node"], "from-file");
    assert_eq!(rows[0]["region"], "from-env");
}

#[tokio::test]
async fn a_log_that_vanished_is_not_begun_anew() {
    let settings = Settings::standalone().without("FOLDGATE_OWNER_KEY");
    let mut foldgate = settings.start().await;
    foldgate.stop().await;
    let log = settings.data().join("log");
    std::fs::rename(&log, settings.data().with_file_name("elsewhere")).expect("moved");
    let output = settings.output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("the log is gone"), "{said}");
    assert!(said.contains("owner.key"), "{said}");
    assert!(!log.exists(), "nothing was begun");
    std::fs::rename(settings.data().with_file_name("elsewhere"), &log).expect("moved back");
    settings.start().await;
}

#[tokio::test]
async fn a_log_that_was_exchanged_is_refused() {
    let settings = Settings::standalone();
    let mut foldgate = settings.start().await;
    let admin = foldgate.admin();
    let kept = admin
        .config(&json!({"EMAIL_SMTP": "kept.example.com"}))
        .await;
    foldgate.stop().await;
    let other = Settings::standalone();
    other.start().await.stop().await;
    let (log, own) = (settings.data().join("log"), settings.data().join("own"));
    std::fs::rename(&log, &own).expect("moved");
    std::fs::rename(other.data().join("log"), &log).expect("moved");
    let output = settings.output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("the log was exchanged"), "{said}");
    // Nothing was thrown away.
    std::fs::remove_dir_all(&log).expect("removed");
    std::fs::rename(&own, &log).expect("moved back");
    let foldgate = settings.start().await;
    let found = foldgate.admin().get("/x-config").await;
    assert_eq!(found.revision(), kept.revision());
}

#[tokio::test]
async fn another_master_key_than_the_kept_one_is_refused() {
    let settings = Settings::standalone();
    settings.start().await.stop().await;
    let other = settings.clone().env("FOLDGATE_MASTER_KEY", MASTER_KEY);
    let output = other.output().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("master.key"), "{said}");
    assert!(!said.contains(MASTER_KEY), "{said}");
    let kept = std::fs::read_to_string(settings.data().join("master.key")).expect("master.key");
    settings
        .env("FOLDGATE_MASTER_KEY", kept.trim())
        .start()
        .await;
}

#[tokio::test]
async fn one_timeout_may_be_set_alone() {
    let settings = Settings::standalone().env("FOLDGATE_UPSTREAM_REQUEST_TIMEOUT", "4s");
    settings.start().await;
}
