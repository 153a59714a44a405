//! The keys of a Level, each with what routing would make of it right now.

use foldgate_domain::provider::{self, Family};
use foldgate_domain::table::skipped;
use foldgate_proto::{KeyId, Level, ProviderKey, SleepReport, Timestamp};
use serde::{Serialize, Serializer};

use super::Asked;
use crate::admin_api::provider_keys::kept;

/// The most keys one Level lists; `/x-keys` has the whole.
const MAX_KEYS: usize = 1000;

/// A Level of the chain.
#[derive(Debug, Serialize)]
pub(super) struct LevelView<'a> {
    level: Level,
    /// Whether the account may use it.
    pub(super) allowed: bool,
    keys_total: usize,
    pub(super) keys: Vec<KeyView<'a>>,
}

/// One key.
#[derive(Debug, Serialize)]
pub(super) struct KeyView<'a> {
    id: u64,
    name: &'a str,
    provider: &'a str,
    /// Of a provider known not to serve the model: such keys come last.
    serves: bool,
    /// What is kept of it but not acted upon.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_enforced: Vec<&'static str>,
    #[serde(flatten)]
    pub(super) state: KeyState<'a>,
}

/// What routing makes of a key.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum KeyState<'a> {
    Disabled {
        reason: &'a str,
        by: String,
    },
    Skipped {
        reason: &'static str,
    },
    Asleep {
        #[serde(serialize_with = "in_words")]
        until: Timestamp,
        cause: &'static str,
        node: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        for_model: Option<&'a str>,
    },
    Awake,
}

/// A time as people read it.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
pub(super) fn in_words<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

impl<'a> Asked<'a> {
    /// One Level of the chain.
    pub(super) fn level(&'a self, level: Level, model: &str, allowed: bool) -> LevelView<'a> {
        let of_level = || {
            let keys = self.owner().keys.values();
            keys.filter(|key| key.level == level)
        };
        let shown = of_level().take(MAX_KEYS);
        LevelView {
            level,
            allowed,
            keys_total: of_level().count(),
            keys: shown.map(|key| self.view(key, model)).collect(),
        }
    }

    /// One key alone, wherever it stands; nothing if it is gone.
    pub(super) fn one_key(
        &'a self,
        (level, key): (Level, KeyId),
        model: &str,
        allowed: bool,
    ) -> LevelView<'a> {
        let key = self.owner().key(key);
        LevelView {
            level,
            allowed,
            keys_total: 1,
            keys: key.map(|key| self.view(key, model)).into_iter().collect(),
        }
    }

    fn view(&'a self, key: &'a ProviderKey, model: &str) -> KeyView<'a> {
        let family = Family::of(&key.provider, &key.config);
        KeyView {
            id: key.number.0,
            name: &key.name,
            provider: &key.provider,
            serves: provider::serves(model).contains(family),
            not_enforced: key.more.as_ref().map_or_else(Vec::new, kept::unenforced),
            state: self.state(key, model),
        }
    }

    fn state(&'a self, key: &'a ProviderKey, model: &str) -> KeyState<'a> {
        if let Some(disabled) = &key.disabled {
            return KeyState::Disabled {
                reason: &disabled.reason,
                by: disabled.by.to_string(),
            };
        }
        if let Some(reason) = skipped(key, model) {
            return KeyState::Skipped { reason };
        }
        let counting = self.sleeping.iter();
        let counting = counting.filter(|report| counts(report, key, model));
        match counting.max_by_key(|report| report.until) {
            None => KeyState::Awake,
            Some(report) => KeyState::Asleep {
                until: report.until,
                cause: report.cause.as_str(),
                node: &report.node,
                for_model: report.model.as_deref(),
            },
        }
    }
}

/// Whether a sleep keeps a key from serving a model now.
fn counts(report: &SleepReport, key: &ProviderKey, model: &str) -> bool {
    let here = report.model.as_ref().is_none_or(|asleep| asleep == model);
    report.key == key.id && here && report.generation.secret >= key.secret_revision
}
