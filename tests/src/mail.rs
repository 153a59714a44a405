//! A mail server (`tests/python/smtp.py`) that wants STARTTLS and a password.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::poll::{SOON, eventually};
use crate::process::Process;
use crate::upstream::Identity;
use crate::{Admin, paths};

/// Who may send.
pub const USER: &str = "gateway@example.com";

/// With which password.
pub const PASSWORD: &str = "a mail password";

/// Where an owner's mails go.
pub const TO: &str = "operators@example.com";

/// The server; it ends with the value.
pub struct MailServer {
    process: Process,
    identity: Identity,
    folder: Arc<TempDir>,
    port: u64,
    starts: usize,
}

impl MailServer {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let identity = Identity::draw(&[]);
        let folder = Arc::new(paths::scratch());
        let process = run(0, &identity, &folder, 0);
        let mut server = Self {
            process,
            identity,
            folder,
            port: 0,
            starts: 0,
        };
        server.port = server.listening().await;
        server
    }

    /// The certificate of the authority that vouches for it, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.identity.ca_file()
    }

    /// Kills it; its port stays its own.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        self.starts += 1;
        self.process = run(self.port, &self.identity, &self.folder, self.starts);
        self.listening().await;
    }

    /// Tells an owner's configuration of it.
    pub async fn use_for(&self, admin: &Admin) {
        let settings = json!({
            "EMAIL_SMTP": "localhost", "EMAIL_PORT": self.port, "EMAIL_AUTH": USER,
            "EMAIL_PASS": PASSWORD, "EMAIL_TLS": true, "XAI_MAIL": TO,
        });
        admin.config(&settings).await;
    }

    /// The mails that came since it was last started.
    pub fn mails(&self) -> Vec<Value> {
        let lines = self.process.output();
        let lines = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| line["subject"].is_string())
            .collect()
    }

    /// Waits until so many have come.
    pub async fn came(&self, count: usize) -> Vec<Value> {
        let what = format!("{count} mails");
        eventually(&what, 2 * SOON, async || {
            let mails = self.mails();
            if mails.len() >= count {
                Ok(mails)
            } else {
                Err(self.process.tail())
            }
        })
        .await
    }

    async fn listening(&mut self) -> u64 {
        eventually(
            "the mail server listens",
            Duration::from_secs(20),
            async || {
                self.process.must_run();
                let output = self.process.output();
                let mut lines = output
                    .lines()
                    .filter_map(|line| serde_json::from_str::<Value>(line).ok());
                let port = lines.find_map(|line| line["port"].as_u64());
                port.ok_or(output)
            },
        )
        .await
    }
}

fn run(port: u64, identity: &Identity, folder: &Arc<TempDir>, starts: usize) -> Process {
    let mut command = Command::new(paths::python());
    command
        .arg(paths::workspace().join("tests/python/smtp.py"))
        .arg(port.to_string())
        .args(identity.server_files())
        .args([USER, PASSWORD])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let log = folder.path().join(format!("smtp-{starts}.log"));
    Process::start("smtp.py", &command, &log).keeping(folder)
}
