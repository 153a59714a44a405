//! A real nats-server, configured from the templates in `deploy/nats`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::paths;
use crate::poll::eventually;
use crate::process::Process;

const HUB: &str = include_str!("../../deploy/nats/hub.conf");
const HUB_CLUSTER: &str = include_str!("../../deploy/nats/hub-cluster.conf");
const REGION: &str = include_str!("../../deploy/nats/region.conf");

/// How long a server, or a cluster's election, may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// How often a start is tried with other ports.
const TRIES: usize = 5;

/// Who connects; see `deploy/nats/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Creates the streams.
    Bootstrap,
    /// A control plane.
    Control,
    /// A data plane.
    Node,
    /// A region's link.
    Leaf,
}

impl User {
    const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Control => "control",
            Self::Node => "node",
            Self::Leaf => "leaf",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    client: u16,
    monitor: u16,
    leaf: u16,
    route: u16,
}

impl Ports {
    fn free() -> Self {
        let [client, monitor, leaf, route] = paths::free_ports();
        Self {
            client,
            monitor,
            leaf,
            route,
        }
    }
}

/// A server with its ports and its store; both outlive a kill.
#[derive(Debug)]
pub struct NatsServer {
    name: String,
    ports: Ports,
    // Ends before its folder goes.
    process: Process,
    folder: TempDir,
}

impl NatsServer {
    /// A hub of one server.
    pub async fn hub() -> Self {
        Self::single("hub", HUB, "").await
    }

    /// A hub that acknowledges before it has written to disk, as servers do
    /// when nobody told them otherwise.
    pub async fn weak_hub() -> Self {
        let weak = HUB.replace("sync_interval: always", "");
        Self::single("hub", &weak, "").await
    }

    /// A region that reaches its hub's leaf port at `hub_leaf_port`.
    pub async fn region(name: &str, hub_leaf_port: u16) -> Self {
        let hub = format!("\"nats://leaf:leafpw@127.0.0.1:{hub_leaf_port}\"");
        Self::single(name, REGION, &hub).await
    }

    /// A hub of three servers.
    pub async fn cluster() -> [Self; 3] {
        for _ in 0..TRIES {
            let ports: [Ports; 3] = std::array::from_fn(|_| Ports::free());
            let routes = ports.map(|p| format!("nats://route:routepw@127.0.0.1:{}", p.route));
            let routes = routes.join(", ");
            let mut number = 0;
            let mut servers = ports.map(|ports| {
                number += 1;
                let name = format!("hub-{number}");
                Self::start(&name, HUB_CLUSTER, ports, &routes)
            });
            let mut ready = true;
            for server in &mut servers {
                ready = ready && server.became_ready().await;
            }
            if ready {
                return servers;
            }
        }
        panic!("no cluster of nats-servers became ready in {TRIES} tries")
    }

    async fn single(name: &str, template: &str, others: &str) -> Self {
        for _ in 0..TRIES {
            let mut server = Self::start(name, template, Ports::free(), others);
            if server.became_ready().await {
                return server;
            }
        }
        panic!("no nats-server became ready in {TRIES} tries")
    }

    fn start(name: &str, template: &str, ports: Ports, others: &str) -> Self {
        let folder = paths::scratch();
        let store = folder.path().join("store");
        let config = render(name, template, ports, &store.to_string_lossy(), others);
        std::fs::write(folder.path().join("nats.conf"), config).expect("a config can be written");
        let process = run(name, &folder);
        Self {
            name: name.to_owned(),
            ports,
            folder,
            process,
        }
    }

    /// The URL for a user.
    pub fn url(&self, user: User) -> String {
        url(user, self.ports.client)
    }

    /// A client of a user.
    pub async fn connect(&self, user: User) -> async_nats::Client {
        connect(user, self.ports.client).await
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.ports.client
    }

    /// The port for leaf nodes.
    pub fn leaf_port(&self) -> u16 {
        self.ports.leaf
    }

    /// The URL of the monitoring port.
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.monitor)
    }

    /// Where it keeps its files.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Freezes it (SIGSTOP).
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Starts it again, on the same ports and the same store.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = run(&self.name, &self.folder);
        assert!(
            self.became_ready().await,
            "{} does not come back:\n{}",
            self.name,
            self.process.tail()
        );
    }

    /// Whether it became ready; not if it ended, as when a port was taken.
    async fn became_ready(&mut self) -> bool {
        let url = format!("{}/healthz?js-enabled-only=true", self.monitor_url());
        let http = reqwest::Client::new();
        let what = format!("{} ready", self.name);
        let process = &mut self.process;
        eventually(&what, READY, async || {
            if process.ended().is_some() {
                return Ok(false);
            }
            let request = http.get(&url).timeout(Duration::from_secs(2));
            match request.send().await {
                Ok(answer) if answer.status().is_success() => Ok(true),
                Ok(answer) => Err(format!("healthz says {}", answer.status())),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }
}

/// The URL for a user on any port (a link's, say).
pub fn url(user: User, port: u16) -> String {
    let name = user.name();
    format!("nats://{name}:{name}pw@127.0.0.1:{port}")
}

/// A client on any port. The credentials of a URL alone are not used by the
/// client library, so they are given to it apart.
pub async fn connect(user: User, port: u16) -> async_nats::Client {
    let name = user.name();
    async_nats::ConnectOptions::with_user_and_password(name.to_owned(), format!("{name}pw"))
        .custom_inbox_prefix(format!("_INBOX_{name}"))
        .connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap_or_else(|e| panic!("{name} cannot connect: {e}"))
}

fn run(name: &str, folder: &TempDir) -> Process {
    let mut command = Command::new(paths::nats_server());
    command.arg("--config").arg(folder.path().join("nats.conf"));
    Process::start(name, &command, &folder.path().join("nats.log"))
}

fn render(name: &str, template: &str, ports: Ports, store: &str, others: &str) -> String {
    let mut text = template.to_owned();
    for (placeholder, value) in [
        ("@NAME@", name),
        ("@HOST@", "127.0.0.1"),
        ("@PORT@", &ports.client.to_string()),
        ("@MONITOR_PORT@", &ports.monitor.to_string()),
        ("@LEAF_PORT@", &ports.leaf.to_string()),
        ("@ROUTE_PORT@", &ports.route.to_string()),
        ("@STORE_DIR@", store),
        ("@ROUTES@", others),
        ("@HUB_LEAF_URLS@", others),
        ("@BOOTSTRAP_PASSWORD@", "bootstrappw"),
        ("@CONTROL_PASSWORD@", "controlpw"),
        ("@NODE_PASSWORD@", "nodepw"),
        ("@LEAF_PASSWORD@", "leafpw"),
        ("@ROUTE_PASSWORD@", "routepw"),
        ("@SYS_PASSWORD@", "syspw"),
    ] {
        text = text.replace(placeholder, value);
    }
    assert!(
        !text.contains("_PASSWORD@"),
        "a placeholder is left: {text}"
    );
    text
}
