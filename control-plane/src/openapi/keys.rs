//! Provider keys.

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, any_of, closed, flag, line, map, object, or_null, pattern, success, text,
    whole, words,
};
use super::written;
use crate::owner_api::keys::{Listed, view::KeyView};

const TAG: &str = "Provider keys";

/// A host by name or as an IPv4 address, with or without a port and a path; IPv6
/// in brackets is taken too.
const PROVIDER: &str = r"^https?://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?$";

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    written::register(components);
    let listed = components.answer::<Listed<'_>>();
    let key = components.answer::<KeyView<'_>>();
    let written = written::done(&[("key", key.clone())], &[]);
    let list = |path, summary| {
        Operation::new("GET", path, summary)
            .answers(listed.clone())
            .paged()
            .also(404)
    };
    let mut all = vec![
        list("/x-keys", "List provider keys")
            .about("Without paging the first 1,000; the headers tell how many there are."),
        list(
            "/x-keys/{id}",
            "Show a provider key, or those of a Level or provider",
        )
        .tagged(),
        list("/x-keys/{id}/{*rest}", "Show the provider keys of a URL"),
        Operation::new("POST", "/x-keys", "Add a provider key")
            .about("A known provider completes LEVEL_MAPPER with the models it serves.")
            .body(created())
            .example(
                "standard",
                json!({
                    "SecretKey": "sk-example-example-example",
                    "Name": "OpenAI",
                    "Level": 1,
                    "Provider": "https://api.openai.com",
                }),
            )
            .answers(written.clone()),
        change("PUT", &written),
        change("POST", &written),
        Operation::new("DELETE", "/x-keys/{id}", "Remove a provider key")
            .answers(written::removed(super::schema::count()))
            .if_match(),
        Operation::new(
            "POST",
            "/x-keys/{id}/wake",
            "Wake a sleeping key on the whole fleet",
        )
        .answers(object(
            &[("success", success()), ("key", key)],
            &[("dry_run", flag())],
        )),
    ];
    all.extend(["PUT", "POST", "DELETE"].map(no_id));
    all.into_iter()
        .map(|operation| operation.tag(TAG))
        .collect()
}

fn change(method: &'static str, written: &Value) -> Operation {
    Operation::new(method, "/x-keys/{id}", "Change a provider key")
        .about(
            "What the body leaves out stays. What GET shows of a key may come back as it is: a \
             masked secret is an unchanged one.",
        )
        .body(changed())
        .example("rename", json!({"Name": "OpenAI, team A"}))
        .answers(written.clone())
        .if_match()
}

fn no_id(method: &'static str) -> Operation {
    const PATH: &str = "/x-keys/{id}/{*rest}";
    Operation::new(method, PATH, "Refused: a key is changed by its number")
        .about("Always an error: it says that an id is needed, or that there is no such route.")
        .also(404)
}

/// The fields of a key, as they are sent.
fn fields() -> Vec<(&'static str, Value)> {
    vec![
        ("Name", or_null(line(0, 128))),
        ("Status", or_null(about(flag(), "whether it may be used"))),
    ]
}

fn secret() -> Value {
    about(
        json!({"type": "string", "minLength": 20, "maxLength": 4096, "pattern": "^[!-~]*$"}),
        "the credential; sealed before it is stored, and never shown again",
    )
}

fn created() -> Value {
    let mut optional = fields();
    optional.push(("Config", or_null(config())));
    closed(
        &[
            ("SecretKey", secret()),
            ("Level", whole(0, 9999)),
            ("Provider", provider()),
        ],
        &optional,
    )
}

fn changed() -> Value {
    let mut optional = fields();
    let any = || Value::Bool(true);
    optional.extend([
        (
            "SecretKey",
            or_null(about(text(), "the new credential, or its mask")),
        ),
        ("Level", or_null(whole(0, 9999))),
        ("Provider", or_null(provider())),
        ("Config", or_null(config())),
        ("ID", or_null(super::schema::count())),
    ]);
    for name in crate::owner_api::keys::view::READ_ONLY {
        optional.push((name, any()));
    }
    let mut schema = closed(&[], &optional);
    schema["minProperties"] = json!(1);
    schema
}

fn provider() -> Value {
    let mut schema = about(pattern(PROVIDER), "the upstream's base URL");
    schema["maxLength"] = json!(foldgate_domain::upstream_url::MAX_BYTES);
    schema
}

/// The kind of upstream, and what that kind needs.
fn config() -> Value {
    let kind = |name: &str| or_null(words(&[name]));
    let mut deployments = map(pattern("^[A-Za-z0-9._-]{1,128}$"));
    deployments["propertyNames"] = json!({"pattern": "^[A-Za-z0-9._-]{1,128}$"});
    let versions = map(pattern(
        "^(20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(-preview)?|preview|latest)$",
    ));
    let azure = closed(
        &[
            ("provider_type", words(&["azure"])),
            ("model_mapping", deployments),
        ],
        &[("api_versions", or_null(versions))],
    );
    let vertex = closed(
        &[
            ("provider_type", words(&["vertex"])),
            ("project_id", text()),
            ("client_email", text()),
            (
                "private_key",
                about(text(), "a PEM block, as Google hands it out"),
            ),
        ],
        &[("location", or_null(text())), ("base_url", or_null(text()))],
    );
    any_of(&[
        closed(&[], &[("provider_type", kind("standard"))]),
        azure,
        vertex,
    ])
}
