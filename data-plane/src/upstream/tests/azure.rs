//! Azure OpenAI: dated, v1 and realtime shapes.

use super::*;

const HOST: &str = "https://res.openai.azure.com";
const MAPPING: [(&str, &str); 4] = [
    ("gpt-4o", "four-o"),
    ("gpt-4*", "four"),
    ("gpt*", "any-gpt"),
    ("*", "rest"),
];

#[test]
fn the_deployment_stands_in_the_path_for_the_listed_operations_only() {
    let site = azure(HOST, &MAPPING, &[]);
    for (op, version) in [
        ("chat/completions", "2025-01-01-preview"),
        ("completions", "2025-04-01-preview"),
        ("embeddings", "2024-02-01"),
        ("audio/transcriptions", "2025-03-01-preview"),
        ("audio/translations", "2025-03-01-preview"),
        ("audio/speech", "2025-03-01-preview"),
        ("images/generations", "2025-04-01-preview"),
        ("images/edits", "2025-04-01-preview"),
    ] {
        let path = format!("/v1/{op}");
        let url = format!("{HOST}/openai/deployments/four-o/{op}?api-version={version}");
        goes(
            &site,
            &ask(OpenAi, &path, "gpt-4o"),
            &url,
            plain(Auth::ApiKey),
        );
    }
    for op in ["responses", "moderations", "images/variations", "rerank"] {
        let path = format!("/v1/{op}");
        let url = format!("{HOST}/openai/{op}?api-version=2025-04-01-preview");
        goes(
            &site,
            &ask(OpenAi, &path, "gpt-4o"),
            &url,
            named(Auth::ApiKey, "four-o"),
        );
    }
    let asked = Ask {
        query: Some("after=x"),
        ..ask(OpenAi, "/v1/responses/resp_1", "")
    };
    let url = format!("{HOST}/openai/responses/resp_1?api-version=2025-04-01-preview&after=x");
    goes(&site, &asked, &url, plain(Auth::ApiKey));
    let chat = ask(OpenAi, CHAT, "");
    assert_eq!(site.address(&chat), Err(Unserved::NoModel));
}

#[test]
fn the_exact_name_wins_over_the_longer_pattern_over_any() {
    let site = azure(HOST, &MAPPING, &[]);
    for (model, deployment) in [
        ("gpt-4o", "four-o"),
        ("gpt-4o-mini", "four"),
        ("gpt-5", "any-gpt"),
        ("o3", "rest"),
    ] {
        let url = format!(
            "{HOST}/openai/deployments/{deployment}/chat/completions?api-version=2025-01-01-preview"
        );
        goes(&site, &ask(OpenAi, CHAT, model), &url, plain(Auth::ApiKey));
    }
    let bare = azure(HOST, &[], &[]);
    let url = format!("{HOST}/openai/deployments/gpt-5/embeddings?api-version=2024-02-01");
    goes(
        &bare,
        &ask(OpenAi, EMBEDDINGS, "gpt-5"),
        &url,
        plain(Auth::ApiKey),
    );
    let strict = azure(HOST, &[("gpt-4o", "d")], &[]);
    let other = ask(OpenAi, CHAT, "gpt-5");
    assert_eq!(strict.address(&other), Err(Unserved::NoDeployment));
    let odd = azure(HOST, &[("a", ".."), ("b", "x/y?z")], &[]);
    for (model, deployment) in [("a", "%2E%2E"), ("b", "x%2Fy%3Fz")] {
        let url =
            format!("{HOST}/openai/deployments/{deployment}/embeddings?api-version=2024-02-01");
        goes(
            &odd,
            &ask(OpenAi, EMBEDDINGS, model),
            &url,
            plain(Auth::ApiKey),
        );
    }
}

#[test]
fn api_versions_are_looked_up_by_operation_then_by_its_first_part() {
    let versions = [("chat", "c-1"), ("audio", "a-1"), ("audio/speech", "a-2")];
    let site = azure(HOST, &[("*", "d")], &versions);
    for (op, version) in [
        ("chat/completions", "c-1"),
        ("audio/transcriptions", "a-1"),
        ("audio/speech", "a-2"),
        ("embeddings", "2024-02-01"),
    ] {
        let path = format!("/v1/{op}");
        let url = format!("{HOST}/openai/deployments/d/{op}?api-version={version}");
        goes(&site, &ask(OpenAi, &path, "m"), &url, plain(Auth::ApiKey));
    }
}

#[test]
fn versions_before_september_2024_are_told_as_old() {
    for (version, old_version) in [
        ("2023-05-15", true),
        ("2024-08-01-preview", true),
        ("2024-09-01-preview", false),
        ("2024-10-21", false),
        ("preview", false),
    ] {
        let site = azure(HOST, &[("*", "d")], &[("chat", version)]);
        let address = site.address(&ask(OpenAi, CHAT, "m")).unwrap();
        assert_eq!(address.body.old_version, old_version, "{version}");
    }
}

#[test]
fn a_provider_that_ends_in_v1_has_the_v1_shape() {
    let site = azure(
        &format!("{HOST}/openai/v1"),
        &MAPPING,
        &[("responses", "preview")],
    );
    for (op, query) in [
        ("chat/completions", ""),
        ("embeddings", ""),
        ("images/generations", ""),
        ("responses", "?api-version=preview"),
    ] {
        let path = format!("/v1/{op}");
        let url = format!("{HOST}/openai/v1/{op}{query}");
        goes(
            &site,
            &ask(OpenAi, &path, "gpt-4o"),
            &url,
            named(Auth::ApiKey, "four-o"),
        );
    }
}

#[test]
fn a_provider_may_name_the_folder_already() {
    let site = azure(&format!("{HOST}/openai"), &MAPPING, &[]);
    let url =
        format!("{HOST}/openai/deployments/four-o/chat/completions?api-version=2025-01-01-preview");
    goes(
        &site,
        &ask(OpenAi, CHAT, "gpt-4o"),
        &url,
        plain(Auth::ApiKey),
    );
}

#[test]
fn realtime_names_its_deployment_in_the_query() {
    let dated = azure(HOST, &MAPPING, &[("realtime", "2024-10-01-preview")]);
    let asked = ask(OpenAi, "/v1/realtime", "gpt-4o");
    let url = format!("{HOST}/openai/realtime?api-version=2024-10-01-preview&deployment=four-o");
    goes(&dated, &asked, &url, plain(Auth::ApiKey));
    let v1 = azure(&format!("{HOST}/openai/v1"), &MAPPING, &[]);
    let url = format!("{HOST}/openai/v1/realtime?model=four-o");
    goes(&v1, &asked, &url, plain(Auth::ApiKey));
}

#[test]
fn azure_speaks_openai_only() {
    let site = azure(HOST, &MAPPING, &[]);
    assert_eq!(site.dialect(Caller::Anthropic, MESSAGES, "gpt-4o"), OpenAi);
    for dialect in [Anthropic, Gemini] {
        let refused = site.address(&ask(dialect, MESSAGES, "gpt-4o"));
        assert_eq!(refused, Err(Unserved::Dialect));
    }
    let url =
        format!("{HOST}/openai/deployments/four-o/chat/completions?api-version=2025-01-01-preview");
    goes(
        &site,
        &ask(OpenAi, MESSAGES, "gpt-4o"),
        &url,
        plain(Auth::ApiKey),
    );
}
