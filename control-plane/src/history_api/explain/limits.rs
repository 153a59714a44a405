//! The limits that stand for an account and a model: each as it is stored, from
//! the account up to the owner, since the strictest of all counts.

use foldgate_domain::OwnerState;
use foldgate_domain::pattern::PatternMap;
use foldgate_proto::{AccountNumber, ModelLimit};
use serde_json::{Map, Value, json};

/// See the module.
pub(super) fn in_force(
    owner: &OwnerState,
    account: AccountNumber,
    (requested, upstream): (&str, &str),
) -> Value {
    let mut limits = Vec::new();
    let mut add = |of: &str, what: &str, limit: Value| {
        limits.push(json!({"of": of, "what": what, "limit": limit}));
    };
    for account in owner.lineage(account) {
        let profile = &account.profile;
        let of = format!("account/{}", account.number);
        if let Some(limit) = &profile.limits {
            add(&of, "all models", json!(limit));
        }
        if let Some((what, limit)) = of_model(profile.model_limits.iter(), requested, upstream) {
            add(&of, &what, limit);
        }
        let spend = [
            ("hard_limit", profile.hard_limit),
            ("soft_limit", profile.soft_limit),
        ];
        for (what, amount) in spend {
            if let Some(amount) = amount {
                let mut limit = Map::new();
                let dollars = serde_json::from_str(&amount.to_string()).unwrap_or(Value::Null);
                limit.insert("dollars_per_month".to_owned(), dollars);
                add(&of, what, Value::Object(limit));
            }
        }
    }
    let configured = owner.config.model_limits.iter().flatten();
    if let Some((what, limit)) = of_model(configured, requested, upstream) {
        add("config", &what, limit);
    }
    json!({
        "enforced": true,
        "note": "requests and tokens count over all nodes, and the strictest wins; so do dollars, of an account and all below it, up to a second late",
        "limits": limits,
    })
}

/// The limit of a model, by the name that was asked for and else by the one it
/// was mapped to.
fn of_model<'l>(
    limits: impl Iterator<Item = (&'l String, &'l ModelLimit)>,
    requested: &str,
    upstream: &str,
) -> Option<(String, Value)> {
    let patterns = PatternMap::new(limits);
    let found = patterns.get(requested).or_else(|| patterns.get(upstream));
    found.map(|(pattern, limit)| (pattern.to_string(), json!(limit)))
}
