//! Guardrails that look for meanings.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rules, guardrail};
use crate::definition::{Fault, MAX_REGEX_CHARS, regexes};

guardrail! {
    /// Meanings that are looked for here.
    pub struct Semantic {
        /// What is looked for.
        #[garde(length(min = 1, max = 30), dive)]
        pub categories: Vec<SemanticCategory>,
    }
}

/// See [`Semantic::categories`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct SemanticCategory {
    /// What it is called where it is found.
    #[garde(length(chars, min = 1, max = 64))]
    pub name: String,
    /// What is meant.
    #[garde(length(chars, min = 1, max = 1000))]
    pub description: String,
    /// Regular expressions of texts that are looked at.
    #[garde(length(min = 1, max = 10), inner(length(chars, min = 1, max = MAX_REGEX_CHARS)))]
    pub candidate_patterns: Vec<String>,
    /// Regular expressions of texts that are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 20), inner(length(chars, min = 1, max = MAX_REGEX_CHARS)))]
    pub negative_patterns: Vec<String>,
    /// Words of which one of each group must stand near by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 10), dive)]
    pub hotword_groups: Vec<HotwordGroup>,
    /// How near the meaning must be: a cosine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = -1.0, max = 1.0))]
    pub threshold: Option<f64>,
    /// What happens to it: it is masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<OnlyMask>,
    /// What stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 256))]
    pub replacement: Option<String>,
}

/// See [`SemanticCategory::action`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnlyMask {
    /// It is masked.
    Mask,
}

/// See [`SemanticCategory::hotword_groups`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct HotwordGroup {
    /// The words.
    #[garde(length(min = 1, max = 50), inner(length(chars, min = 1, max = 256)))]
    pub terms: Vec<String>,
}

impl Rules for Semantic {
    fn check(&self) -> Result<(), Fault> {
        let categories = self.categories.iter().enumerate();
        regexes::check(categories.flat_map(|(index, category)| {
            let lists = [
                ("candidate_patterns", &category.candidate_patterns),
                ("negative_patterns", &category.negative_patterns),
            ];
            lists.into_iter().flat_map(move |(list, patterns)| {
                let patterns = patterns.iter().enumerate();
                patterns.map(move |(at, regex)| {
                    let path = format!("categories[{index}].{list}[{at}]");
                    (path, regex.as_str())
                })
            })
        }))
    }
}
