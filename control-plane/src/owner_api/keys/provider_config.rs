//! A key's `Config`: what kind of upstream it is, and what that kind needs.

use std::collections::BTreeMap;

use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{MaskedSecret, ProviderConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::vertex;
use crate::error::Error;
use crate::request::Fields;
use crate::request::json::{kind, quoted};

/// A `Config` as it was written.
#[derive(Debug)]
pub(crate) enum ConfigInput {
    /// OpenAI-compatible.
    Standard,
    /// Azure OpenAI.
    Azure {
        /// Model pattern to deployment.
        model_mapping: BTreeMap<String, String>,
        /// Endpoint to API version.
        api_versions: BTreeMap<String, String>,
    },
    /// Google Vertex AI.
    Vertex(VertexInput),
}

/// See [`ConfigInput::Vertex`].
#[derive(Debug)]
pub(crate) struct VertexInput {
    base_url: Option<String>,
    project_id: String,
    location: Option<String>,
    client_email: String,
    private_key: SecretString,
}

impl ConfigInput {
    /// Reads the object.
    ///
    /// # Errors
    /// Another kind of upstream; a field that this kind does not have, lacks or
    /// has in another form.
    pub(crate) fn read(mut fields: Fields) -> Result<Self, Error> {
        let kind = fields.text("provider_type")?;
        let config = match kind.as_deref().unwrap_or("standard") {
            "standard" => Self::Standard,
            "azure" => Self::Azure {
                model_mapping: texts(&mut fields, "model_mapping")?,
                api_versions: texts(&mut fields, "api_versions")?,
            },
            "vertex" => Self::Vertex(VertexInput::read(&mut fields)?),
            other => {
                let problem = format!("{:?} is not standard, azure or vertex", quoted(other));
                return Err(fields.error("provider_type", problem));
            }
        };
        fields.finish()?;
        Ok(config)
    }

    /// Whether its private key cannot be a whole one: documentation shortens
    /// keys to `MIIE...`, and such an example may be tried as it stands.
    pub(crate) fn is_shortened(&self) -> bool {
        match self {
            Self::Vertex(input) => input.private_key.expose_secret().contains("..."),
            Self::Standard | Self::Azure { .. } => false,
        }
    }

    /// The stored form, for a key at `provider`. `current` is what the key had;
    /// `seal` seals a private key.
    ///
    /// # Errors
    /// A Vertex field that breaks its rule; sealing fails.
    pub(crate) fn resolve(
        self,
        provider: &ProviderUrl,
        current: Option<&ProviderConfig>,
        seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
    ) -> Result<ProviderConfig, Error> {
        match self {
            Self::Standard => Ok(ProviderConfig::Standard),
            Self::Azure {
                model_mapping,
                api_versions,
            } => Ok(ProviderConfig::Azure {
                model_mapping,
                api_versions,
            }),
            Self::Vertex(input) => input.resolve(provider, current, seal),
        }
    }
}

/// What a key's `Config` becomes when only its provider changes: a Vertex
/// location follows the host.
///
/// # Errors
/// The new host is none of Vertex AI's.
pub(crate) fn moved(
    config: &ProviderConfig,
    to: &ProviderUrl,
) -> Result<Option<ProviderConfig>, Error> {
    let ProviderConfig::Vertex { base_url, .. } = config else {
        return Ok(None);
    };
    if let Some(template) = base_url {
        vertex::check_base_url(template, to)?;
    }
    let mut config = config.clone();
    if let ProviderConfig::Vertex { location, .. } = &mut config {
        *location = vertex::location(to)?;
    }
    Ok(Some(config))
}

impl VertexInput {
    fn read(fields: &mut Fields) -> Result<Self, Error> {
        let mut required = |name: &'static str| match fields.text(name)? {
            Some(text) => Ok(text),
            None => Err(Error::field(format!("Config.{name}"), "is required")),
        };
        Ok(Self {
            project_id: required("project_id")?,
            client_email: required("client_email")?,
            private_key: SecretString::from(required("private_key")?),
            base_url: fields.text("base_url")?,
            location: fields.text("location")?,
        })
    }

    fn resolve(
        self,
        provider: &ProviderUrl,
        current: Option<&ProviderConfig>,
        seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
    ) -> Result<ProviderConfig, Error> {
        let location = vertex::location(provider)?;
        if self.location.is_some_and(|given| given != location) {
            let problem = format!("follows from the Provider's host, which says {location}");
            return Err(Error::field("Config.location", problem));
        }
        vertex::check_project(&self.project_id)?;
        vertex::check_email(&self.client_email)?;
        if let Some(template) = &self.base_url {
            vertex::check_base_url(template, provider)?;
        }
        let kept = match current {
            Some(ProviderConfig::Vertex { private_key, .. })
                if private_key.mask == self.private_key.expose_secret() =>
            {
                Some(private_key.clone())
            }
            _ => None,
        };
        let private_key = if let Some(kept) = kept {
            kept
        } else {
            let pem = vertex::private_key(self.private_key.expose_secret())?;
            seal(&SecretString::from(pem))?
        };
        Ok(ProviderConfig::Vertex {
            base_url: self.base_url,
            project_id: self.project_id,
            location,
            client_email: self.client_email,
            private_key,
        })
    }
}

fn texts(fields: &mut Fields, name: &str) -> Result<BTreeMap<String, String>, Error> {
    let map: Map<String, Value> = fields.object(name)?.unwrap_or_default();
    let mut read = BTreeMap::new();
    for (key, value) in map {
        match value {
            Value::String(text) => {
                read.insert(key.trim().to_owned(), text.trim().to_owned());
            }
            other => {
                let problem = format!("{:?} must be a string, not {}", quoted(&key), kind(&other));
                return Err(fields.error(name, problem));
            }
        }
    }
    Ok(read)
}
