//! Google Vertex AI: hosts, publishers and dialects.

use super::*;

const US: &str = "https://us-central1-aiplatform.googleapis.com";
const AT: &str =
    "https://us-central1-aiplatform.googleapis.com/v1/projects/proj/locations/us-central1";

fn claude(model: ModelEdit) -> (Auth, BodyEdit) {
    let body = BodyEdit {
        model,
        vertex_version: true,
        ..BodyEdit::default()
    };
    (Auth::Token, body)
}

#[test]
fn hosts_and_templates_come_to_one_place() {
    let template =
        "https://us-central1-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}";
    let literal = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/{project}/locations/us-central1";
    for (provider, base_url, location, place) in [
        (US, None, "us-central1", AT),
        (US, Some(template), "us-central1", AT),
        (US, Some(US), "us-central1", AT),
        (
            US,
            Some("https://{location}-aiplatform.googleapis.com/v1"),
            "us-central1",
            AT,
        ),
        (
            US,
            Some(literal),
            "us-central1",
            "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/proj/locations/us-central1",
        ),
        (
            "https://aiplatform.googleapis.com",
            None,
            "global",
            "https://aiplatform.googleapis.com/v1/projects/proj/locations/global",
        ),
        (
            "https://aiplatform.us.rep.googleapis.com",
            None,
            "us",
            "https://aiplatform.us.rep.googleapis.com/v1/projects/proj/locations/us",
        ),
        (
            "https://aiplatform.eu.rep.googleapis.com",
            Some("https://aiplatform.eu.rep.googleapis.com/v1/projects/{project}"),
            "eu",
            "https://aiplatform.eu.rep.googleapis.com/v1/projects/proj/locations/eu",
        ),
    ] {
        let site = vertex(provider, base_url, location);
        let url = format!("{place}/publishers/google/models/gemini-x:generateContent");
        goes(
            &site,
            &ask(Gemini, CHAT, "gemini-x"),
            &url,
            plain(Auth::Token),
        );
    }
}

#[test]
fn google_models_in_googles_dialect() {
    let site = vertex(US, None, "us-central1");
    for (asked, path) in [
        (
            ask(Gemini, CHAT, "gemini-x"),
            "publishers/google/models/gemini-x:generateContent",
        ),
        (
            streamed(Gemini, CHAT, "google/gemini-x"),
            "publishers/google/models/gemini-x:streamGenerateContent?alt=sse",
        ),
        (
            ask(Gemini, COUNT, "gemini-x"),
            "publishers/google/models/gemini-x:countTokens",
        ),
        (
            ask(Gemini, EMBEDDINGS, "text-embedding-005"),
            "publishers/google/models/text-embedding-005:predict",
        ),
        (
            ask(Gemini, "/v1/images/generations", "imagen-4.0-generate-001"),
            "publishers/google/models/imagen-4.0-generate-001:predict",
        ),
        (
            ask(Gemini, CHAT, "1234567890"),
            "endpoints/1234567890:generateContent",
        ),
        (
            ask(Gemini, EMBEDDINGS, "1234567890"),
            "endpoints/1234567890:predict",
        ),
        (
            ask(Gemini, CHAT, "publishers/google/models/gemini-x"),
            "publishers/google/models/gemini-x:generateContent",
        ),
    ] {
        goes(&site, &asked, &format!("{AT}/{path}"), plain(Auth::Token));
    }
}

#[test]
fn google_models_in_openais_dialect_carry_their_publisher() {
    let site = vertex(US, None, "us-central1");
    let url = format!("{AT}/endpoints/openapi/chat/completions");
    for (model, name) in [
        ("gemini-x", "google/gemini-x"),
        ("google/gemini-x", "google/gemini-x"),
        ("meta/llama-4-maas", "meta/llama-4-maas"),
    ] {
        goes(
            &site,
            &streamed(OpenAi, CHAT, model),
            &url,
            named(Auth::Token, name),
        );
    }
    let own = format!("{AT}/endpoints/123/chat/completions");
    goes(&site, &ask(OpenAi, CHAT, "123"), &own, plain(Auth::Token));
    // Chat only.
    let embeddings = ask(OpenAi, EMBEDDINGS, "text-embedding-005");
    assert_eq!(site.address(&embeddings), Err(Unserved::Endpoint));
    assert_eq!(
        site.dialect(Caller::OpenAi, EMBEDDINGS, "text-embedding-005"),
        Gemini
    );
    assert_eq!(site.dialect(Caller::OpenAi, CHAT, "gemini-x"), OpenAi);
    assert_eq!(
        site.dialect(Caller::Anthropic, MESSAGES, "gemini-x"),
        Gemini
    );
}

#[test]
fn claude_has_its_model_in_the_path_and_its_version_in_the_body() {
    let site = vertex(US, None, "us-central1");
    let models = format!("{AT}/publishers/anthropic/models");
    for (asked, path) in [
        (
            ask(Anthropic, MESSAGES, "claude-sonnet-4@20250514"),
            "claude-sonnet-4@20250514:rawPredict",
        ),
        (
            ask(Anthropic, MESSAGES, "claude-sonnet-4-20250514"),
            "claude-sonnet-4@20250514:rawPredict",
        ),
        (
            streamed(Anthropic, MESSAGES, "anthropic/claude-opus-4-1"),
            "claude-opus-4-1:streamRawPredict",
        ),
        (
            ask(Anthropic, CHAT, "claude-opus-4-1"),
            "claude-opus-4-1:rawPredict",
        ),
    ] {
        goes(
            &site,
            &asked,
            &format!("{models}/{path}"),
            claude(ModelEdit::Remove),
        );
    }
    let count = ask(Anthropic, COUNT, "claude-sonnet-4-20250514");
    let name = ModelEdit::Name("claude-sonnet-4@20250514".to_owned());
    goes(
        &site,
        &count,
        &format!("{models}/count-tokens:rawPredict"),
        claude(name),
    );
    for (from, path) in [(Caller::OpenAi, CHAT), (Caller::Anthropic, MESSAGES)] {
        assert_eq!(site.dialect(from, path, "claude-opus-4-1"), Anthropic);
    }
    // No batches, and no other dialect.
    let refused = |dialect, path| site.address(&ask(dialect, path, "claude-x")).unwrap_err();
    assert_eq!(
        refused(Anthropic, "/v1/messages/batches"),
        Unserved::Endpoint
    );
    assert_eq!(refused(OpenAi, CHAT), Unserved::Dialect);
    assert_eq!(refused(Gemini, CHAT), Unserved::Dialect);
    let gemini = ask(Anthropic, MESSAGES, "gemini-x");
    assert_eq!(site.address(&gemini), Err(Unserved::Dialect));
}
