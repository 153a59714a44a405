//! Guardrails that ask other services.

use std::collections::BTreeMap;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{FoundAction, OnBufferExceeded, Rules, guardrail};
use crate::definition::Fault;
use crate::definition::tagged::forms;
use crate::definition::text::{HttpUrl, Line, Secret};

guardrail! {
    /// A guardrail of Amazon Bedrock.
    pub struct Bedrock {
        /// Its id there.
        #[garde(length(chars, min = 1, max = 64))]
        pub guardrail_id: String,
        /// Its version there.
        #[garde(length(chars, min = 1, max = 16))]
        pub guardrail_version: String,
        /// The region it is in.
        #[garde(length(chars, min = 1, max = 64))]
        pub region: String,
        /// Who asks.
        #[garde(dive)]
        pub aws_credentials: AwsCredentials,
        /// How long it is waited for.
        #[garde(dive)]
        pub latency_mode: LatencyMode,
    }
}

impl Rules for Bedrock {}

/// See [`Bedrock::aws_credentials`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AwsCredentials {
    /// An access key.
    Static(StaticCredentials),
}

forms!(AwsCredentials: Static);

/// See [`AwsCredentials::Static`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct StaticCredentials {
    /// The access key.
    #[garde(length(chars, min = 1, max = 128))]
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
}

/// See [`Bedrock::latency_mode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LatencyMode {
    /// Until it answers.
    Serial(Serial),
    /// For a time.
    Timed(Timed),
}

forms!(LatencyMode: Serial, Timed);

/// See [`LatencyMode::Serial`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Serial {}

/// See [`LatencyMode::Timed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// The most milliseconds.
    #[garde(range(min = 100, max = 5000))]
    pub timeout_ms: u32,
}

guardrail! {
    /// Lakera Guard.
    pub struct Lakera {
        /// Its key.
        pub api_key: Secret,
        /// Where it is spoken to, if not at the usual address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub endpoint: Option<HttpUrl>,
        /// The project whose policy counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[garde(length(chars, min = 1, max = 255))]
        pub project_id: Option<String>,
        /// The most bytes of an answer that are held back.
        #[serde(default = "super::max_buffer_bytes")]
        #[garde(range(min = 1, max = super::MAX_BUFFER_BYTES))]
        pub max_buffer_bytes: u64,
        /// What happens beyond them.
        #[serde(default)]
        pub on_buffer_exceeded: OnBufferExceeded,
        /// The most milliseconds a call may take; at 0 none succeeds.
        #[serde(default = "super::timeout_ms")]
        #[garde(range(max = u32::MAX))]
        pub timeout_ms: u32,
    }
}

impl Rules for Lakera {}

guardrail! {
    /// OpenAI's moderation.
    pub struct OpenaiModeration {
        /// Its key.
        pub api_key: Secret,
        /// Where it is spoken to, if not at the usual address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub endpoint: Option<HttpUrl>,
        /// The model that judges.
        #[serde(default = "omni")]
        #[garde(length(chars, min = 1, max = 255))]
        pub model: String,
        /// How sure it must be of single categories.
        #[serde(default)]
        #[garde(length(max = 64))]
        #[schemars(extend(
            "maxProperties" = 64,
            "additionalProperties" = json!({ "type": "number", "minimum": 0, "maximum": 1 }),
            "propertyNames" = json!({ "minLength": 1, "maxLength": 64 })
        ))]
        pub category_thresholds: BTreeMap<String, f64>,
        /// The most milliseconds a call may take; at 0 none succeeds.
        #[serde(default = "super::timeout_ms")]
        #[garde(range(max = u32::MAX))]
        pub timeout_ms: u32,
    }
}

impl Rules for OpenaiModeration {
    fn check(&self) -> Result<(), Fault> {
        for (name, threshold) in &self.category_thresholds {
            if name.is_empty() || name.chars().nth(64).is_some() {
                let problem = format!("{name:?} is no category: 1 to 64 characters");
                return Err(Fault::at("category_thresholds", problem));
            }
            if !(0.0..=1.0).contains(threshold) {
                let path = format!("category_thresholds.{name}");
                return Err(Fault::at(path, "is not from 0 to 1"));
            }
        }
        Ok(())
    }
}

guardrail! {
    /// Microsoft Presidio.
    pub struct Presidio {
        /// Where its analyzer is spoken to.
        pub analyzer_url: HttpUrl,
        /// Where its anonymizer is spoken to.
        pub anonymizer_url: HttpUrl,
        /// The language of what is looked at.
        #[serde(default = "english")]
        #[garde(length(chars, min = 1, max = 35))]
        pub language: String,
        /// What is looked for; empty is all that Presidio knows.
        #[serde(default)]
        #[garde(length(max = 200))]
        pub entities: Vec<PresidioEntity>,
        /// How sure it must be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[garde(range(min = 0.0, max = 1.0))]
        pub score_threshold: Option<f64>,
        /// What happens to what is found, where its own entry does not say.
        #[serde(default)]
        pub default_action: FoundAction,
        /// How it is masked.
        #[serde(default)]
        pub operator: MaskOperator,
        /// The most bytes of an answer that are held back.
        #[serde(default = "super::max_buffer_bytes")]
        #[garde(range(min = 1, max = super::MAX_BUFFER_BYTES))]
        pub max_buffer_bytes: u64,
        /// What happens beyond them.
        #[serde(default)]
        pub on_buffer_exceeded: OnBufferExceeded,
        /// The most milliseconds a call may take; at 0 none succeeds.
        #[serde(default = "super::timeout_ms")]
        #[garde(range(max = u32::MAX))]
        pub timeout_ms: u32,
    }
}

impl Rules for Presidio {}

/// See [`Presidio::entities`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresidioEntity {
    /// What is looked for, as Presidio calls it.
    #[serde(rename = "type")]
    pub sort: Line,
    /// What happens to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<FoundAction>,
}

/// See [`Presidio::operator`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaskOperator {
    /// By the name of what it was.
    #[default]
    Replace,
    /// By stars.
    Mask,
    /// By a hash.
    Hash,
    /// By nothing.
    Redact,
}

fn omni() -> String {
    "omni-moderation-latest".to_owned()
}

fn english() -> String {
    "en".to_owned()
}
