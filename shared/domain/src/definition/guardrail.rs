//! Guardrails: rules on what may go in and out, of several kinds. They are stored
//! and validated; nothing acts on them yet.
//!
//! Bounds that are ours, as the public contract has none: [`MAX_PATTERNS`] and the
//! like, names of at most 120 characters, texts and lists below.

use foldgate_proto::DefinitionKind;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tagged::{Rules, tagged};
use super::{Defined, Fault};

mod aliyun;
mod azure;
mod local;
mod remote;
mod semantic;

pub use aliyun::{AliyunAiGuardrail, AliyunTextModeration, RiskLevel};
pub use azure::{
    AzureContentSafety, AzureTextModeration, HarmCategory, OutputType, Severity,
    SeverityThresholds, TextSource,
};
pub use local::{Keyword, Pattern, PatternText, Pii, PiiDetector, PiiKind, PiiPattern};
pub use remote::{
    AwsCredentials, Bedrock, Lakera, LatencyMode, MaskOperator, OpenaiModeration, Presidio,
    PresidioEntity, Serial, StaticCredentials, Timed,
};
pub use semantic::{HotwordGroup, OnlyMask, Semantic, SemanticCategory};

/// The most patterns of a kind that one guardrail holds; all expressions of one
/// together are bounded by [`super::MAX_REGEX_MEMORY`] besides.
pub const MAX_PATTERNS: usize = 1000;

/// The most bytes of an answer that a guardrail holds back: 16 MiB.
pub const MAX_BUFFER_BYTES: u64 = 16 * 1024 * 1024;

/// A guardrail of some kind, with what all kinds have in common.
macro_rules! guardrail {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
        #[serde(deny_unknown_fields)]
        #[garde(allow_unvalidated)]
        pub struct $name {
            /// Its name.
            pub name: crate::definition::text::Name,
            /// Whether it is on.
            #[serde(default = "crate::definition::guardrail::yes")]
            pub enabled: bool,
            /// Whether it looks at what goes in, what comes out, or both.
            #[serde(default)]
            pub hook_point: crate::definition::guardrail::Side,
            /// A hint for attachments; `hook_point` is what counts.
            #[serde(default)]
            pub direction: crate::definition::guardrail::Side,
            /// Whether it blocks, or only tells what it would have blocked.
            #[serde(default)]
            pub enforcement_mode: crate::definition::guardrail::EnforcementMode,
            /// Whether what goes in passes while the service that judges it does not
            /// answer.
            #[serde(default = "crate::definition::guardrail::yes")]
            pub fail_open: bool,
            /// The same for what comes out.
            #[serde(default)]
            pub output_fail_open: bool,
            /// Whether nothing passes while the service does not answer, whatever
            /// `fail_open` says.
            #[serde(default)]
            pub mandatory: bool,
            /// When it was made, elsewhere: guardrails are asked from oldest to newest,
            /// those that do not say last.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub created_at: Option<crate::definition::text::Moment>,
            $($fields)*
        }
    };
}

use guardrail;

/// The side of a call that a guardrail looks at.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GuardrailSide")]
pub enum Side {
    /// What goes in.
    Input,
    /// What comes out.
    Output,
    /// Both.
    #[default]
    Both,
}

/// What happens where a guardrail finds something.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementMode {
    /// The call is refused, or what was found is masked.
    #[default]
    Block,
    /// It is told, and nothing else.
    Monitor,
}

/// What happens to something that was found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundAction {
    /// It is masked.
    #[default]
    Mask,
    /// The call is refused.
    Block,
}

/// What happens to an answer that outgrows what is held back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBufferExceeded {
    /// It is refused.
    #[default]
    FailClosed,
    /// It passes unseen.
    FailOpen,
}

/// How a streamed answer is judged.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamProcessingMode {
    /// Piece by piece, overlapping.
    #[default]
    Window,
    /// As a whole.
    BufferFull,
}

const fn yes() -> bool {
    true
}

const fn timeout_ms() -> u32 {
    5000
}

const fn max_buffer_bytes() -> u64 {
    262_144
}

/// Pieces overlap by less than their size, or there is no next one.
fn check_overlap(overlap: u32, size: u32) -> Result<(), Fault> {
    if overlap < size {
        return Ok(());
    }
    let problem = format!("must be less than window_size, which is {size}");
    Err(Fault::at("window_overlap_size", problem))
}

tagged! {
    /// A guardrail.
    pub enum Guardrail {
        /// Words and expressions that are looked for here.
        Keyword(Keyword) = "keyword",
        /// A guardrail of Amazon Bedrock.
        Bedrock(Bedrock) = "bedrock",
        /// Azure AI Content Safety's Prompt Shields.
        AzureContentSafety(AzureContentSafety) = "azure_content_safety",
        /// Azure AI Content Safety's moderation of text.
        AzureTextModeration(AzureTextModeration) = "azure_content_safety_text_moderation",
        /// Alibaba Cloud's moderation of text.
        AliyunTextModeration(AliyunTextModeration) = "aliyun_text_moderation",
        /// Alibaba Cloud's AI guardrail.
        AliyunAiGuardrail(AliyunAiGuardrail) = "aliyun_ai_guardrail",
        /// Personal data that is looked for here.
        Pii(Pii) = "pii",
        /// Lakera Guard.
        Lakera(Lakera) = "lakera",
        /// OpenAI's moderation.
        OpenaiModeration(OpenaiModeration) = "openai_moderation",
        /// Microsoft Presidio.
        Presidio(Presidio) = "presidio",
        /// Meanings that are looked for here.
        Semantic(Semantic) = "semantic",
    }
}

impl Defined for Guardrail {
    const KIND: DefinitionKind = DefinitionKind::Guardrail;
    const EXAMPLE: &'static str = r#"{"name": "no-keys", "kind": "keyword",
        "patterns": [{"kind": "literal", "value": "BEGIN PRIVATE KEY"}]}"#;
    const SECRETS: &'static [&'static str] = &[
        "/api_key",
        "/access_key_secret",
        "/aws_credentials/secret_access_key",
    ];

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
