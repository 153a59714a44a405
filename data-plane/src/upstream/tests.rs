//! Addresses by table: settings and call on the left, what goes out on the right.

use std::collections::BTreeMap;

use foldgate_proto::{MaskedSecret, ProviderConfig, Sealed};
use proptest::prelude::*;

use super::{Address, Ask, Auth, BodyEdit, ModelEdit, Site, Unserved};
use crate::dialect::{Caller, Target};
use Target::{Anthropic, Gemini, OpenAi};

mod azure;
mod edit;
mod vertex;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const COUNT: &str = "/v1/messages/count_tokens";
const EMBEDDINGS: &str = "/v1/embeddings";

fn ask<'a>(dialect: Target, path: &'a str, model: &'a str) -> Ask<'a> {
    Ask {
        path,
        query: None,
        model,
        stream: false,
        dialect,
    }
}

fn streamed<'a>(dialect: Target, path: &'a str, model: &'a str) -> Ask<'a> {
    Ask {
        stream: true,
        ..ask(dialect, path, model)
    }
}

fn standard(provider: &str) -> Site {
    Site::new(provider, &ProviderConfig::STANDARD).unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

fn azure(provider: &str, mapping: &[(&str, &str)], versions: &[(&str, &str)]) -> Site {
    let config = ProviderConfig::Azure {
        model_mapping: texts(mapping),
        api_versions: texts(versions),
    };
    Site::new(provider, &config).unwrap()
}

fn vertex(provider: &str, base_url: Option<&str>, location: &str) -> Site {
    let config = ProviderConfig::Vertex {
        base_url: base_url.map(str::to_owned),
        project_id: "proj".to_owned(),
        location: location.to_owned(),
        client_email: "robot@proj.iam.gserviceaccount.com".to_owned(),
        private_key: MaskedSecret {
            sealed: Sealed(Vec::new()),
            mask: String::new(),
        },
        token_uri: None,
    };
    Site::new(provider, &config).unwrap()
}

fn goes(site: &Site, ask: &Ask<'_>, url: &str, (auth, body): (Auth, BodyEdit)) {
    let address = site
        .address(ask)
        .unwrap_or_else(|why| panic!("{ask:?}: {why}"));
    let expected = Address {
        uri: url.parse().unwrap(),
        auth,
        body,
    };
    assert_eq!(address, expected, "{ask:?}");
    assert_eq!(address.uri.to_string(), url);
}

fn plain(auth: Auth) -> (Auth, BodyEdit) {
    (auth, BodyEdit::default())
}

fn named(auth: Auth, model: &str) -> (Auth, BodyEdit) {
    (auth, BodyEdit::name(model))
}

#[test]
fn standard_upstreams_keep_the_path_and_take_a_bearer() {
    for (base, path, url) in [
        (
            "https://api.openai.com",
            CHAT,
            "https://api.openai.com/v1/chat/completions",
        ),
        (
            "https://api.groq.com/openai/v1",
            CHAT,
            "https://api.groq.com/openai/v1/chat/completions",
        ),
        (
            "https://host/api/paas/v4",
            EMBEDDINGS,
            "https://host/api/paas/v4/embeddings",
        ),
        (
            "http://127.0.0.1:11434",
            "/v1/responses",
            "http://127.0.0.1:11434/v1/responses",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            CHAT,
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
    ] {
        let site = standard(base);
        assert_eq!(site.dialect(Caller::OpenAi, path, "m"), OpenAi, "{base}");
        goes(&site, &ask(OpenAi, path, "m"), url, plain(Auth::Bearer));
    }
    let asked = Ask {
        query: Some("include=usage&after=x"),
        ..ask(OpenAi, "/v1/responses/resp_1", "")
    };
    let url = "https://api.openai.com/v1/responses/resp_1?include=usage&after=x";
    goes(
        &standard("https://api.openai.com"),
        &asked,
        url,
        plain(Auth::Bearer),
    );
    // An Anthropic client at an upstream that speaks OpenAI's dialect.
    let url = "https://api.openai.com/v1/chat/completions";
    goes(
        &standard("https://api.openai.com"),
        &ask(OpenAi, MESSAGES, "m"),
        url,
        plain(Auth::Bearer),
    );
}

#[test]
fn anthropic_takes_its_own_header() {
    let site = standard("https://api.anthropic.com");
    for (path, url) in [
        (MESSAGES, "https://api.anthropic.com/v1/messages"),
        (COUNT, "https://api.anthropic.com/v1/messages/count_tokens"),
        (CHAT, "https://api.anthropic.com/v1/messages"),
    ] {
        assert_eq!(site.dialect(Caller::OpenAi, path, "claude-x"), Anthropic);
        goes(
            &site,
            &ask(Anthropic, path, "claude-x"),
            url,
            plain(Auth::XApiKey),
        );
    }
    // Others speak it below a path of their own.
    let site = standard("https://api.deepseek.com/anthropic");
    let url = "https://api.deepseek.com/anthropic/v1/messages";
    goes(
        &site,
        &ask(Anthropic, MESSAGES, "m"),
        url,
        plain(Auth::XApiKey),
    );
}

#[test]
fn gemini_by_key_has_the_model_in_the_path() {
    const HOST: &str = "https://generativelanguage.googleapis.com";
    let site = standard(HOST);
    assert_eq!(site.dialect(Caller::OpenAi, CHAT, "gemini-2.5-pro"), Gemini);
    for (asked, path) in [
        (
            ask(Gemini, CHAT, "gemini-2.5-pro"),
            "models/gemini-2.5-pro:generateContent",
        ),
        (
            streamed(Gemini, MESSAGES, "gemini-2.5-pro"),
            "models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        ),
        (
            ask(Gemini, COUNT, "models/gemini-2.5-pro"),
            "models/gemini-2.5-pro:countTokens",
        ),
        (
            ask(Gemini, CHAT, "google/gemini-x"),
            "models/gemini-x:generateContent",
        ),
        (
            ask(Gemini, CHAT, "tunedModels/mine"),
            "tunedModels/mine:generateContent",
        ),
        (
            ask(Gemini, EMBEDDINGS, "gemini-embedding-001"),
            "models/gemini-embedding-001:batchEmbedContents",
        ),
        (
            ask(Gemini, CHAT, "a/../b?c#d%"),
            "models/a%2F..%2Fb%3Fc%23d%25:generateContent",
        ),
    ] {
        goes(
            &site,
            &asked,
            &format!("{HOST}/v1beta/{path}"),
            plain(Auth::GoogApiKey),
        );
    }
    let older = standard("https://generativelanguage.googleapis.com/v1");
    let url = format!("{HOST}/v1/models/m:generateContent");
    goes(
        &older,
        &ask(Gemini, CHAT, "m"),
        &url,
        plain(Auth::GoogApiKey),
    );
    let refused = |path, model| site.address(&ask(Gemini, path, model)).unwrap_err();
    assert_eq!(refused("/v1/rerank", "m"), Unserved::Endpoint);
    assert_eq!(refused(CHAT, ""), Unserved::NoModel);
}

proptest! {
    #[test]
    fn any_model_stays_within_its_segment(model in "\\PC{1,40}", stream: bool) {
        let sites = [
            standard("https://generativelanguage.googleapis.com"),
            azure("https://r.openai.azure.com", &[("*", "d")], &[]),
            vertex("https://aiplatform.googleapis.com", None, "global"),
        ];
        for site in sites {
            for dialect in [OpenAi, Anthropic, Gemini] {
                let asked = Ask { stream, ..ask(dialect, CHAT, &model) };
                if let Ok(address) = site.address(&asked) {
                    let path = address.uri.path();
                    prop_assert!(!path.contains("/../") && !path.contains("//"), "{path}");
                    let query = address.uri.query().unwrap_or_default();
                    prop_assert!(["", "alt=sse"].contains(&query) || query.starts_with("api-version="));
                }
            }
        }
    }
}
