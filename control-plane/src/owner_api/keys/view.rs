//! A provider key as the owner API shows it: secrets masked, and when it is
//! not in use, why.

use std::collections::BTreeMap;

use foldgate_proto::{Dialect, ProviderConfig, ProviderKey};
use schemars::JsonSchema;
use serde::Serialize;

/// A key, in the owner API's shape and spelling.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
#[schemars(rename = "ProviderKey")]
pub(crate) struct KeyView<'k> {
    /// Its number, for ever.
    #[serde(rename = "ID")]
    id: u64,
    #[serde(rename = "UUID")]
    uuid: String,
    name: &'k str,
    /// The pool it is in.
    #[schemars(range(min = 0, max = 9999))]
    level: u16,
    /// The upstream's base URL.
    provider: &'k str,
    /// Whether it may be used.
    status: bool,
    /// A mask: the key itself is never shown.
    secret_key: &'k str,
    config: ConfigView<'k>,
    /// Why it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<DisabledView<'k>>,
    created_at: String,
    updated_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
#[schemars(rename = "ProviderKeyDisabled")]
struct DisabledView<'k> {
    reason: &'k str,
    by: String,
    at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "provider_type", rename_all = "lowercase")]
#[schemars(rename = "ProviderKeyConfig")]
enum ConfigView<'k> {
    Standard {
        /// What it speaks, where that was said.
        #[serde(skip_serializing_if = "Option::is_none")]
        dialect: Option<&'static str>,
    },
    Azure {
        model_mapping: &'k BTreeMap<String, String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        api_versions: &'k BTreeMap<String, String>,
    },
    Vertex {
        #[serde(skip_serializing_if = "Option::is_none")]
        base_url: Option<&'k str>,
        project_id: &'k str,
        location: &'k str,
        client_email: &'k str,
        private_key: &'k str,
        #[serde(skip_serializing_if = "Option::is_none")]
        token_uri: Option<&'k str>,
    },
}

/// The fields of a view that say nothing when they come back in a request.
pub(crate) const READ_ONLY: &[&str] = &["UUID", "Disabled", "CreatedAt", "UpdatedAt"];

impl<'k> KeyView<'k> {
    /// What may be shown of a key.
    pub(crate) fn new(key: &'k ProviderKey) -> Self {
        Self {
            id: key.number.0,
            uuid: key.id.to_string(),
            name: &key.name,
            level: key.level.get(),
            provider: &key.provider,
            status: key.disabled.is_none(),
            secret_key: &key.secret.mask,
            config: ConfigView::new(&key.config),
            disabled: key.disabled.as_ref().map(|disabled| DisabledView {
                reason: &disabled.reason,
                by: disabled.by.to_string(),
                at: disabled.at.to_rfc3339(),
            }),
            created_at: key.created_at.to_rfc3339(),
            updated_at: key.updated_at.to_rfc3339(),
        }
    }
}

impl<'k> ConfigView<'k> {
    fn new(config: &'k ProviderConfig) -> Self {
        match config {
            ProviderConfig::Standard { dialect } => Self::Standard {
                dialect: dialect.map(Dialect::as_str),
            },
            ProviderConfig::Azure {
                model_mapping,
                api_versions,
            } => Self::Azure {
                model_mapping,
                api_versions,
            },
            ProviderConfig::Vertex {
                base_url,
                project_id,
                location,
                client_email,
                private_key,
                token_uri,
            } => Self::Vertex {
                base_url: base_url.as_deref(),
                project_id,
                location,
                client_email,
                private_key: &private_key.mask,
                token_uri: token_uri.as_deref(),
            },
        }
    }
}
