//! Google Vertex AI: Google's own models in Google's own dialect or in OpenAI's, and
//! Anthropic's in Anthropic's.
//!
//! | dialect | model | below `projects/{p}/locations/{l}` |
//! |---|---|---|
//! | OpenAI | `gemini-...` | `endpoints/openapi/chat/completions`, `model` is `google/gemini-...` |
//! | OpenAI | a number | `endpoints/{id}/chat/completions` |
//! | Gemini | `gemini-...` | `publishers/google/models/{m}:generateContent` |
//! | Gemini | a number | `endpoints/{id}:generateContent` |
//! | Anthropic | `claude-...` | `publishers/anthropic/models/{m}:rawPredict`, no `model` |

mod account;
mod tokens;

use foldgate_domain::upstream_url::{ProviderUrl, UrlError};

use super::segment::{segment, with_query};
use super::standard::generated;
use super::{Address, Ask, Auth, BodyEdit, ModelEdit, Unserved};
use crate::dialect::{Caller, Target};

pub(crate) use account::Account;
pub use account::AccountError;
pub(crate) use tokens::{Token, Tokens};

/// A Vertex key's upstream.
#[derive(Debug, Clone)]
pub(crate) struct Vertex {
    /// Up to and with the location; no slash at its end.
    base: String,
}

impl Vertex {
    /// `template` is the key's `base_url`, in which project and location may be
    /// placeholders.
    ///
    /// # Errors
    /// When the filled template is no URL.
    pub(super) fn new(
        provider: ProviderUrl,
        template: Option<&str>,
        (project, location): (&str, &str),
    ) -> Result<Self, UrlError> {
        let base = match template {
            None => provider,
            Some(template) => {
                let filled = template.replace("{project}", project);
                ProviderUrl::parse(&filled.replace("{location}", location))?
            }
        };
        let has = |name: &str| base.path().split('/').any(|part| part == name);
        let mut place = String::new();
        if !has("projects") {
            place.push_str("/projects/");
            place.push_str(project);
        }
        if !has("locations") {
            place.push_str("/locations/");
            place.push_str(location);
        }
        let base = if place.is_empty() {
            base.as_str().to_owned()
        } else if has("projects") {
            format!("{}{place}", base.as_str())
        } else {
            base.join(&format!("/v1{place}"))
        };
        Ok(Self { base })
    }

    pub(super) fn address(&self, ask: &Ask<'_>) -> Result<Address, Unserved> {
        let model = Model::of(ask.model).ok_or(Unserved::NoModel)?;
        match ask.dialect {
            Target::OpenAi => self.openai(ask, &model),
            Target::Anthropic => self.anthropic(ask, &model),
            Target::Gemini => self.gemini(ask, &model),
        }
    }

    fn openai(&self, ask: &Ask<'_>, model: &Model<'_>) -> Result<Address, Unserved> {
        if !matches!(ask.path, CHAT | "/v1/messages") {
            return Err(Unserved::Endpoint);
        }
        let base = &self.base;
        if model.is_number() {
            let url = format!("{base}/endpoints/{}/chat/completions", model.name);
            return Address::plain(&url, Auth::Token);
        }
        if model.is_claude() {
            return Err(Unserved::Dialect);
        }
        let body = BodyEdit::name(format!("{}/{}", model.publisher, model.name));
        let url = format!("{base}/endpoints/openapi/chat/completions");
        Address::with(&url, Auth::Token, body)
    }

    fn anthropic(&self, ask: &Ask<'_>, model: &Model<'_>) -> Result<Address, Unserved> {
        if !model.is_claude() {
            return Err(Unserved::Dialect);
        }
        let name = dated(model.name);
        let (path, edit) = match ask.path {
            "/v1/messages/count_tokens" => {
                ("count-tokens:rawPredict".to_owned(), ModelEdit::Name(name))
            }
            "/v1/messages" | CHAT => {
                let verb = if ask.stream {
                    "streamRawPredict"
                } else {
                    "rawPredict"
                };
                (format!("{}:{verb}", segment(&name)), ModelEdit::Remove)
            }
            _ => return Err(Unserved::Endpoint),
        };
        let body = BodyEdit {
            model: edit,
            vertex_version: true,
            ..BodyEdit::default()
        };
        let url = format!("{}/publishers/anthropic/models/{path}", self.base);
        Address::with(&url, Auth::Token, body)
    }

    fn gemini(&self, ask: &Ask<'_>, model: &Model<'_>) -> Result<Address, Unserved> {
        if model.is_claude() {
            return Err(Unserved::Dialect);
        }
        let call = match ask.path {
            "/v1/embeddings" | "/v1/images/generations" => Some(("predict", None)),
            path => generated(path, ask.stream),
        };
        let (verb, query) = call.ok_or(Unserved::Endpoint)?;
        let base = &self.base;
        let url = if model.is_number() {
            format!("{base}/endpoints/{}:{verb}", model.name)
        } else {
            let (publisher, name) = (segment(model.publisher), segment(model.name));
            format!("{base}/publishers/{publisher}/models/{name}:{verb}")
        };
        Address::plain(&with_query(url, [query]), Auth::Token)
    }
}

const CHAT: &str = "/v1/chat/completions";

/// The dialect for a call at Vertex: what the caller speaks, if Vertex speaks it of
/// this model and endpoint.
pub(super) fn dialect(from: Caller, path: &str, model: &str) -> Target {
    let is_claude = Model::of(model).is_some_and(|model| model.is_claude());
    match (is_claude, from) {
        (true, _) => Target::Anthropic,
        (false, Caller::OpenAi) if path == CHAT => Target::OpenAi,
        (false, _) => Target::Gemini,
    }
}

/// A model's name, which may say its publisher.
struct Model<'m> {
    publisher: &'m str,
    name: &'m str,
}

impl<'m> Model<'m> {
    fn of(model: &'m str) -> Option<Self> {
        let whole = model.strip_prefix("publishers/").unwrap_or(model);
        let (publisher, name) = whole.split_once('/').unwrap_or(("", whole));
        let name = name.strip_prefix("models/").unwrap_or(name);
        let publisher = match publisher {
            "" if name.starts_with("claude") => "anthropic",
            "" | "models" => "google",
            other => other,
        };
        (!name.is_empty()).then_some(Self { publisher, name })
    }

    fn is_claude(&self) -> bool {
        self.publisher == "anthropic"
    }

    /// A tuned or deployed model of the project's own.
    fn is_number(&self) -> bool {
        self.publisher == "google" && self.name.bytes().all(|b| b.is_ascii_digit())
    }
}

/// Anthropic's names end in `-20250514`; the same model ends in `@20250514` here.
fn dated(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((model, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{model}@{date}")
        }
        _ => name.to_owned(),
    }
}
