//! A key's settings as they will be: the change over what there is, fitting the
//! upstream that the key will have, whoever changed the other half of it.

use std::collections::BTreeMap;

use foldgate_proto::ProviderConfig;

use super::vertex;
use crate::command::{ConfigFields, ConfigPatch};
use crate::{Rejection, config_text};

/// `had` is what the key has; a new key has nothing.
pub(super) fn merged(
    url: &str,
    had: Option<&ProviderConfig>,
    patch: Option<&ConfigPatch>,
) -> Result<ProviderConfig, Rejection> {
    let Some(patch) = patch else {
        return match had {
            Some(vertex @ ProviderConfig::Vertex { .. }) => vertex::fitting(url, vertex.clone()),
            Some(other) => Ok(other.clone()),
            None => Ok(ProviderConfig::STANDARD),
        };
    };
    let kind = patch.provider_type();
    if let Some(had) = had.map(ProviderConfig::provider_type)
        && had != kind
        && !patch.is_named
    {
        let problem = format!(
            "is for a {} key, and the key's type is {} by now",
            kind.as_str(),
            had.as_str()
        );
        return Err(Rejection::field("Config", problem));
    }
    match &patch.fields {
        ConfigFields::Standard { dialect } => {
            let had = match had {
                Some(ProviderConfig::Standard { dialect }) => *dialect,
                _ => None,
            };
            Ok(ProviderConfig::Standard {
                dialect: (*dialect).over(had),
            })
        }
        ConfigFields::Azure {
            model_mapping,
            api_versions,
        } => azure(had, model_mapping.as_ref(), api_versions.as_ref()),
        ConfigFields::Vertex(patch) => vertex::merged(url, had, patch),
    }
}

type Texts = BTreeMap<String, String>;

fn azure(
    had: Option<&ProviderConfig>,
    mapping: Option<&Texts>,
    versions: Option<&Texts>,
) -> Result<ProviderConfig, Rejection> {
    let none = Texts::new();
    let (had_mapping, had_versions) = match had {
        Some(ProviderConfig::Azure {
            model_mapping,
            api_versions,
        }) => (model_mapping, api_versions),
        _ => (&none, &none),
    };
    let mapping = mapping.unwrap_or(had_mapping);
    let versions = versions.unwrap_or(had_versions);
    check_mapping(mapping)?;
    check_versions(versions)?;
    Ok(ProviderConfig::Azure {
        model_mapping: mapping.clone(),
        api_versions: versions.clone(),
    })
}

fn check_mapping(mapping: &Texts) -> Result<(), Rejection> {
    if mapping.len() > config_text::MAX_PATTERNS {
        return Err(Rejection::field(
            "Config.model_mapping",
            format!("holds more than {} patterns", config_text::MAX_PATTERNS),
        ));
    }
    for (pattern, deployment) in mapping {
        config_text::check_model_pattern(pattern)
            .and_then(|()| config_text::check_target_model(deployment))
            .map_err(|error| Rejection::field("Config.model_mapping", error.to_string()))?;
    }
    Ok(())
}

fn check_versions(versions: &Texts) -> Result<(), Rejection> {
    let plain = |text: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/');
        (1..=64).contains(&text.len()) && text.bytes().all(fits)
    };
    for (endpoint, version) in versions {
        if !plain(endpoint) || !plain(version) {
            let problem = format!("{endpoint:?}: {version:?} is no API version");
            return Err(Rejection::field("Config.api_versions", problem));
        }
    }
    Ok(())
}
