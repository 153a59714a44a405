//! Agents that other agents may call (A2A). They are stored and validated; nothing
//! calls them yet.

use foldgate_proto::DefinitionKind;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::{HttpUrl, Secret, Segment};
use super::{Defined, Fault, decoded, schema, settled};

/// An agent. Its name is given as `name` or, as it was once called, as
/// `display_name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("allOf" = [
    schema::any([schema::given(&["name"]), schema::given(&["display_name"])]),
    schema::any([
        schema::all([schema::is_default("auth_type", &["none"]), schema::absent(&["secret"])]),
        schema::all([
            schema::is("auth_type", &["bearer", "api_key"]),
            schema::given(&["secret"]),
        ]),
    ]),
]))]
pub struct A2aAgent {
    /// Its name, one segment of the path it is called at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Segment>,
    /// The same; stored as `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Segment>,
    /// Where it is spoken to.
    pub url: HttpUrl,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The version of the protocol it speaks.
    #[serde(default)]
    pub protocol_version: A2aProtocolVersion,
    /// How calls of it show who they are from.
    #[serde(default)]
    pub auth_type: A2aAuthType,
    /// What they show: the token or the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The most milliseconds a call may take; at most a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 86_400_000))]
    pub timeout_ms: Option<u64>,
}

/// See [`A2aAgent::auth_type`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum A2aAuthType {
    /// Not at all.
    #[default]
    None,
    /// By a bearer token.
    Bearer,
    /// By a key in the header `x-api-key`.
    ApiKey,
}

/// See [`A2aAgent::protocol_version`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum A2aProtocolVersion {
    /// 1.0.
    #[default]
    #[serde(rename = "1.0")]
    V1,
    /// 0.3.
    #[serde(rename = "0.3")]
    V03,
}

const fn yes() -> bool {
    true
}

impl Defined for A2aAgent {
    const KIND: DefinitionKind = DefinitionKind::A2aAgent;
    const EXAMPLE: &'static str = r#"{"name": "helper", "url": "https://agent.example.com"}"#;
    const SECRETS: &'static [&'static str] = &["/secret"];

    fn read(value: Value) -> Result<Self, Fault> {
        let mut read: Self = decoded(value)?;
        settled(&mut read.name, &mut read.display_name)?;
        Ok(read)
    }

    fn name(&self) -> Option<(&'static str, &str)> {
        self.name.as_ref().map(|name| ("name", name.as_str()))
    }

    fn check(&self) -> Result<(), Fault> {
        let secret = self.secret.is_some();
        match self.auth_type {
            A2aAuthType::None if secret => {
                Err(Fault::at("secret", "goes with auth_type bearer or api_key"))
            }
            A2aAuthType::Bearer | A2aAuthType::ApiKey if !secret => {
                Err(Fault::at("secret", "is needed for this auth_type"))
            }
            _ => Ok(()),
        }
    }

    fn unenforced(&self) -> Vec<&'static str> {
        vec!["*"]
    }
}
