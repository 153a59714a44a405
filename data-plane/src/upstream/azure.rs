//! Azure OpenAI. Models are deployments there; which one a model leads to is the
//! key's `model_mapping`. Where that is empty, deployments are called as models are.
//!
//! | Provider ends in | an endpoint that knows deployments | any other |
//! |---|---|---|
//! | anything | `/openai/deployments/{deployment}/{op}?api-version=` | `/openai/{op}?api-version=`, `model` is the deployment |
//! | `/openai/v1` | `/openai/v1/{op}`, `model` is the deployment | the same |

use std::collections::BTreeMap;

use foldgate_domain::pattern::PatternMap;
use foldgate_domain::upstream_url::ProviderUrl;

use super::segment::{segment, value, with_query};
use super::{Address, Ask, Auth, BodyEdit, Unserved};
use crate::dialect::Target;

/// The operations that have the deployment in the path; every other one has it in
/// the body (as OpenAI's own client does it).
const DEPLOYED: [&str; 8] = [
    "chat/completions",
    "completions",
    "embeddings",
    "audio/transcriptions",
    "audio/translations",
    "audio/speech",
    "images/generations",
    "images/edits",
];

/// The versions for what `api_versions` does not name, by the first part of the
/// operation.
const VERSIONS: [(&str, &str); 5] = [
    ("chat", "2025-01-01-preview"),
    ("embeddings", "2024-02-01"),
    ("responses", "2025-04-01-preview"),
    ("audio", "2025-03-01-preview"),
    ("images", "2025-04-01-preview"),
];

/// The first version that knows `stream_options` and `max_completion_tokens`.
const NEWER: &str = "2024-09-01";

/// The version of everything else.
const ANY_VERSION: &str = "2025-04-01-preview";

/// An Azure key's upstream.
#[derive(Clone)]
pub(crate) struct Azure {
    /// Up to and with `/openai`, or `/openai/v1`; no slash at its end.
    base: String,
    is_v1: bool,
    deployments: PatternMap<String>,
    versions: BTreeMap<String, String>,
}

impl Azure {
    pub(super) fn new(
        base: &ProviderUrl,
        mapping: &BTreeMap<String, String>,
        versions: &BTreeMap<String, String>,
    ) -> Self {
        let text = base.as_str();
        let is_v1 = text.ends_with("/openai/v1");
        let base = if is_v1 || text.ends_with("/openai") {
            text.to_owned()
        } else {
            format!("{text}/openai")
        };
        let mapping = mapping.iter();
        Self {
            base,
            is_v1,
            deployments: PatternMap::new(mapping.map(|(from, to)| (from.as_str(), to.clone()))),
            versions: versions.clone(),
        }
    }

    pub(super) fn address(&self, ask: &Ask<'_>) -> Result<Address, Unserved> {
        if ask.dialect != Target::OpenAi {
            return Err(Unserved::Dialect);
        }
        let op = match ask.path {
            "/v1/messages" => "chat/completions",
            path => path.strip_prefix("/v1/").ok_or(Unserved::Endpoint)?,
        };
        let deployment = self.deployment(ask.model)?;
        let version = self.version(op);
        // Dates sort as texts do; the v1 shape has other words, which are newer.
        let old_version = matches!(op, "chat/completions" | "completions")
            && version.is_some_and(|version| version < NEWER);
        let version = version.map(|version| format!("api-version={}", value(version)));
        let in_query = |name: &str| deployment.map(|of| format!("{name}={}", value(of)));
        let base = &self.base;
        let (url, named) = match op {
            "realtime" => {
                let model = in_query(if self.is_v1 { "model" } else { "deployment" });
                (format!("{base}/{op}"), model)
            }
            _ if self.is_v1 || !DEPLOYED.contains(&op) => {
                let url = with_query(format!("{base}/{op}"), [version.as_deref(), ask.query]);
                let body = BodyEdit {
                    old_version,
                    ..deployment.map(BodyEdit::name).unwrap_or_default()
                };
                return Address::with(&url, Auth::ApiKey, body);
            }
            _ => {
                let deployment = segment(deployment.ok_or(Unserved::NoModel)?);
                (format!("{base}/deployments/{deployment}/{op}"), None)
            }
        };
        let url = with_query(url, [version.as_deref(), named.as_deref(), ask.query]);
        let body = BodyEdit {
            old_version,
            ..BodyEdit::default()
        };
        Address::with(&url, Auth::ApiKey, body)
    }

    /// The deployment of a model; `None` where the call has no model.
    fn deployment<'a>(&'a self, model: &'a str) -> Result<Option<&'a str>, Unserved> {
        if model.is_empty() {
            return Ok(None);
        }
        if self.deployments.is_empty() {
            return Ok(Some(model));
        }
        let found = self.deployments.get(model);
        let (_, deployment) = found.ok_or(Unserved::NoDeployment)?;
        Ok(Some(deployment.as_str()))
    }

    /// The version of an operation: as `api_versions` names it, in full or by its
    /// first part. The v1 shape needs none.
    fn version(&self, op: &str) -> Option<&str> {
        let first = op.split('/').next().unwrap_or(op);
        let named = [op, first];
        let given = named.iter().find_map(|name| self.versions.get(*name));
        if self.is_v1 || given.is_some() {
            return given.map(String::as_str);
        }
        let known = VERSIONS.iter().find(|(name, _)| *name == first);
        Some(known.map_or(ANY_VERSION, |(_, version)| *version))
    }
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Azure")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
