//! The owner's configuration.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::event::{ConfigPatched, ConfigReset};
use foldgate_proto::{Config, ConfigKey, Event, Level};

use crate::command::PatchConfig;
use crate::{OwnerState, Rejection, config_text, pricing};

/// The longest plain text value (a host name, an address), in characters.
pub const MAX_TEXT_CHARS: usize = 320;

/// The most entries of SWITCH_OVER: one per Level there may be.
pub const MAX_LEVEL_SWITCHES: usize = Level::MAX as usize + 1;

pub(super) fn patch(owner: &OwnerState, patch: &PatchConfig) -> Result<Vec<Event>, Rejection> {
    let mut set = patch.set.clone();
    if let Some(merge) = &patch.merge_limits {
        let mut limits = set
            .model_limits
            .take()
            .or_else(|| owner.config.model_limits.clone())
            .unwrap_or_default();
        limits.extend(merge.iter().map(|(model, limit)| (model.clone(), *limit)));
        set.model_limits = Some(limits);
    }
    if set.keys().is_empty() {
        return Err(Rejection::NothingToChange);
    }
    check(&set)?;
    Ok(vec![Event::ConfigPatched(ConfigPatched { patch: set })])
}

pub(super) fn reset(keys: &BTreeSet<ConfigKey>) -> Result<Vec<Event>, Rejection> {
    if keys.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::ConfigReset(ConfigReset { keys: keys.clone() })])
}

fn check(set: &Config) -> Result<(), Rejection> {
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
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Rejection::config(key, "holds white space"));
        }
    }
    if set.email_port == Some(0) {
        return Err(Rejection::config(ConfigKey::EmailPort, "is no port"));
    }
    let address = set.xai_mail.as_deref().unwrap_or_default();
    if !address.is_empty() && !is_address(address) {
        return Err(Rejection::config(
            ConfigKey::XaiMail,
            "is no e-mail address",
        ));
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    })
}

fn check_count(key: ConfigKey, count: usize, limit: usize) -> Result<(), Rejection> {
    if count > limit {
        let problem = format!("{count} entries are more than {limit}");
        return Err(Rejection::config(key, problem));
    }
    Ok(())
}
