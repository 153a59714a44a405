//! The guardrails, policies and exporters that apply to a request, each with whether it
//! is enforced, or stored and validated only.
//!
//! A Model that routes has a call of its own for each target, as what is about a
//! target is about the calls that it serves.

use chrono::{DateTime, FixedOffset};
use foldgate_domain::definition::applies::{
    AnyExporter, AnyGuardrail, Call, Rule, Served, counting, member,
};
use foldgate_domain::definition::guardrail::{EnforcementMode, Side};
use foldgate_domain::definition::{
    CachePolicy, Defined, GuardrailAttachment, Model, RateLimitPolicy, Registered, stored,
};
use foldgate_domain::table::models::{Named, Serves};
use foldgate_proto::{Definition, DefinitionId, DefinitionKind};
use serde::Serialize;
use uuid::Uuid;

use super::{Asked, Names};

/// The most of each sort that are listed.
const MAX_LISTED: usize = 1000;

/// All that apply.
#[derive(Debug, Serialize)]
pub(super) struct Applicable<'a> {
    guardrails: Vec<Attached<'a>>,
    cache_policies: Vec<Applying<'a, CachePolicy>>,
    rate_limit_policies: Vec<Applying<'a, RateLimitPolicy>>,
    observability_exporters: Vec<Applying<'a, Exporter>>,
    /// How many apply beside those that are listed.
    not_listed: usize,
}

/// One definition that applies.
#[derive(Debug, Serialize)]
struct Applying<'a, T> {
    id: DefinitionId,
    enforced: bool,
    /// The fields that are not, of one that is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_enforced: Vec<&'static str>,
    /// The targets for whose calls alone it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    legs: Option<Vec<&'a str>>,
    value: T,
}

/// An attachment that applies, and its guardrail.
#[derive(Debug, Serialize)]
struct Attached<'a> {
    #[serde(flatten)]
    attachment: Applying<'a, GuardrailAttachment>,
    /// Whether it is this one of its guardrail's that counts; `legs` are those where it
    /// does.
    counts: bool,
    guardrail: Guardrail,
}

#[derive(Debug, Serialize)]
struct Guardrail {
    id: DefinitionId,
    kind: String,
    name: String,
    hook_point: Side,
    enforcement_mode: EnforcementMode,
    /// When it says it was made: the oldest is asked first.
    #[serde(skip)]
    made: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Serialize)]
struct Exporter {
    kind: String,
    name: String,
}

/// A way that a request may go: the one there is, or to one of the targets.
struct Way<'a> {
    target: Option<&'a str>,
    models: Vec<Served<'a>>,
    provider: Option<String>,
}

/// The calls that a request may become, and the targets that they go to.
struct Calls<'c, 'a> {
    calls: Vec<Call<'c>>,
    targets: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    /// See the module; `winner` is the Model that serves it, if one does.
    pub(super) fn policies(&self, names: Names<'a>, winner: Option<&'a Named>) -> Applicable<'a> {
        let mut known = vec![names.asked, names.named, names.mapped];
        known.extend(winner.map(Named::name));
        let teams = self.owner().lineage(self.account);
        let teams: Vec<Uuid> = teams.map(|account| account.id.0).collect();
        let member = self.key.as_deref().and_then(|key| member(&key.terms));
        let ways = self.ways(winner);
        let mut calls = Calls {
            calls: Vec::with_capacity(ways.len()),
            targets: ways.iter().filter_map(|way| way.target).collect(),
        };
        for way in &ways {
            calls.calls.push(Call {
                names: &known,
                models: &way.models,
                provider: way.provider.as_deref(),
                teams: &teams,
                api_key: self.key.as_ref().map(|key| key.id.0),
                member: member.as_deref(),
            });
        }
        let mut guardrails = self.guardrails(&calls);
        let mut caches = self.applying(&calls, Rule::cache);
        let mut limits = self.applying(&calls, |policy| Rule::limit(policy, self.owner()));
        let mut exporters = self.exporters();
        let not_listed =
            cut(&mut guardrails) + cut(&mut caches) + cut(&mut limits) + cut(&mut exporters);
        Applicable {
            guardrails,
            cache_policies: caches,
            rate_limit_policies: limits,
            observability_exporters: exporters,
            not_listed,
        }
    }

    fn ways(&self, winner: Option<&'a Named>) -> Vec<Way<'a>> {
        let served = |model: &'a Named| Served {
            id: model.id,
            name: model.name(),
        };
        let targets = match winner.map(|model| &model.serves) {
            Some(Serves::Routing(routing)) => routing.targets.as_slice(),
            _ => &[],
        };
        if targets.is_empty() {
            return vec![Way {
                target: None,
                models: winner.map(served).into_iter().collect(),
                provider: winner.and_then(|model| self.provider(model)),
            }];
        }
        let ways = targets.iter().map(|target| Way {
            target: Some(target.model.name()),
            models: winner
                .into_iter()
                .chain([&*target.model])
                .map(served)
                .collect(),
            provider: self.provider(&target.model),
        });
        ways.collect()
    }

    /// What a Model calls its provider.
    fn provider(&self, model: &Named) -> Option<String> {
        let at = (DefinitionKind::Model, model.number);
        let definition = self.owner().definitions.get(&at)?;
        stored::<Model>(&definition.value)?.provider
    }

    /// The definitions of a kind that apply to one of the calls at least.
    fn applying<T: Defined>(
        &self,
        calls: &Calls<'_, 'a>,
        rule: impl Fn(&T) -> Option<Rule>,
    ) -> Vec<Applying<'a, T>> {
        let all = self.owner().definitions_of(T::KIND);
        let applying = all.filter_map(|definition| {
            let value = stored::<T>(&definition.value)?;
            let hits = calls.hit(&rule(&value)?)?;
            Some(Applying::new(definition, calls.targets(&hits), value))
        });
        applying.collect()
    }

    /// In the order in which they are asked.
    fn guardrails(&self, calls: &Calls<'_, 'a>) -> Vec<Attached<'a>> {
        let all = self
            .owner()
            .definitions_of(DefinitionKind::GuardrailAttachment);
        let found = all.filter_map(|definition| {
            let value = stored::<GuardrailAttachment>(&definition.value)?;
            let hits = calls.hit(&Rule::attachment(&value)?)?;
            let guardrail = self.guardrail(value.guardrail_id)?;
            Some((definition, value, hits, guardrail))
        });
        let found: Vec<_> = found.collect();
        // Which attachment counts is a matter of each call.
        let mut counted = vec![vec![false; calls.calls.len()]; found.len()];
        for call in 0..calls.calls.len() {
            let here = found.iter().enumerate();
            let here = here.filter(|(_, (_, _, hits, _))| hits[call]);
            let (places, values): (Vec<usize>, Vec<&GuardrailAttachment>) =
                here.map(|(place, (_, value, ..))| (place, value)).unzip();
            for (place, counts) in places.into_iter().zip(counting(&values)) {
                counted[place][call] = counts;
            }
        }
        let attached = found.into_iter().zip(counted);
        let attached = attached.map(|((definition, value, hits, guardrail), counted)| {
            let counts = counted.contains(&true);
            let legs = calls.targets(if counts { &counted } else { &hits });
            Attached {
                attachment: Applying::new(definition, legs, value),
                counts,
                guardrail,
            }
        });
        let mut attached: Vec<Attached<'a>> = attached.collect();
        attached.sort_by_key(|one| (one.guardrail.made.is_none(), one.guardrail.made));
        attached
    }

    /// `None` of one that is off.
    fn guardrail(&self, id: Uuid) -> Option<Guardrail> {
        let id = DefinitionId(id);
        let definition = self.owner().definition(DefinitionKind::Guardrail, id)?;
        let any: AnyGuardrail = serde_json::from_str(&definition.value.0).ok()?;
        let made = any.created_at.as_ref();
        any.enabled.then(|| Guardrail {
            id,
            made: made.and_then(|made| DateTime::parse_from_rfc3339(made.as_str()).ok()),
            kind: any.kind,
            name: any.name,
            hook_point: any.hook_point,
            enforcement_mode: any.enforcement_mode,
        })
    }

    /// Exporters are about every call.
    fn exporters(&self) -> Vec<Applying<'a, Exporter>> {
        let all = self
            .owner()
            .definitions_of(DefinitionKind::ObservabilityExporter);
        let on = all.filter_map(|definition| {
            let any: AnyExporter = serde_json::from_str(&definition.value.0).ok()?;
            let AnyExporter { kind, name, .. } = any;
            any.enabled
                .then(|| Applying::new(definition, None, Exporter { kind, name }))
        });
        on.collect()
    }
}

impl<'a> Calls<'_, 'a> {
    /// Which calls a rule is about; `None` if about none.
    fn hit(&self, rule: &Rule) -> Option<Vec<bool>> {
        let hits = self.calls.iter().map(|call| rule.applies(call));
        let hits: Vec<bool> = hits.collect();
        hits.contains(&true).then_some(hits)
    }

    /// The targets of these calls, unless it is all of them.
    fn targets(&self, calls: &[bool]) -> Option<Vec<&'a str>> {
        if !calls.contains(&false) {
            return None;
        }
        let targets = self.targets.iter().zip(calls);
        Some(
            targets
                .filter(|(_, is)| **is)
                .map(|(target, _)| *target)
                .collect(),
        )
    }
}

impl<'a, T> Applying<'a, T> {
    fn new(definition: &Definition, legs: Option<Vec<&'a str>>, value: T) -> Self {
        let kind = Registered::of(definition.kind);
        let mut fields = kind.map_or_else(Vec::new, |kind| kind.unenforced(&definition.value));
        let enforced = !fields.contains(&"*");
        fields.retain(|field| *field != "*");
        Self {
            id: definition.id,
            enforced,
            not_enforced: fields,
            legs,
            value,
        }
    }
}

/// Leaves as many as are listed; how many there were beside.
fn cut<T>(all: &mut Vec<T>) -> usize {
    let beside = all.len().saturating_sub(MAX_LISTED);
    all.truncate(MAX_LISTED);
    beside
}
