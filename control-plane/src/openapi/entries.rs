//! Both sorts of keys, as the admin API has them.

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{Components, about, closed, count, list, named, object, or_null, text, whole};
use super::written;
use crate::admin_api::api_keys::value::ApiKey;
use crate::admin_api::places::{API_KEYS, PROVIDER_KEYS, Place};
use crate::admin_api::provider_keys::value::ProviderKeyValue;

/// What is done to API keys, by which path.
macro_rules! callers_words {
    ($by:literal) => {
        [
            concat!("List API keys", $by),
            concat!("Create an API key", $by),
            concat!("Show an API key", $by),
            concat!("Replace an API key", $by),
            concat!("Revoke an API key", $by),
            concat!("Draw an API key anew", $by),
        ]
    };
}

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let api_key = components.sent::<ApiKey>();
    let provider_key = components.sent::<ProviderKeyValue>();
    let shown = shown_api_key(components.read_as::<ApiKey>());
    components.name("ApiKeyShown", shown);
    components.name("ProviderKeyShown", shown_provider_key());
    let callers = |summaries| Sort {
        value: &api_key,
        shown: named("ApiKeyShown"),
        tag: "Caller keys",
        summaries,
        example: (
            "every model",
            json!({"display_name": "ci", "allowed_models": ["*"]}),
        ),
    };
    let words = [callers_words!(""), callers_words!(", by the other path")];
    let mut all = Vec::new();
    for (place, words) in API_KEYS.iter().zip(words) {
        all.extend(callers(words).operations(place));
    }
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
            "",
        ],
        example: (
            "an OpenAI key",
            json!({"display_name": "main", "provider": "openai", "api_key": "sk-example-0123"}),
        ),
    };
    all.extend(providers.operations(&PROVIDER_KEYS));
    all
}

/// One sort of keys.
struct Sort<'s> {
    value: &'s Value,
    shown: Value,
    tag: &'static str,
    /// Of listing, creating, showing, replacing, removing and drawing anew.
    summaries: [&'static str; 6],
    example: (&'static str, Value),
}

impl Sort<'_> {
    fn operations(&self, place: &Place) -> Vec<Operation> {
        let [listed, created, showed, replaced, removed, redrawn] = self.summaries;
        let (all, one) = (place.all, place.one);
        let (name, example) = &self.example;
        let new = |method, path, summary| Operation::new(method, path, summary).tag(self.tag);
        let plaintext = about(text(), "the key itself, if it was drawn just now");
        let done = |more: &[(&str, Value)]| written::bare(&self.fields(), more);
        let deleted = written::bare(
            &[("deleted", json!({"type": "boolean"})), ("id", text())],
            &[],
        );
        let mut operations = vec![
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
        ];
        operations.extend(place.rotate.map(|path| self.rotate(path, redrawn)));
        operations
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

/// What is shown of an API key: as it was put; but the owner API takes any limits, 0 and the greatest too.
fn shown_api_key(mut written: Value) -> Value {
    let limits = ["rps", "rpm", "rph", "rpd", "tpm", "tpd", "concurrency"];
    let limits = limits.map(|limit| (limit, count()));
    written["properties"]["rate_limit"] = closed(&[], &limits);
    written
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
