//! Attachments: where guardrails apply. They are stored and validated; nothing acts
//! on them yet. Routes that pass calls through are not offered, and neither is the
//! scope `passthrough_route`.

use std::collections::BTreeSet;

use foldgate_proto::{DefinitionKind, ResourceId};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lookup::Lookup;
use super::{Defined, Fault, schema};
use crate::OwnerState;

/// Where a guardrail applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = [
    schema::is("scope_type", &["env"]),
    schema::given(&["scope_id"]),
]))]
pub struct GuardrailAttachment {
    /// The guardrail, by its id.
    pub guardrail_id: Uuid,
    /// Where it applies.
    pub scope_type: GuardrailScope,
    /// To which of them, by its id. Of `env` there is one: none is named, or the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_id: Option<Uuid>,
    /// The owner, if it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_id: Option<Uuid>,
    /// Of several attachments of one guardrail, that of the greatest priority counts.
    #[garde(range(min = i32::MIN, max = i32::MAX))]
    pub priority: i32,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// See [`GuardrailAttachment::scope_type`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailScope {
    /// To all calls of the owner's accounts.
    Env,
    /// To calls for a Model.
    Model,
    /// To calls of an MCP server's tools.
    McpServer,
    /// To calls with a caller key.
    ApiKey,
    /// To calls of an account and all below it.
    Team,
}

const fn yes() -> bool {
    true
}

impl GuardrailAttachment {
    fn check_env(&self, owner: &OwnerState) -> Result<(), Fault> {
        let env = self.scope_type == GuardrailScope::Env;
        let named = [
            ("env_id", self.env_id),
            ("scope_id", self.scope_id.filter(|_| env)),
        ];
        for (field, id) in named {
            if id.is_some_and(|id| id != owner.id.0) {
                return Err(Fault::at(field, "is not the owner's id"));
            }
        }
        Ok(())
    }
}

impl Defined for GuardrailAttachment {
    const KIND: DefinitionKind = DefinitionKind::GuardrailAttachment;
    const EXAMPLE: &'static str = r#"{"scope_type": "env", "priority": 0,
        "guardrail_id": "01920000-0000-7000-8000-000000000001"}"#;
    const IS_TIE: bool = true;

    fn name(&self) -> Option<(&'static str, &str)> {
        None
    }

    fn refers(&self, owner: &OwnerState) -> Result<BTreeSet<ResourceId>, Fault> {
        self.check_env(owner)?;
        let mut lookup = Lookup::new(owner);
        lookup.definition("guardrail_id", DefinitionKind::Guardrail, self.guardrail_id)?;
        if self.scope_type == GuardrailScope::Env {
            return lookup.finish();
        }
        let Some(id) = self.scope_id else {
            return Err(Fault::at("scope_id", "is needed unless scope_type is env"));
        };
        match self.scope_type {
            GuardrailScope::Env => {}
            GuardrailScope::Model => lookup.definition("scope_id", DefinitionKind::Model, id)?,
            GuardrailScope::McpServer => {
                lookup.definition("scope_id", DefinitionKind::McpServer, id)?;
            }
            GuardrailScope::ApiKey => lookup.caller_key("scope_id", id),
            GuardrailScope::Team => lookup.account("scope_id", id),
        }
        lookup.finish()
    }

    fn unenforced(&self) -> Vec<&'static str> {
        vec!["*"]
    }
}
