//! Owners that are made where nobody could ask for them yet. The first, of an
//! empty log, is written at revision 1 or not at all: when
//! two control planes start at once, one of them wins and the other sees it.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::Command;
use foldgate_domain::command::ClaimOwner;
use foldgate_log::{AppendError, EventLog, Replica, Stop};
use foldgate_proto::{AccountNumber, Actor, OwnerId, RecordId, Revision};
use foldgate_vault::{digest, mask, new_key};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::clock;
use crate::request::Stamp;
use crate::writer::Submission;
use crate::writer::plan::Plan;

/// How often an append is tried anew whose outcome is not known.
const MAX_ATTEMPTS: usize = 3;

/// Why there is no first owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The log was not folded to its end in time.
    #[error("the log was not read to its end within {0:?}")]
    NotCaughtUp(Duration),
    /// The log cannot be reached.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// The owner was refused: its name, or its key.
    #[error("the owner was refused: {0}")]
    Refused(String),
    /// No random bytes for a key.
    #[error("no owner key could be drawn: {0}")]
    NoKey(#[from] foldgate_vault::Error),
}

/// The first owner.
#[derive(Debug)]
pub struct Ensured {
    /// Whose log it is.
    pub owner: OwnerId,
    /// Whether this process made it.
    pub claimed: bool,
    /// The key that was drawn here, to be shown once. `None` where one was given
    /// or the owner was there before.
    pub generated: Option<SecretString>,
}

/// Finds the first owner, or makes it on an empty log with the given key, or
/// one drawn here.
///
/// # Errors
/// See [`Error`]. Nothing is shown or kept of a key that did not come to stand.
pub async fn ensure_owner(
    log: &Arc<dyn EventLog>,
    replica: &Replica,
    name: &str,
    key: Option<&SecretString>,
    limit: Duration,
) -> Result<Ensured, Error> {
    caught_up(replica, limit).await?;
    if let Some(owner) = first(replica) {
        return Ok(owner);
    }
    let generated = match key {
        Some(_) => None,
        None => Some(new_key()?),
    };
    let key = key.or(generated.as_ref());
    let key = key.map_or("", |key| key.expose_secret());
    let submission = claim(name, key);
    let record = RecordId(Uuid::now_v7());
    for _ in 0..MAX_ATTEMPTS {
        let commands = [(&submission, record)];
        let plan = Plan::new(replica.state(), commands, clock::now());
        if let Some(Err(error)) = plan.steps.first().map(|step| &step.verdict) {
            return Err(Error::Refused(error.to_string()));
        }
        match log.append(Revision::ZERO, &plan.records).await {
            Ok(_) => {
                replica.poke();
                // Whoever reads next should find the owner; it is written either way.
                let _ = replica.wait_for(Revision(1), limit).await;
                return Ok(Ensured {
                    owner: submission.owner,
                    claimed: true,
                    generated,
                });
            }
            Err(AppendError { stop, .. }) => {
                if let Some(owner) = settle(stop, &submission, replica, limit).await? {
                    let generated = generated.filter(|_| owner.claimed);
                    return Ok(Ensured { generated, ..owner });
                }
            }
        }
    }
    Err(Error::Unavailable("the outcome stays unknown".to_owned()))
}

/// An owner that was made beside the first.
#[derive(Debug)]
pub struct Added {
    /// Its id.
    pub owner: OwnerId,
    /// The number of its own account.
    pub account: AccountNumber,
    /// Its key, to be shown once.
    pub key: SecretString,
}

/// Makes one more owner on a log that no other process writes to.
///
/// # Errors
/// See [`Error`]. Without a first owner there is none to stand beside.
pub async fn add_owner(
    log: &Arc<dyn EventLog>,
    replica: &Replica,
    name: &str,
    limit: Duration,
) -> Result<Added, Error> {
    caught_up(replica, limit).await?;
    if first(replica).is_none() {
        let problem = "the log has no first owner yet; start foldgate on it once";
        return Err(Error::Refused(problem.to_owned()));
    }
    let key = new_key()?;
    let submission = claim(name, key.expose_secret());
    let base = replica.state();
    let expected = base.revision;
    let commands = [(&submission, RecordId(Uuid::now_v7()))];
    let plan = Plan::new(base, commands, clock::now());
    if let Some(Err(error)) = plan.steps.first().map(|step| &step.verdict) {
        return Err(Error::Refused(error.to_string()));
    }
    let written = log.append(expected, &plan.records).await;
    written.map_err(|error| Error::Unavailable(error.stop.to_string()))?;
    let made = plan.state.owner(submission.owner);
    Ok(Added {
        owner: submission.owner,
        account: made.map(|made| made.account).unwrap_or_default(),
        key,
    })
}

/// What an append that failed came to; `None` is to be tried again, which is
/// safe: revision 1 is written once.
async fn settle(
    stop: Stop,
    submission: &Submission,
    replica: &Replica,
    limit: Duration,
) -> Result<Option<Ensured>, Error> {
    match stop {
        Stop::Conflict { .. } | Stop::Unknown { .. } => {
            replica.poke();
            if replica.wait_for(Revision(1), limit).await.is_err() {
                return Ok(None);
            }
            let winner = first(replica);
            Ok(winner.map(|winner| Ensured {
                claimed: winner.owner == submission.owner,
                ..winner
            }))
        }
        Stop::Unavailable(reason) => Err(Error::Unavailable(reason)),
        Stop::Refused(reason) => Err(Error::Refused(reason)),
    }
}

async fn caught_up(replica: &Replica, limit: Duration) -> Result<(), Error> {
    let mut status = replica.watch();
    let caught_up = status.wait_for(|status| status.caught_up);
    match tokio::time::timeout(limit, caught_up).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Error::NotCaughtUp(limit)),
    }
}

fn first(replica: &Replica) -> Option<Ensured> {
    let table = replica.table();
    let owner = table.state.first_owner()?;
    Some(Ensured {
        owner: owner.id,
        claimed: false,
        generated: None,
    })
}

fn claim(name: &str, key: &str) -> Submission {
    let claim = ClaimOwner {
        name: name.to_owned(),
        key_hash: digest(key),
        key_mask: mask(key),
    };
    Submission {
        owner: OwnerId(Uuid::now_v7()),
        command: Command::ClaimOwner(claim),
        actor: Actor::system("bootstrap"),
        stamp: Stamp::default(),
        precondition: None,
    }
}
