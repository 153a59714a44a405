//! The keys of a Level, each with what routing would make of it right now.

use foldgate_domain::provider::{self, Family};
use foldgate_domain::table::skipped;
use foldgate_proto::{KeyId, Level, ProviderKey, SleepReport, Timestamp};
use serde_json::{Value, json};

use super::Asked;

/// The most keys one Level lists; `/x-keys` has the whole.
pub(crate) const MAX_KEYS: usize = 1000;

impl Asked<'_> {
    /// One Level of the chain.
    pub(super) fn level(
        &self,
        level: Level,
        model: &str,
        (allowed, now): (bool, Timestamp),
    ) -> Value {
        let owner = self.owner();
        let sleeping = self.app.sleeps.of_owner(owner.id, now);
        let of_level = || owner.keys.values().filter(|key| key.level == level);
        let shown = of_level().take(MAX_KEYS).map(|key| {
            let sleep = sleeping.iter().filter(|report| counts(report, key, model));
            show(key, sleep.max_by_key(|report| report.until), model)
        });
        json!({
            "level": level,
            "allowed": allowed,
            "keys_total": of_level().count(),
            "keys": shown.collect::<Vec<Value>>(),
        })
    }

    /// One key, wherever it stands; `None` if it is gone.
    pub(super) fn key(&self, key: KeyId, model: &str, now: Timestamp) -> Option<Value> {
        let owner = self.owner();
        let key = owner.key(key)?;
        let sleeping = self.app.sleeps.of_owner(owner.id, now);
        let sleep = sleeping.iter().filter(|report| counts(report, key, model));
        Some(show(key, sleep.max_by_key(|report| report.until), model))
    }
}

/// Whether a sleep keeps a key from serving a model now.
fn counts(report: &SleepReport, key: &ProviderKey, model: &str) -> bool {
    let here = report.model.as_ref().is_none_or(|asleep| asleep == model);
    report.key == key.id && here && report.generation.secret >= key.secret_revision
}

fn show(key: &ProviderKey, sleep: Option<&SleepReport>, model: &str) -> Value {
    let family = Family::of(&key.provider, &key.config);
    let mut shown = json!({
        "id": key.number.0,
        "name": key.name,
        "provider": key.provider,
        // Of a provider known not to serve the model: such keys come last.
        "serves": provider::serves(model).contains(family),
    });
    if let Some(disabled) = &key.disabled {
        shown["state"] = json!("disabled");
        shown["reason"] = json!(disabled.reason);
        shown["by"] = json!(disabled.by.to_string());
    } else if let Some(why) = skipped(key) {
        shown["state"] = json!("skipped");
        shown["reason"] = json!(why);
    } else if let Some(report) = sleep {
        shown["state"] = json!("asleep");
        shown["until"] = json!(report.until.to_string());
        shown["cause"] = json!(report.cause.as_str());
        shown["node"] = json!(report.node);
        if let Some(model) = &report.model {
            shown["for_model"] = json!(model);
        }
    } else {
        shown["state"] = json!("awake");
    }
    shown
}
