//! Secrets never come back: not in answers, logs, metrics, nor on the disk.

use std::path::Path;

use foldgate_tests::Reply;
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::upstream::Hint;
use serde_json::json;

use super::{CHAT, World, chat};

const SECRET: &str = "sk-planted-secret-0a1b2c3d4e5f6071";
const PEM: &str = "MIIEplantedpemplantedpemplantedpem";
const MAIL: &str = "planted-mail-password-9f8e7d";

/// Every file below a folder that holds the text, as bytes.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            holding(&path, text, found);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
            {
                found.push(path.display().to_string());
            }
        }
    }
}

#[tokio::test]
async fn planted_secrets_are_found_nowhere() {
    let world = World::new().await;
    let admin = &world.admin;
    let mut answers = Vec::new();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{PEM}\n-----END PRIVATE KEY-----\n");
    let vertex = json!({
        "SecretKey": SECRET, "Level": 4, "Provider": "https://us-central1-aiplatform.googleapis.com",
        "Config": {"provider_type": "vertex", "project_id": "my-project", "client_email": "a@my-project.iam.gserviceaccount.com", "private_key": pem},
    });
    answers.push(admin.post("/x-keys", &vertex).await);
    let standard = json!({"SecretKey": SECRET, "Level": 1, "Provider": world.upstream.url()});
    answers.push(admin.post("/x-keys", &standard).await);
    admin
        .delete(&format!("/x-keys/{}", world.key), None)
        .await
        .ok();
    answers.push(admin.put("/x-config", &json!({"EMAIL_PASS": MAIL})).await);
    // Refused requests are repeated to nobody either.
    answers.push(
        admin
            .post("/x-keys", &json!({"SecretKey": SECRET, "Level": -1}))
            .await,
    );
    answers.push(
        admin
            .post_bytes("/x-keys", format!("{{\"SecretKey\": \"{SECRET}\" x"))
            .await,
    );
    answers.push(
        admin
            .put("/x-config", &json!({"EMAIL_PASS": MAIL, "EMAIL_TLS": "x"}))
            .await,
    );
    // An upstream that says the key aloud.
    let loud = format!("Incorrect API key provided: {SECRET}");
    for reply in [
        Reply::error(401, "invalid_request_error", Some("invalid_api_key"), &loud),
        Reply::error(400, "invalid_request_error", None, &loud),
        Reply::rate_limited(Hint::None),
    ] {
        world
            .upstream
            .next(reply.header("openai-organization", "org-planted"));
        answers.push(world.proxy.post(CHAT, &chat("m")).await);
    }
    for path in [
        "/x-keys",
        "/x-config",
        "/x-conf",
        "/dashboard/news",
        "/admin/v1/fleet",
        "/v1/models",
    ] {
        answers.push(admin.get(path).await);
    }
    answers.push(world.foldgate.status().get("/metrics").await);
    assert!(
        world
            .upstream
            .seen()
            .iter()
            .all(|seen| seen.credential() == Some(SECRET))
    );

    let host = world.upstream.url();
    for answer in &answers {
        let text = format!("{:?}\n{}", answer.headers, answer.text());
        for secret in [SECRET, PEM, MAIL, OWNER_KEY, "org-planted"] {
            assert!(
                !text.contains(secret),
                "{} tells {secret}: {text}",
                answer.request
            );
        }
        let told =
            answer.request.contains(CHAT) && text.contains(host.trim_start_matches("http://"));
        assert!(!told, "{} tells the upstream: {text}", answer.request);
    }
    let output = world.foldgate.output();
    let data = world.foldgate.settings().data();
    for secret in [SECRET, PEM, MAIL, OWNER_KEY] {
        assert!(!output.contains(secret), "the log tells {secret}");
        let mut found = Vec::new();
        holding(&data, secret, &mut found);
        found.retain(|path| !path.ends_with("owner.key"));
        assert!(found.is_empty(), "{secret} lies in {found:?}");
    }
}

#[tokio::test]
async fn the_master_key_is_kept_from_others() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let data = world.foldgate.settings().data();
    let mode = std::fs::metadata(&data)
        .expect("the data folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "the data folder has mode {mode:o}");
    for entry in std::fs::read_dir(&data).expect("readable") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if std::path::Path::new(&name)
            .extension()
            .is_some_and(|end| end == "key")
        {
            let mode = entry.metadata().expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name} has mode {mode:o}");
        }
    }
}
