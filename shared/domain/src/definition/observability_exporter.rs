//! Exporters: where records of calls go. They are stored and validated; nothing is
//! sent yet.
//!
//! Bounds that are ours, as the public contract has none: names of headers and
//! their number, lengths of texts. Endpoints are https, or http on this machine:
//! what is sent may hold what callers said.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::DefinitionKind;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::grammar::SECRET;
use super::tagged::{Rules, tagged};
use super::text::{MAX_SECRET_CHARS, Name, Secret, SecureUrl};
use super::{Defined, Fault, schema};

/// The most headers that go along with what is sent.
pub const MAX_HEADERS: usize = 32;

/// The most bytes of what callers said or were told in one record: 1 MiB.
pub const MAX_CONTENT_BYTES: u32 = 1_048_576;

tagged! {
    /// An exporter.
    pub enum ObservabilityExporter {
        /// OpenTelemetry over HTTP.
        OtlpHttp(OtlpHttp) = "otlp_http",
        /// Alibaba Cloud's log service.
        AliyunSls(AliyunSls) = "aliyun_sls",
        /// Files in a bucket.
        ObjectStore(ObjectStore) = "object_store",
        /// Datadog.
        Datadog(Datadog) = "datadog",
    }
}

/// What is sent of what callers said and were told.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// Nothing.
    #[default]
    MetadataOnly,
    /// As much as `content_max_bytes` allows.
    Full,
}

/// OpenTelemetry over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OtlpHttp {
    /// Its name.
    pub name: Name,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where it is spoken to, path and all.
    pub endpoint: SecureUrl,
    /// Headers that go along: secrets, all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[garde(length(max = MAX_HEADERS))]
    #[schemars(extend(
        "maxProperties" = MAX_HEADERS,
        "additionalProperties" = json!({
            "type": "string", "format": "password", "minLength": 1, "maxLength": MAX_SECRET_CHARS,
            "pattern": SECRET,
        }),
        "propertyNames" = json!({ "maxLength": 128, "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    ))]
    pub headers: BTreeMap<String, Secret>,
    /// The share of calls that is sent; all unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0.0, max = 1.0))]
    pub sample_rate: Option<f64>,
    /// What is sent of what callers said and were told.
    #[serde(default)]
    pub content_mode: ContentMode,
    /// The most bytes of it.
    #[serde(default = "content_max_bytes")]
    #[garde(range(min = 1, max = MAX_CONTENT_BYTES))]
    pub content_max_bytes: u32,
}

/// Alibaba Cloud's log service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct AliyunSls {
    /// Its name.
    pub name: Name,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The region's host, without a scheme; or http on this machine.
    #[garde(
        length(chars, min = 1, max = 253),
        pattern(
            r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.aliyuncs\.com$|^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?$"
        )
    )]
    pub endpoint: String,
    /// The project.
    #[garde(length(chars, min = 1, max = 255))]
    pub project: String,
    /// The store in it.
    #[garde(length(chars, min = 1, max = 255))]
    pub logstore: String,
    /// Which of the nodes' credentials are used.
    #[garde(length(chars, min = 1, max = 255))]
    pub credential_ref: String,
    /// What is sent of what callers said and were told.
    #[serde(default)]
    pub content_mode: ContentMode,
    /// The most bytes of it.
    #[serde(default = "content_max_bytes")]
    #[garde(range(min = 1, max = MAX_CONTENT_BYTES))]
    pub content_max_bytes: u32,
}

/// Files in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = [
    schema::given(&["credential_ref"]),
    schema::is("auth_mode", &["cloud_identity"]),
]))]
pub struct ObjectStore {
    /// Its name.
    pub name: Name,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whose bucket it is.
    pub provider: StoreProvider,
    /// The bucket.
    #[garde(length(chars, min = 1, max = 255))]
    pub bucket: String,
    /// What the files' names begin with.
    #[garde(length(chars, min = 1, max = 512))]
    pub prefix: String,
    /// The bucket's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 64))]
    pub region: Option<String>,
    /// Where it is spoken to, if not at the provider's usual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<SecureUrl>,
    /// How the files are packed.
    #[serde(default)]
    pub compression: Compression,
    /// How nodes show who they are.
    #[serde(default)]
    pub auth_mode: AuthMode,
    /// Which of the nodes' credentials are used, where `auth_mode` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255))]
    pub credential_ref: Option<String>,
}

/// See [`ObjectStore::provider`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreProvider {
    /// Amazon S3, or what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    AzureBlob,
}

/// See [`ObjectStore::compression`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// By gzip.
    #[default]
    Gzip,
    /// Not at all.
    None,
}

/// See [`ObjectStore::auth_mode`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// By credentials of their own.
    #[default]
    CredentialRef,
    /// By what the machine they run on is.
    CloudIdentity,
}

/// Datadog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Datadog {
    /// Its name.
    pub name: Name,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which site.
    #[garde(pattern(
        r"^(datadoghq\.com|us3\.datadoghq\.com|us5\.datadoghq\.com|datadoghq\.eu|ap1\.datadoghq\.com|ap2\.datadoghq\.com|ddog-gov\.com)$|^(127\.0\.0\.1|localhost)(:[0-9]{1,5})?$"
    ))]
    pub site: String,
    /// Which of the nodes' credentials are used.
    #[garde(length(chars, min = 1, max = 255))]
    pub credential_ref: String,
    /// What Datadog calls the service.
    #[garde(length(chars, min = 1, max = 100))]
    pub service: String,
    /// What Datadog calls the source.
    #[serde(default = "ddsource")]
    #[garde(length(chars, min = 1, max = 100))]
    pub ddsource: String,
    /// Tags that go along.
    #[serde(default)]
    #[garde(length(max = 100), inner(length(chars, min = 1, max = 200)))]
    pub tags: Vec<String>,
    /// What is sent of what callers said and were told.
    #[serde(default)]
    pub content_mode: ContentMode,
    /// The most bytes of it.
    #[serde(default = "content_max_bytes")]
    #[garde(range(min = 1, max = MAX_CONTENT_BYTES))]
    pub content_max_bytes: u32,
}

const fn yes() -> bool {
    true
}

const fn content_max_bytes() -> u32 {
    131_072
}

fn ddsource() -> String {
    "foldgate".to_owned()
}

impl Rules for OtlpHttp {
    fn check(&self) -> Result<(), Fault> {
        let mut lower = BTreeSet::new();
        for name in self.headers.keys() {
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+.^_`|~-".contains(c);
            if name.is_empty() || name.len() > 128 || !name.chars().all(token) {
                return Err(Fault::at("headers", format!("{name:?} names no header")));
            }
            if !lower.insert(name.to_ascii_lowercase()) {
                let problem = format!("{name:?} stands there twice, but for its case");
                return Err(Fault::at("headers", problem));
            }
        }
        Ok(())
    }
}

impl Rules for AliyunSls {}

impl Rules for ObjectStore {
    fn check(&self) -> Result<(), Fault> {
        if self.auth_mode == AuthMode::CredentialRef && self.credential_ref.is_none() {
            let problem = "is needed unless auth_mode is cloud_identity";
            return Err(Fault::at("credential_ref", problem));
        }
        Ok(())
    }
}

impl Rules for Datadog {}

impl Defined for ObservabilityExporter {
    const KIND: DefinitionKind = DefinitionKind::ObservabilityExporter;
    const EXAMPLE: &'static str = r#"{"name": "traces", "kind": "otlp_http",
        "endpoint": "https://otel.example.com/v1/traces"}"#;
    const SECRETS: &'static [&'static str] = &["/headers/*"];

    fn read(value: Value) -> Result<Self, Fault> {
        Self::form(value)
    }

    fn name(&self) -> Option<(&'static str, &str)> {
        Some(("name", self.title()))
    }

    fn check(&self) -> Result<(), Fault> {
        self.rules()
    }

    fn unenforced(&self) -> Vec<&'static str> {
        vec!["*"]
    }
}
