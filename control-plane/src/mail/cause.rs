//! What is worth a mail, how often it is told, and in which words.

use std::time::Duration;

use foldgate_proto::{
    AccountNumber, KeyId, KeyNumber, Level, NanoDollars, OwnerId, Revision, SleepCause, Timestamp,
};
use serde::{Deserialize, Serialize};

/// How often the same cause is told, at the most.
pub(super) const TOLD_EVERY: Duration = Duration::from_hours(1);

/// What happened to an owner's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    /// A key was put out of use, because its upstream refuses it for good.
    KeyDisabled {
        key: KeyId,
        number: KeyNumber,
        name: String,
        /// Which of its credentials was refused.
        secret: Revision,
        level: Level,
        provider: String,
        reason: String,
        at: Timestamp,
    },
    /// All keys of a Level sleep.
    LevelAsleep {
        level: Level,
        keys: usize,
        /// When the first of them wakes.
        earliest: Timestamp,
        /// Why that one sleeps.
        why: SleepCause,
    },
    /// An account's credit is nearly spent.
    LowBalance {
        account: AccountNumber,
        name: String,
        left: NanoDollars,
    },
    /// An account and those below it have come to its `SoftLimit`.
    SoftLimit {
        account: AccountNumber,
        name: String,
        /// Of which month, counted from the year 0.
        month: u32,
        spent: NanoDollars,
        limit: NanoDollars,
    },
}

impl Cause {
    /// Its name on the board: one per owner and what it is about.
    pub(super) fn key(&self, owner: OwnerId) -> String {
        match self {
            Self::KeyDisabled { key, secret, .. } => format!("{owner}.key-disabled.{key}-{secret}"),
            Self::LevelAsleep { level, .. } => format!("{owner}.level-asleep.{level}"),
            Self::LowBalance { account, .. } => format!("{owner}.low-balance.{account}"),
            Self::SoftLimit { account, month, .. } => {
                format!("{owner}.soft-limit.{account}-{month}")
            }
        }
    }

    /// After which time it may be told again, if it still holds then.
    pub(super) const fn again(&self) -> Option<Duration> {
        match self {
            // A letter is kept for a day; then what still holds is told once more.
            Self::KeyDisabled { .. } | Self::LowBalance { .. } | Self::SoftLimit { .. } => None,
            Self::LevelAsleep { .. } => Some(TOLD_EVERY),
        }
    }

    /// Subject and text.
    pub(super) fn words(&self, owner: &str) -> (String, String) {
        match self {
            Self::KeyDisabled {
                number,
                name,
                level,
                provider,
                reason,
                at,
                ..
            } => {
                let subject = format!("Foldgate: key {number} of {owner} was put out of use");
                let text = format!(
                    "The provider key {number} ({name}) in Level {level}, for {provider}, was put out of use at {at}.\n\n\
                     {reason}\n\n\
                     It takes no traffic until it gets a new SecretKey (PUT /x-keys/{number}) or is enabled again \
                     ({{\"Status\": true}}).\n"
                );
                (subject, text)
            }
            Self::LevelAsleep {
                level,
                keys,
                earliest,
                why,
            } => {
                let subject = format!("Foldgate: all keys of Level {level} of {owner} sleep");
                let text = format!(
                    "All keys of Level {level} that are in use ({keys}) sleep. The first wakes at {earliest}; it sleeps \
                     because of: {why}.\n\n\
                     Until then its requests go to the Level that SWITCH_OVER names, or are refused. GET /x-conf shows \
                     who sleeps and why; POST /x-keys/{{id}}/wake wakes a key.\n"
                );
                (subject, text)
            }
            Self::LowBalance {
                account,
                name,
                left,
            } => {
                let subject = format!("Foldgate: the credit of account {name} is nearly spent");
                let text = format!(
                    "The account {account} ({name}) of {owner} has {left} dollars left of its credit.\n\n\
                     Below UserMinBalance its calls are refused, and those of the accounts that it pays for. \
                     PUT /x-users/{account} with CreditGranted grants more.\n"
                );
                (subject, text)
            }
            Self::SoftLimit {
                account,
                name,
                spent,
                limit,
                ..
            } => {
                let subject = format!("Foldgate: account {name} has come to its SoftLimit");
                let text = format!(
                    "The account {account} ({name}) of {owner} and those below it have spent {spent} dollars this \
                     month; its SoftLimit is {limit}.\n\n\
                     Nothing is refused for that; HardLimit refuses. GET /x-bill?user={account} shows what was spent.\n"
                );
                (subject, text)
            }
        }
    }
}
