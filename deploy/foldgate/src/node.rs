//! A serving process: a log, the fold of it, and the planes of its role. All
//! three roles are this one composition with parts left out.

use std::sync::{Arc, Weak};

use foldgate_control_plane::fleet::{Own, OwnLog};
use foldgate_control_plane::{ControlPlane, KeyFile};
use foldgate_log::{EventLog, Observer, Replica, replica};
use foldgate_proto::Role;
use foldgate_runtime::data_dir::Listeners;
use foldgate_runtime::settings;
use foldgate_runtime::{Server, Shutdown, StatusPages};
use tokio::task::JoinHandle;

use crate::base::Base;
use crate::config_status::ConfigStatus;
use crate::exit::Failure;
use crate::heartbeat::Pulse;
use crate::listen::Bound;
use crate::open_log::{OpenLog, open, until_draining};
use crate::owner::{Claim, Claimed};
use crate::storage::{OWNER_KEY_FILE, SNAPSHOT_FOLDER};
use crate::{announce, health, listen};

mod admin;
mod metering;
mod playground;
mod proxy;

use metering::Metering;
use proxy::Traffic;

/// The part that sees to the first owner.
const OWNER: &str = "owner";

/// A running process.
pub(crate) struct Node {
    /// What it stands on.
    pub(crate) base: Base,
    /// Where it listens.
    pub(crate) listeners: Listeners,
    /// Its log.
    pub(crate) log: Arc<dyn EventLog>,
    replica: Replica,
    control: Option<Arc<ControlPlane>>,
    serving: Vec<JoinHandle<()>>,
    metering: Option<Metering>,
    beating: JoinHandle<()>,
    status: StatusListener,
}

/// Ends last: it tells how the rest is ending.
struct StatusListener {
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

/// What both planes hang on.
struct Parts<'a> {
    base: &'a Base,
    opened: &'a OpenLog,
    replica: &'a Replica,
    listeners: &'a Listeners,
}

impl Node {
    /// Binds, opens the log, and starts everything the role has. Serves from
    /// here on, as soon as there is a table to serve from.
    ///
    /// # Errors
    /// What cannot be bound, opened or read.
    pub(crate) async fn start(base: Base) -> Result<Self, Failure> {
        let Bound {
            proxy,
            admin,
            status,
            addresses: listeners,
        } = listen::bind(&base.settings).await?;
        if admin.is_some() {
            // Not ready before there is somebody to answer to.
            base.health.component(OWNER);
        }
        let opened = open(&base).await?;
        let traffic = proxy.is_some().then(|| Traffic::new(&base, &opened));
        let own_log = OwnLog::new();
        let replica = fold(&base, &opened, traffic.as_ref(), &own_log).await?;
        let config = ConfigStatus::follow(&replica, &base.health, &opened);
        let watching = config.source().watch(opened.log.clone());
        tokio::spawn(until_draining(watching, base.shutdown.clone()));
        let status = serve_status(&base, status, (&replica, config));
        let parts = Parts {
            base: &base,
            opened: &opened,
            replica: &replica,
            listeners: &listeners,
        };
        let sleeps = traffic.as_ref().map(Traffic::sleeps);
        let mut serving = Vec::new();
        let mut own_proxy = None;
        let mut metering = None;
        if let (Some(server), Some(traffic)) = (proxy, traffic) {
            let spool = metering::open(&base)?;
            metering = Metering::start(&base, &opened, &spool);
            let (proxy, tasks) = traffic.serve(&parts, (server, spool))?;
            serving.extend(tasks);
            own_proxy = Some(proxy);
        }
        let mut control = None;
        if let Some(server) = admin {
            let playground = playground::way(own_proxy, &base.settings)?;
            let started = Arc::new(admin::start(&parts, playground)?);
            serving.push(admin::serve(&started, server, &base.shutdown));
            control = Some(started);
        }
        let pulse = pulse(&parts, sleeps, control.as_ref());
        if let Some(control) = &control {
            control.fleet().speak_for(own(&pulse, own_log));
        }
        let interval = base.settings.pace.heartbeat_interval;
        let beating = tokio::spawn(pulse.beat(opened.reports.clone(), interval));
        base.data.write_listeners(&listeners)?;
        tracing::info!(
            node = base.node,
            region = %base.settings.region,
            role = base.settings.role.as_str(),
            version = crate::base::VERSION,
            "running"
        );
        Ok(Self {
            base,
            listeners,
            log: opened.log,
            replica,
            control,
            serving,
            metering,
            beating,
            status,
        })
    }

    /// Serves until the word to end comes, and ends in good order.
    ///
    /// # Errors
    /// Why the process had to end, if it was not told to.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        if self.base.settings.role.has_admin() {
            tokio::select! {
                outcome = self.claim_and_announce() => {
                    if let Err(failure) = outcome {
                        self.base.fatal.raise(failure);
                    }
                }
                () = self.base.shutdown.draining() => {}
            }
        }
        self.finish().await
    }

    /// As [`Self::run`], for a log whose owner was seen to already.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        self.base.shutdown.draining().await;
        self.end().await
    }

    /// Waits until the log has an owner, and makes it if need be. A key that this
    /// directory keeps and that came to stand just now is given back.
    ///
    /// # Errors
    /// See [`Claim::ensure`].
    pub(crate) async fn claim(&self) -> Result<Option<Claimed>, Failure> {
        let component = self.base.health.component(OWNER);
        let owner = &self.base.settings.owner;
        let claim = Claim {
            log: self.log.clone(),
            replica: self.replica.clone(),
            name: owner.name.as_str(),
            given: owner.key.as_ref(),
            data: &self.base.data,
        };
        claim.ensure(&component).await
    }

    async fn claim_and_announce(&self) -> Result<(), Failure> {
        let claimed = self.claim().await?;
        if self.base.settings.role == settings::Role::Standalone {
            print!("{}", announce::addresses(&self.listeners));
        }
        let file = self.base.data.file(OWNER_KEY_FILE);
        match claimed {
            Some(Claimed { key, is_new: true }) => {
                print!("{}", announce::first_start(&file, &key, &self.listeners));
            }
            Some(_) => print!("{}", announce::kept(&file)),
            None if self.keeps_owner_key()? => print!("{}", announce::kept(&file)),
            None if file.exists() => print!("{}", announce::outdated(&file)),
            None => {}
        }
        Ok(())
    }

    /// Whether the key in this directory is the one that counts.
    fn keeps_owner_key(&self) -> Result<bool, Failure> {
        let table = self.replica.table();
        let file = KeyFile::new(self.base.data.file(OWNER_KEY_FILE));
        match table.state.first_owner() {
            Some(owner) => Ok(file.holds(&owner.key_hash)?),
            None => Ok(false),
        }
    }

    /// First the listeners drain, then what they fed, the fold last.
    async fn end(self) -> Result<(), Failure> {
        self.base.health.component("process").draining();
        for task in self.serving {
            joined(task).await;
        }
        if let Some(metering) = self.metering {
            metering.finish().await;
        }
        self.beating.abort();
        // Aborted: it ends with that and no other error.
        let _ = self.beating.await;
        if let Some(control) = self.control.and_then(Arc::into_inner) {
            control.stop().await;
        }
        self.replica.stop().await;
        let removed = self.base.data.remove_listeners();
        self.status.shutdown.begin();
        joined(self.status.serving).await;
        let fatal = self.base.fatal.clone();
        tracing::info!("ended");
        self.base.close().await;
        fatal.outcome().and(removed.map_err(Failure::from))
    }
}

async fn joined(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task ended badly");
    }
}

async fn fold(
    base: &Base,
    opened: &OpenLog,
    traffic: Option<&Traffic>,
    own_log: &OwnLog,
) -> Result<Replica, Failure> {
    let pools = traffic.map(Traffic::pools);
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    if let Some(pools) = &pools {
        observers.push(pools.clone());
    }
    if base.settings.role.has_admin() {
        observers.push(Arc::new(own_log.clone()));
    }
    let log_id = if opened.is_embedded {
        Some(opened.log.log_id().await?)
    } else {
        None
    };
    let options = replica::Options {
        snapshots: Some(base.data.file(SNAPSHOT_FOLDER)),
        log_id,
        observers,
    };
    let replica = Replica::start(opened.log.clone(), options).await?;
    if let Some(pools) = pools {
        let component = base.health.component("secrets");
        tokio::spawn(health::watch_secrets(replica.clone(), pools, component));
    }
    if base.settings.role.has_admin() {
        // Not ready from the first moment on: nobody has a key before there is an owner.
        base.health.component("owner");
    }
    let component = base.health.component("fold");
    tokio::spawn(health::watch_fold(replica.clone(), component));
    Ok(replica)
}

fn serve_status(
    base: &Base,
    server: Server,
    (replica, config): (&Replica, ConfigStatus),
) -> StatusListener {
    let (replica, loaded) = (replica.clone(), replica.clone());
    let pages = StatusPages::new(base.health.clone(), base.metrics.clone())
        .with_page("fold", move || health::page(&replica))
        .with_page("config", move || config.page())
        .configured_when(move || loaded.status().ready);
    base.health.component("process").ready();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(pages.serve(server, shutdown.clone()));
    StatusListener { shutdown, serving }
}

fn pulse(
    parts: &Parts<'_>,
    proxy: Option<Arc<foldgate_data_plane::Sleeps>>,
    control: Option<&Arc<ControlPlane>>,
) -> Pulse {
    let base = parts.base;
    Pulse {
        node: base.node.clone(),
        region: base.settings.region.to_string(),
        role: role(base),
        boot: base.boot,
        listeners: shown(parts.listeners),
        time_zone: base.settings.time_zone.0.name().to_owned(),
        replica: parts.replica.clone(),
        proxy,
        control: control.map_or_else(Weak::new, Arc::downgrade),
    }
}

/// What the fleet view shows of the process that answers.
fn own(pulse: &Pulse, log: OwnLog) -> Own {
    let pulse = pulse.clone();
    Own {
        node: pulse.node.clone(),
        boot: pulse.boot,
        log,
        now: Box::new(move || pulse.now()),
    }
}

/// The role, as reports name it.
fn role(base: &Base) -> Role {
    match base.settings.role {
        settings::Role::ControlPlane => Role::ControlPlane,
        settings::Role::DataPlane => Role::DataPlane,
        settings::Role::Standalone | settings::Role::Tool => Role::Standalone,
    }
}

fn shown(listeners: &Listeners) -> Vec<String> {
    listen::all(listeners)
        .iter()
        .map(ToString::to_string)
        .collect()
}
