//! A whole data plane in one process: embedded log, fold, vault, pools, proxy
//! and its server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use foldgate_data_plane::{
    Deps, Inbound, Limits, Listeners, Place, Pools, Proxy, Settings, Sleeps, TransportSettings,
};
use foldgate_domain::command::{AddKey, ClaimOwner, Command, ConfigPatch, Context, PatchConfig};
use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_domain::zone::Zone;
use foldgate_domain::{State, decide};
use foldgate_log::replica::Options;
use foldgate_log::usage::{Intent, Spool, spool};
use foldgate_log::{Embedded, EventLog as _, Replica, Reports};
use foldgate_proto::{
    Actor, Config, KeyId, Level, MaskedSecret, OwnerId, RecordId, Revision, Timestamp,
};
use foldgate_runtime::server::Limits as ServerLimits;
use foldgate_runtime::{AccessLog, Server, Shutdown};
use foldgate_vault::{MasterKey, SealContext, Vault};
use http::Request;
use hyper::body::Incoming;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::Caller;
use crate::upstream::Upstream;

pub(crate) const KEY: &str = "sk-fg-test-owner-key-0123456789";
pub(crate) const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

/// Room for a thousand calls.
pub(crate) const SPOOL_BYTES: u64 = 1024 * 1024;

/// Longer than anything here takes, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn settings() -> Settings {
    Settings {
        transport: TransportSettings {
            policy: AddressPolicy::loopback_and_private(),
            ..TransportSettings::default()
        },
        limits: Limits {
            attempts: 6,
            total: PATIENCE,
            first_byte: PATIENCE,
            silence: PATIENCE,
        },
        max_body_bytes: 1024 * 1024,
        drain_timeout: PATIENCE,
        allowed_origins: Vec::new(),
        sleeps_file: None,
        zone: Zone::UTC,
        made_file: None,
        jobs_file: None,
    }
}

pub(crate) struct Rig {
    pub(crate) caller: Caller,
    pub(crate) address: SocketAddr,
    pub(crate) pools: Arc<Pools>,
    pub(crate) replica: Replica,
    pub(crate) listeners: Listeners,
    pub(crate) reports: Reports,
    pub(crate) shutdown: Shutdown,
    pub(crate) served: JoinHandle<()>,
    pub(crate) boot: Uuid,
    pub(crate) spool: Spool,
    /// Where that is.
    pub(crate) spooled: TempDir,
    state: State,
    log: Embedded,
    vault: Vault,
    _dir: TempDir,
}

/// One data plane of a rig.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) served: JoinHandle<()>,
    /// Ends when what runs beside the requests has.
    pub(crate) beside: JoinHandle<()>,
    pools: Arc<Pools>,
    replica: Replica,
    listeners: Listeners,
    boot: Uuid,
    pub(crate) spool: Spool,
    spooled: TempDir,
}

impl Node {
    async fn start(
        (log, vault, reports): (&Embedded, &Vault, &Reports),
        settings: Settings,
    ) -> Self {
        let place = Place {
            node: "node".to_owned(),
            region: "here".to_owned(),
        };
        let sleeps = Arc::new(Sleeps::new(place, reports.clone()));
        let pools = Arc::new(Pools::new(vault.clone(), sleeps, 1));
        let options = Options {
            observers: vec![pools.clone()],
            ..Options::default()
        };
        let replica = Replica::start(Arc::new(log.clone()), options)
            .await
            .unwrap();
        let listeners = Listeners::default();
        let boot = Uuid::new_v4();
        let spooled = tempfile::tempdir().unwrap();
        let spool = Spool::open(
            spool::Options {
                dir: spooled.path().join("spool"),
                max_bytes: SPOOL_BYTES,
            },
            Box::new(Intent::unsettled),
        )
        .unwrap();
        let deps = Deps {
            usage: Some(spool.clone()),
            replica: replica.clone(),
            pools: pools.clone(),
            reports: reports.clone(),
            listeners: listeners.clone(),
            access: AccessLog::off(),
            boot,
        };
        let proxy = Proxy::new(deps, settings).unwrap();
        let shutdown = Shutdown::new();
        let beside = proxy.start(&shutdown);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind("proxy", any, ServerLimits::default())
            .await
            .unwrap();
        let address = server.local_addr();
        listeners.set_own([address]);
        let handler = move |request: Request<Incoming>, peer| {
            Arc::clone(&proxy).handle(request.map(Inbound::from), peer)
        };
        let running = tokio::spawn(server.serve(handler, Proxy::panicked, shutdown.clone()));
        Self {
            address,
            shutdown,
            served: running,
            beside,
            pools,
            replica,
            listeners,
            boot,
            spool,
            spooled,
        }
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = Embedded::open(dir.path()).await.unwrap();
        let state = State::new(log.log_id().await.unwrap());
        let vault = Vault::new(&MasterKey::generate().unwrap(), &[]);
        let reports = Reports::local();
        let node = Node::start((&log, &vault, &reports), settings).await;
        let mut rig = Self {
            caller: Caller::new(node.address, KEY),
            address: node.address,
            pools: node.pools,
            replica: node.replica,
            listeners: node.listeners,
            reports,
            shutdown: node.shutdown,
            served: node.served,
            boot: node.boot,
            spool: node.spool,
            spooled: node.spooled,
            state,
            log,
            vault,
            _dir: dir,
        };
        rig.write(&Command::ClaimOwner(ClaimOwner {
            name: "owner".to_owned(),
            key_hash: foldgate_vault::digest(KEY),
            key_mask: "sk".to_owned(),
        }))
        .await;
        rig
    }

    /// Another node of the same fleet.
    pub(crate) async fn beside(&self, settings: Settings) -> Node {
        let node = Node::start((&self.log, &self.vault, &self.reports), settings).await;
        self.caught_up(node).await
    }

    /// A node of the same log that hears of no other.
    pub(crate) async fn apart(&self, settings: Settings) -> Node {
        let node = Node::start((&self.log, &self.vault, &Reports::local()), settings).await;
        self.caught_up(node).await
    }

    async fn caught_up(&self, node: Node) -> Node {
        let reached = node.replica.wait_for(self.state.revision, PATIENCE).await;
        reached.unwrap();
        node
    }

    /// The last revision that was written.
    pub(crate) fn state_revision(&self) -> u64 {
        self.state.revision.0
    }

    /// Decides, appends, and waits until the fold has it.
    pub(crate) async fn write(&mut self, command: &Command) -> Revision {
        let context = Context {
            now: Timestamp::from(Utc::now()),
            record: RecordId(Uuid::new_v4()),
            actor: Actor::system("test"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            precondition: None,
            writer_version: "test".to_owned(),
        };
        let decision = decide(&self.state, OWNER, command, &context).unwrap();
        let record =
            foldgate_domain::decide::record(&self.state, OWNER, command, &context, decision.events);
        let encoded = record.encode().unwrap();
        let next = self.state.revision.next();
        self.state.apply(next, encoded.hash, &record);
        let expected = Revision(next.0 - 1);
        self.log.append(expected, &[encoded]).await.unwrap();
        self.replica.wait_for(next, PATIENCE).await.unwrap();
        next
    }

    /// Adds a standard key.
    pub(crate) async fn key(&mut self, level: u64, upstream: &Upstream, secret: &str) -> KeyId {
        self.key_at(level, &upstream.url(), secret).await
    }

    pub(crate) async fn key_at(&mut self, level: u64, url: &str, secret: &str) -> KeyId {
        let config = |_: &dyn Fn(&str) -> MaskedSecret| ConfigPatch::default();
        self.key_with(level, (url, secret), config).await
    }

    /// Adds a key with these settings, for which a private key can be sealed.
    pub(crate) async fn key_with(
        &mut self,
        level: u64,
        (url, secret): (&str, &str),
        config: impl FnOnce(&dyn Fn(&str) -> MaskedSecret) -> ConfigPatch,
    ) -> KeyId {
        let id = KeyId(Uuid::new_v4());
        let sealed = |field, secret: &str| {
            let context = SealContext {
                owner: OWNER,
                resource: id.0,
                field,
            };
            let secret = SecretString::from(secret);
            self.vault.seal_masked(&context, &secret).unwrap()
        };
        let config = config(&|pem| sealed("private_key", pem));
        let secret = sealed("secret", secret);
        let add = AddKey {
            id,
            name: String::new(),
            level: Level::new(level).unwrap(),
            provider: url.to_owned(),
            config,
            secret,
            enabled: true,
        };
        self.write(&Command::AddKey(add)).await;
        id
    }

    pub(crate) async fn config(&mut self, set: Config) -> Revision {
        let patch = PatchConfig {
            set,
            merge_limits: None,
        };
        self.write(&Command::PatchConfig(patch)).await
    }

    /// Every model to Level 1.
    pub(crate) async fn all_to_level_1(&mut self) {
        let map = BTreeMap::from([("*".to_owned(), Level::new(1).unwrap())]);
        self.config(Config {
            level_mapper: Some(map),
            ..Config::default()
        })
        .await;
    }
}

/// Polls until `done`, or fails.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "never came about: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
