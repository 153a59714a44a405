//! Definitions: what an administrator defines beside keys and accounts (models,
//! guardrails, policies ...). They are many kinds but one form: a JSON value with a
//! name, whose meaning the domain's registry of kinds knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DefinitionId, DefinitionNumber, MaskedSecret, Rare, ResourceId, Revision, Timestamp};

/// A name as words, with abbreviations in capitals.
fn spoken(name: &str) -> String {
    let words = name.replace('_', " ");
    words.replace("mcp ", "MCP ").replace("a2a ", "A2A ")
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $plural:literal, $put:literal, $removed:literal;)*) => {
        /// What a definition defines.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum DefinitionKind {
            $($(#[$doc])* $variant,)*
        }

        impl DefinitionKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as histories print it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a list of them is called, in routes and in views of the state.
            pub const fn plural(self) -> &'static str {
                match self { $(Self::$variant => $plural,)* }
            }

            /// What histories call the event that made or changed one.
            pub const fn put(self) -> &'static str {
                match self { $(Self::$variant => $put,)* }
            }

            /// What histories call the event that removed one.
            pub const fn removed(self) -> &'static str {
                match self { $(Self::$variant => $removed,)* }
            }

            /// What sentences call one.
            pub fn spoken(self) -> String {
                spoken(self.as_str())
            }

            /// What sentences call several.
            pub fn spoken_plural(self) -> String {
                spoken(self.plural())
            }
        }
    };
}

kinds! {
    /// A named virtual model.
    Model = "model", "models", "ModelPut", "ModelRemoved";
    /// A rule on what may go in and out.
    Guardrail = "guardrail", "guardrails", "GuardrailPut", "GuardrailRemoved";
    /// Where a guardrail applies.
    GuardrailAttachment =
        "guardrail_attachment", "guardrail_attachments", "GuardrailAttachmentPut", "GuardrailAttachmentRemoved";
    /// Which answers are kept for how long.
    CachePolicy = "cache_policy", "cache_policies", "CachePolicyPut", "CachePolicyRemoved";
    /// A limit shared by what it names.
    RateLimitPolicy = "rate_limit_policy", "rate_limit_policies", "RateLimitPolicyPut", "RateLimitPolicyRemoved";
    /// Where records of calls go.
    ObservabilityExporter =
        "observability_exporter", "observability_exporters", "ObservabilityExporterPut", "ObservabilityExporterRemoved";
    /// A server of tools.
    McpServer = "mcp_server", "mcp_servers", "McpServerPut", "McpServerRemoved";
    /// An agent that other agents may call.
    A2aAgent = "a2a_agent", "a2a_agents", "A2aAgentPut", "A2aAgentRemoved";
}

impl fmt::Display for DefinitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no kind's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of definition")]
pub struct UnknownDefinitionKind;

impl FromStr for DefinitionKind {
    type Err = UnknownDefinitionKind;

    fn from_str(name: &str) -> Result<Self, UnknownDefinitionKind> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == name)
            .ok_or(UnknownDefinitionKind)
    }
}

/// A JSON object as text, in the form in which it was checked: what is stored is
/// what is shown, numbers to the digit.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(pub String);

impl JsonText {
    /// Whether it is an object without fields.
    pub fn is_empty(&self) -> bool {
        self.0 == "{}"
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Secrets by where they stand in a value, as JSON pointers; there the value holds
/// their masks.
pub type Secrets = BTreeMap<String, MaskedSecret>;

/// One definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its id for life.
    pub id: DefinitionId,
    /// What it defines.
    pub kind: DefinitionKind,
    /// Its number within the owner, over all kinds.
    pub number: DefinitionNumber,
    /// Its name, unique within its kind; empty for kinds that have none.
    pub name: String,
    /// All it says, its name too.
    pub value: JsonText,
    /// Its secrets.
    #[serde(default)]
    pub secrets: Rare<Secrets>,
    /// The resources it speaks of, which stay as long as it does.
    #[serde(default)]
    pub refers: Rare<BTreeSet<ResourceId>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The revision that last changed it.
    pub revision: Revision,
}
