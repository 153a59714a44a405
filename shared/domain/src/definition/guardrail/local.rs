//! Guardrails that need no service: words, expressions and personal data.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FoundAction, OnBufferExceeded, Rules, guardrail};
use crate::definition::tagged::forms;
use crate::definition::{Fault, MAX_REGEX_CHARS, regexes};

guardrail! {
    /// Words and expressions that are looked for here.
    pub struct Keyword {
        /// What is looked for.
        #[garde(length(min = 1, max = super::MAX_PATTERNS), dive)]
        pub patterns: Vec<Pattern>,
    }
}

/// Something that is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(rename = "KeywordPattern")]
pub enum Pattern {
    /// A text, as it is.
    Literal(PatternText),
    /// A regular expression.
    Regex(PatternText),
}

forms!(Pattern: Literal, Regex);

/// See [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PatternText {
    /// The text.
    #[garde(length(chars, min = 1, max = MAX_REGEX_CHARS))]
    pub value: String,
}

impl Rules for Keyword {
    fn check(&self) -> Result<(), Fault> {
        let patterns = self.patterns.iter().enumerate();
        regexes::check(patterns.filter_map(|(index, pattern)| match pattern {
            Pattern::Literal(_) => None,
            Pattern::Regex(regex) => {
                Some((format!("patterns[{index}].value"), regex.value.as_str()))
            }
        }))
    }
}

guardrail! {
    /// Personal data that is looked for here.
    pub struct Pii {
        /// Sorts of data.
        #[serde(default)]
        #[garde(length(max = 100))]
        pub detectors: Vec<PiiDetector>,
        /// Expressions of the owner's own.
        #[serde(default)]
        #[garde(length(max = 100), dive)]
        pub custom_patterns: Vec<PiiPattern>,
        /// What happens to what is found, where its own entry does not say.
        #[serde(default)]
        pub default_action: FoundAction,
        /// The most bytes of an answer that are held back.
        #[serde(default = "super::max_buffer_bytes")]
        #[garde(range(min = 1, max = super::MAX_BUFFER_BYTES))]
        pub max_buffer_bytes: u64,
        /// What happens beyond them.
        #[serde(default)]
        pub on_buffer_exceeded: OnBufferExceeded,
    }
}

/// See [`Pii::detectors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PiiDetector {
    /// What is looked for.
    #[serde(rename = "type")]
    pub sort: PiiKind,
    /// What happens to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<FoundAction>,
}

/// Sorts of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PiiKind {
    /// E-mail addresses.
    Email,
    /// Chinese mobile numbers.
    ChinaMobile,
    /// Chinese identity cards.
    ChinaIdCard,
    /// Bank cards.
    BankCard,
    /// Social security numbers of the United States.
    UsSsn,
    /// IP addresses.
    IpAddress,
    /// Keys of APIs.
    ApiKey,
    /// JSON web tokens.
    Jwt,
    /// Private keys.
    PrivateKey,
}

/// See [`Pii::custom_patterns`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PiiPattern {
    /// What it is called where it is found.
    #[garde(length(chars, min = 1, max = 64))]
    pub name: String,
    /// The regular expression.
    #[garde(length(chars, min = 1, max = MAX_REGEX_CHARS))]
    pub regex: String,
    /// What happens to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<FoundAction>,
    /// What stands in its place once it is masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 256))]
    pub replacement: Option<String>,
}

impl Rules for Pii {
    fn check(&self) -> Result<(), Fault> {
        let patterns = self.custom_patterns.iter().enumerate();
        regexes::check(patterns.map(|(index, pattern)| {
            let path = format!("custom_patterns[{index}].regex");
            (path, pattern.regex.as_str())
        }))
    }
}
