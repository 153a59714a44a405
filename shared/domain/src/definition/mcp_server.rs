//! Servers of tools (MCP), and APIs whose operations become tools. They are stored
//! and validated; nothing calls them yet.

use foldgate_proto::DefinitionKind;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::text::{HttpUrl, Prefix, Secret};
use super::{Defined, Fault, decoded, schema, settled};

/// A server of tools. Its name is given as `name` or, as it was once called, as
/// `display_name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("allOf" = rules()))]
pub struct McpServer {
    /// Its name: tools are called `<name>__<tool>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Prefix>,
    /// The same; stored as `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Prefix>,
    /// What it is.
    #[serde(rename = "type", default)]
    pub sort: McpServerType,
    /// Where it is spoken to.
    pub url: HttpUrl,
    /// Whether it is on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How it is spoken to.
    #[serde(default)]
    pub transport: McpTransport,
    /// The version of the protocol; the one it offers unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<McpProtocolVersion>,
    /// How calls of it show who they are from.
    #[serde(default)]
    pub auth_type: McpAuthType,
    /// What they show: the token, the key or, for `oauth2`, the client's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The header in which the key goes to an `openapi` server; `x-api-key` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(
        length(chars, min = 1, max = 128),
        pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    )]
    pub api_key_header: Option<String>,
    /// The client, for `oauth2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 512))]
    pub client_id: Option<String>,
    /// Where tokens are asked for, for `oauth2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<HttpUrl>,
    /// What is asked for, for `oauth2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(
        length(max = 100),
        inner(inner(length(chars, min = 1, max = 256), pattern(r"^[!#-\[\]-~]+$")))
    )]
    #[schemars(inner(length(min = 1, max = 256), pattern(r"^[!#-\[\]-~]+$")))]
    pub scopes: Option<Vec<String>>,
    /// The OpenAPI 3 document of an `openapi` server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("not" = json!({ "required": ["swagger"] })))]
    pub spec: Option<Map<String, Value>>,
    /// The most milliseconds a call may take; at most a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 86_400_000))]
    pub timeout_ms: Option<u64>,
}

/// See [`McpServer::sort`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum McpServerType {
    /// A server of tools.
    #[default]
    Mcp,
    /// An API, described by a document, whose operations become tools.
    Openapi,
}

/// See [`McpServer::transport`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum McpTransport {
    /// Streamable HTTP.
    #[default]
    StreamableHttp,
}

/// See [`McpServer::protocol_version`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum McpProtocolVersion {
    /// That of July 2026.
    #[serde(rename = "2026-07-28")]
    July2026,
}

/// See [`McpServer::auth_type`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum McpAuthType {
    /// Not at all.
    #[default]
    None,
    /// By a bearer token.
    Bearer,
    /// By a key in a header.
    ApiKey,
    /// By a token of OAuth 2.0, asked for with the client's credentials.
    #[serde(rename = "oauth2")]
    OAuth2,
}

const fn yes() -> bool {
    true
}

const OAUTH_ONLY: &[&str] = &["client_id", "token_url", "scopes"];

/// What goes with what, for the schema; [`Defined::check`] says the same.
fn rules() -> Vec<Value> {
    let none = schema::all([
        schema::is_default("auth_type", &["none"]),
        schema::absent(&["secret"]),
        schema::absent(OAUTH_ONLY),
    ]);
    let secret = schema::all([
        schema::is("auth_type", &["bearer", "api_key"]),
        schema::given(&["secret"]),
        schema::absent(OAUTH_ONLY),
    ]);
    let oauth = schema::all([
        schema::is("auth_type", &["oauth2"]),
        schema::given(&["secret", "client_id", "token_url"]),
    ]);
    let mcp = schema::all([
        schema::is_default("type", &["mcp"]),
        schema::absent(&["spec", "api_key_header"]),
    ]);
    let openapi = schema::all([schema::is("type", &["openapi"]), schema::given(&["spec"])]);
    let header = schema::any([
        schema::absent(&["api_key_header"]),
        schema::is("auth_type", &["api_key"]),
    ]);
    let named = schema::any([schema::given(&["name"]), schema::given(&["display_name"])]);
    vec![
        named,
        schema::any([none, secret, oauth]),
        schema::any([mcp, openapi]),
        header,
    ]
}

impl McpServer {
    fn check_credentials(&self) -> Result<(), Fault> {
        let needed = |field, given: bool| {
            let problem = "is needed for this auth_type";
            given.then_some(()).ok_or_else(|| Fault::at(field, problem))
        };
        let oauth = self.auth_type == McpAuthType::OAuth2;
        if self.auth_type == McpAuthType::None {
            if self.secret.is_some() {
                let problem = "goes with auth_type bearer, api_key or oauth2";
                return Err(Fault::at("secret", problem));
            }
        } else {
            needed("secret", self.secret.is_some())?;
        }
        if oauth {
            needed("client_id", self.client_id.is_some())?;
            return needed("token_url", self.token_url.is_some());
        }
        let scopes = self.scopes.as_ref().is_some_and(|all| !all.is_empty());
        let given = [self.client_id.is_some(), self.token_url.is_some(), scopes];
        let odd = OAUTH_ONLY.iter().zip(given).find(|(_, given)| *given);
        odd.map_or(Ok(()), |(field, _)| {
            Err(Fault::at(*field, "goes with auth_type oauth2"))
        })
    }

    fn check_spec(&self) -> Result<(), Fault> {
        let openapi = self.sort == McpServerType::Openapi;
        match &self.spec {
            None if openapi => Err(Fault::at("spec", "is needed for type openapi")),
            Some(_) if !openapi => Err(Fault::at("spec", "goes with type openapi")),
            Some(spec) if spec.contains_key("swagger") => {
                let problem = "is of Swagger 2.0; it must be of OpenAPI 3";
                Err(Fault::at("spec", problem))
            }
            _ => Ok(()),
        }
    }
}

impl Defined for McpServer {
    const KIND: DefinitionKind = DefinitionKind::McpServer;
    const EXAMPLE: &'static str = r#"{"name": "tools", "url": "https://mcp.example.com"}"#;
    const SECRETS: &'static [&'static str] = &["/secret"];

    fn read(value: Value) -> Result<Self, Fault> {
        let mut read: Self = decoded(value)?;
        settled(&mut read.name, &mut read.display_name)?;
        read.scopes = read.scopes.filter(|scopes| !scopes.is_empty());
        Ok(read)
    }

    fn name(&self) -> Option<(&'static str, &str)> {
        self.name.as_ref().map(|name| ("name", name.as_str()))
    }

    fn check(&self) -> Result<(), Fault> {
        self.check_credentials()?;
        self.check_spec()?;
        let keyed = self.sort == McpServerType::Openapi && self.auth_type == McpAuthType::ApiKey;
        if self.api_key_header.is_some() && !keyed {
            let problem = "goes with type openapi and auth_type api_key";
            return Err(Fault::at("api_key_header", problem));
        }
        Ok(())
    }

    fn unenforced(&self) -> Vec<&'static str> {
        vec!["*"]
    }
}
