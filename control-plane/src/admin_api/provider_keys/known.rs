//! Where providers are that are known by name: their own base URLs for clients that
//! speak as OpenAI's do, as their documentation gives them.

use super::value::Adapter;

const BASES: &[(&str, &str)] = &[
    ("openai", "https://api.openai.com/v1"),
    ("anthropic", "https://api.anthropic.com"),
    ("deepseek", "https://api.deepseek.com"),
    ("mistral", "https://api.mistral.ai/v1"),
    (
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    ("xai", "https://api.x.ai/v1"),
    ("cohere", "https://api.cohere.ai/compatibility/v1"),
    ("moonshot", "https://api.moonshot.ai/v1"),
    ("groq", "https://api.groq.com/openai/v1"),
    ("openrouter", "https://openrouter.ai/api/v1"),
];

/// The base URL of a provider by its name, else by what it speaks.
pub(super) fn base(provider: Option<&str>, adapter: Option<Adapter>) -> Option<&'static str> {
    let by_name = |wanted: &str| {
        let mut all = BASES.iter();
        let found = all.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, base)| *base)
    };
    match (provider, adapter) {
        // Neither has one place for all.
        (_, Some(Adapter::AzureOpenai | Adapter::Vertex | Adapter::Bedrock)) | (None, None) => None,
        (Some(provider), _) => by_name(provider),
        (None, Some(Adapter::Openai)) => by_name("openai"),
        (None, Some(Adapter::Anthropic)) => by_name("anthropic"),
    }
}
