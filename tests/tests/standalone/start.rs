//! The first start, and starts that must not happen.

use std::os::unix::fs::PermissionsExt;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Settings, paths};

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

/// README's table is the one the program prints.
#[tokio::test]
async fn readme_lists_the_settings() {
    let output = Settings::new(&["settings", "--markdown"]).output().await;
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).expect("text");
    assert!(table.lines().count() > 20, "{table}");
    let readme = std::fs::read_to_string(paths::workspace().join("README.md"));
    let readme = readme.expect("README.md is there");
    for line in table
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        assert!(
            readme.lines().any(|l| l.trim_end() == line),
            "README lacks: {line}"
        );
    }
}
