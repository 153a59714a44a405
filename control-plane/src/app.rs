//! What the handlers share: the newest table, the submitter, the vault, and what
//! the fleet reports. Cheap to clone.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::balance::Balance;
use foldgate_domain::command::Precondition;
use foldgate_domain::{Command, Table};
use foldgate_log::{EventLog, Replica, Reports};
use foldgate_proto::{Account, Actor, OwnerId, RecordId, ResourceId, Revision};
use foldgate_runtime::{AccessLog, StatusPages};
use foldgate_vault::Vault;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access::Who;
use crate::admin_api::ids::Ids;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::fleet::Fleet;
use crate::history::History;
use crate::journal::Journal;
use crate::playground::Way;
use crate::reply::Done;
use crate::request::{Stamp, Write};
use crate::settings::Settings;
use crate::sleeps::Sleeps;
use crate::usage::Usage;
use crate::writer::{Submission, Writer, plan};

/// How long an answer waits for this process to have folded what it wrote. The
/// write stands either way.
const READ_YOUR_WRITE: Duration = Duration::from_secs(2);

/// How long a look at the log's newest state may take before an answer that
/// says "not found".
const CATCH_UP: Duration = Duration::from_secs(2);

/// How long an answer waits for the fleet, where it is asked to.
const FLEET_PATIENCE: Duration = Duration::from_secs(10);

/// The control plane's parts, as handlers see them.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// See [`App`].
pub(crate) struct Parts {
    /// The log itself, to ask for its head.
    pub log: Arc<dyn EventLog>,
    /// This process's folded copy of it.
    pub replica: Replica,
    /// Where reports come from and go to.
    pub reports: Reports,
    /// Who appends.
    pub writer: Writer,
    /// Who seals.
    pub vault: Vault,
    /// Which keys sleep.
    pub sleeps: Sleeps,
    /// Which nodes live.
    pub fleet: Fleet,
    /// Everything that is not in the log.
    pub settings: Settings,
    /// Where a line per request goes.
    pub access: AccessLog,
    /// What happened, to be looked up.
    pub history: History,
    /// What requests used, added up.
    pub usage: Usage,
    /// What was refused.
    pub journal: Journal,
    /// Places for streams of the history.
    pub streams: Arc<Semaphore>,
    /// How the process is.
    pub status: StatusPages,
    /// The listener takes no new requests: streams end.
    pub ending: CancellationToken,
    /// A way to a data plane.
    pub playground: Way,
    /// What is found by its id.
    pub ids: Ids,
}

impl App {
    /// What an account has left of the credit that it was granted itself.
    pub(crate) fn left(&self, owner: OwnerId, account: &Account) -> Balance {
        self.usage.purses().left(owner, account, clock::now())
    }

    /// Shares the parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The newest table.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.0.replica.table()
    }

    /// A caller as the log's newest state has them: asked for before an answer
    /// says that something is not there, since another control plane may just
    /// have made it.
    pub(crate) async fn caught_up(&self, caller: &Authenticated) -> Authenticated {
        let replica = &self.0.replica;
        let newest = async {
            let head = self.0.log.head().await.ok()?;
            if head.revision > replica.table().revision() {
                replica.poke();
                replica.wait_for(head.revision, CATCH_UP).await.ok()?;
            }
            Some(())
        };
        // Without an answer in time, what is known here has to do.
        let _ = tokio::time::timeout(CATCH_UP, newest).await;
        caller.refreshed(self.table())
    }

    /// What `find` finds for a caller: here, else once the log was asked for news.
    pub(crate) async fn look<T>(
        &self,
        caller: Authenticated,
        find: impl Fn(&Authenticated) -> Option<T>,
    ) -> Option<(Authenticated, T)> {
        if let Some(found) = find(&caller) {
            return Some((caller, found));
        }
        let newest = self.caught_up(&caller).await;
        let found = find(&newest)?;
        Some((newest, found))
    }

    /// Whether a request's retry key was used before; then even one that would
    /// change nothing now is answered as it was.
    pub(crate) fn is_retry(caller: &Authenticated, write: &Write) -> bool {
        stamp(caller, write).idempotency.is_some_and(|idempotency| {
            let used = (caller.owner_id(), idempotency.key);
            caller.table().state.idempotency.contains_key(&used)
        })
    }

    /// The number of the resource that the same retry key was about, if it was
    /// used before: what is removed is not found again by its name.
    pub(crate) async fn retried(&self, caller: &Authenticated, write: &Write) -> Option<u64> {
        let idempotency = stamp(caller, write).idempotency?;
        let newest = self.caught_up(caller).await;
        let used = (caller.owner_id(), idempotency.key);
        newest.table().state.idempotency.get(&used)?.subject
    }

    /// Submits a command and waits until it can be read back here; for a dry
    /// run, only decides it.
    ///
    /// # Errors
    /// See [`Writer::submit`].
    pub(crate) async fn submit(
        &self,
        caller: &Authenticated,
        write: &Write,
        command: Command,
    ) -> Result<Done, Error> {
        self.submit_for(caller.owner_id(), caller, write, command)
            .await
    }

    /// As [`Self::submit`], for the log entry of a tenant that need not be the
    /// caller's. Of another tenant's history it becomes a part, so there it says
    /// only in which request it was made; the audit lines tell the rest.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub(crate) async fn submit_for(
        &self,
        owner: OwnerId,
        caller: &Authenticated,
        write: &Write,
        command: Command,
    ) -> Result<Done, Error> {
        let resource = command.resource(None);
        let precondition = precondition(write, resource)?;
        let about = command.clone();
        let mut submission = Submission {
            owner,
            command,
            actor: caller.actor(),
            stamp: stamp(caller, write),
            precondition,
        };
        if owner != caller.owner_id() {
            submission.actor = Actor::system("first owner");
            submission.stamp.address = None;
            submission.stamp.reason = None;
        }
        if write.dry_run {
            let record = RecordId(Uuid::now_v7());
            let state = &self.table().state;
            let settled = plan::preview(state, &submission, record, clock::now())?;
            return Ok(Done::dry_run(settled, state));
        }
        let settled = self.0.writer.submit(submission).await?;
        let revision = settled.revision();
        self.folded(revision).await;
        let mut done = Done::new(settled);
        done.stands_at(owner, about.resource(done.subject()));
        if write.wait_for_fleet {
            let waited = self.0.fleet.wait_for(revision, FLEET_PATIENCE).await;
            done.reached(waited);
        }
        Ok(done)
    }

    /// The answer to a write that says nothing new of a resource.
    ///
    /// # Errors
    /// The resource is not as the client saw it.
    pub(crate) fn unchanged(
        caller: &Authenticated,
        write: &Write,
        resource: ResourceId,
    ) -> Result<Done, Error> {
        if let Some(precondition) = precondition(write, Some(resource))? {
            foldgate_domain::decide::check_precondition(caller.owner(), &precondition)?;
        }
        let mut done = Done::unchanged(&caller.table().state, write.dry_run);
        done.stands_at(caller.owner_id(), Some(resource));
        Ok(done)
    }

    /// Waits, but not for ever, until a revision can be read here.
    async fn folded(&self, revision: Revision) {
        let replica = &self.0.replica;
        replica.poke();
        if let Err(lagging) = replica.wait_for(revision, READ_YOUR_WRITE).await {
            tracing::warn!(%lagging, "answering before this process has folded the write");
        }
    }
}

/// What the record will say of its request. Retry keys are an owner's; accounts
/// below it choose theirs without knowing of one another, so each has its own.
fn stamp(caller: &Authenticated, write: &Write) -> Stamp {
    let mut stamp = write.stamp.clone();
    if caller.who() == Who::Account
        && let Some(idempotency) = &mut stamp.idempotency
    {
        // No header holds a line feed, so no owner's retry key is like this.
        idempotency.key = format!("{}\n{}", caller.account(), idempotency.key);
    }
    stamp
}

/// What `If-Match` and `If-None-Match` ask of the resource that a write is about; what is
/// made first is nothing yet.
fn precondition(
    write: &Write,
    resource: Option<ResourceId>,
) -> Result<Option<Precondition>, Error> {
    let (one_of, none_of) = (&write.if_match, &write.if_none_match);
    let Some(resource) = resource else {
        if one_of.is_none() {
            return Ok(None);
        }
        let problem = "this request changes nothing that exists already; send it without";
        return Err(Error::field("If-Match", problem));
    };
    let asks = one_of.is_some() || none_of.is_some();
    Ok(asks.then(|| Precondition {
        resource,
        one_of: one_of.clone(),
        none_of: none_of.clone(),
    }))
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
