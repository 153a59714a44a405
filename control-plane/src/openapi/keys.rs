//! Provider keys.

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, any_of, closed, flag, line, map, object, or_null, pattern, success, text,
    whole, words,
};
use super::written;
use crate::owner_api::keys::azure::ENDPOINTS;
use crate::owner_api::keys::{Listed, view::KeyView};

const TAG: &str = "Provider keys";

/// A host by name or address, with or without a port and a path; shortened IPv6
/// addresses in brackets are taken too.
const PROVIDER: &str = r"^https?://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}|\[([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}))?(/[A-Za-z0-9._~-]+)*/?$";

/// The hosts of Vertex AI.
const VERTEX: &str = r"^https://(([a-z]{2,10}-[a-z]{4,12}[1-9]-)?aiplatform\.googleapis\.com|aiplatform\.(us|eu)\.rep\.googleapis\.com)$";

/// A token endpoint.
const VERTEX_TOKENS: &str =
    r"^https://([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\.){1,4}[a-z]{2,10}(/[A-Za-z0-9._~-]+)*$";

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
            .answers(written.clone())
            .tagged(),
        change("PUT", "Change a provider key", &written),
        change("POST", "Change a provider key, by POST", &written),
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
    all.extend([
        no_id(
            "PUT",
            "Refused: PUT of a URL, as a key is changed by its number",
        ),
        no_id(
            "POST",
            "Refused: POST to a URL, as a key is changed by its number",
        ),
        no_id(
            "DELETE",
            "Refused: DELETE of a URL, as a key is removed by its number",
        ),
    ]);
    all.into_iter()
        .map(|operation| operation.tag(TAG))
        .collect()
}

fn change(method: &'static str, summary: &'static str, written: &Value) -> Operation {
    Operation::new(method, "/x-keys/{id}", summary)
        .about(
            "What the body leaves out stays. What GET shows of a key may come back as it is: a \
             masked secret is an unchanged one.",
        )
        .body(changed())
        .example("rename", json!({"Name": "OpenAI, team A"}))
        .answers(written.clone())
        .if_match()
}

fn no_id(method: &'static str, summary: &'static str) -> Operation {
    const PATH: &str = "/x-keys/{id}/{*rest}";
    Operation::new(method, PATH, summary)
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
    let required = |provider| {
        [
            ("SecretKey", secret()),
            ("Level", whole(0, 9999)),
            ("Provider", provider),
        ]
    };
    let mut plain = fields();
    plain.push(("Config", or_null(any_of(&[standard(), azure()]))));
    let mut vertex = fields();
    vertex.push(("Config", config_of_vertex(true)));
    any_of(&[
        closed(&required(provider()), &plain),
        closed(&required(pattern(VERTEX)), &vertex),
    ])
}

fn changed() -> Value {
    let mut optional = fields();
    let any = || Value::Bool(true);
    optional.extend([
        (
            "SecretKey",
            or_null(about(
                pattern(r"^([!-~]{20,4096}|[!-~]{0,7}\.\.\.[!-~]{0,4})$"),
                "the new credential, or its mask",
            )),
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

/// The kind of upstream, and what that kind needs; what is left out of a change
/// stays.
fn config() -> Value {
    any_of(&[standard(), azure(), config_of_vertex(false)])
}

fn standard() -> Value {
    let dialect = about(
        or_null(words(&["openai", "anthropic", "gemini"])),
        "what the upstream speaks; else what its host is known for",
    );
    closed(
        &[],
        &[
            ("provider_type", or_null(words(&["standard"]))),
            ("dialect", dialect),
        ],
    )
}

fn azure() -> Value {
    let name = "^[A-Za-z0-9._-]{1,128}$";
    let mut deployments = map(pattern(name));
    deployments["propertyNames"] = json!({"pattern": name});
    deployments["minProperties"] = json!(1);
    let mut versions = map(pattern(
        "^(20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(-preview)?|preview|latest)$",
    ));
    versions["propertyNames"] = words(ENDPOINTS);
    closed(
        &[
            ("provider_type", words(&["azure"])),
            ("model_mapping", deployments),
        ],
        &[("api_versions", or_null(versions))],
    )
}

fn config_of_vertex(is_new: bool) -> Value {
    let pem = |label: &str| {
        pattern(&format!(
            r"^-----BEGIN {label}-----(\n|\\n)[A-Za-z0-9+/=.\n\\]+(\n|\\n)-----END {label}-----\n?$"
        ))
    };
    let key = any_of(&[pem("PRIVATE KEY"), pem("RSA PRIVATE KEY")]);
    let fields = [
        (
            "project_id",
            pattern("^([a-z][a-z0-9-]{2,28}[a-z0-9]|[0-9]{1,20})$"),
        ),
        (
            "client_email",
            pattern(
                r"^[a-z][a-z0-9-]{0,28}@[a-z][a-z0-9-]{0,28}[a-z0-9]\.iam\.gserviceaccount\.com$",
            ),
        ),
        (
            "private_key",
            about(key, "a PEM block, as Google hands it out"),
        ),
    ];
    let kind = ("provider_type", words(&["vertex"]));
    let url = about(
        or_null(pattern("^[hH][tT][tT][pP][sS]?://")),
        "a template on the Provider's host, with `{project}` and `{location}`",
    );
    let place = about(or_null(text()), "as the Provider's host says");
    let mut required = vec![kind];
    let tokens = about(
        or_null(pattern(VERTEX_TOKENS)),
        "where tokens come from; else from Google",
    );
    let mut optional = vec![
        ("base_url", url),
        ("location", place),
        ("token_uri", tokens),
    ];
    if is_new {
        required.extend(fields);
    } else {
        optional.extend(fields);
    }
    closed(&required, &optional)
}
