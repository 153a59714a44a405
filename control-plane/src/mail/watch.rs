//! Looks for causes: at each change of the state, at each sleep, and now and then.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use foldgate_domain::{OwnerState, State};
use foldgate_log::board::Put;
use foldgate_log::{Board, Error, Replica, Report, Reports};
use foldgate_proto::{AccountNumber, ActorKind, KeyId, Level, OwnerId, SleepReport, Timestamp};
use tokio::sync::{Notify, broadcast};
use tokio::time::sleep;

use super::cause::{Cause, TOLD_EVERY};
use super::letter::Letter;
use super::smtp::is_set_up;
use crate::clock;
use crate::purses::{Judgement, Purses};
use crate::sleeps::Sleeps;

/// How long changes are gathered before they are looked at.
const GATHER: Duration = Duration::from_secs(1);

/// How often is looked without a change: reports may have been lost, and the board
/// away.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);

/// For how long it is worth telling that a key was put out of use.
const NEWS: Duration = Duration::from_hours(1);

pub(super) struct Watch<'a> {
    pub(super) board: Board,
    pub(super) replica: Replica,
    pub(super) reports: Reports,
    pub(super) sleeps: Sleeps,
    pub(super) purses: Purses,
    /// Told when there is a new letter.
    pub(super) told: &'a Notify,
}

impl Watch<'_> {
    pub(super) async fn run(self) {
        let mut status = self.replica.watch();
        let mut heard = self.reports.subscribe();
        // What this process knows to be on the board already.
        let mut known: HashMap<String, Timestamp> = HashMap::new();
        loop {
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return },
                () = sleeps(&mut heard) => {}
                () = sleep(LOOK_ANYWAY) => {}
            }
            sleep(GATHER).await;
            let now = clock::now();
            known.retain(|_, told| now.since(*told) < TOLD_EVERY);
            let causes = causes(&self.replica.state(), (&self.sleeps, &self.purses), now);
            for (owner, cause) in causes {
                let key = cause.key(owner);
                if known.contains_key(&key) {
                    continue;
                }
                match self.tell(&key, Letter::new(owner, cause, now), now).await {
                    Ok(told) => {
                        known.insert(key, told);
                    }
                    Err(error) => tracing::warn!(%error, "a mail cannot be written down now"),
                }
            }
        }
    }

    /// Puts a letter on the board unless its cause was told lately; says when it was.
    async fn tell(&self, key: &str, letter: Letter, now: Timestamp) -> Result<Timestamp, Error> {
        let last = self.board.get(key).await?;
        let seen = last.as_ref().map(|last| last.version);
        let last = last.and_then(|last| serde_json::from_slice::<Letter>(&last.value).ok());
        if let Some(last) = last.filter(|last| !last.may_be_told_again(now)) {
            return Ok(last.told);
        }
        let told = letter.told;
        let value = serde_json::to_vec(&letter).map_err(|error| Error::Io(error.to_string()))?;
        if let Put::Done { .. } = self.board.put(key, seen, value.into()).await? {
            self.told.notify_one();
        }
        Ok(told)
    }
}

/// Waits for a sleep that is told as it begins or ends.
async fn sleeps(heard: &mut broadcast::Receiver<Report>) {
    loop {
        match heard.recv().await {
            Ok(Report::Heartbeat(_) | Report::Purses(_)) => {}
            Ok(Report::Sleep(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// What holds now, of owners who want mails.
fn causes(
    state: &State,
    (sleeps, purses): (&Sleeps, &Purses),
    now: Timestamp,
) -> Vec<(OwnerId, Cause)> {
    let mut causes = Vec::new();
    for (id, owner) in &state.owners {
        if is_set_up(&owner.config) {
            let sleeping = sleeps.of_owner(*id, now);
            let found = disabled(owner, now).chain(asleep(owner, &sleeping));
            causes.extend(found.map(|cause| (*id, cause)));
            let judged = purses.judged(*id).unwrap_or_default();
            causes
                .extend(spent(owner, &judged, purses.zone().month(now)).map(|cause| (*id, cause)));
        }
    }
    causes
}

/// Accounts that have nearly spent their credit, or come to their `SoftLimit`.
fn spent(owner: &OwnerState, judged: &Judgement, month: u32) -> impl Iterator<Item = Cause> {
    let name = |account: AccountNumber| {
        let account = owner.accounts.get(&account);
        account.map_or_else(String::new, |account| account.profile.name.clone())
    };
    let low = judged.low.iter().map(move |low| Cause::LowBalance {
        account: low.account,
        name: name(low.account),
        left: low.left,
    });
    let soft = judged.soft.iter().map(move |soft| Cause::SoftLimit {
        account: soft.account,
        name: name(soft.account),
        month,
        spent: soft.spent,
        limit: soft.limit,
    });
    low.chain(soft)
}

/// Keys that a node's reports put out of use a short time ago.
fn disabled(owner: &OwnerState, now: Timestamp) -> impl Iterator<Item = Cause> {
    owner.keys.values().filter_map(move |key| {
        let disabled = key.disabled.as_ref()?;
        let is_news = disabled.by.kind == ActorKind::Node && now.since(disabled.at) < NEWS;
        is_news.then(|| Cause::KeyDisabled {
            key: key.id,
            number: key.number,
            name: key.name.clone(),
            secret: key.secret_revision,
            level: key.level,
            provider: key.provider.clone(),
            reason: disabled.reason.clone(),
            at: disabled.at,
        })
    })
}

/// Levels of which every key in use sleeps.
fn asleep(owner: &OwnerState, sleeping: &[SleepReport]) -> impl Iterator<Item = Cause> {
    let whole = sleeping.iter().filter(|report| report.model.is_none());
    let asleep: HashMap<KeyId, &SleepReport> = whole.map(|report| (report.key, report)).collect();
    let mut levels: HashMap<Level, Vec<&SleepReport>> = HashMap::new();
    let mut awake: HashSet<Level> = HashSet::new();
    if !asleep.is_empty() {
        for key in owner.keys.values().filter(|key| key.disabled.is_none()) {
            match asleep.get(&key.id) {
                Some(report) => levels.entry(key.level).or_default().push(report),
                None => {
                    awake.insert(key.level);
                }
            }
        }
    }
    levels.retain(|level, _| !awake.contains(level));
    levels.into_iter().filter_map(|(level, reports)| {
        let first = reports.iter().min_by_key(|report| report.until)?;
        Some(Cause::LevelAsleep {
            level,
            keys: reports.len(),
            earliest: first.until,
            why: first.cause,
        })
    })
}
