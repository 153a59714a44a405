//! A provider key as the admin API writes it, and what is kept of that.

use foldgate_domain::definition::grammar::NAME;
use foldgate_proto::{Dialect, JsonText, ProviderConfig, ProviderType};
use garde::Validate;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::known;
use super::overrides::{RequestOverrides, ResponseOverrides, TelemetryTags, Tls};
use crate::admin_api::body::{PLAIN, check_name, fault, plain, texts};
use crate::error::Error;
use crate::owner_api::keys::input::MAX_SECRET_BYTES;
use crate::sealing;

/// What is taken out of every request unless something else is said.
const STRIPPED: [&str; 4] = ["authorization", "cookie", "set-cookie", "x-api-key"];

/// A base URL, as far as a pattern can tell: no user name, query or fragment.
const BASE: &str = concat!(
    r"^[hH][tT][tT][pP][sS]?://[^\s\x00-\x1f\x7f-\x9f/?#@\\]+",
    r"(/[^\s\x00-\x1f\x7f-\x9f/?#\\]+)*/?$"
);

/// A header's name.
const HEADER: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// A credential: what may stand in a header. Masks are like that, too.
const CREDENTIAL: &str = "^[!-~]+$";

/// An upstream credential, with the place it is good for. What is left out of a PUT
/// is not there any more, but for `level`, which stays. So do the kind and the settings
/// of a Vertex or Azure key where `adapter` is left out, and then its `api_base`, too.
#[derive(Clone, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend(
    "oneOf" = [{"required": ["api_key"]}, {"required": ["secret"]}],
    "anyOf" = known::placed(),
))]
pub(crate) struct ProviderKeyValue {
    /// A name, unlike those of the other provider keys, whatever its case.
    #[garde(length(chars, min = 1, max = 128))]
    #[schemars(regex(pattern = NAME))]
    pub display_name: String,
    /// The credential; answers show its mask, which stands for it when it comes back.
    /// Exactly one of `api_key` and `secret` is given.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "String", length(min = 1, max = 4096), regex(pattern = CREDENTIAL))]
    pub api_key: Option<SecretString>,
    /// Another name for `api_key`.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "String", length(min = 1, max = 4096), regex(pattern = CREDENTIAL))]
    pub secret: Option<SecretString>,
    /// The base URL; without it, that of the provider, or of the adapter.
    #[garde(length(min = 1, max = 2048))]
    #[schemars(regex(pattern = BASE))]
    pub api_base: Option<String>,
    /// What the provider is called.
    #[serde(default)]
    #[garde(length(chars, max = 64), custom(plain))]
    #[schemars(regex(pattern = PLAIN))]
    pub provider: String,
    /// What the provider speaks, the `Config.dialect` of `/x-keys`; without it, what its
    /// host is known for, else as OpenAI does. A Vertex or Azure key stays what it is, with
    /// its settings, until another one is named.
    pub adapter: Option<Adapter>,
    /// The pool it serves in. Without it, the one where keys of the same provider
    /// stand, else the first that nobody uses.
    #[garde(range(max = 9999))]
    pub level: Option<u16>,
    /// Out of use until it is put back.
    #[serde(default)]
    pub disabled: bool,
    /// How requests are changed on their way out; kept, not acted upon yet, as all
    /// that follows.
    #[garde(dive)]
    pub request: Option<RequestOverrides>,
    /// How answers are changed on their way back.
    #[garde(dive)]
    pub response: Option<ResponseOverrides>,
    /// Headers of the caller that never go upstream.
    #[garde(length(max = 64), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255), regex(pattern = HEADER)))]
    pub strip_headers: Option<Vec<String>>,
    /// What metrics call the provider.
    #[garde(dive)]
    pub telemetry_tags: Option<TelemetryTags>,
    /// How the provider's certificate is checked.
    #[garde(dive)]
    pub tls: Option<Tls>,
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Adapter {
    /// As OpenAI does.
    Openai,
    /// As Anthropic does.
    Anthropic,
    /// As Google's own Gemini API does.
    Gemini,
    /// AWS Bedrock; not supported.
    #[schemars(skip)]
    Bedrock,
    /// Google Vertex AI.
    Vertex,
    /// Azure OpenAI.
    AzureOpenai,
}

impl Adapter {
    /// What a key's settings say that its upstream speaks, if they do.
    pub(super) const fn of(config: &ProviderConfig) -> Option<Self> {
        match config {
            ProviderConfig::Standard { dialect } => match dialect {
                None => None,
                Some(Dialect::OpenAi) => Some(Self::Openai),
                Some(Dialect::Anthropic) => Some(Self::Anthropic),
                Some(Dialect::Gemini) => Some(Self::Gemini),
            },
            ProviderConfig::Azure { .. } => Some(Self::AzureOpenai),
            ProviderConfig::Vertex { .. } => Some(Self::Vertex),
        }
    }
}

/// A credential, as it came.
pub(super) enum Credential {
    /// The mask of the one that is there, which stays.
    Kept,
    /// A new one.
    New(SecretString),
}

/// What stands there is a text, never null: one of the two fields stands there.
fn secret<'de, D: Deserializer<'de>>(text: D) -> Result<Option<SecretString>, D::Error> {
    String::deserialize(text).map(|text| Some(SecretString::from(text)))
}

/// What is kept beside the key itself.
#[derive(Serialize)]
struct More<'k> {
    #[serde(skip_serializing_if = "str::is_empty")]
    provider: &'k str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'k RequestOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'k ResponseOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strip_headers: Option<&'k [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    telemetry_tags: Option<&'k TelemetryTags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'k Tls>,
}

impl ProviderKeyValue {
    /// What holds other objects, as JSON again.
    pub(super) fn shown(&self) -> Value {
        serde_json::from_str(&self.more().0).unwrap_or_default()
    }

    /// Checks what its type cannot say.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_name("display_name", &self.display_name)?;
        if self.adapter == Some(Adapter::Bedrock) {
            return Err(fault("adapter", "bedrock is not supported"));
        }
        let mut stripped = self.strip_headers.iter().flatten();
        let odd = |name: &String| http::HeaderName::try_from(name.as_str()).is_err();
        if let Some(at) = stripped.position(odd) {
            return Err(fault(
                format!("strip_headers[{at}]"),
                "is no name of a header",
            ));
        }
        let constraints = self.request.as_ref().and_then(|one| one.param_constraints);
        if let Some(constraints) = constraints
            && let (Some(least), Some(most)) =
                (constraints.temperature_min, constraints.temperature_max)
            && least > most
        {
            let path = "request.param_constraints.temperature_min";
            return Err(fault(path, "is more than temperature_max"));
        }
        Ok(())
    }

    /// The provider's name, if it has one.
    pub(super) fn provider(&self) -> Option<&str> {
        Some(self.provider.as_str()).filter(|name| !name.is_empty())
    }

    /// The kind of upstream it is for; `had` is that of the key that is there, if one is.
    pub(super) fn kind(&self, had: Option<ProviderType>) -> ProviderType {
        match self.adapter {
            // A dialect is one word, which can be said again; the settings of the other
            // kinds cannot.
            None => had.unwrap_or(ProviderType::Standard),
            Some(Adapter::AzureOpenai) => ProviderType::Azure,
            Some(Adapter::Vertex) => ProviderType::Vertex,
            Some(Adapter::Openai | Adapter::Anthropic | Adapter::Gemini | Adapter::Bedrock) => {
                ProviderType::Standard
            }
        }
    }

    /// What a standard upstream speaks, where that is said.
    pub(super) const fn dialect(&self) -> Option<Dialect> {
        match self.adapter {
            Some(Adapter::Openai) => Some(Dialect::OpenAi),
            Some(Adapter::Anthropic) => Some(Dialect::Anthropic),
            Some(Adapter::Gemini) => Some(Dialect::Gemini),
            None | Some(Adapter::Bedrock | Adapter::Vertex | Adapter::AzureOpenai) => None,
        }
    }

    /// The credential; `mask` is what is shown of the one that is there.
    ///
    /// # Errors
    /// None or two; another mask; a text that can be no credential.
    pub(super) fn credential(&self, mask: Option<&str>) -> Result<Credential, Error> {
        let (field, given) = match (&self.api_key, &self.secret) {
            (Some(key), None) => ("api_key", key),
            (None, Some(key)) => ("secret", key),
            (Some(_), Some(_)) => {
                return Err(fault("secret", "give api_key or secret, not both"));
            }
            (None, None) => return Err(fault("api_key", "is required")),
        };
        let text = given.expose_secret();
        if mask == Some(text) {
            return Ok(Credential::Kept);
        }
        if sealing::is_mask(text) {
            let problem = "this is a mask, and not that of this key; give the key itself";
            return Err(fault(field, problem));
        }
        if text.is_empty() || text.len() > MAX_SECRET_BYTES {
            let problem = format!("must have 1 to {MAX_SECRET_BYTES} bytes");
            return Err(fault(field, problem));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            let problem = "may hold only visible ASCII characters, no spaces";
            return Err(fault(field, problem));
        }
        Ok(Credential::New(given.clone()))
    }

    /// What is kept of it beside the key itself, with its secrets as they came; an empty
    /// object is nothing.
    pub(super) fn more(&self) -> JsonText {
        let stripped = self.strip_headers.as_deref();
        let tags = self.telemetry_tags.as_ref();
        let more = More {
            provider: &self.provider,
            request: self.request.as_ref(),
            response: self.response.as_ref(),
            strip_headers: stripped.filter(|headers| *headers != STRIPPED),
            telemetry_tags: tags.filter(|tags| **tags != TelemetryTags::default()),
            tls: self.tls.as_ref(),
        };
        // Of texts and numbers alone, it can always be written.
        JsonText(serde_json::to_string(&more).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ProviderKeyValue;

    #[test]
    fn the_schema_says_what_is_checked() {
        let schema = schemars::schema_for!(ProviderKeyValue).to_value();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["display_name"]));
        let either = json!([{"required": ["api_key"]}, {"required": ["secret"]}]);
        assert_eq!(schema["oneOf"], either);
        let fields = &schema["properties"];
        for (field, part, expected) in [
            ("display_name", "maxLength", json!(128)),
            ("api_key", "type", json!("string")),
            ("secret", "minLength", json!(1)),
            ("level", "maximum", json!(9999)),
            ("strip_headers", "maxItems", json!(64)),
        ] {
            assert_eq!(fields[field][part], expected, "{field}: {}", fields[field]);
        }
    }
}
