//! Which calls a definition is about: guardrail attachments, cache policies, rate
//! limit policies and exporters, by their scopes.
//!
//! A definition becomes a [`Rule`] when it changes, with names looked up and
//! expressions compiled; a call asks the rule, which reads nothing and allocates
//! nothing. Whom a policy is about is said here; when it is not in force (its
//! `schedules`) is another question.
//!
//! | scope | the calls |
//! |---|---|
//! | `env`, `all`, none | all of the owner's |
//! | `team` | of the account, and of all below it |
//! | `api_key` | with the caller key, whatever it is today |
//! | `model` of an attachment | for the Model, also where another one leads to it |
//! | `model` of a limit, `model:<id>` | that name the Model; not those that another leads to it |
//! | `model:<name>` | for the model, as callers ask for it and as mappers lead on |
//! | `member` | with a key of theirs (`user_id`) |
//! | `team_member` | as `team`, with a key that is somebody's |
//! | `mcp_server` | none that ask for a model |

use std::cmp::Reverse;
use std::collections::BTreeMap;

use foldgate_proto::{DefinitionId, DefinitionKind, KeyTerms};
use serde::Deserialize;
use uuid::Uuid;

use super::cache_policy::AppliesTo;
use super::guardrail::{EnforcementMode, Side};
use super::guardrail_attachment::GuardrailScope;
use super::rate_limit_policy::PolicyScope;
use super::text::Moment;
use super::{CachePolicy, GuardrailAttachment, RateLimitPolicy};
use crate::OwnerState;

mod condition;
#[cfg(test)]
mod tests;

use condition::Test;

/// What of a call decides which definitions are about it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The model's names: as it was asked for, as mappers lead on, and that of the Model
    /// that won.
    pub names: &'c [&'c str],
    /// The Models it is for: the one that won, and behind it the target that serves.
    pub models: &'c [Served<'c>],
    /// What the provider is called, where the Model that serves says so.
    pub provider: Option<&'c str>,
    /// The calling account and all above it but the owner's own, by their ids.
    pub teams: &'c [Uuid],
    /// The caller key; `None` is the owner's own.
    pub api_key: Option<Uuid>,
    /// Who uses that key, as [`member`] has it.
    pub member: Option<&'c str>,
}

/// A Model that a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served<'c> {
    /// Its id.
    pub id: DefinitionId,
    /// Its name.
    pub name: &'c str,
}

/// Which calls a definition is about.
#[derive(Debug)]
pub struct Rule(About);

#[derive(Debug)]
enum About {
    All,
    Model(DefinitionId),
    Named(DefinitionId),
    Called(Box<str>),
    ApiKey(Uuid),
    Team(Uuid),
    Member(Box<str>),
    MemberOf(Uuid),
    Meeting(Vec<Test>),
}

impl Rule {
    /// Of an exporter, which is about every call.
    pub const ALL: Self = Self(About::All);

    /// Of an attachment; `None` of one that is off, or about no calls for models.
    pub fn attachment(attachment: &GuardrailAttachment) -> Option<Self> {
        let id = attachment.scope_id;
        let about = match attachment.scope_type {
            _ if !attachment.enabled => return None,
            GuardrailScope::McpServer => return None,
            GuardrailScope::Env => About::All,
            GuardrailScope::Model => About::Model(DefinitionId(id?)),
            GuardrailScope::ApiKey => About::ApiKey(id?),
            GuardrailScope::Team => About::Team(id?),
        };
        Some(Self(about))
    }

    /// Of a cache policy; `None` of one that is off.
    pub fn cache(policy: &CachePolicy) -> Option<Self> {
        if !policy.enabled {
            return None;
        }
        let about = match AppliesTo::read(&policy.applies_to).ok()? {
            AppliesTo::All => About::All,
            AppliesTo::Named(name) => About::Called(name.into()),
            AppliesTo::Model(id) => About::Named(DefinitionId(id)),
            AppliesTo::ApiKey(id) => About::ApiKey(id),
        };
        Some(Self(about))
    }

    /// Of a rate limit policy; a Model that it names is looked up. `None` of one that
    /// this program does not understand.
    pub fn limit(policy: &RateLimitPolicy, owner: &OwnerState) -> Option<Self> {
        if policy.limits.is_some() {
            let tests = policy.conditions.iter().map(Test::new);
            return Some(Self(About::Meeting(tests.collect::<Option<_>>()?)));
        }
        let named = policy.scope_ref.as_deref()?;
        let id = Uuid::parse_str(named);
        let about = match policy.scope? {
            PolicyScope::ApiKey => About::ApiKey(id.ok()?),
            PolicyScope::Team => About::Team(id.ok()?),
            PolicyScope::TeamMember => About::MemberOf(id.ok()?),
            PolicyScope::Member => About::Member(named.into()),
            PolicyScope::Model => {
                let by_name = || owner.definition_named(DefinitionKind::Model, named);
                let id = id.ok().map(DefinitionId);
                About::Named(id.or_else(|| by_name().map(|model| model.id))?)
            }
        };
        Some(Self(about))
    }

    /// Whether it is about this call.
    pub fn applies(&self, call: &Call<'_>) -> bool {
        match &self.0 {
            About::All => true,
            About::Model(id) => call.models.iter().any(|model| model.id == *id),
            About::Named(id) => call.models.first().is_some_and(|model| model.id == *id),
            About::Called(name) => call.names.contains(&name.as_ref()),
            About::ApiKey(id) => call.api_key == Some(*id),
            About::Team(id) => call.teams.contains(id),
            About::Member(name) => call.member == Some(name.as_ref()),
            About::MemberOf(id) => call.member.is_some() && call.teams.contains(id),
            About::Meeting(tests) => tests.iter().all(|test| test.holds(call)),
        }
    }
}

/// Which attachments count, of those that apply to one call, in the order in which
/// they were made: of several of one guardrail the one of the greatest priority, of
/// equals the oldest.
pub fn counting(applying: &[&GuardrailAttachment]) -> Vec<bool> {
    let mut best: BTreeMap<Uuid, (Reverse<i32>, usize)> = BTreeMap::new();
    for (at, one) in applying.iter().enumerate() {
        let place = (Reverse(one.priority), at);
        let best = best.entry(one.guardrail_id).or_insert(place);
        *best = place.min(*best);
    }
    let mut counting = vec![false; applying.len()];
    for (_, at) in best.into_values() {
        counting[at] = true;
    }
    counting
}

/// Who uses a caller key, as another system knows them: its `user_id`.
pub fn member(terms: &KeyTerms) -> Option<String> {
    #[derive(Deserialize)]
    struct More {
        user_id: Option<String>,
    }
    let more = terms.more.as_ref()?;
    serde_json::from_str::<More>(&more.0).ok()?.user_id
}

/// What all sorts of guardrails have in common, of what is stored.
#[derive(Debug, Clone, Deserialize)]
pub struct AnyGuardrail {
    /// Which sort.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// What it looks at.
    pub hook_point: Side,
    /// Whether it blocks.
    pub enforcement_mode: EnforcementMode,
    /// When it was made, elsewhere.
    #[serde(default)]
    pub created_at: Option<Moment>,
}

/// What all sorts of exporters have in common, of what is stored.
#[derive(Debug, Clone, Deserialize)]
pub struct AnyExporter {
    /// Which sort.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
}
