//! Both sorts of keys, as the admin API has them.

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{Components, about, closed, count, list, named, object, or_null, text, whole};
use super::written;
use crate::admin_api::api_keys::value::ApiKey;
use crate::admin_api::provider_keys::value::ProviderKeyValue;

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let api_key = components.sent::<ApiKey>();
    let provider_key = components.sent::<ProviderKeyValue>();
    components.name("ProviderKeyShown", shown_provider_key());
    let mut callers = Sort {
        value: &api_key,
        shown: named("ApiKey"),
        tag: "Caller keys",
        summaries: [
            "List API keys",
            "Create an API key",
            "Show an API key",
            "Replace an API key",
            "Revoke an API key",
        ],
        example: (
            "every model",
            json!({"display_name": "ci", "allowed_models": ["*"]}),
        ),
    };
    let mut all = callers.crud("/admin/v1/api_keys", "/admin/v1/api_keys/{id}");
    all.push(callers.rotate("/admin/v1/api_keys/{id}/rotate", "Draw an API key anew"));
    callers.summaries = [
        "List API keys, by their other path",
        "Create an API key, by its other path",
        "Show an API key, by its other path",
        "Replace an API key, by its other path",
        "Revoke an API key, by its other path",
    ];
    all.extend(callers.crud("/admin/v1/apikeys", "/admin/v1/apikeys/{id}"));
    let redrawn = "Draw an API key anew, by its other path";
    all.push(callers.rotate("/admin/v1/apikeys/{id}/rotate", redrawn));
    let providers = Sort {
        value: &provider_key,
        shown: named("ProviderKeyShown"),
        tag: "Provider keys",
        summaries: [
            "List provider keys (admin API)",
            "Create a provider key (admin API)",
            "Show a provider key (admin API)",
            "Replace a provider key (admin API)",
            "Remove a provider key (admin API)",
        ],
        example: (
            "an OpenAI key",
            json!({"display_name": "main", "provider": "openai", "api_key": "sk-example-0123"}),
        ),
    };
    all.extend(providers.crud("/admin/v1/provider_keys", "/admin/v1/provider_keys/{id}"));
    all
}

/// One sort of keys.
struct Sort<'s> {
    value: &'s Value,
    shown: Value,
    tag: &'static str,
    /// Of listing, creating, showing, replacing and removing.
    summaries: [&'static str; 5],
    example: (&'static str, Value),
}

impl Sort<'_> {
    fn crud(&self, all: &'static str, one: &'static str) -> Vec<Operation> {
        let [listed, created, showed, replaced, removed] = self.summaries;
        let (name, example) = &self.example;
        let new = |method, path, summary| Operation::new(method, path, summary).tag(self.tag);
        let plaintext = about(text(), "the key itself, if it was drawn just now");
        let done = |more: &[(&str, Value)]| written::bare(&self.fields(), more);
        let deleted = written::bare(
            &[("deleted", json!({"type": "boolean"})), ("id", text())],
            &[],
        );
        vec![
            new("GET", all, listed)
                .answers(list(self.entry()))
                .counted(),
            new("POST", all, created)
                .body(self.value.clone())
                .example(name, example.clone())
                .answers(done(&[("plaintext", plaintext)]))
                .tagged(),
            new("GET", one, showed).answers(self.entry()).conditional(),
            new("PUT", one, replaced)
                .body(self.value.clone())
                .example(name, example.clone())
                .if_match()
                .answers(done(&[])),
            new("DELETE", one, removed)
                .about("Refused while definitions refer to it; the answer lists them.")
                .if_match()
                .answers(deleted),
        ]
    }

    fn rotate(&self, path: &'static str, summary: &'static str) -> Operation {
        let most = foldgate_domain::decide::MAX_OVERLAP.as_secs();
        let overlap = or_null(about(whole(0, most), "how long the old key stays good"));
        let mut old = about(overlap.clone(), "what `overlap_seconds` was called");
        old["deprecated"] = json!(true);
        let mut body = closed(
            &[],
            &[("overlap_seconds", overlap), ("OverlapSeconds", old)],
        );
        body["not"] = json!({"required": ["overlap_seconds", "OverlapSeconds"]});
        let plaintext = about(text(), "the key itself, once");
        Operation::new("POST", path, summary)
            .tag(self.tag)
            .body(body)
            .example("overlap", json!({"overlap_seconds": 3600}))
            .optional()
            .if_match()
            .answers(written::bare(
                &[("entry", self.entry())],
                &[("plaintext", plaintext)],
            ))
    }

    fn fields(&self) -> [(&'static str, Value); 3] {
        let id = json!({"type": "string", "format": "uuid"});
        let revision = about(count(), "the position in the log that last changed it");
        [
            ("id", id),
            ("value", self.shown.clone()),
            ("revision", revision),
        ]
    }

    fn entry(&self) -> Value {
        object(&self.fields(), &[])
    }
}

/// What is shown of a provider key: as it was put, with its credential masked.
fn shown_provider_key() -> Value {
    let any = || json!({"type": "object"});
    object(
        &[
            ("display_name", text()),
            ("api_key", about(text(), "its mask")),
            ("api_base", text()),
            ("level", whole(0, 9999)),
        ],
        &[
            ("provider", text()),
            (
                "adapter",
                about(text(), "what the upstream speaks, where that was said"),
            ),
            ("disabled", json!({"type": "boolean"})),
            ("request", any()),
            ("response", any()),
            ("strip_headers", list(text())),
            ("telemetry_tags", any()),
            ("tls", any()),
        ],
    )
}
