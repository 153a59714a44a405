//! Cache policies: which answers are kept for how long. They are stored and
//! validated; nothing is kept yet.

use std::collections::BTreeSet;

use foldgate_proto::{DefinitionKind, ResourceId};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lookup::Lookup;
use super::text::{Name, SCOPE, seemly};
use super::{Defined, Fault};
use crate::OwnerState;

/// The length of an id as it is usually written.
const UUID_CHARS: usize = 36;

/// Which answers are kept for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CachePolicy {
    /// Its name.
    pub name: Name,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whose calls it is about: `all`, `model:` with a Model's id or with the name that
    /// callers ask for, or `api_key:` with a caller key's id. A name need be nobody's yet;
    /// a Model that has it stays while it is named.
    #[serde(default = "all")]
    #[garde(length(chars, min = 1, max = 255), custom(scope))]
    #[schemars(regex(pattern = SCOPE))]
    pub applies_to: String,
    /// Where answers are kept.
    #[serde(default)]
    pub backend: CacheBackend,
    /// Who shares them.
    #[serde(default)]
    pub scope: CacheScope,
    /// The most seconds for which they are kept.
    #[serde(default = "an_hour")]
    #[garde(range(min = 1, max = 604_800))]
    pub ttl_seconds: u32,
    /// Raising it forgets what was kept.
    #[serde(default)]
    #[garde(range(max = u32::MAX))]
    pub purge_generation: u32,
    /// Answers to what means the same count too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub semantic: Option<SemanticCache>,
}

/// See [`CachePolicy::backend`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheBackend {
    /// In each node's memory.
    #[default]
    Memory,
    /// In Redis.
    Redis,
}

/// See [`CachePolicy::scope`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheScope {
    /// The calls of one caller key.
    #[default]
    ApiKey,
    /// All of the owner's.
    Env,
}

/// See [`CachePolicy::semantic`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SemanticCache {
    /// The model that tells what is meant, by the name that callers use.
    #[garde(length(chars, min = 1, max = 255))]
    pub embedding_model: String,
    /// The most milliseconds it may take; at most ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 600_000))]
    pub embedding_timeout_ms: Option<u64>,
    /// The most answers that are kept.
    #[serde(default = "a_thousand")]
    #[garde(range(min = 1, max = 10_000))]
    pub max_entries: u32,
    /// How near the meaning must be.
    #[garde(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
}

/// Whose calls a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo<'p> {
    /// Everybody's.
    All,
    /// Those for the model of this name, as callers ask for it: a Model, or one that
    /// LEVEL_MAPPER leads on.
    Named(&'p str),
    /// Those for this Model, whatever it is called.
    Model(Uuid),
    /// Those with this caller key.
    ApiKey(Uuid),
}

impl<'p> AppliesTo<'p> {
    /// Reads [`CachePolicy::applies_to`].
    ///
    /// # Errors
    /// What is none of the known scopes; which those are is said.
    pub fn read(text: &'p str) -> Result<Self, String> {
        let known = "all, model:<name or id> and api_key:<id>";
        if text == "all" {
            return Ok(Self::All);
        }
        match text.split_once(':') {
            Some(("model", "")) => Err(format!("model: needs a model's name; there are {known}")),
            Some(("model", name)) => match (Uuid::parse_str(name), seemly(name)) {
                // Written otherwise, 32 digits may be a name.
                (Ok(id), _) if name.len() == UUID_CHARS => Ok(Self::Model(id)),
                (_, Ok(())) => Ok(Self::Named(name)),
                (_, Err(problem)) => Err(format!("the model's name {problem}")),
            },
            Some(("api_key", id)) => Uuid::parse_str(id)
                .map(Self::ApiKey)
                .map_err(|_| format!("api_key: needs an api key's id; there are {known}")),
            _ => Err(format!("unknown scope {text:?}; there are {known}")),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
fn scope(text: &str, _: &()) -> garde::Result {
    AppliesTo::read(text).map(|_| ()).map_err(garde::Error::new)
}

const fn yes() -> bool {
    true
}

fn all() -> String {
    "all".to_owned()
}

const fn an_hour() -> u32 {
    3600
}

const fn a_thousand() -> u32 {
    1000
}

impl Defined for CachePolicy {
    const KIND: DefinitionKind = DefinitionKind::CachePolicy;
    const EXAMPLE: &'static str = r#"{"name": "an hour", "ttl_seconds": 3600}"#;
    const NAMES_FREELY: bool = true;

    fn name(&self) -> Option<(&'static str, &str)> {
        Some(("name", self.name.as_str()))
    }

    fn names(&self) -> Vec<&str> {
        let semantic = self
            .semantic
            .as_ref()
            .map(|one| one.embedding_model.as_str());
        let about = match AppliesTo::read(&self.applies_to) {
            Ok(AppliesTo::Named(name)) => Some(name),
            _ => None,
        };
        about.into_iter().chain(semantic).collect()
    }

    /// A caller key or a Model by its id; models are named as callers name them, so that
    /// none need be there.
    fn refers(&self, owner: &OwnerState) -> Result<BTreeSet<ResourceId>, Fault> {
        let mut lookup = Lookup::new(owner);
        match AppliesTo::read(&self.applies_to) {
            Ok(AppliesTo::ApiKey(id)) => lookup.caller_key("applies_to", id),
            Ok(AppliesTo::Model(id)) => {
                lookup.definition("applies_to", DefinitionKind::Model, id)?;
            }
            _ => {}
        }
        lookup.finish()
    }

    fn unenforced(&self) -> Vec<&'static str> {
        vec!["*"]
    }
}
