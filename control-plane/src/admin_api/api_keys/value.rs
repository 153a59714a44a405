//! A caller key as the admin API writes it, and what a write of one means.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_domain::acl::{Item, ListEdit, Model};
use foldgate_domain::command::{Change, LimitPatch, TermsEdit};
use foldgate_domain::decide::DEFAULT_CALLER_KEY_NAME;
use foldgate_domain::definition::RateLimit;
use foldgate_domain::definition::grammar::{ALLOWED_MODEL, NAME};
use foldgate_domain::definition::rate_limit::{MAX_LIMIT, limit};
use foldgate_domain::definition::text::{LINE, MAX_NAME_CHARS, Name};
use foldgate_proto::{JsonText, KeyHash, KeyTerms};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::admin_api::body::{PLAIN, check_name, fault, plain, texts};
use crate::error::Error;
use crate::owner_api::edits;

/// What stands for every model.
pub(super) const EVERY_MODEL: &str = "*";

/// A key that callers present. What is left out of a PUT is not there any more, but
/// for `key_hash` and `team_id`, which stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct ApiKey {
    /// A name, unlike those of the team's other keys, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 128))]
    #[schemars(regex(pattern = NAME))]
    pub display_name: Option<String>,
    /// SHA-256 of the key, in hexadecimal. Without it a key is drawn, and shown in the
    /// answer that draws it. A key of any form that fits into a header may be
    /// presented, up to 512 bytes. A PUT with another hash puts that key in its place;
    /// with one that was replaced before, only if `If-Match` names the newest ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(pattern("^[0-9a-fA-F]{64}$"))]
    pub key_hash: Option<String>,
    /// What may be shown of a key that was drawn; says nothing in a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64))]
    #[schemars(extend("readOnly" = true))]
    pub masked_key: Option<String>,
    /// Until when the key that a rotation replaced is good beside it (RFC 3339); says
    /// nothing in a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64))]
    #[schemars(extend("format" = "date-time", "readOnly" = true))]
    pub previous_until: Option<String>,
    /// The account it belongs to; without it, the owner's own. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// The models that may be named: names, or patterns with `*`. `["*"]` is all of
    /// them, `[]` none.
    #[garde(length(max = 256), inner(length(chars, min = 1, max = 255)))]
    #[schemars(inner(length(min = 1, max = 255), regex(pattern = ALLOWED_MODEL)))]
    pub allowed_models: Vec<String>,
    /// Limits on its use, none of which may be 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// From when on it is refused (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 64))]
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// Out of use until it is put back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// The tools that may be used; kept, not acted upon yet, as all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 256), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub allowed_tools: Option<Vec<String>>,
    /// The agents that may be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 256), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub allowed_agents: Option<Vec<String>>,
    /// The routes that may be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 256), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub allowed_routes: Option<Vec<String>>,
    /// Who uses it, as another system knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255), inner(custom(plain)))]
    #[schemars(regex(pattern = PLAIN))]
    pub user_id: Option<String>,
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = 255), inner(custom(plain)))]
    #[schemars(regex(pattern = PLAIN))]
    pub user_name: Option<String>,
    /// Whose tokens stand for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255), inner(custom(plain)))]
    #[schemars(regex(pattern = PLAIN))]
    pub jwt_provider: Option<String>,
    /// Which of these tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255), inner(custom(plain)))]
    #[schemars(regex(pattern = PLAIN))]
    pub jwt_subject: Option<String>,
    /// What of servers of tools may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub mcp_access: Option<McpAccess>,
    /// Limits per server of tools, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 256), custom(all_limits))]
    #[schemars(extend("propertyNames" = { "maxLength": MAX_NAME_CHARS, "pattern": LINE }))]
    pub mcp_rate_limits: Option<BTreeMap<String, McpRateLimit>>,
}

/// See [`ApiKey::mcp_access`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct McpAccess {
    /// What may be used.
    #[garde(length(max = 256), inner(length(chars, min = 1, max = 255)))]
    pub allow: Vec<String>,
    /// What may not, although it would be allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 256), custom(texts))]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub deny: Option<Vec<String>>,
}

/// Limits on calls of tools. Nothing given is no limit.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct McpRateLimit {
    /// Calls per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rps: Option<u64>,
    /// Calls per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rpm: Option<u64>,
    /// Calls per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rph: Option<u64>,
    /// Calls per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub rpd: Option<u64>,
    /// Calls at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = u32::MAX))]
    pub concurrency: Option<u32>,
}

/// The fields that nothing acts upon, in the form in which they are kept.
#[derive(Serialize)]
struct More<'k> {
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_tools: Option<&'k [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_agents: Option<&'k [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_routes: Option<&'k [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'k str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'k str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_provider: Option<&'k str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_subject: Option<&'k str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_access: Option<&'k McpAccess>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_rate_limits: Option<&'k BTreeMap<String, McpRateLimit>>,
}

impl ApiKey {
    /// The key as JSON again.
    pub(super) fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Checks what its type cannot say; `had` are the terms of the key it replaces, of
    /// which what was legal when it came may stay.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub(super) fn check(&self, had: Option<&KeyTerms>) -> Result<(), Error> {
        if let Some(name) = &self.display_name {
            check_name("display_name", name)?;
            if name == DEFAULT_CALLER_KEY_NAME {
                let problem = "is what keys without a name are called; leave it out";
                return Err(fault("display_name", problem));
            }
        }
        if self
            .hash()
            .is_some_and(|hash| hash.0 == foldgate_vault::digest(""))
        {
            let problem = "is that of the empty text, which nobody can present";
            return Err(fault("key_hash", problem));
        }
        let limits = self.rate_limit.unwrap_or_default();
        let shown = had.map(super::view::limits).unwrap_or_default();
        for ((name, limit), (_, had)) in named(&limits).into_iter().zip(named(&shown)) {
            if limit == had {
                continue;
            }
            let refuse = |problem| Err(fault(format!("rate_limit.{name}"), problem));
            match limit {
                Some(0) => return refuse("must be at least 1; disabled lets nothing through"),
                Some(most) if most > MAX_LIMIT => return refuse("is too great to be a limit"),
                _ => {}
            }
        }
        Ok(())
    }

    /// The hash it names.
    pub(super) fn hash(&self) -> Option<KeyHash> {
        let mut bytes = [0; 32];
        let text = self.key_hash.as_ref()?;
        // Its form was checked when it was read.
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(KeyHash(bytes))
    }

    /// What becomes of a key's terms: they are these. What this API has no word for
    /// stays.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub(super) fn terms(&self) -> Result<TermsEdit, Error> {
        let limits = self.rate_limit.unwrap_or_default();
        let expires_at = match &self.expires_at {
            None => Change::Clear,
            Some(text) => {
                let read = edits::time_of(text);
                Change::Set(read.map_err(|problem| fault("expires_at", problem))?)
            }
        };
        Ok(TermsEdit {
            expires_at,
            allow_models: Some(ListEdit::whole(self.models()?)),
            limits: LimitPatch {
                rpm: whole(limits.rpm),
                rph: whole(limits.rph),
                rpd: whole(limits.rpd),
                tpm: whole(limits.tpm),
                tph: Change::Keep,
                tpd: whole(limits.tpd),
            },
            disabled: Some(self.disabled),
            rps: whole(limits.rps),
            concurrency: whole(limits.concurrency),
            more: whole(self.more()),
        })
    }

    fn models(&self) -> Result<Option<BTreeSet<Model>>, Error> {
        let models = self.allowed_models.iter().enumerate().map(|(at, model)| {
            if model.starts_with('-') {
                let problem = "begins with -, which takes a model away where lists are edited";
                return Err(fault(format!("allowed_models[{at}]"), problem));
            }
            let read = Model::read(model);
            read.map_err(|error| fault(format!("allowed_models[{at}]"), error.to_string()))
        });
        let models: BTreeSet<Model> = models.collect::<Result<_, _>>()?;
        let is_all = models.iter().any(|model| model.0 == EVERY_MODEL);
        Ok((!is_all).then_some(models))
    }

    fn more(&self) -> Option<JsonText> {
        let more = More {
            allowed_tools: self.allowed_tools.as_deref(),
            allowed_agents: self.allowed_agents.as_deref(),
            allowed_routes: self.allowed_routes.as_deref(),
            user_id: self.user_id.as_deref(),
            user_name: self.user_name.as_deref(),
            jwt_provider: self.jwt_provider.as_deref(),
            jwt_subject: self.jwt_subject.as_deref(),
            mcp_access: self.mcp_access.as_ref(),
            mcp_rate_limits: self.mcp_rate_limits.as_ref(),
        };
        // Of texts and numbers alone, it can always be written.
        let text = JsonText(serde_json::to_string(&more).unwrap_or_default());
        Some(text).filter(|text| !text.is_empty())
    }

    /// The fields that are set and that nothing acts upon yet. Who somebody is acts
    /// upon nothing by itself.
    pub(super) fn unenforced(&self) -> impl Iterator<Item = &'static str> + use<> {
        let fields = [
            ("allowed_tools", self.allowed_tools.is_some()),
            ("allowed_agents", self.allowed_agents.is_some()),
            ("allowed_routes", self.allowed_routes.is_some()),
            ("jwt_provider", self.jwt_provider.is_some()),
            ("jwt_subject", self.jwt_subject.is_some()),
            ("mcp_access", self.mcp_access.is_some()),
            ("mcp_rate_limits", self.mcp_rate_limits.is_some()),
        ];
        let set = fields.into_iter().filter(|(_, set)| *set);
        set.map(|(field, _)| field)
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
fn all_limits(limits: &Option<BTreeMap<String, McpRateLimit>>, (): &()) -> garde::Result {
    for (server, limit) in limits.iter().flatten() {
        if let Err(problem) = Name::try_from(server.clone()) {
            let problem = format!("{server:?} names no server: it {problem}");
            return Err(garde::Error::new(problem));
        }
        if let Err(faults) = limit.validate()
            && let Some((field, fault)) = faults.iter().next()
        {
            return Err(garde::Error::new(format!("{server:?}: {field}: {fault}")));
        }
    }
    Ok(())
}

fn named(limits: &RateLimit) -> [(&'static str, Option<u64>); 7] {
    [
        ("rps", limits.rps),
        ("rpm", limits.rpm),
        ("rph", limits.rph),
        ("rpd", limits.rpd),
        ("tpm", limits.tpm),
        ("tpd", limits.tpd),
        ("concurrency", limits.concurrency.map(u64::from)),
    ]
}

fn whole<T>(value: Option<T>) -> Change<T> {
    value.map_or(Change::Clear, Change::Set)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ApiKey;

    #[test]
    fn a_star_does_not_hide_what_is_no_pattern() {
        let key = |models: &[&str]| -> ApiKey {
            serde_json::from_value(json!({ "allowed_models": models })).expect("a key")
        };
        assert_eq!(key(&["gpt-4o", "*"]).models().expect("patterns"), None);
        let refused = key(&["*", "bad one"]).models().expect_err("a space");
        let said = refused.to_string();
        assert!(said.starts_with("allowed_models[1]: "), "{said}");
    }

    #[test]
    fn the_schema_says_what_is_checked() {
        let schema = schemars::schema_for!(ApiKey).to_value();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["allowed_models"]));
        let fields = &schema["properties"];
        for (field, part, expected) in [
            ("key_hash", "pattern", json!("^[0-9a-fA-F]{64}$")),
            ("expires_at", "format", json!("date-time")),
            ("masked_key", "readOnly", json!(true)),
            ("display_name", "maxLength", json!(128)),
            ("allowed_models", "maxItems", json!(256)),
            ("team_id", "format", json!("uuid")),
        ] {
            assert_eq!(fields[field][part], expected, "{field}: {}", fields[field]);
        }
        assert_eq!(fields["allowed_models"]["items"]["maxLength"], 255);
        assert_eq!(fields["allowed_tools"]["items"]["minLength"], 1);
    }
}
