//! Provider keys: the upstream credentials that Levels are pools of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, JsonText, KeyId, KeyNumber, Level, MaskedSecret, Rare, Revision, Secrets, Timestamp,
};

/// An upstream credential with the place it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderKey {
    /// Its id for life.
    pub id: KeyId,
    /// Its number within the owner.
    pub number: KeyNumber,
    /// A name to show.
    pub name: String,
    /// The pool it serves in.
    pub level: Level,
    /// The upstream's base URL, normalised, without a trailing slash.
    pub provider: String,
    /// What kind of upstream it is, with that kind's settings.
    pub config: ProviderConfig,
    /// The credential.
    pub secret: MaskedSecret,
    /// The revision at which the credential was last set, or the key put back
    /// into use: a sleep reported for an older one no longer counts.
    pub secret_revision: Revision,
    /// Set while the key is out of use: by whom, why, since when.
    pub disabled: Option<Disablement>,
    /// What is kept for the admin API, whose fields these are, and acted upon by
    /// nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<JsonText>,
    /// The secrets in that, which holds their masks.
    #[serde(default, skip_serializing_if = "Rare::is_blank")]
    pub more_secrets: Rare<Secrets>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The revision that last changed it.
    #[serde(default)]
    pub revision: Revision,
}

/// Why a key is out of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disablement {
    /// Who put it out of use.
    pub by: Actor,
    /// Why, in words for an operator.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// The kind of upstream, and what that kind needs beside a URL and a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider_type", rename_all = "lowercase")]
pub enum ProviderConfig {
    /// OpenAI-compatible, Anthropic, or Gemini's own API.
    Standard {
        /// What it speaks; `None`: as its host is known for, else OpenAI's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dialect: Option<Dialect>,
    },
    /// Azure OpenAI.
    Azure {
        /// Model name (may hold wildcards) to deployment name.
        #[serde(default)]
        model_mapping: BTreeMap<String, String>,
        /// Endpoint (`chat`, `embeddings` ...) to API version.
        #[serde(default)]
        api_versions: BTreeMap<String, String>,
    },
    /// Google Vertex AI with a service account.
    Vertex {
        /// The URL template as it was given, with `{project}` and `{location}`.
        base_url: Option<String>,
        /// The Google Cloud project.
        project_id: String,
        /// The location, read from the provider's host, or from the template where
        /// the host does not say.
        location: String,
        /// The service account.
        client_email: String,
        /// Its private key in PEM form.
        private_key: MaskedSecret,
        /// Where tokens come from; `None`: from Google.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_uri: Option<String>,
    },
}

impl ProviderConfig {
    /// An upstream that is what its host is known for.
    pub const STANDARD: Self = Self::Standard { dialect: None };

    /// The kind alone.
    pub const fn provider_type(&self) -> ProviderType {
        match self {
            Self::Standard { .. } => ProviderType::Standard,
            Self::Azure { .. } => ProviderType::Azure,
            Self::Vertex { .. } => ProviderType::Vertex,
        }
    }
}

/// The wire format that an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// OpenAI's.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's generateContent.
    Gemini,
}

impl Dialect {
    /// The name the owner API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// The kind of upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderType {
    /// OpenAI-compatible.
    Standard,
    /// Azure OpenAI.
    Azure,
    /// Google Vertex AI.
    Vertex,
}

impl ProviderType {
    /// The name the owner API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Azure => "azure",
            Self::Vertex => "vertex",
        }
    }
}
