//! A key's `Config`: what kind of upstream it is, and what that kind needs. In
//! a change it goes over the key's own, field by field; another kind of
//! upstream has to be named and to bring all that it needs.

use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{MaskedSecret, ProviderConfig, ProviderType};
use secrecy::SecretString;

use super::{azure, vertex_config};
use crate::error::Error;
use crate::request::Fields;
use crate::request::quote::quoted;

/// A `Config` as it was written; its fields are read when its kind is known.
#[derive(Debug)]
pub(crate) struct ConfigInput {
    kind: Option<ProviderType>,
    fields: Fields,
}

/// A `Config` as it is to be stored.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// `None` where nothing was said that is not so already.
    pub config: Option<ProviderConfig>,
    /// What whoever sent it should know.
    pub warnings: Vec<String>,
}

impl ConfigInput {
    /// Reads the kind.
    ///
    /// # Errors
    /// Another kind of upstream.
    pub(crate) fn read(mut fields: Fields) -> Result<Self, Error> {
        let kind = match fields.text("provider_type")?.as_deref() {
            None => None,
            Some("standard") => Some(ProviderType::Standard),
            Some("azure") => Some(ProviderType::Azure),
            Some("vertex") => Some(ProviderType::Vertex),
            Some(other) => {
                let problem = format!("{:?} is not standard, azure or vertex", quoted(other));
                return Err(fields.error("provider_type", problem));
            }
        };
        Ok(Self { kind, fields })
    }

    /// The stored form, for a key at `provider`. `current` is what the key had;
    /// `seal` seals a private key.
    ///
    /// # Errors
    /// A field that this kind does not have, lacks, or has in another form.
    pub(crate) fn resolve(
        self,
        provider: &ProviderUrl,
        current: Option<&ProviderConfig>,
        seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
    ) -> Result<Resolved, Error> {
        let Self { kind, mut fields } = self;
        let had = current.map(ProviderConfig::provider_type);
        let kind = kind.or(had).unwrap_or(ProviderType::Standard);
        let mut resolved = Resolved::default();
        let base = current.filter(|_| had == Some(kind));
        if base.is_some() && fields.is_empty() {
            return Ok(resolved);
        }
        let config = match kind {
            ProviderType::Standard => ProviderConfig::Standard,
            ProviderType::Azure => azure::read(&mut fields, base)?,
            ProviderType::Vertex => {
                let (config, shortened) = vertex_config::read(&mut fields, provider, base, seal)?;
                let note = "Config.private_key is shortened, it cannot be a whole key";
                resolved.warnings.extend(shortened.then(|| note.to_owned()));
                config
            }
        };
        fields.finish()?;
        if let ProviderConfig::Azure { model_mapping, .. } = &config
            && model_mapping.is_empty()
        {
            let note = "Config.model_mapping is empty, so no model leads to a deployment";
            resolved.warnings.push(note.to_owned());
        }
        if let Some(had) = had.filter(|had| *had != kind) {
            let (had, kind) = (had.as_str(), kind.as_str());
            resolved
                .warnings
                .push(format!("the key's type changes from {had} to {kind}"));
        }
        resolved.config = Some(config);
        Ok(resolved)
    }
}
