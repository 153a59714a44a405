//! A caller key as the admin API shows it: an entry whose value can be put back as
//! it is. Never the key itself.

use foldgate_domain::OwnerState;
use foldgate_domain::decide::DEFAULT_CALLER_KEY_NAME;
use foldgate_domain::definition::RateLimit;
use foldgate_proto::{CallerKey, KeyTerms};
use serde_json::{Map, Value, json};

use super::value::EVERY_MODEL;

/// What may be shown of a key, with its hash where that may be seen.
pub(super) fn entry(owner: &OwnerState, key: &CallerKey, hash: bool) -> Value {
    json!({
        "id": key.id.to_string(),
        "value": value(owner, key, hash),
        "revision": key.revision.0,
    })
}

fn value(owner: &OwnerState, key: &CallerKey, hash: bool) -> Map<String, Value> {
    let terms = &key.terms;
    let mut shown = Map::new();
    let mut show = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    if key.name != DEFAULT_CALLER_KEY_NAME {
        show("display_name", json!(key.name));
    }
    if hash {
        show("key_hash", json!(hex::encode(key.hash.0)));
    }
    if !key.mask.is_empty() {
        show("masked_key", json!(key.mask));
    }
    if let Some(previous) = &key.previous {
        show("previous_until", json!(previous.until.to_rfc3339()));
    }
    if let Some(account) = owner.accounts.get(&key.account) {
        show("team_id", json!(account.id.to_string()));
    }
    let models = terms.allow_models.as_deref();
    show(
        "allowed_models",
        models.map_or_else(|| json!([EVERY_MODEL]), |models| json!(models)),
    );
    let limits = limits(terms);
    if limits != RateLimit::default() {
        show("rate_limit", json!(limits));
    }
    if let Some(at) = terms.expires_at {
        show("expires_at", json!(at.to_rfc3339()));
    }
    if terms.disabled {
        show("disabled", json!(true));
    }
    if let Some(more) = &terms.more
        && let Ok(Value::Object(more)) = serde_json::from_str(&more.0)
    {
        shown.extend(more);
    }
    shown
}

/// A key's limits, as far as this API has words for them.
pub(super) fn limits(terms: &KeyTerms) -> RateLimit {
    let limits = terms.limits.as_deref().copied().unwrap_or_default();
    RateLimit {
        rps: terms.rps,
        rpm: limits.rpm,
        rph: limits.rph,
        rpd: limits.rpd,
        tpm: limits.tpm,
        tpd: limits.tpd,
        concurrency: terms.concurrency,
    }
}
