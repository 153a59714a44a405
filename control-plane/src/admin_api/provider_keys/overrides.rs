//! What the admin API keeps of a provider key that nothing acts upon yet.

use std::collections::{BTreeMap, HashSet};

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::known::any_case;
use crate::admin_api::body::texts;

/// Headers in which credentials travel. A key's own goes into `api_key`.
const CREDENTIALS: &[&str] = &[
    "api-key",
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
];

/// Headers that say how a message travels: the gateway's own business.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The longest value of a header that is kept, in bytes.
const MAX_HEADER_BYTES: usize = 1024;

/// The longest name of a parameter, in characters.
const MAX_PARAMETER_CHARS: usize = 128;

/// What may be the name of a header that is kept, in JSON Schema's words.
fn header_names() -> Value {
    let credentials: Vec<String> = CREDENTIALS.iter().map(|name| any_case(name)).collect();
    json!({
        "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$",
        "not": {"pattern": format!("^({})$", credentials.join("|"))},
    })
}

/// How requests are changed on their way out.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct RequestOverrides {
    /// Fields that bodies get which have none of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_body_fields: Option<Map<String, Value>>,
    /// Headers that requests get. Their values are sealed; answers show masks, which stand
    /// for them when they come back. None may be one that carries a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64), custom(headers))]
    #[schemars(extend(
        "maxProperties" = 64,
        "additionalProperties" = {
            "type": "string", "format": "password", "minLength": 1, "maxLength": 1024,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
        "propertyNames" = header_names(),
    ))]
    pub default_headers: Option<BTreeMap<String, String>>,
    /// Headers of the caller that are passed on; may end in `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub forward_client_headers: Option<Vec<String>>,
    /// What parameters are held within.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub param_constraints: Option<ParamConstraints>,
    /// Parameters and what they are called upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64), custom(renames))]
    #[schemars(extend(
        "maxProperties" = 64,
        "additionalProperties" = {
            "type": "string", "minLength": 1, "maxLength": MAX_PARAMETER_CHARS,
        },
        "propertyNames" = {"minLength": 1, "maxLength": MAX_PARAMETER_CHARS},
    ))]
    pub param_renames: Option<BTreeMap<String, String>>,
}

/// See [`RequestOverrides::param_constraints`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct ParamConstraints {
    /// The least temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0.0, max = 100.0))]
    pub temperature_min: Option<f64>,
    /// The greatest temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0.0, max = 100.0))]
    pub temperature_max: Option<f64>,
}

/// How answers are changed on their way back.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct ResponseOverrides {
    /// Whether content that comes as a list becomes one text.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub content_list_to_string: bool,
    /// The field that errors stand in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 128))]
    pub error_envelope: Option<String>,
    /// The field that reasoning stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 128))]
    pub reasoning_field: Option<String>,
    /// How streams end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_done_marker: Option<StreamDoneMarker>,
}

/// See [`ResponseOverrides::stream_done_marker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamDoneMarker {
    /// A stream without one broke off.
    Required,
    /// There may be one.
    Optional,
    /// There is none.
    None,
}

/// What metrics call the provider.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct TelemetryTags {
    /// Its brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 128))]
    pub branded_provider: Option<String>,
    /// What its owner calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 128))]
    pub byo_label: Option<String>,
    /// Whether it is shown first.
    pub featured: bool,
    /// Where it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TelemetryKind>,
    /// What the key is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 128))]
    pub pk_label: Option<String>,
}

/// See [`TelemetryTags::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TelemetryKind {
    /// A catalogue of providers.
    Catalog,
    /// Brought by whoever uses it.
    Byo,
}

/// How the provider's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct Tls {
    /// Certificates to trust besides, in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 12_288), custom(certificate))]
    #[schemars(
        regex(pattern = "-----BEGIN CERTIFICATE-----"),
        extend("not" = {"pattern": "-----BEGIN (?!CERTIFICATE-----)"}),
    )]
    pub ca_cert: Option<String>,
    /// Whether it is checked at all.
    pub verify: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca_cert: None,
            verify: true,
        }
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
fn headers(headers: &Option<BTreeMap<String, String>>, (): &()) -> garde::Result {
    let mut seen = HashSet::new();
    for (name, value) in headers.iter().flatten() {
        let parsed = http::HeaderName::try_from(name.as_str());
        let Ok(parsed) = parsed else {
            return Err(garde::Error::new(format!("{name:?} is no header's name")));
        };
        if CREDENTIALS.contains(&parsed.as_str()) {
            let problem = format!("{parsed} carries a credential, which belongs in api_key");
            return Err(garde::Error::new(problem));
        }
        if FRAMING.contains(&parsed.as_str()) {
            let problem = format!("{parsed} says how requests travel, and is the gateway's own");
            return Err(garde::Error::new(problem));
        }
        if !seen.insert(parsed.clone()) {
            return Err(garde::Error::new(format!("{parsed} stands there twice")));
        }
        if value.len() > MAX_HEADER_BYTES || http::HeaderValue::from_str(value).is_err() {
            let problem = format!("what {parsed} is to hold can stand in no header");
            return Err(garde::Error::new(problem));
        }
    }
    Ok(())
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
fn renames(renames: &Option<BTreeMap<String, String>>, (): &()) -> garde::Result {
    let fits = |name: &String| (1..=MAX_PARAMETER_CHARS).contains(&name.chars().count());
    let mut all = renames.iter().flatten();
    if all.all(|(from, to)| fits(from) && fits(to)) {
        return Ok(());
    }
    Err(garde::Error::new(format!(
        "names must have 1 to {MAX_PARAMETER_CHARS} characters"
    )))
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
fn certificate(pem: &Option<String>, (): &()) -> garde::Result {
    let Some(pem) = pem else {
        return Ok(());
    };
    // What holds a private key would be kept and shown as it is.
    let only_certificates = pem
        .split("-----BEGIN ")
        .skip(1)
        .all(|block| block.starts_with("CERTIFICATE-----"));
    if pem.contains("-----BEGIN CERTIFICATE-----") && only_certificates {
        return Ok(());
    }
    let problem = "must be certificates in PEM form, and nothing else";
    Err(garde::Error::new(problem))
}
