//! Claims what is due and sends it.

use std::time::Duration;

use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_log::board::{Entry, Put};
use foldgate_log::{Board, Error, Replica};
use foldgate_vault::Vault;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;
use uuid::Uuid;

use super::letter::Letter;
use super::smtp::{Failure, Server};
use crate::clock;

/// How often is looked for letters that others wrote, or that are due again.
const LOOK: Duration = Duration::from_secs(5);

/// How many are sent at once.
const AT_ONCE: usize = 8;

pub(super) struct Post<'a> {
    pub(super) board: Board,
    pub(super) replica: Replica,
    pub(super) vault: Vault,
    pub(super) addresses: AddressPolicy,
    pub(super) extra_ca: Option<Vec<u8>>,
    /// Who claims.
    pub(super) me: Uuid,
    /// Told when there is a new letter.
    pub(super) told: &'a Notify,
}

impl Post<'_> {
    pub(super) async fn run(self) {
        loop {
            // Without the board now, the next look finds what is due.
            if let Err(error) = self.round().await {
                tracing::debug!(%error, "the mails cannot be looked at now");
            }
            tokio::select! {
                () = self.told.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), Error> {
        let now = clock::now();
        let entries = self.board.all().await?;
        let due = entries.into_iter().filter_map(|entry| {
            let letter: Letter = serde_json::from_slice(&entry.value).ok()?;
            letter.is_due(now).then_some((entry, letter))
        });
        let each = |(entry, letter)| async move {
            if let Err(error) = self.one(&entry, letter).await {
                tracing::warn!(%error, mail = entry.key, "a mail's end cannot be written down");
            }
        };
        stream::iter(due).for_each_concurrent(AT_ONCE, each).await;
        Ok(())
    }

    async fn one(&self, entry: &Entry, letter: Letter) -> Result<(), Error> {
        let claimed = letter.claimed(self.me, clock::now());
        let Some(version) = self.put(&entry.key, entry.version, &claimed).await? else {
            return Ok(());
        };
        let ended = match self.deliver(&claimed).await {
            Ok(()) => {
                metrics::counter!("foldgate_mails_sent_total").increment(1);
                tracing::info!(mail = entry.key, "a mail was sent");
                claimed.sent(clock::now())
            }
            Err(failure) => {
                metrics::counter!("foldgate_mail_failures_total").increment(1);
                let ended =
                    claimed.failed(&failure.to_string(), failure.is_for_good(), clock::now());
                let given_up = ended.is_given_up();
                tracing::warn!(mail = entry.key, %failure, given_up, "a mail was not sent");
                ended
            }
        };
        self.put(&entry.key, version, &ended).await.map(|_| ())
    }

    async fn deliver(&self, letter: &Letter) -> Result<(), Failure> {
        let state = self.replica.state();
        let owner = state.owner(letter.owner);
        let owner = owner.ok_or_else(|| Failure::Settings("the owner is gone".to_owned()))?;
        let server = Server::of(&owner.config, letter.owner, &self.vault)?;
        let words = letter.cause.words(&owner.name);
        let extra_ca = self.extra_ca.as_deref();
        server.send(words, &self.addresses, extra_ca).await
    }

    /// Writes a letter's new state; nothing if another was first.
    async fn put(&self, key: &str, seen: u64, letter: &Letter) -> Result<Option<u64>, Error> {
        let value = serde_json::to_vec(letter).map_err(|error| Error::Io(error.to_string()))?;
        match self.board.put(key, Some(seen), value.into()).await? {
            Put::Done { version } => Ok(Some(version)),
            Put::Overtaken => Ok(None),
        }
    }
}
