//! The owner's configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use foldgate_proto::event::{ConfigPatched, ConfigReset};
use foldgate_proto::{Config, ConfigKey, Event, Level, ModelLimit, Rates};

use super::account::MAX_RATES;
use super::is_unseemly;
use crate::command::{LimitPatch, PatchConfig};
use crate::{OwnerState, Rejection, config_text, pricing};

/// The longest plain text value (a host name, an address), in characters.
pub const MAX_TEXT_CHARS: usize = 320;

/// The most entries of SWITCH_OVER: one per Level there may be.
pub const MAX_LEVEL_SWITCHES: usize = Level::MAX as usize + 1;

/// The keys whose values change; none, if all is so already.
pub(super) fn patch(owner: &OwnerState, patch: &PatchConfig) -> Result<Vec<Event>, Rejection> {
    let mut set = patch.set.clone();
    if let Some(merge) = &patch.merge_limits {
        let base = set
            .model_limits
            .take()
            .or_else(|| owner.config.model_limits.clone());
        set.model_limits = Some(merged(base.unwrap_or_default(), merge));
    }
    if set.keys().is_empty() {
        return Err(Rejection::NothingToChange);
    }
    check(&set)?;
    let changed = set.without(&owner.config);
    if changed.keys().is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ConfigPatched(ConfigPatched { patch: changed })])
}

/// Limits over limits, field by field. A model leaves when it is told to, or when
/// its last limit goes.
fn merged(
    mut base: BTreeMap<String, ModelLimit>,
    over: &BTreeMap<String, Option<LimitPatch>>,
) -> BTreeMap<String, ModelLimit> {
    for (model, limit) in over {
        let under = base.remove(model);
        let Some(over) = limit else { continue };
        let left = over.over(under.unwrap_or_default());
        let nothing = ModelLimit::default();
        if left != nothing || LimitPatch::default() == *over {
            base.insert(model.clone(), left);
        }
    }
    base
}

/// The keys that are set; none, if all are at their defaults already.
pub(super) fn reset(
    owner: &OwnerState,
    keys: &BTreeSet<ConfigKey>,
) -> Result<Vec<Event>, Rejection> {
    if keys.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    let set = owner.config.keys();
    let keys: BTreeSet<ConfigKey> = keys.iter().copied().filter(|k| set.contains(k)).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ConfigReset(ConfigReset { keys })])
}

pub(super) fn check(set: &Config) -> Result<(), Rejection> {
    if let Some(mapper) = &set.model_mapper {
        let key = ConfigKey::ModelMapper;
        check_count(key, mapper.len(), config_text::MAX_PATTERNS)?;
        for (source, target) in mapper {
            config_text::check_model_pattern(source)
                .and_then(|()| config_text::check_target_model(target))
                .map_err(|error| Rejection::config(key, error.to_string()))?;
        }
    }
    if let Some(mapper) = &set.level_mapper {
        let key = ConfigKey::LevelMapper;
        check_count(key, mapper.len(), config_text::MAX_PATTERNS)?;
        for pattern in mapper.keys() {
            config_text::check_model_pattern(pattern)
                .map_err(|error| Rejection::config(key, error.to_string()))?;
        }
    }
    if let Some(switches) = &set.switch_over {
        check_switches(switches)?;
    }
    if let Some(resources) = &set.resources {
        check_resources(resources)?;
    }
    if let Some(limits) = &set.model_limits {
        let key = ConfigKey::ModelLimits;
        check_count(key, limits.len(), config_text::MAX_MODEL_LIMITS)?;
        for pattern in limits.keys() {
            config_text::check_model_pattern(pattern)
                .map_err(|error| Rejection::config(key, error.to_string()))?;
        }
    }
    if let Some(text) = &set.pricing {
        pricing::validate(text)
            .map_err(|error| Rejection::config(ConfigKey::Pricing, error.to_string()))?;
    }
    if let Some(factor) = set.factor
        && (factor == Rates(0) || factor > MAX_RATES)
    {
        let problem = format!("must be above 0 and at most {MAX_RATES}");
        return Err(Rejection::config(ConfigKey::Factor, problem));
    }
    check_mail(set)
}

fn check_switches(switches: &BTreeMap<Level, Level>) -> Result<(), Rejection> {
    check_count(ConfigKey::SwitchOver, switches.len(), MAX_LEVEL_SWITCHES)?;
    match switches.iter().find(|(from, to)| from == to) {
        None => Ok(()),
        Some((level, _)) => Err(Rejection::config(
            ConfigKey::SwitchOver,
            format!("Level {level} cannot be its own backup"),
        )),
    }
}

fn check_resources(resources: &BTreeSet<String>) -> Result<(), Rejection> {
    let key = ConfigKey::Resources;
    if resources.is_empty() {
        return Err(Rejection::config(key, "must name at least one path"));
    }
    check_count(key, resources.len(), config_text::MAX_RESOURCES)?;
    resources.iter().try_for_each(|path| {
        config_text::check_resource(path).map_err(|error| Rejection::config(key, error.to_string()))
    })
}

fn check_mail(set: &Config) -> Result<(), Rejection> {
    let texts = [
        (ConfigKey::XaiMail, &set.xai_mail),
        (ConfigKey::EmailSmtp, &set.email_smtp),
        (ConfigKey::EmailAuth, &set.email_auth),
    ];
    for (key, text) in texts {
        let Some(text) = text else { continue };
        if text.chars().count() > MAX_TEXT_CHARS {
            let problem = format!("is longer than {MAX_TEXT_CHARS} characters");
            return Err(Rejection::config(key, problem));
        }
        if text.chars().any(|c| is_unseemly(c) || c.is_whitespace()) {
            return Err(Rejection::config(
                key,
                "holds white space or control characters",
            ));
        }
    }
    if set.email_port == Some(0) {
        return Err(Rejection::config(ConfigKey::EmailPort, "is no port"));
    }
    let server = set.email_smtp.as_deref().unwrap_or_default();
    if !server.is_empty() && !is_host(server) {
        let problem = "must be a host name or an address, without scheme and port";
        return Err(Rejection::config(ConfigKey::EmailSmtp, problem));
    }
    let address = set.xai_mail.as_deref().unwrap_or_default();
    if !address.is_empty() && !is_email(address) {
        let problem = "is no e-mail address";
        return Err(Rejection::config(ConfigKey::XaiMail, problem));
    }
    Ok(())
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_host_name(text)
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// An address that mail can go to: something, `@`, a host name with a dot.
pub fn is_email(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    text.split_once('@').is_some_and(|(local, domain)| {
        (1..=64).contains(&local.len())
            && !local.contains(odd)
            && !local.contains('@')
            && domain.contains('.')
            && is_host_name(domain)
    })
}

fn check_count(key: ConfigKey, count: usize, limit: usize) -> Result<(), Rejection> {
    if count > limit {
        let problem = format!("{count} entries are more than {limit}");
        return Err(Rejection::config(key, problem));
    }
    Ok(())
}
