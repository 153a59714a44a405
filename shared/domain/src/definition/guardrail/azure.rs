//! Guardrails of Azure AI Content Safety.

use std::borrow::Cow;

use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{OnBufferExceeded, Rules, StreamProcessingMode, check_overlap, guardrail};
use crate::definition::Fault;
use crate::definition::text::{HttpUrl, Secret};

guardrail! {
    /// Prompt Shields.
    pub struct AzureContentSafety {
        /// The resource's endpoint.
        pub endpoint: HttpUrl,
        /// Its key.
        pub api_key: Secret,
        /// The most milliseconds a call may take; at 0 none succeeds.
        #[serde(default = "super::timeout_ms")]
        #[garde(range(max = u32::MAX))]
        pub timeout_ms: u32,
    }
}

impl Rules for AzureContentSafety {}

guardrail! {
    /// Moderation of text.
    pub struct AzureTextModeration {
        /// The resource's endpoint.
        pub endpoint: HttpUrl,
        /// Its key.
        pub api_key: Secret,
        /// What is looked for.
        #[serde(default = "all_categories")]
        #[garde(length(max = 4))]
        pub categories: Vec<HarmCategory>,
        /// How bad it must be.
        #[serde(default)]
        pub severity_threshold: Severity,
        /// The same for single categories.
        #[serde(default)]
        pub severity_threshold_by_category: SeverityThresholds,
        /// How finely it is measured.
        #[serde(default)]
        pub output_type: OutputType,
        /// The resource's blocklists that count.
        #[serde(default)]
        #[garde(length(max = 100), inner(length(chars, min = 1, max = 128)))]
        pub blocklist_names: Vec<String>,
        /// Whether a hit in a blocklist ends the look-up.
        #[serde(default)]
        pub halt_on_blocklist_hit: bool,
        /// Which messages are looked at.
        #[serde(default)]
        pub text_source: TextSource,
        /// How a streamed answer is judged.
        #[serde(default)]
        pub stream_processing_mode: StreamProcessingMode,
        /// The characters of a piece.
        #[serde(default = "window")]
        #[garde(range(min = 1, max = 10_000))]
        pub window_size: u32,
        /// The characters that a piece has in common with the one before.
        #[serde(default = "overlap")]
        #[garde(range(max = 9_999))]
        pub window_overlap_size: u32,
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

/// What Azure looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HarmCategory {
    /// Hate.
    Hate,
    /// Sex.
    Sexual,
    /// Self-harm.
    SelfHarm,
    /// Violence.
    Violence,
}

/// How bad something is: from 0 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Severity(u8);

impl Default for Severity {
    fn default() -> Self {
        Self(2)
    }
}

impl TryFrom<u8> for Severity {
    type Error = &'static str;

    fn try_from(severity: u8) -> Result<Self, Self::Error> {
        if severity > 7 {
            return Err("must be from 0 to 7");
        }
        Ok(Self(severity))
    }
}

impl JsonSchema for Severity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": 7 })
    }
}

/// See [`AzureTextModeration::severity_threshold_by_category`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct SeverityThresholds {
    /// Hate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hate: Option<Severity>,
    /// Sex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sexual: Option<Severity>,
    /// Self-harm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_harm: Option<Severity>,
    /// Violence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violence: Option<Severity>,
}

/// See [`AzureTextModeration::output_type`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OutputType {
    /// 0, 2, 4 and 6.
    #[default]
    FourSeverityLevels,
    /// 0 to 7.
    EightSeverityLevels,
}

/// See [`AzureTextModeration::text_source`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// What the user said.
    #[default]
    ConcatenateUserContent,
    /// All messages.
    ConcatenateAllContent,
}

fn all_categories() -> Vec<HarmCategory> {
    use HarmCategory::{Hate, SelfHarm, Sexual, Violence};
    vec![Hate, Sexual, SelfHarm, Violence]
}

const fn window() -> u32 {
    10_000
}

const fn overlap() -> u32 {
    256
}

impl Rules for AzureTextModeration {
    fn check(&self) -> Result<(), Fault> {
        check_overlap(self.window_overlap_size, self.window_size)
    }
}
