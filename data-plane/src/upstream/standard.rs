//! Upstreams that take a plain key: whoever speaks OpenAI's dialect, Anthropic, and
//! Gemini's own API.

use foldgate_domain::provider::{Family, family};
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::Dialect;

use super::segment::{segment, value, with_query};
use super::{Address, Ask, Auth, Unserved};
use crate::dialect::Target;

/// A standard key's upstream.
#[derive(Debug, Clone)]
pub(crate) struct Standard {
    base: ProviderUrl,
    dialect: Target,
}

impl Standard {
    /// `said` is what the key's settings say that it speaks.
    pub(super) fn new(base: ProviderUrl, said: Option<Dialect>) -> Self {
        let dialect = match said {
            Some(Dialect::OpenAi) => Target::OpenAi,
            Some(Dialect::Anthropic) => Target::Anthropic,
            Some(Dialect::Gemini) => Target::Gemini,
            None => spoken(&base),
        };
        Self { base, dialect }
    }

    pub(super) const fn dialect(&self) -> Target {
        self.dialect
    }

    pub(super) fn address(&self, ask: &Ask<'_>) -> Result<Address, Unserved> {
        match ask.dialect {
            Target::OpenAi => self.passed(translated(ask.path, "/v1/messages", CHAT), ask),
            Target::Anthropic => self.passed(translated(ask.path, CHAT, "/v1/messages"), ask),
            Target::Gemini => self.gemini(ask),
        }
    }

    fn passed(&self, path: &str, ask: &Ask<'_>) -> Result<Address, Unserved> {
        let auth = match ask.dialect {
            Target::Anthropic => Auth::XApiKey,
            Target::OpenAi | Target::Gemini => Auth::Bearer,
        };
        // What has no body names its model in the query.
        let model = (path == REALTIME).then(|| format!("model={}", value(ask.model)));
        let query = [model.as_deref(), ask.query];
        Address::plain(&with_query(self.base.join(path), query), auth)
    }

    fn gemini(&self, ask: &Ask<'_>) -> Result<Address, Unserved> {
        let call = match ask.path {
            "/v1/embeddings" => Some(("batchEmbedContents", None)),
            path => generated(path, ask.stream),
        };
        let (verb, query) = call.ok_or(Unserved::Endpoint)?;
        if ask.model.is_empty() {
            return Err(Unserved::NoModel);
        }
        // Tuned models stand beside the others: `tunedModels/name`.
        let (list, model) = match ask.model.split_once('/') {
            Some((list @ ("models" | "tunedModels"), model)) => (list, model),
            Some(("google", model)) => ("models", model),
            _ => ("models", ask.model),
        };
        let path = format!("/v1beta/{list}/{}:{verb}", segment(model));
        let url = with_query(self.base.join(&path), [query]);
        Address::plain(&url, Auth::GoogApiKey)
    }
}

const CHAT: &str = "/v1/chat/completions";

const REALTIME: &str = "/v1/realtime";

/// The path of the same thing in the other dialect, where it has one of its own.
fn translated<'p>(path: &'p str, theirs: &str, ours: &'p str) -> &'p str {
    if path == theirs { ours } else { path }
}

/// Google's verb for a path that asks a model to say something, with its query.
pub(super) fn generated(path: &str, stream: bool) -> Option<(&'static str, Option<&'static str>)> {
    match path {
        CHAT | "/v1/messages" | "/v1/responses" | "/v1/completions" => Some(if stream {
            // Without it the stream is one JSON array.
            ("streamGenerateContent", Some("alt=sse"))
        } else {
            ("generateContent", None)
        }),
        "/v1/messages/count_tokens" => Some(("countTokens", None)),
        _ => None,
    }
}

/// What an upstream speaks, by its host. Gemini's host also has an OpenAI-shaped
/// API, below a path of its own.
fn spoken(base: &ProviderUrl) -> Target {
    match family(base.as_str()) {
        Family::Anthropic => Target::Anthropic,
        Family::Gemini if !base.path().split('/').any(|part| part == "openai") => Target::Gemini,
        _ => Target::OpenAi,
    }
}
