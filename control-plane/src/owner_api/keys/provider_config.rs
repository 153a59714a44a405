//! A key's `Config`: what kind of upstream it is, and what that kind needs. In
//! a change it goes over the key's own, field by field; another kind of
//! upstream has to be named and to bring all that it needs.

use foldgate_domain::command::{Change, ConfigFields, ConfigPatch};
use foldgate_proto::{Dialect, MaskedSecret, ProviderType};
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

/// A `Config` as it is to be decided.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// `None` where nothing was said that is not so already.
    pub config: Option<ConfigPatch>,
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

    /// What changes, for a key that had this kind of upstream; `seal` seals a
    /// private key.
    ///
    /// # Errors
    /// A field that this kind does not have, or has in another form.
    pub(crate) fn resolve(
        self,
        had: Option<ProviderType>,
        seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
    ) -> Result<Resolved, Error> {
        let Self { kind, mut fields } = self;
        let is_named = kind.is_some();
        let kind = kind.or(had).unwrap_or(ProviderType::Standard);
        let mut resolved = Resolved::default();
        if had == Some(kind) && fields.is_empty() {
            return Ok(resolved);
        }
        let read = match kind {
            ProviderType::Standard => ConfigFields::Standard {
                dialect: dialect(&mut fields)?,
            },
            ProviderType::Azure => azure::read(&mut fields)?,
            ProviderType::Vertex => {
                let (patch, shortened) = vertex_config::read(&mut fields, seal)?;
                let note = "Config.private_key is shortened, it cannot be a whole key";
                resolved.warnings.extend(shortened.then(|| note.to_owned()));
                ConfigFields::Vertex(patch)
            }
        };
        fields.finish()?;
        resolved.config = Some(ConfigPatch {
            is_named,
            fields: read,
        });
        Ok(resolved)
    }
}

/// What a standard upstream speaks; `null` goes back to what its host is known for.
fn dialect(fields: &mut Fields) -> Result<Change<Dialect>, Error> {
    let is_named = fields.names("dialect");
    let Some(name) = fields.text("dialect")? else {
        return Ok(if is_named {
            Change::Clear
        } else {
            Change::Keep
        });
    };
    let all = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini];
    let found = all.into_iter().find(|dialect| dialect.as_str() == name);
    found.map(Change::Set).ok_or_else(|| {
        let problem = format!("{:?} is not openai, anthropic or gemini", quoted(&name));
        fields.error("dialect", problem)
    })
}
