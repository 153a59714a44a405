use std::collections::BTreeMap;

use foldgate_proto::{MaskedSecret, ProviderConfig, Sealed};

use super::{Family, FamilySet, KNOWN, completion, serves};
use crate::pattern::Pattern;

const STANDARD: ProviderConfig = ProviderConfig::STANDARD;

fn azure(models: &[&str]) -> ProviderConfig {
    let deployment = |model: &&str| ((*model).to_owned(), "deployment".to_owned());
    ProviderConfig::Azure {
        model_mapping: models.iter().map(deployment).collect(),
        api_versions: BTreeMap::new(),
    }
}

fn vertex() -> ProviderConfig {
    ProviderConfig::Vertex {
        base_url: None,
        project_id: "p".into(),
        location: "us-central1".into(),
        client_email: "a@b".into(),
        private_key: MaskedSecret {
            sealed: Sealed(Vec::new()),
            mask: String::new(),
        },
        token_uri: None,
    }
}

#[test]
fn completes_the_known_hosts() {
    for (url, expected) in [
        ("https://api.anthropic.com", vec!["claude*"]),
        ("https://api.deepseek.com/v1", vec!["deepseek*"]),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            vec!["gemini*"],
        ),
        (
            "https://us-central1-aiplatform.googleapis.com",
            vec!["gemini*"],
        ),
        ("https://api.x.ai:8443", vec!["grok*"]),
        (
            "https://API.MISTRAL.AI",
            vec!["mistral*", "codestral*", "magistral*", "ministral*"],
        ),
        ("https://api.openai.com.evil.example", vec![]),
        ("https://notapi.openai.com", vec![]),
        ("http://127.0.0.1:8080/api.openai.com", vec![]),
        ("https://[::1]", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(completion(url), expected, "{url}");
    }
    let openai = completion("https://api.openai.com");
    assert_eq!(openai, completion("https://eu.api.openai.com/v1"));
    let expected =
        "gpt* o1* o3* o4* chatgpt* text-embedding* dall-e* whisper* tts* omni-moderation*";
    assert_eq!(openai.join(" "), expected);
}

#[test]
fn families() {
    for (url, config, family) in [
        ("https://api.openai.com", STANDARD, Family::OpenAi),
        (
            "https://api.openai.com",
            azure(&["gpt-4o"]),
            Family::Unknown,
        ),
        ("https://api.openai.com", vertex(), Family::Vertex),
        ("https://api.groq.com/openai/v1", STANDARD, Family::Unknown),
        ("https://api.cohere.ai", STANDARD, Family::Cohere),
        ("http://127.0.0.1:9", STANDARD, Family::Unknown),
    ] {
        assert_eq!(Family::of(url, &config), family, "{url}");
    }
    assert_eq!(Family::default(), Family::Unknown);
}

#[test]
fn a_claimed_model_is_served_by_its_claimants_the_open_and_the_unknown() {
    let claude = serves("claude-sonnet-4-5");
    assert!(claude.contains(Family::Anthropic));
    assert!(!claude.contains(Family::OpenAi) && !claude.contains(Family::Gemini));
    for open in [Family::Unknown, Family::Vertex, Family::DashScope] {
        assert!(claude.contains(open), "{open:?}");
    }
    let embedding = serves("text-embedding-004");
    assert!(embedding.contains(Family::OpenAi) && embedding.contains(Family::Gemini));
    assert!(!serves("text-embedding-3-small").contains(Family::Gemini));
    assert!(!serves("gpt-4o").contains(Family::Anthropic));
}

#[test]
fn a_model_nobody_claims_is_served_by_all() {
    assert_eq!(serves("my-own-model"), FamilySet::ALL);
    for known in KNOWN {
        assert!(serves("my-own-model").contains(known.family));
    }
}

#[test]
fn every_family_serves_what_it_completes() {
    for known in KNOWN {
        assert!(!known.hosts.is_empty() && !known.models.is_empty());
        for pattern in known.models.iter().chain(known.also) {
            assert!(Pattern::parse(pattern).is_ok(), "{pattern}");
            let model = pattern.replace('*', "x");
            assert!(serves(&model).contains(known.family), "{model}");
        }
    }
}

#[test]
fn sets() {
    let set = FamilySet::default().with(Family::Xai);
    let both = set.union(FamilySet::default().with(Family::Ai21));
    assert!(both.contains(Family::Xai) && both.contains(Family::Ai21));
    assert!(!set.contains(Family::Ai21) && !FamilySet::default().contains(Family::Unknown));
}
