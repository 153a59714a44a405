//! Where a call goes at an upstream, and in which clothes: the URL, the header that
//! carries the credential, and what the address itself asks to be changed in the
//! body. All of it is a pure function of the key's settings and of the call; nothing
//! here connects, and nothing here knows a secret.
//!
//! | kind | file |
//! |---|---|
//! | OpenAI-compatible, Anthropic, Gemini's own API | `standard` |
//! | Azure OpenAI | `azure` |
//! | Google Vertex AI | `vertex` |

mod azure;
mod edit;
mod segment;
mod standard;
mod vertex;

use foldgate_domain::upstream_url::{ProviderUrl, UrlError};
use foldgate_proto::ProviderConfig;
use http::Uri;

use azure::Azure;
pub(crate) use edit::for_vertex;
use standard::Standard;
pub use vertex::AccountError;
use vertex::Vertex;
pub(crate) use vertex::{Account, Token, Tokens};

use crate::dialect::{Caller, Target};

/// A call, as far as its address depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The API path that the caller used, with its version: `/v1/chat/completions`.
    pub(crate) path: &'a str,
    /// The query that goes on to the upstream.
    pub(crate) query: Option<&'a str>,
    /// The model behind all mappings of the owner; empty where the call has none.
    pub(crate) model: &'a str,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// What the body that is sent is written in.
    pub(crate) dialect: Target,
}

/// Where a call goes. Its method is the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The URL. A WebSocket goes to the same URL as http or https.
    pub(crate) uri: Uri,
    /// How the credential travels.
    pub(crate) auth: Auth,
    /// What the address asks to be changed in the body.
    pub(crate) body: BodyEdit,
}

/// The header that carries a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Auth {
    /// `Authorization: Bearer`, the key itself.
    Bearer,
    /// Azure's `api-key`.
    ApiKey,
    /// Anthropic's `x-api-key`, beside an `anthropic-version`.
    XApiKey,
    /// Google's `x-goog-api-key`.
    GoogApiKey,
    /// `Authorization: Bearer`, a token that the key's service account was given.
    Token,
}

/// What an address asks to be changed in a body.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct BodyEdit {
    /// The member `model`.
    pub(crate) model: ModelEdit,
    /// Whether `anthropic_version` stands in the body instead of a header.
    pub(crate) vertex_version: bool,
    /// Whether nothing may be asked that Azure's versions before 2024-09-01 refuse:
    /// `stream_options` among it, so no usage comes with their streams.
    pub(crate) old_version: bool,
}

/// What becomes of the member `model`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum ModelEdit {
    /// It is the model behind the owner's mappings.
    #[default]
    Keep,
    /// It is this one.
    Name(String),
    /// It stands in the URL alone.
    Remove,
}

/// Why a key cannot take a call, known before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unserved {
    /// Azure: the key's `model_mapping` has no deployment for the model.
    #[error("the key's model_mapping leads this model to no deployment")]
    NoDeployment,
    /// The upstream has nothing like this endpoint.
    #[error("this kind of upstream does not serve this endpoint")]
    Endpoint,
    /// The upstream serves it under another dialect only.
    #[error("this kind of upstream serves this model in another dialect")]
    Dialect,
    /// The address needs a model, and the call names none.
    #[error("the call names no model")]
    NoModel,
    /// What came out is no URL.
    #[error("the address is no usable URL")]
    Url,
}

/// An upstream as one key sees it, its settings compiled.
#[derive(Debug, Clone)]
pub(crate) enum Site {
    /// OpenAI-compatible, Anthropic, or Gemini's own API.
    Standard(Standard),
    /// Azure OpenAI.
    Azure(Box<Azure>),
    /// Google Vertex AI.
    Vertex(Box<Vertex>),
}

impl Site {
    /// Compiles a key's settings.
    ///
    /// # Errors
    /// When the provider, or Vertex's `base_url`, is no URL.
    pub(crate) fn new(provider: &str, config: &ProviderConfig) -> Result<Self, UrlError> {
        let base = ProviderUrl::parse(provider)?;
        Ok(match config {
            ProviderConfig::Standard { dialect } => Self::Standard(Standard::new(base, *dialect)),
            ProviderConfig::Azure {
                model_mapping,
                api_versions,
            } => Self::Azure(Box::new(Azure::new(&base, model_mapping, api_versions))),
            ProviderConfig::Vertex {
                base_url,
                project_id,
                location,
                ..
            } => {
                let at = (project_id.as_str(), location.as_str());
                Self::Vertex(Box::new(Vertex::new(base, base_url.as_deref(), at)?))
            }
        })
    }

    /// What this upstream is best spoken to in: the caller's own dialect where it
    /// understands that, as then nothing needs a translation.
    pub(crate) fn dialect(&self, from: Caller, path: &str, model: &str) -> Target {
        match self {
            Self::Standard(standard) => standard.dialect(),
            Self::Azure(_) => Target::OpenAi,
            Self::Vertex(_) => vertex::dialect(from, path, model),
        }
    }

    /// Where a call goes.
    ///
    /// # Errors
    /// See [`Unserved`].
    pub(crate) fn address(&self, ask: &Ask<'_>) -> Result<Address, Unserved> {
        match self {
            Self::Standard(standard) => standard.address(ask),
            Self::Azure(azure) => azure.address(ask),
            Self::Vertex(vertex) => vertex.address(ask),
        }
    }
}

impl Ask<'_> {
    /// Whether it goes to an upstream that speaks OpenAI's dialect just as it came.
    pub(crate) fn is_plain(&self) -> bool {
        self.dialect == Target::OpenAi && self.query.is_none() && self.path != "/v1/messages"
    }
}

impl Address {
    /// What stands simply below a provider that takes a bearer.
    pub(crate) fn below(uri: Uri) -> Self {
        Self {
            uri,
            auth: Auth::Bearer,
            body: BodyEdit::default(),
        }
    }

    /// An address whose body stays as it is.
    fn plain(url: &str, auth: Auth) -> Result<Self, Unserved> {
        Self::with(url, auth, BodyEdit::default())
    }

    fn with(url: &str, auth: Auth, body: BodyEdit) -> Result<Self, Unserved> {
        let uri = url.parse().map_err(|_| Unserved::Url)?;
        Ok(Self { uri, auth, body })
    }
}

impl BodyEdit {
    fn name(model: impl Into<String>) -> Self {
        Self {
            model: ModelEdit::Name(model.into()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
