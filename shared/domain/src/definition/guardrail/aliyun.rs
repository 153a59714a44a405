//! Guardrails of Alibaba Cloud.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OnBufferExceeded, Rules, StreamProcessingMode, check_overlap, guardrail};
use crate::definition::Fault;
use crate::definition::text::{HttpUrl, Secret};

/// What both have in common.
macro_rules! aliyun {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        guardrail! {
            $(#[$meta])*
            pub struct $name {
                /// The region that is asked.
                #[garde(length(chars, min = 1, max = 64))]
                pub region: String,
                /// Where it is spoken to, if not at the region's usual address.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub endpoint: Option<HttpUrl>,
                /// The access key.
                #[garde(length(chars, min = 1, max = 128))]
                pub access_key_id: String,
                /// Its secret.
                pub access_key_secret: Secret,
                /// How a streamed answer is judged.
                #[serde(default)]
                pub stream_processing_mode: StreamProcessingMode,
                /// The characters of a piece.
                #[serde(default = "window")]
                #[garde(range(min = 1, max = 2000))]
                pub window_size: u32,
                /// The characters that a piece has in common with the one before.
                #[serde(default = "overlap")]
                #[garde(range(max = 1999))]
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
                $($fields)*
            }
        }

        impl Rules for $name {
            fn check(&self) -> Result<(), Fault> {
                check_overlap(self.window_overlap_size, self.window_size)
            }
        }
    };
}

aliyun! {
    /// Moderation of text.
    pub struct AliyunTextModeration {
        /// How grave it must be.
        #[serde(default)]
        pub risk_level_threshold: RiskLevel,
    }
}

aliyun! {
    /// The AI guardrail.
    pub struct AliyunAiGuardrail {
        /// The level of service that is asked.
        #[serde(default = "pro")]
        #[garde(length(chars, min = 1, max = 64))]
        pub service_level: String,
    }
}

/// See [`AliyunTextModeration::risk_level_threshold`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    #[default]
    High,
}

fn pro() -> String {
    "pro".to_owned()
}

const fn window() -> u32 {
    2000
}

const fn overlap() -> u32 {
    128
}
