//! What an operator may set. Defaults give way to `foldgate.toml`, that to
//! `FOLDGATE_*` variables, those to flags. One table ([`TABLE`]) holds every
//! setting; parsing, `--help`, `foldgate settings` and README's table are all
//! made from it. Everything is checked once, at start, and all faults are
//! reported together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

mod check;
mod edit_distance;
mod listing;
mod sources;
mod table;
mod text;
mod url;
mod value;

pub use check::owner_key as check_owner_key;
pub use listing::markdown;
pub use sources::{ConfigFile, Sources, arguments};
pub use table::{DefaultText, Setting, TABLE};
pub use url::NatsUrls;
pub use value::{Amount, ByteSize, Follow, LogFormat, Name, TimeZone};

/// What a process does, as far as its settings go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Both planes in one process.
    Standalone,
    /// Admin writes.
    ControlPlane,
    /// Traffic.
    DataPlane,
    /// A one-shot command (`log init`, `settings`); asks for nothing up front.
    Tool,
}

impl Role {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::ControlPlane => "control-plane",
            Self::DataPlane => "data-plane",
            Self::Tool => "tool",
        }
    }

    /// Whether it proxies traffic.
    pub const fn has_proxy(self) -> bool {
        matches!(self, Self::Standalone | Self::DataPlane)
    }

    /// Whether it takes admin writes.
    pub const fn has_admin(self) -> bool {
        matches!(self, Self::Standalone | Self::ControlPlane)
    }
}

/// Every setting, typed and valid. Debug shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the process does.
    pub role: Role,
    /// This node's name; without one the data directory keeps a drawn one.
    pub node: Option<Name>,
    /// The region this node is in.
    pub region: Name,
    /// Where days and months begin, of limits and of bills.
    pub time_zone: TimeZone,
    /// Where this node keeps its files.
    pub data_dir: PathBuf,
    /// Threads that serve; 0 is one per core.
    pub worker_threads: usize,
    /// Where to listen.
    pub listen: Listen,
    /// A running control plane for commands to ask; empty is none.
    pub admin_url: String,
    /// The data node that a control plane's playground calls; empty is none.
    pub playground_url: String,
    /// The owner made at first start.
    pub owner: Owner,
    /// The keys that seal secrets.
    pub master: Master,
    /// The log on NATS; without a URL the log is embedded.
    pub nats: Nats,
    /// Calls to providers.
    pub upstream: Upstream,
    /// Bounds on what clients may do to a listener.
    pub http: Http,
    /// What is written about.
    pub log: Log,
    /// How often things are told.
    pub pace: Pace,
    /// Balances the owner API shows.
    pub balance: Balance,
    /// What requests used, until it is handed on.
    pub usage: Usage,
}

/// Listening addresses. Port 0 takes a free one, told in `listeners.json`.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Callers' traffic.
    pub proxy: SocketAddr,
    /// Admin and owner API.
    pub admin: SocketAddr,
    /// Health and metrics.
    pub status: SocketAddr,
}

/// The owner that the first start of an empty log claims.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    /// Its key; drawn when absent.
    pub key: Option<SecretString>,
    /// Its name.
    pub name: Name,
}

/// Master keys.
#[derive(Debug, Clone, Default)]
pub struct Master {
    /// The current key in base64.
    pub key: Option<SecretString>,
    /// A file that holds it.
    pub key_file: Option<PathBuf>,
    /// Older keys that still open what they sealed.
    pub previous_keys: Vec<SecretString>,
}

/// NATS.
#[derive(Debug, Clone, Default)]
pub struct Nats {
    /// Servers; may hold credentials.
    pub url: NatsUrls,
    /// Certificates to trust instead of the system's, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// A JWT and its seed.
    pub credentials_file: Option<PathBuf>,
    /// The seed of an nkey.
    pub nkey_file: Option<PathBuf>,
    /// Monitoring ports (`http://host:8222`) to read the log's strength from.
    pub monitor_url: Vec<String>,
    /// A connection as system user, to read it where those are closed.
    pub system_url: NatsUrls,
    /// Copies of the log that `log init` asks for and a control plane insists on.
    pub replicas: usize,
    /// Which stream a data plane follows.
    pub follow: Follow,
    /// The hub's JetStream domain, for a process that reaches it over a leaf link.
    pub hub_domain: Option<Name>,
    /// Start although the log may lose acknowledged writes.
    pub allow_weak_log: bool,
}

/// Calls to providers.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// Loopback and private ranges that providers may be in.
    pub allowed_provider_cidrs: Vec<IpNet>,
    /// Certificates to trust besides the public ones, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// Attempts per request, over all keys and Levels.
    pub max_attempts: usize,
    /// The whole of one request, from its first byte to the last of its answer's head
    /// or, without streaming, of its body.
    pub request_timeout: Duration,
    /// From sending a request to the first byte of the answer.
    pub first_byte_timeout: Duration,
    /// Opening a connection, TLS included.
    pub connect_timeout: Duration,
    /// The longest silence in a streamed answer.
    pub stream_idle_timeout: Duration,
}

/// Bounds on what clients may do to a listener.
#[derive(Debug, Clone, Default)]
pub struct Http {
    /// The longest request body on the proxy.
    pub max_body_bytes: ByteSize,
    /// Connections per listener; more wait in the kernel.
    pub max_connections: usize,
    /// From a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// The longest time a connection may stay without a request.
    pub idle_timeout: Duration,
    /// The longest time a client may refuse to take bytes.
    pub write_timeout: Duration,
    /// How long a shutdown waits for requests and streams to end.
    pub drain_timeout: Duration,
    /// Networks of proxies that are believed when they tell a client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of pages whose browsers may call the proxy; `*` is any.
    pub allowed_origins: Vec<String>,
}

/// What is written about.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Filter directives (`info`, `warn,foldgate_log=debug`).
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
    /// One line per request.
    pub access: bool,
}

/// How often things are told.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Between two signs of life.
    pub heartbeat_interval: Duration,
}

/// Balances in account currency, as the owner API shows them.
#[derive(Debug, Clone, Default)]
pub struct Balance {
    /// Below it a user may no longer call.
    pub user_min: Amount,
    /// What a user needs to use the API.
    pub user_api: Amount,
}

/// What requests used, until it is handed on.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// How much may wait in the data directory before calls are refused.
    pub spool_max_bytes: ByteSize,
}

/// Valid settings with what is worth telling about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What looks like a mistake but stops nothing.
    pub warnings: Vec<String>,
    /// Where each setting of [`TABLE`] was taken from, in its order.
    pub origins: Vec<Origin>,
}

/// Where a setting was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Not set anywhere.
    Default,
    /// `foldgate.toml`.
    File,
    /// A `FOLDGATE_*` variable.
    Environment,
    /// A flag.
    Flag,
}

/// Everything that is wrong with the settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Faults(pub Vec<String>);

impl Settings {
    /// The defaults of a role.
    ///
    /// # Panics
    /// Never: every default of the table is valid, which a test holds.
    pub fn defaults(role: Role) -> Self {
        let mut settings = Self::unset(role);
        for setting in TABLE {
            (setting.slot)(&mut settings)
                .set(setting.default.of(role))
                .expect("every default of the table is valid; a test tries them all");
        }
        settings
    }

    /// Reads and checks settings from their sources.
    ///
    /// # Errors
    /// All faults of all sources together.
    pub fn load(role: Role, sources: &Sources) -> Result<Loaded, Faults> {
        let mut settings = Self::defaults(role);
        let mut faults = sources.faults.clone();
        let mut origins = vec![Origin::Default; TABLE.len()];
        for given in sources.in_order() {
            let setting = &TABLE[given.index];
            origins[given.index] = given.origin;
            if let Err(wrong) = (setting.slot)(&mut settings).set(given.text) {
                faults.push(format!("{}: {wrong}", given.name()));
            }
        }
        give_way(&mut settings, &origins);
        faults.extend(check::faults(&settings));
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let warnings = sources.warnings.clone();
        Ok(Loaded {
            settings,
            warnings,
            origins,
        })
    }

    /// Where every value will be overwritten by its default.
    fn unset(role: Role) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            role,
            node: None,
            region: Name::default(),
            time_zone: TimeZone::default(),
            data_dir: PathBuf::new(),
            worker_threads: 0,
            listen: Listen {
                proxy: nowhere,
                admin: nowhere,
                status: nowhere,
            },
            admin_url: String::new(),
            playground_url: String::new(),
            owner: Owner::default(),
            master: Master::default(),
            nats: Nats::default(),
            upstream: Upstream::default(),
            http: Http::default(),
            log: Log::default(),
            pace: Pace::default(),
            balance: Balance::default(),
            usage: Usage::default(),
        }
    }
}

/// One timeout may be set alone: the other's default gives way to it.
fn give_way(settings: &mut Settings, origins: &[Origin]) {
    let is_default = |path: &str| {
        let at = TABLE.iter().position(|setting| setting.path == path);
        at.is_some_and(|at| origins[at] == Origin::Default)
    };
    let upstream = &mut settings.upstream;
    if is_default("upstream.first_byte_timeout") {
        let least = upstream.first_byte_timeout.min(upstream.request_timeout);
        upstream.first_byte_timeout = least;
    } else if is_default("upstream.request_timeout") {
        let most = upstream.request_timeout.max(upstream.first_byte_timeout);
        upstream.request_timeout = most;
    }
}

#[cfg(test)]
mod tests;
