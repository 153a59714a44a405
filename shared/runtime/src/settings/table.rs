//! The table of settings: one line per setting, and the only place that names
//! them. A setting `a.b_c` of the file is `FOLDGATE_A_B_C` in the environment
//! and `--a-b-c` on the command line.

use super::value::Value;
use super::{Role, Settings};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its path in `foldgate.toml`, from which its other names follow.
    pub path: &'static str,
    /// What it is when nobody sets it.
    pub default: DefaultText,
    /// Its value must never be shown. It has no flag: other users of the
    /// machine can read a process's arguments.
    pub secret: bool,
    /// What it does.
    pub meaning: &'static str,
    pub(super) slot: fn(&mut Settings) -> &mut dyn Value,
}

/// A default, as text.
#[derive(Debug, Clone, Copy)]
pub enum DefaultText {
    /// In every role.
    Always(&'static str),
    /// In standalone, and in the other roles.
    ByRole {
        /// In standalone.
        standalone: &'static str,
        /// In the others.
        others: &'static str,
    },
}

impl DefaultText {
    /// The default of a role.
    pub const fn of(self, role: Role) -> &'static str {
        match self {
            Self::Always(text) => text,
            Self::ByRole { standalone, others } => match role {
                Role::Standalone => standalone,
                _ => others,
            },
        }
    }
}

impl Setting {
    /// Its variable.
    pub fn variable(&self) -> String {
        format!(
            "FOLDGATE_{}",
            self.path.replace('.', "_").to_ascii_uppercase()
        )
    }

    /// Its flag, without the dashes in front.
    pub fn flag(&self) -> Option<String> {
        (!self.secret).then(|| self.path.replace(['.', '_'], "-"))
    }
}

/// Loopback and private ranges: what standalone lets providers be in.
const LOCAL_RANGES: &str = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1/128,fc00::/7";

macro_rules! settings {
    ($($path:literal $($secret:ident)?, $default:expr, $slot:expr, $meaning:literal;)*) => {
        &[$(Setting {
            path: $path,
            default: $default,
            secret: settings!(@secret $($secret)?),
            meaning: $meaning,
            slot: $slot,
        },)*]
    };
    (@secret secret) => { true };
    (@secret) => { false };
}

/// A default for every role.
const fn plain(text: &'static str) -> DefaultText {
    DefaultText::Always(text)
}

/// Every setting there is.
#[rustfmt::skip]
pub const TABLE: &[Setting] = settings! {
    "data_dir", plain("./foldgate-data"), |s| &mut s.data_dir,
        "where this node keeps its files; one process per directory";
    "region", plain("default"), |s| &mut s.region,
        "the region this node is in";
    "node", plain(""), |s| &mut s.node,
        "this node's name in the fleet; by default one is drawn once and kept in the data directory";
    "worker_threads", plain("0"), |s| &mut s.worker_threads,
        "threads that serve requests; 0 is one per core";

    "proxy.addr", plain("127.0.0.1:3000"), |s| &mut s.listen.proxy,
        "where callers connect; port 0 takes a free one, told in listeners.json";
    "admin.addr", plain("127.0.0.1:3001"), |s| &mut s.listen.admin,
        "where the owner API listens";
    "admin.url", plain(""), |s| &mut s.admin_url,
        "a running control plane (http://host:3001) that commands ask, with FOLDGATE_OWNER_KEY as their key";
    "playground.url", plain(""), |s| &mut s.playground_url,
        "the data node (http://host:3000) that a control plane's playground calls; standalone calls itself";
    "status.addr", plain("127.0.0.1:9090"), |s| &mut s.listen.status,
        "where /livez, /readyz, /metrics and /status/* listen";

    "owner.key" secret, plain(""), |s| &mut s.owner.key,
        "the owner's key, at least 20 characters; only the first start reads it, and draws one without it";
    "owner.name", plain("owner"), |s| &mut s.owner.name,
        "the owner's name, set at the first start";
    "master.key" secret, plain(""), |s| &mut s.master.key,
        "the key upstream secrets are sealed under: 32 bytes of base64; standalone draws one";
    "master.key_file", plain(""), |s| &mut s.master.key_file,
        "a file that holds the master key";
    "master.previous_keys" secret, plain(""), |s| &mut s.master.previous_keys,
        "older master keys, comma-separated, that still open what they sealed";

    "nats.url" secret, plain(""), |s| &mut s.nats.url,
        "NATS servers, comma-separated, credentials inside (nats://user:password@host:4222); without one, standalone's log is embedded";
    "nats.ca_file", plain(""), |s| &mut s.nats.ca_file,
        "certificates to trust for NATS instead of the system's, in PEM form; TLS is then required";
    "nats.credentials_file", plain(""), |s| &mut s.nats.credentials_file,
        "a .creds file (a JWT and its seed) to log in to NATS with, instead of credentials in nats.url";
    "nats.nkey_file", plain(""), |s| &mut s.nats.nkey_file,
        "a file with the seed of an nkey to log in to NATS with, instead of credentials in nats.url";
    "nats.monitor_url", plain(""), |s| &mut s.nats.monitor_url,
        "monitoring ports (http://host:8222), comma-separated, to read sync_interval from";
    "nats.system_url" secret, plain(""), |s| &mut s.nats.system_url,
        "a connection as system user, to read sync_interval where the monitoring ports are closed";
    "nats.replicas", plain("1"), |s| &mut s.nats.replicas,
        "copies of the log that `log init` asks for and a control plane insists on: 1, 3 or 5";
    "nats.follow", plain("hub"), |s| &mut s.nats.follow,
        "which stream a data plane follows: hub, or its region's mirror";
    "nats.hub_domain", plain(""), |s| &mut s.nats.hub_domain,
        "the hub's JetStream domain, where the hub is reached over a leaf link; `hub` when following a mirror";
    "allow_weak_log", plain("false"), |s| &mut s.nats.allow_weak_log,
        "start although the log may lose acknowledged writes, or does not tell";

    "allowed_provider_cidrs",
        DefaultText::ByRole { standalone: LOCAL_RANGES, others: "" },
        |s| &mut s.upstream.allowed_provider_cidrs,
        "loopback and private ranges that providers may be in, comma-separated";
    "upstream.ca_file", plain(""), |s| &mut s.upstream.ca_file,
        "certificates to trust besides the public ones, in PEM form";
    "upstream.max_attempts", plain("6"), |s| &mut s.upstream.max_attempts,
        "attempts per request, over all keys and Levels: 1 to 100";
    "upstream.request_timeout", plain("10m"), |s| &mut s.upstream.request_timeout,
        "all attempts of one request, up to the end of its answer (of its head, when it streams)";
    "upstream.first_byte_timeout", plain("5m"), |s| &mut s.upstream.first_byte_timeout,
        "one attempt, up to the first byte of its answer";
    "upstream.connect_timeout", plain("5s"), |s| &mut s.upstream.connect_timeout,
        "opening a connection to a provider, TLS included";
    "upstream.stream_idle_timeout", plain("2m"), |s| &mut s.upstream.stream_idle_timeout,
        "the longest silence in a streamed answer";

    "http.max_body_bytes", plain("32MiB"), |s| &mut s.http.max_body_bytes,
        "the longest request body on the proxy and the playground (the rest of the admin listener takes 1 MiB)";
    "http.max_connections", plain("10000"), |s| &mut s.http.max_connections,
        "connections per listener; more wait in the kernel's queue";
    "http.header_timeout", plain("10s"), |s| &mut s.http.header_timeout,
        "from the first byte of a request to the end of its head";
    "http.idle_timeout", plain("75s"), |s| &mut s.http.idle_timeout,
        "the longest time a connection may stay without a request";
    "http.write_timeout", plain("60s"), |s| &mut s.http.write_timeout,
        "the longest time a client may refuse to take bytes";
    "trusted_proxies", plain(""), |s| &mut s.http.trusted_proxies,
        "networks of load balancers that tell the client's address in X-Forwarded-For, else Forwarded; comma-separated";
    "allowed_origins", plain(""), |s| &mut s.http.allowed_origins,
        "origins whose pages may call the proxy from a browser (https://app.example.com), comma-separated, or *";
    "drain_timeout", plain("30s"), |s| &mut s.http.drain_timeout,
        "how long a shutdown waits for requests and streams to end";

    "log.level", plain("info,async_nats=warn"), |s| &mut s.log.level,
        "what is logged: off, error, warn, info, debug, trace, also per module (warn,foldgate_log=debug)";
    "log.format", plain("auto"), |s| &mut s.log.format,
        "json, pretty, or auto: pretty on a terminal, else json";
    "access_log", plain("true"), |s| &mut s.log.access,
        "one line per request on standard output";
    "heartbeat_interval", plain("1s"), |s| &mut s.pace.heartbeat_interval,
        "between two signs of life of a node: 50ms to 1m";
    "time_zone", plain("UTC"), |s| &mut s.time_zone,
        "where days and months begin, of limits and of bills: a name of the IANA database (Europe/Berlin); the same on every node";
    "usage.spool_max_bytes", plain("1GiB"), |s| &mut s.usage.spool_max_bytes,
        "how much usage may wait on disk to be handed on before calls are refused: 1 MiB or more";
    "user_min_balance", plain("2"), |s| &mut s.balance.user_min,
        "UserMinBalance: the dollars that an account which was granted credit must have left to call";
    "user_api_balance", plain("20"), |s| &mut s.balance.user_api,
        "UserApiBalance: the dollars that such an account must have left to make and change others";
};
