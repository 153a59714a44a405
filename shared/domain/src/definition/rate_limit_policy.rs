//! Rate limit policies: limits shared by what they name. Those in the plain form are
//! enforced, always: schedules are stored and validated, as are policies with
//! conditions, and nothing acts upon them yet.
//!
//! Bounds that are ours, as the public contract has none: a limit of 0 is refused,
//! and so are more than [`MAX_SCHEDULES`] schedules.

use std::collections::BTreeSet;

use foldgate_proto::{DefinitionKind, ResourceId};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::grammar::UUID;
use super::lookup::Lookup;
use super::rate_limit::{MAX_LIMIT, limit};
use super::text::Name;
use super::{Defined, Fault, RateLimit, schema};
use crate::OwnerState;

mod condition;
mod schedule;

pub use condition::{
    Condition, ConditionGroup, Dimension, Logic, MAX_DEPTH, MAX_LEAVES, MAX_VALUES, Node, Operand,
    Operator,
};
pub use schedule::{Schedule, Weekday};

/// The most schedules of one policy.
pub const MAX_SCHEDULES: usize = 64;

/// A limit. In its plain form it names a `scope`, a `scope_ref`, a `window` and the
/// most requests or tokens in it; in its other form it holds `limits` for all calls
/// that meet its `conditions`, counted apart by `group_by`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = forms()))]
pub struct RateLimitPolicy {
    /// Its name.
    pub name: Name,
    /// What is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<PolicyScope>,
    /// Which of them: a caller key's id, a Model's id or name, an account's id for
    /// `team` and `team_member`. A `member` is whatever name callers are known by
    /// elsewhere: no resource, so that it need not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255))]
    pub scope_ref: Option<String>,
    /// The time for which it is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<PolicyWindow>,
    /// The most requests in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub max_requests: Option<u64>,
    /// The most tokens in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(limit))]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub max_tokens: Option<u64>,
    /// Limits, one of them at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub limits: Option<RateLimit>,
    /// What a call must meet, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 16), dive)]
    pub conditions: Vec<Node>,
    /// What calls are counted apart by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 5))]
    #[schemars(extend("uniqueItems" = true))]
    pub group_by: Vec<GroupBy>,
    /// What happens beyond the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PolicyAction>,
    /// When it is not in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = MAX_SCHEDULES), dive)]
    pub schedules: Vec<Schedule>,
}

/// See [`RateLimitPolicy::scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyScope {
    /// A caller key.
    ApiKey,
    /// A Model that callers ask for, by its own name or as MODEL_MAPPER leads to it. A
    /// call that a routing Model leads on to a target counts for the routing Model and
    /// not for the target: to limit a target, limit the Models that route to it.
    Model,
    /// An account and all below it, together.
    Team,
    /// Somebody, whichever key they use.
    Member,
    /// Each member of an account and of those below it, by themselves.
    TeamMember,
}

/// See [`RateLimitPolicy::window`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyWindow {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// See [`RateLimitPolicy::group_by`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// By account.
    Team,
    /// By member.
    Member,
    /// By caller key.
    ApiKey,
    /// By Model.
    Model,
    /// By provider.
    Provider,
}

/// See [`RateLimitPolicy::action`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyAction {
    /// The call is refused.
    Reject,
}

/// The two forms, for the schema.
fn forms() -> Value {
    let plain = schema::all([
        schema::given(&["scope", "scope_ref", "window"]),
        schema::any([
            schema::is("scope", &["model", "member"]),
            json!({ "properties": { "scope_ref": { "pattern": UUID } } }),
        ]),
        schema::any([
            schema::given(&["max_requests"]),
            schema::given(&["max_tokens"]),
        ]),
        schema::absent(&["limits", "conditions", "group_by", "action"]),
    ]);
    let limit = json!({ "properties": { "limits": schema::any(
        ["rps", "rpm", "rph", "rpd", "tpm", "tpd", "concurrency"].map(|one| schema::given(&[one]))
    ) } });
    let conditional = schema::all([
        schema::given(&["limits"]),
        limit,
        schema::absent(&["scope", "scope_ref", "window", "max_requests", "max_tokens"]),
    ]);
    json!([plain, conditional])
}

impl RateLimitPolicy {
    fn check_plain(&self) -> Result<(), Fault> {
        let needed = [
            ("scope", self.scope.is_some()),
            ("scope_ref", self.scope_ref.is_some()),
            ("window", self.window.is_some()),
        ];
        if let Some((field, _)) = needed.iter().find(|(_, given)| !given) {
            let problem = "a policy needs scope, scope_ref and window, or limits";
            return Err(Fault::at(*field, problem));
        }
        if self.max_requests.is_none() && self.max_tokens.is_none() {
            let problem = "a policy needs max_requests or max_tokens";
            return Err(Fault::at("max_requests", problem));
        }
        let others = [
            ("conditions", self.conditions.is_empty()),
            ("group_by", self.group_by.is_empty()),
            ("action", self.action.is_none()),
        ];
        let odd = others.iter().find(|(_, absent)| !absent);
        odd.map_or(Ok(()), |(field, _)| {
            Err(Fault::at(*field, "goes with limits"))
        })
    }

    fn check_conditional(&self, limits: &RateLimit) -> Result<(), Fault> {
        let others = [
            ("scope", self.scope.is_none()),
            ("scope_ref", self.scope_ref.is_none()),
            ("window", self.window.is_none()),
            ("max_requests", self.max_requests.is_none()),
            ("max_tokens", self.max_tokens.is_none()),
        ];
        if let Some((field, _)) = others.iter().find(|(_, absent)| !absent) {
            return Err(Fault::at(*field, "does not go with limits"));
        }
        if !limits.over_time() && limits.concurrency.is_none() {
            return Err(Fault::at("limits", "holds no limit"));
        }
        let apart: BTreeSet<GroupBy> = self.group_by.iter().copied().collect();
        if apart.len() < self.group_by.len() {
            return Err(Fault::at("group_by", "holds one thing twice"));
        }
        condition::check(&self.conditions)
    }
}

impl Defined for RateLimitPolicy {
    const KIND: DefinitionKind = DefinitionKind::RateLimitPolicy;
    const EXAMPLE: &'static str = r#"{"name": "ann", "scope": "member", "scope_ref": "ann",
        "window": "minute", "max_requests": 600}"#;

    fn name(&self) -> Option<(&'static str, &str)> {
        Some(("name", self.name.as_str()))
    }

    fn check(&self) -> Result<(), Fault> {
        match &self.limits {
            None => self.check_plain(),
            Some(limits) => self.check_conditional(limits),
        }?;
        let schedules = self.schedules.iter().enumerate();
        for (index, schedule) in schedules {
            schedule.check(&format!("schedules[{index}]"))?;
        }
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        let of_model = self.scope == Some(PolicyScope::Model);
        let named = self.scope_ref.as_deref().filter(|_| of_model);
        named.into_iter().collect()
    }

    fn refers(&self, owner: &OwnerState) -> Result<BTreeSet<ResourceId>, Fault> {
        let mut lookup = Lookup::new(owner);
        if let (Some(scope), Some(named)) = (self.scope, &self.scope_ref) {
            let id = || {
                let id = Uuid::parse_str(named);
                id.map_err(|_| Fault::at("scope_ref", "is no id"))
            };
            match scope {
                PolicyScope::ApiKey => lookup.caller_key("scope_ref", id()?),
                PolicyScope::Model => lookup.model("scope_ref", named)?,
                PolicyScope::Team | PolicyScope::TeamMember => lookup.account("scope_ref", id()?),
                PolicyScope::Member => {}
            }
        }
        condition::refer(&self.conditions, &mut lookup)?;
        lookup.finish()
    }

    fn unenforced(&self) -> Vec<&'static str> {
        if self.limits.is_some() {
            return vec!["*"];
        }
        let scheduled = !self.schedules.is_empty();
        Vec::from_iter(scheduled.then_some("schedules"))
    }
}
