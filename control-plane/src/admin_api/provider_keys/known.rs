//! Where providers are that are known by name: their own base URLs for clients that
//! speak as OpenAI's do (Anthropic's for its own), as their documentation gives them.

use serde_json::{Value, json};

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

/// Where Gemini speaks as itself.
const GEMINI: &str = "https://generativelanguage.googleapis.com";

/// Which of `provider` and `adapter` say where the provider is, as a JSON Schema over
/// both; where neither does, `api_base` must. [`base`] says the same.
pub(super) fn placed() -> Value {
    let names: Vec<String> = BASES.iter().map(|(name, _)| any_case(name)).collect();
    let name = format!("^({})$", names.join("|"));
    let plain = [Adapter::Openai, Adapter::Anthropic, Adapter::Gemini];
    json!([
        {
            "required": ["api_base"],
            "properties": { "api_base": { "type": "string" } },
        },
        {
            "required": ["provider"],
            "properties": {
                "provider": { "pattern": name },
                "adapter": { "enum": [plain[0], plain[1], plain[2], null] },
            },
        },
        {
            "required": ["adapter"],
            "properties": { "provider": { "maxLength": 0 }, "adapter": { "enum": plain } },
        },
    ])
}

/// A word whatever its case, as a regular expression: which has no sign for that in
/// JSON Schemas.
pub(super) fn any_case(word: &str) -> String {
    let both = |c: char| match c {
        'a'..='z' => format!("[{c}{}]", c.to_ascii_uppercase()),
        _ => c.to_string(),
    };
    word.chars().map(both).collect()
}

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
        (None, Some(Adapter::Gemini)) => Some(GEMINI),
        // By its name it is where it speaks as OpenAI does.
        (Some(provider), Some(Adapter::Gemini)) if provider.eq_ignore_ascii_case("gemini") => {
            Some(GEMINI)
        }
        (Some(provider), _) => by_name(provider),
        (None, Some(Adapter::Openai)) => by_name("openai"),
        (None, Some(Adapter::Anthropic)) => by_name("anthropic"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Adapter, base, placed};

    #[test]
    fn where_a_base_is_known_the_schema_asks_for_none() {
        let schema = json!({ "anyOf": placed() });
        let judge = jsonschema::validator_for(&schema).expect("a schema");
        for provider in ["", "openai", "OpenAI", "Gemini", "groq", "openaix", "mine"] {
            for adapter in [
                None,
                Some(Adapter::Openai),
                Some(Adapter::Anthropic),
                Some(Adapter::Gemini),
                Some(Adapter::AzureOpenai),
                Some(Adapter::Vertex),
            ] {
                let value = json!({ "provider": provider, "adapter": adapter });
                let name = Some(provider).filter(|name| !name.is_empty());
                let known = base(name, adapter).is_some();
                assert_eq!(judge.is_valid(&value), known, "{value}");
            }
        }
        assert!(!judge.is_valid(&json!({})), "nothing is known");
        assert!(judge.is_valid(&json!({ "api_base": "https://a.example.com" })));
    }
}
