//! A fleet on one nats-server: control planes and data planes.

use serde_json::Value;

use crate::admin::Admin;
use crate::foldgate::{Foldgate, MASTER_KEY, Settings};
use crate::nats::{NatsServer, User, url};
use crate::poll::{SOON, eventually};

/// The region of everything that says nothing else.
pub const REGION: &str = "east";

/// Two control planes and three data planes, unless asked otherwise.
#[derive(Debug)]
pub struct Fleet {
    /// The server.
    pub nats: NatsServer,
    /// The control planes.
    pub controls: Vec<Foldgate>,
    /// The data planes.
    pub nodes: Vec<Foldgate>,
}

impl Fleet {
    /// Starts a fleet on a log made by `foldgate log init`.
    pub async fn start(controls: usize, nodes: usize) -> Self {
        let nats = NatsServer::hub().await;
        init(&nats).await;
        let mut fleet = Self {
            nats,
            controls: Vec::new(),
            nodes: Vec::new(),
        };
        for number in 1..=controls {
            let settings = fleet.control_settings(&format!("control-{number}"));
            fleet.controls.push(settings.start().await);
        }
        for number in 1..=nodes {
            let settings = fleet.node_settings(&format!("node-{number}"));
            fleet.nodes.push(settings.start().await);
        }
        fleet
    }

    /// How a control plane of this fleet is started.
    pub fn control_settings(&self, name: &str) -> Settings {
        on(Settings::control_plane(), name, REGION)
            .env("FOLDGATE_NATS_URL", &self.nats.url(User::Control))
            .env("FOLDGATE_NATS_MONITOR_URL", &self.nats.monitor_url())
    }

    /// How a data plane of this fleet is started.
    pub fn node_settings(&self, name: &str) -> Settings {
        on(Settings::data_plane(), name, REGION)
            .env("FOLDGATE_NATS_URL", &self.nats.url(User::Node))
    }

    /// The first control plane's owner API.
    pub fn admin(&self) -> Admin {
        self.controls[0].admin()
    }

    /// Waits until the data planes know each other, and so divide limits among them.
    pub async fn acquainted(&self) {
        let line = format!("foldgate_rate_limit_nodes {}", self.nodes.len());
        for node in &self.nodes {
            eventually("the nodes know each other", SOON, async || {
                let metrics = node.metrics().await;
                let known = metrics.lines().any(|one| one == line);
                known.then_some(()).ok_or_else(|| "not yet".to_owned())
            })
            .await;
        }
    }

    /// Waits until every data plane has folded a revision.
    pub async fn folded(&self, revision: u64) {
        for node in &self.nodes {
            node.folded(revision).await;
        }
    }
}

/// Names a process and its region.
pub fn on(settings: Settings, name: &str, region: &str) -> Settings {
    settings
        .env("FOLDGATE_NODE", name)
        .env("FOLDGATE_REGION", region)
}

/// Runs `foldgate log init` as the bootstrap user, for the hub's region.
pub async fn init(nats: &NatsServer) {
    let output = log_command("init", &nats.url(User::Bootstrap))
        .env("FOLDGATE_REGION", REGION)
        .output()
        .await;
    assert!(
        output.status.success(),
        "foldgate log init: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// `foldgate log COMMAND` on a NATS URL.
pub fn log_command(command: &str, nats_url: &str) -> Settings {
    Settings::new(&["log", command])
        .env("FOLDGATE_NATS_URL", nats_url)
        .env("FOLDGATE_MASTER_KEY", MASTER_KEY)
}

/// The URL for a user through a link.
pub fn through(link: &crate::Link, user: User) -> String {
    url(user, link.port())
}

/// Waits until a fleet view has a row of this name that a test is content with.
pub async fn row(admin: &Admin, node: &str, content: impl Fn(&Value) -> bool) -> Value {
    let what = format!("the fleet row of {node}");
    eventually(&what, SOON, async || {
        let rows = admin.fleet().await;
        let found = rows.iter().find(|row| row["node"] == node && content(row));
        found.cloned().ok_or_else(|| Value::from(rows).to_string())
    })
    .await
}
