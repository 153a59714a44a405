//! Which limits a call must have room under: those of its key, of its account and of
//! every account above, of models for these accounts, of the Model it names, and of
//! the owner's policies. All of them count; the strictest wins.
//!
//! | limits of | are counted per | and count |
//! |---|---|---|
//! | a caller key | key | its calls, and those under way at once |
//! | an account | account | its calls and those of all below it |
//! | an account for a model | account and model | the same, of that model |
//! | MODEL_LIMITS | account and model | for each account on the way up the same |
//! | a Model | Model | calls that name it, whoever calls, and those under way at once |
//! | a policy | policy; for `team_member` member too | what its scope says |

use foldgate_proto::{
    AccountNumber, CallerKeyNumber, DefinitionKind, DefinitionNumber, LimitId, ModelLimit, OwnerId,
    ResourceId,
};

use super::models::{Named, Serves};
use super::{Access, Destination, OwnerTable, Route};
use crate::OwnerState;
use crate::definition::rate_limit_policy::{PolicyScope, PolicyWindow};
use crate::definition::{RateLimit, RateLimitPolicy, stored};
use crate::limits::{Kind, Period, Rule, Unit, id_of, rules};
use crate::pattern::PatternMap;
use crate::state::MAX_DEPTH;

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The key that was presented.
    Key,
    /// The calling account, or one above it.
    Account,
    /// Such an account's, for the model.
    ModelOfAccount,
    /// The Model.
    Model,
    /// A policy's.
    Policy,
}

/// A limit that a call must have room under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Whose.
    pub whose: Whose,
    /// What is limited.
    pub id: LimitId,
    /// How.
    pub rule: Rule,
}

/// The limits of an account.
#[derive(Debug)]
pub(super) struct AccountLimits {
    rules: Vec<Rule>,
    models: ModelLimits,
}

/// Limits by model.
pub(super) type ModelLimits = PatternMap<Vec<Rule>>;

/// The policies of an owner that are in force.
#[derive(Debug, Default)]
pub(super) struct Policies(Vec<Policy>);

#[derive(Debug)]
struct Policy {
    number: DefinitionNumber,
    scope: Scope,
    rules: Vec<Rule>,
}

#[derive(Debug)]
enum Scope {
    Key(CallerKeyNumber),
    Model(DefinitionNumber),
    Team(AccountNumber),
    Member(String),
    TeamMember(AccountNumber),
}

/// What tells the limits of one kind of thing from those of another.
#[derive(Clone, Copy)]
enum Of {
    Key = 1,
    Account = 2,
    ModelOfAccount = 3,
    ModelByOwner = 4,
    Model = 5,
    Policy = 6,
}

pub(super) fn model_limits<'l>(
    limits: impl Iterator<Item = (&'l String, &'l ModelLimit)>,
) -> ModelLimits {
    PatternMap::new(limits.map(|(model, limit)| (model.as_str(), rules(limit).collect())))
}

/// The limit on calls under way at once of a Model that calls upstreams: for each call
/// that comes to it, by its name or by another Model.
pub fn at_once(owner: OwnerId, named: &Named) -> Option<Limited> {
    let number = named.number.0.to_le_bytes();
    let rule = Rule::at_once(named.concurrency?);
    Some(Limited {
        whose: Whose::Model,
        id: id_of(&[&owner.0.into_bytes(), &[Of::Model as u8], &number]),
        rule,
    })
}

/// Limits as the admin API writes them, but for `concurrency`.
pub(super) fn rules_of(limit: &RateLimit) -> Vec<Rule> {
    let per_second = limit.rps.map(Rule::per_second);
    let others = ModelLimit {
        rpm: limit.rpm,
        rph: limit.rph,
        rpd: limit.rpd,
        tpm: limit.tpm,
        tph: None,
        tpd: limit.tpd,
    };
    per_second.into_iter().chain(rules(&others)).collect()
}

impl AccountLimits {
    /// `None` where there are none.
    pub(super) fn new<'l>(
        limits: Option<&ModelLimit>,
        models: impl Iterator<Item = (&'l String, &'l ModelLimit)>,
    ) -> Option<Self> {
        let mut models = models.peekable();
        let plain = limits.is_none() && models.peek().is_none();
        (!plain).then(|| Self {
            rules: limits.into_iter().flat_map(rules).collect(),
            models: model_limits(models),
        })
    }
}

impl Policies {
    /// Compiles those of an owner.
    pub(super) fn new(owner: &OwnerState) -> Self {
        let all = owner.definitions_of(DefinitionKind::RateLimitPolicy);
        let policies = all.filter_map(|definition| {
            let policy = stored::<RateLimitPolicy>(&definition.value)?;
            let (scope, window) = (policy.scope?, policy.window?);
            let mut refers = definition.refers.iter();
            let scope = match (scope, refers.next()) {
                (PolicyScope::ApiKey, Some(ResourceId::CallerKey(key))) => Scope::Key(*key),
                (PolicyScope::Model, Some(ResourceId::Definition(_, model))) => {
                    Scope::Model(*model)
                }
                (PolicyScope::Team, Some(ResourceId::Account(team))) => Scope::Team(*team),
                (PolicyScope::TeamMember, Some(ResourceId::Account(team))) => {
                    Scope::TeamMember(*team)
                }
                (PolicyScope::Member, _) => Scope::Member(policy.scope_ref.clone()?),
                _ => return None,
            };
            let period = match window {
                PolicyWindow::Second => Period::Second,
                PolicyWindow::Minute => Period::Minute,
                PolicyWindow::Hour => Period::Hour,
                PolicyWindow::Day => Period::Day,
            };
            let limits = [
                (Unit::Requests, policy.max_requests),
                (Unit::Tokens, policy.max_tokens),
            ];
            let rules = limits.into_iter().filter_map(|(unit, limit)| {
                let kind = Kind { unit, period };
                Some(Rule {
                    kind,
                    limit: limit?,
                })
            });
            Some(Policy {
                number: definition.number,
                scope,
                rules: rules.collect(),
            })
        });
        Self(policies.collect())
    }
}

impl OwnerTable {
    /// The account and those above it, below the root; of the root itself, the root.
    fn way_up(&self, account: AccountNumber) -> Vec<AccountNumber> {
        let mut way = vec![account];
        let mut at = account;
        for _ in 0..MAX_DEPTH {
            let Some(node) = self.people.account(at).filter(|_| !self.state.is_root(at)) else {
                break;
            };
            at = node.parent;
            if self.state.is_root(at) {
                break;
            }
            way.push(at);
        }
        way
    }
}

impl Access<'_> {
    /// The limits that a call for a model must have room under, in no order.
    pub fn limits(&self, requested: &str, route: &Route<'_>) -> Vec<Limited> {
        let mut found = Found {
            owner: self.table.state.id.0.into_bytes(),
            limits: Vec::new(),
        };
        self.of_key(&mut found);
        for account in &self.bounds {
            let Some(limits) = &account.limits else {
                continue;
            };
            let number = account.number.0.to_le_bytes();
            found.add((Whose::Account, Of::Account), &number, &limits.rules);
            let of_model = of_model(&limits.models, requested, route.model);
            found.add_model(Of::ModelOfAccount, account.number, (route.model, of_model));
        }
        let by_owner = of_model(self.table.compiled.model_limits(), requested, route.model);
        if !by_owner.is_empty() {
            for account in self.table.way_up(self.caller.account) {
                found.add_model(Of::ModelByOwner, account, (route.model, by_owner));
            }
        }
        let model = match route.to {
            Destination::Model(named) => {
                let number = named.number.0.to_le_bytes();
                // One that calls upstreams counts what comes to it, also by another.
                let most = match named.serves {
                    Serves::Routing(_) => named.concurrency,
                    Serves::Direct(_) => None,
                };
                let rules = (named.rules.as_slice(), most);
                found.add_with((Whose::Model, Of::Model), &number, rules);
                Some(named.number)
            }
            Destination::Level { .. } => None,
        };
        self.policies(model, &mut found);
        found.limits
    }

    /// The rate limits that a call without a model must have room under: those of the key
    /// and of the accounts, and the policies that ask for no model.
    pub fn limits_unnamed(&self) -> Vec<Limited> {
        let mut found = Found {
            owner: self.table.state.id.0.into_bytes(),
            limits: Vec::new(),
        };
        self.of_key(&mut found);
        for account in &self.bounds {
            if let Some(limits) = &account.limits {
                let number = account.number.0.to_le_bytes();
                found.add((Whose::Account, Of::Account), &number, &limits.rules);
            }
        }
        self.policies(None, &mut found);
        found.limits
    }

    fn of_key(&self, found: &mut Found) {
        if let (Some(key), Some(number)) = (self.key, self.caller.key) {
            let rules = (key.rules.as_slice(), key.concurrency);
            found.add_with((Whose::Key, Of::Key), &number.0.to_le_bytes(), rules);
        }
    }

    fn policies(&self, model: Option<DefinitionNumber>, found: &mut Found) {
        let policies = &self.table.policies.0;
        if policies.is_empty() {
            return;
        }
        let way = self.table.way_up(self.caller.account);
        let member = self.key.and_then(|key| key.member.as_deref());
        for policy in policies {
            let apart = match &policy.scope {
                Scope::Key(key) => (self.caller.key == Some(*key)).then_some(""),
                Scope::Model(number) => (model == Some(*number)).then_some(""),
                Scope::Team(team) => way.contains(team).then_some(""),
                Scope::Member(name) => (member == Some(name)).then_some(""),
                Scope::TeamMember(team) => member.filter(|_| way.contains(team)),
            };
            if let Some(apart) = apart {
                let number = policy.number.0.to_le_bytes();
                let id = [&number, apart.as_bytes()].concat();
                found.add((Whose::Policy, Of::Policy), &id, &policy.rules);
            }
        }
    }
}

/// The limits of a model, by the name that was asked for and else by the one it was
/// mapped to.
fn of_model<'l>(limits: &'l ModelLimits, requested: &str, model: &str) -> &'l [Rule] {
    let found = limits.get(requested).or_else(|| limits.get(model));
    found.map_or(&[], |(_, rules)| rules)
}

struct Found {
    owner: [u8; 16],
    limits: Vec<Limited>,
}

impl Found {
    fn add(&mut self, what: (Whose, Of), name: &[u8], rules: &[Rule]) {
        self.add_with(what, name, (rules, None));
    }

    /// With the most calls under way at once.
    fn add_with(
        &mut self,
        (whose, of): (Whose, Of),
        name: &[u8],
        (rules, most): (&[Rule], Option<u32>),
    ) {
        if rules.is_empty() && most.is_none() {
            return;
        }
        let id = id_of(&[&self.owner, &[of as u8], name]);
        let all = rules.iter().copied().chain(most.map(Rule::at_once));
        let limits = all.map(|rule| Limited { whose, id, rule });
        self.limits.extend(limits);
    }

    fn add_model(&mut self, of: Of, account: AccountNumber, (model, rules): (&str, &[Rule])) {
        let name = [&account.0.to_le_bytes(), model.as_bytes()].concat();
        self.add((Whose::ModelOfAccount, of), &name, rules);
    }
}
