//! The configuration as the owner API shows it, each key in its own type. What
//! this gives, PUT takes back.

use foldgate_domain::OwnerState;
use foldgate_proto::{Config, ConfigKey, Level};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use crate::owner_api::users::view::decimal;

/// Every key that is set (of LEVEL_MAPPER, both layers).
pub(crate) fn all(owner: &OwnerState) -> Map<String, Value> {
    let shown = ConfigKey::ALL.iter();
    shown
        .filter_map(|key| Some((key.to_string(), one(owner, *key)?)))
        .collect()
}

/// One key, if it is set.
pub(crate) fn one(owner: &OwnerState, key: ConfigKey) -> Option<Value> {
    let config: &Config = &owner.config;
    match key {
        ConfigKey::ModelMapper => config.model_mapper.as_ref().map(|m| json!(m)),
        ConfigKey::LevelMapper => {
            let set = config.level_mapper.is_some() || !owner.completed.is_empty();
            set.then(|| level_mapper(owner))
        }
        ConfigKey::SwitchOver => config.switch_over.as_ref().map(switch_over),
        ConfigKey::Resources => config.resources.as_ref().map(resources),
        ConfigKey::ModelLimits => config.model_limits.as_ref().map(|m| json!(m)),
        ConfigKey::Pricing => config.pricing.as_ref().map(|text| json!(text)),
        ConfigKey::Factor => config.factor.map(|factor| decimal(&factor.to_string())),
        ConfigKey::XaiMail => config.xai_mail.as_ref().map(|text| json!(text)),
        ConfigKey::EmailSmtp => config.email_smtp.as_ref().map(|text| json!(text)),
        ConfigKey::EmailPort => config.email_port.map(|port| json!(port.to_string())),
        ConfigKey::EmailAuth => config.email_auth.as_ref().map(|text| json!(text)),
        ConfigKey::EmailPass => config.email_pass.as_ref().map(|pass| json!(pass.mask)),
        ConfigKey::EmailTls => config.email_tls.map(|on| json!(on)),
    }
}

/// LEVEL_MAPPER as it is in force.
pub(crate) fn level_mapper(owner: &OwnerState) -> Value {
    let mapper = owner.level_mapper();
    mapper
        .into_iter()
        .map(|(pattern, level)| (pattern.to_owned(), json!(level.get())))
        .collect::<Map<_, _>>()
        .into()
}

/// LEVEL_MAPPER as it was given.
pub(crate) fn levels(mapper: &BTreeMap<String, Level>) -> Value {
    let levels = mapper.iter();
    levels
        .map(|(pattern, level)| (pattern.clone(), json!(level.get())))
        .collect::<Map<_, _>>()
        .into()
}

/// SWITCH_OVER, its keys in the order of their numbers.
pub(crate) fn switch_over(switches: &BTreeMap<Level, Level>) -> Value {
    switches
        .iter()
        .map(|(from, to)| (from.to_string(), json!(to.get())))
        .collect::<Map<_, _>>()
        .into()
}

/// RESOURCES, as the set that it is.
pub(crate) fn resources<'p>(paths: impl IntoIterator<Item = &'p String>) -> Value {
    paths
        .into_iter()
        .map(|path| (path.clone(), json!({})))
        .collect::<Map<_, _>>()
        .into()
}
