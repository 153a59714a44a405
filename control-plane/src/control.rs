//! The control plane as one part of a process: its tasks, its router, and the
//! sign of life it gives.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use foldgate_log::usage::Streams;
use foldgate_log::{EventLog, Replica, Reports};
use foldgate_proto::Heartbeat;
use foldgate_proto::report::MAX_HEARTBEAT_SLEEPS;
use foldgate_runtime::{AccessLog, Component, StatusPages};
use foldgate_vault::Vault;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::admin_api::ids::Ids;
use crate::app::{App, Parts};
use crate::clock;
use crate::fleet::Fleet;
use crate::history::History;
use crate::history_api::stream;
use crate::journal::Journal;
use crate::mail::{self, Mails};
use crate::playground::{Playground, Way};
use crate::purses;
use crate::reports::{Disabler, Folder};
use crate::routes;
use crate::settings::Settings;
use crate::sleeps::Sleeps;
use crate::usage::Usage;
use crate::writer::Writer;

/// What a control plane is made of.
pub struct Setup {
    /// The log to append to.
    pub log: Arc<dyn EventLog>,
    /// This process's folded copy of it.
    pub replica: Replica,
    /// What nodes tell each other.
    pub reports: Reports,
    /// Where what requests used comes from.
    pub usage: Streams,
    /// What seals secrets.
    pub vault: Vault,
    /// Everything that is not in the log.
    pub settings: Settings,
    /// Where a line per request goes.
    pub access: AccessLog,
    /// What it keeps beside the log.
    pub keeping: Keeping,
    /// A way to a data plane, if there is one.
    pub playground: Option<Arc<dyn Playground>>,
    /// What mails are sent with.
    pub mails: Mails,
}

/// What a control plane keeps on disk, and how it lives with the process.
pub struct Keeping {
    /// Where the history's index is. It is made anew from the log if it is lost.
    pub history: PathBuf,
    /// Where refusals are kept.
    pub access_log: PathBuf,
    /// Where what requests used is added up. Only what the streams still hold can be
    /// added up again.
    pub usage: PathBuf,
    /// Says how those sums are.
    pub usage_health: Component,
    /// Says how the history's index is.
    pub health: Component,
    /// What `/livez`, `/readyz` and `/metrics` tell.
    pub status: StatusPages,
    /// Cancelled when the listener begins to drain: answers without an end, end.
    pub ending: CancellationToken,
}

/// A running control plane.
pub struct ControlPlane {
    app: App,
    /// Ends what only feeds the submitter.
    stop_feeding: CancellationToken,
    /// Ends the submitter, once its queue is empty.
    stop_writing: CancellationToken,
    feeders: TaskTracker,
    writing: TaskTracker,
}

impl ControlPlane {
    /// Starts the submitter and the folding of reports.
    pub fn start(setup: Setup) -> Self {
        let stop_feeding = CancellationToken::new();
        let stop = || stop_feeding.clone();
        let stop_writing = CancellationToken::new();
        let Setup {
            log,
            replica,
            reports,
            usage,
            vault,
            settings,
            access,
            keeping,
            playground,
            mails,
        } = setup;
        let feeders = TaskTracker::new();
        let writing = TaskTracker::new();
        let (writer, submitting) =
            Writer::new(Arc::clone(&log), replica.clone(), stop_writing.clone());
        writing.spawn(submitting);
        let disabler = feed(
            &feeders,
            Disabler::new(writer.clone(), replica.clone(), stop()),
        );
        let sleeps = Sleeps::new();
        let fleet = Fleet::new();
        let folder = Folder::new(reports.clone(), sleeps.clone(), fleet.clone(), disabler);
        feeders.spawn(folder.run(stop()));
        let indexed = History::new(
            Arc::clone(&log),
            replica.clone(),
            keeping.history,
            keeping.health,
            stop(),
        );
        let history = feed(&feeders, indexed);
        let bills = (keeping.usage_health, settings.zone);
        let sums = Usage::new(&usage, keeping.usage, bills, stop());
        let usage = feed(&feeders, sums);
        let journal = feed(&feeders, Journal::new(keeping.access_log, stop()));
        let app = App::new(Parts {
            log,
            replica,
            reports,
            writer,
            vault,
            sleeps,
            fleet,
            settings,
            access,
            history,
            usage,
            journal,
            streams: stream::places(),
            ending: keeping.ending,
            playground: Way(playground),
            status: keeping.status,
            ids: Ids::default(),
        });
        feeders.spawn(mail::run(mails, mail_deps(&app), stop()));
        feeders.spawn(app.usage.purses().clone().run(purse_deps(&app), stop()));
        Self {
            app,
            stop_feeding,
            stop_writing,
            feeders,
            writing,
        }
    }

    /// The admin listener's routes.
    pub fn router(&self) -> Router {
        routes::router(self.app.clone())
    }

    /// The path of every route of the admin listener, for those who walk them all.
    pub fn paths() -> Vec<&'static str> {
        routes::paths()
    }

    /// This node's sign of life, as far as the control plane knows it. A process
    /// that proxies as well sends its own instead, with these sleeps added.
    pub fn heartbeat(&self, boot: Uuid) -> Heartbeat {
        let now = clock::now();
        let status = self.app.replica.status();
        let settings = &self.app.settings;
        let (sleeping, sleeping_total) =
            self.app
                .sleeps
                .caused_by(&settings.node, MAX_HEARTBEAT_SLEEPS, now);
        Heartbeat {
            node: settings.node.clone(),
            region: settings.region.clone(),
            role: settings.role,
            version: settings.version.clone(),
            boot,
            at: now,
            revision: status.revision,
            chain: status.chain,
            state_hash: status.state_hash,
            held: status.held.map(|held| held.reason),
            listeners: settings.listeners.clone(),
            sleeping,
            sleeping_total,
            time_zone: Some(settings.zone.name().to_owned()),
        }
    }

    /// Which nodes live.
    pub fn fleet(&self) -> &Fleet {
        &self.app.fleet
    }

    /// Which keys sleep.
    pub fn sleeps(&self) -> &Sleeps {
        &self.app.sleeps
    }

    /// What happened, to be looked up.
    pub fn history(&self) -> &History {
        &self.app.history
    }

    /// What requests used, added up.
    pub fn usage(&self) -> &Usage {
        &self.app.usage
    }

    /// The submitter, for commands that do not come over HTTP.
    pub fn writer(&self) -> &Writer {
        &self.app.writer
    }

    /// Ends: first what feeds the submitter, then, its queue empty, the
    /// submitter. To be called when the listener has drained.
    pub async fn stop(&self) {
        for (stop, tasks) in [
            (&self.stop_feeding, &self.feeders),
            (&self.stop_writing, &self.writing),
        ] {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }
}

/// Starts what keeps a part up to date.
fn feed<T>(
    feeders: &TaskTracker,
    (part, task): (T, impl Future<Output = ()> + Send + 'static),
) -> T {
    feeders.spawn(task);
    part
}

/// What verdicts on accounts are made of.
fn purse_deps(app: &App) -> purses::Deps {
    purses::Deps {
        replica: app.replica.clone(),
        reports: app.reports.clone(),
        node: app.settings.node.clone(),
        least: app.settings.user_min(),
    }
}

/// What mails are written from.
fn mail_deps(app: &App) -> mail::Deps {
    mail::Deps {
        replica: app.replica.clone(),
        reports: app.reports.clone(),
        sleeps: app.sleeps.clone(),
        purses: app.usage.purses().clone(),
        vault: app.vault.clone(),
        addresses: app.settings.addresses.clone(),
    }
}
