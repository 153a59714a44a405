//! What somebody wants to change of a provider key's `Config`.

use std::collections::BTreeMap;

use foldgate_proto::{Dialect, MaskedSecret, ProviderConfig, ProviderType};

use super::Change;

/// Goes over what the key has, field by field, when it is decided: of two changes
/// made at once neither takes the other back.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ConfigPatch {
    /// Whether the kind of upstream was said. If not, it is the one that the sender
    /// saw, and the key must still be of it.
    pub is_named: bool,
    /// The fields of that kind.
    pub fields: ConfigFields,
}

/// The fields of one kind of upstream. `None` is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFields {
    /// A standard upstream's.
    Standard {
        /// What it speaks.
        dialect: Change<Dialect>,
    },
    /// Azure OpenAI's.
    Azure {
        /// Model name to deployment name, whole.
        model_mapping: Option<BTreeMap<String, String>>,
        /// Endpoint to API version, whole.
        api_versions: Option<BTreeMap<String, String>>,
    },
    /// Google Vertex AI's.
    Vertex(VertexPatch),
}

/// See [`ConfigFields::Vertex`]. `None` is unchanged.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct VertexPatch {
    /// The URL template.
    pub base_url: Change<String>,
    /// The Google Cloud project.
    pub project_id: Option<String>,
    /// The location that the sender takes the key to be at. It cannot be set: it is
    /// what the provider's host says.
    pub location: Option<String>,
    /// The service account.
    pub client_email: Option<String>,
    /// Its private key.
    pub private_key: Option<PrivateKey>,
    /// Where tokens come from.
    pub token_uri: Change<String>,
}

/// A private key, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrivateKey {
    /// A new one, sealed.
    Sealed(MaskedSecret),
    /// A mask: the key that it is shown for stays.
    Mask(String),
}

impl Default for ConfigFields {
    fn default() -> Self {
        Self::Standard {
            dialect: Change::Keep,
        }
    }
}

impl ConfigPatch {
    /// The kind of upstream it is for.
    pub const fn provider_type(&self) -> ProviderType {
        match self.fields {
            ConfigFields::Standard { .. } => ProviderType::Standard,
            ConfigFields::Azure { .. } => ProviderType::Azure,
            ConfigFields::Vertex(_) => ProviderType::Vertex,
        }
    }

    /// Whether something in it was sealed, and so is good for one key only.
    pub const fn is_sealed(&self) -> bool {
        match &self.fields {
            ConfigFields::Vertex(vertex) => {
                matches!(vertex.private_key, Some(PrivateKey::Sealed(_)))
            }
            ConfigFields::Standard { .. } | ConfigFields::Azure { .. } => false,
        }
    }
}

/// All of it, to be set whole.
impl From<ProviderConfig> for ConfigPatch {
    fn from(config: ProviderConfig) -> Self {
        let fields = match config {
            ProviderConfig::Standard { dialect } => ConfigFields::Standard {
                dialect: dialect.map_or(Change::Clear, Change::Set),
            },
            ProviderConfig::Azure {
                model_mapping,
                api_versions,
            } => ConfigFields::Azure {
                model_mapping: Some(model_mapping),
                api_versions: Some(api_versions),
            },
            ProviderConfig::Vertex {
                base_url,
                project_id,
                location,
                client_email,
                private_key,
                token_uri,
            } => ConfigFields::Vertex(VertexPatch {
                base_url: base_url.map_or(Change::Clear, Change::Set),
                project_id: Some(project_id),
                location: Some(location),
                client_email: Some(client_email),
                private_key: Some(PrivateKey::Sealed(private_key)),
                token_uri: token_uri.map_or(Change::Clear, Change::Set),
            }),
        };
        Self {
            is_named: true,
            fields,
        }
    }
}
