//! The program under test, as a process with a data folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::admin::Admin;
use crate::client::{Answer, Client};
use crate::paths;
use crate::poll::{SOON, eventually};
use crate::process::Process;

/// The owner key of tests that do not look at how one is made.
pub const OWNER_KEY: &str = "sk-fg-test-owner-0123456789abcdefghijklmnopqrstu";

/// A master key: 32 bytes in base64.
pub const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What a process is started with. Cheap to copy and to start again.
#[derive(Debug, Clone)]
pub struct Settings {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    folder: Arc<TempDir>,
}

impl Settings {
    /// `foldgate standalone` with a fixed owner key.
    pub fn standalone() -> Self {
        Self::new(&["standalone"]).env("FOLDGATE_OWNER_KEY", OWNER_KEY)
    }

    /// `foldgate control-plane`, not yet told its NATS.
    pub fn control_plane() -> Self {
        Self::new(&["control-plane"])
            .env("FOLDGATE_OWNER_KEY", OWNER_KEY)
            .env("FOLDGATE_MASTER_KEY", MASTER_KEY)
    }

    /// `foldgate data-plane`, not yet told its NATS.
    pub fn data_plane() -> Self {
        Self::new(&["data-plane"]).env("FOLDGATE_MASTER_KEY", MASTER_KEY)
    }

    /// Any command, on free ports and a data folder of its own.
    pub fn new(args: &[&str]) -> Self {
        Self {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: BTreeMap::new(),
            folder: Arc::new(paths::scratch()),
        }
        .env("FOLDGATE_PROXY_ADDR", "127.0.0.1:0")
        .env("FOLDGATE_ADMIN_ADDR", "127.0.0.1:0")
        .env("FOLDGATE_STATUS_ADDR", "127.0.0.1:0")
        .env("FOLDGATE_ALLOWED_PROVIDER_CIDRS", "127.0.0.0/8")
        .env("RUST_BACKTRACE", "1")
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes an environment variable away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file that everything printed goes to.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("foldgate.log")
    }

    /// The command, to be run with other inputs and outputs.
    pub fn command(&self) -> Command {
        let mut command = Command::new(paths::foldgate());
        command.args(&self.args).current_dir(self.folder.path());
        command.env("FOLDGATE_DATA_DIR", self.data());
        command.envs(&self.env);
        command
    }

    /// Runs it to its end and gives what it printed (for short commands).
    pub async fn output(&self) -> Output {
        self.output_within(SOON).await
    }

    /// The same, for commands that take longer.
    pub async fn output_within(&self, limit: Duration) -> Output {
        let mut command = self.command();
        command.stdin(std::process::Stdio::null());
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = tokio::time::timeout(limit, run).await;
        output
            .unwrap_or_else(|_| panic!("{:?} does not end", self.args))
            .expect("a command's thread ends")
            .expect("the program starts")
    }

    /// Starts it without waiting for anything.
    pub fn spawn(&self) -> Process {
        // A list from an earlier run would name ports of the past.
        let _ = std::fs::remove_file(self.data().join("listeners.json"));
        let name = format!("foldgate {}", self.args.join(" "));
        Process::start(&name, &self.command(), &self.log()).keeping(&self.folder)
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> Foldgate {
        let foldgate = self.start_bound().await;
        foldgate.ready().await;
        foldgate
    }

    /// Starts it and waits until its listeners are bound, ready or not.
    pub async fn start_bound(&self) -> Foldgate {
        let mut process = self.spawn();
        let file = self.data().join("listeners.json");
        let what = format!("listeners of foldgate {}", self.args.join(" "));
        let listeners = eventually(&what, SOON, async || {
            process.must_run();
            read_listeners(&file)
        })
        .await;
        let address = |name: &str| listeners[name].as_str().map(str::to_owned);
        Foldgate {
            settings: self.clone(),
            proxy: address("proxy"),
            admin: address("admin"),
            status: address("status").expect("every process has a status listener"),
            process,
        }
    }
}

fn read_listeners(file: &Path) -> Result<Value, String> {
    let text = std::fs::read(file).map_err(|e| e.to_string())?;
    serde_json::from_slice(&text).map_err(|e| e.to_string())
}

/// A running process.
#[derive(Debug)]
pub struct Foldgate {
    // Ends before the folder in its settings goes.
    process: Process,
    settings: Settings,
    proxy: Option<String>,
    admin: Option<String>,
    status: String,
}

impl Foldgate {
    /// A client of its admin listener, with the owner key.
    #[track_caller]
    pub fn admin(&self) -> Admin {
        self.admin_with(OWNER_KEY)
    }

    /// A client of its admin listener, with another key.
    #[track_caller]
    pub fn admin_with(&self, key: &str) -> Admin {
        let address = self.admin.as_deref().expect("it has an admin listener");
        Admin(Client::new(address, Some(key)))
    }

    /// A client of its proxy, with the owner key.
    #[track_caller]
    pub fn proxy(&self) -> Client {
        let address = self.proxy.as_deref().expect("it has a proxy listener");
        Client::new(address, Some(OWNER_KEY))
    }

    /// A client of its status listener.
    pub fn status(&self) -> Client {
        Client::new(&self.status, None)
    }

    /// Whether it has an admin listener.
    pub fn has_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// Whether it has a proxy.
    pub fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// Its settings, to start it again.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&self) {
        let status = self.status();
        eventually("/readyz", SOON, async || {
            let answer = probe(&status, "/readyz").await?;
            match answer.status {
                200 => Ok(()),
                code => Err(format!("{code}: {}", answer.text())),
            }
        })
        .await;
    }

    /// The metrics, as text.
    pub async fn metrics(&self) -> String {
        let answer = self.status().get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// Asks it to end and waits for that.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.terminate();
        self.process.end(SOON).await
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it in good order and starts it again on the same data.
    pub async fn restart(&mut self) {
        let status = self.stop().await;
        assert!(status.success(), "it ends in good order: {status}");
        *self = self.settings.clone().start().await;
    }

    /// Waits until its proxy has folded a revision, and gives an answer of it.
    pub async fn folded(&self, revision: u64) -> Answer {
        let proxy = self.proxy();
        let what = format!("revision {revision} on {}", proxy.base());
        eventually(&what, SOON, async || {
            let answer = proxy.get("/v1/models").await;
            let seen = answer.header("x-foldgate-revision").unwrap_or("0");
            match seen.parse::<u64>() {
                Ok(seen) if seen >= revision => Ok(answer),
                _ => Err(format!("at {seen}")),
            }
        })
        .await
    }
}

async fn probe(client: &Client, path: &str) -> Result<Answer, String> {
    let request = client.request(http::Method::GET, path);
    crate::client::attempt(path, request.timeout(Duration::from_secs(5))).await
}
