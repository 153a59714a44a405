//! One Model, compiled.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::{Definition, DefinitionId, DefinitionNumber};
use ipnet::IpNet;

use super::Cooling;
use crate::acl;
use crate::definition::Model;
use crate::definition::model::{self, HashSource, Place, Strategy, WhenAllUnavailable};
use crate::limits::Rule;
use crate::pattern::Pattern;
use crate::table::limited::rules_of;

/// A Model that callers may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its id for life.
    pub id: DefinitionId,
    /// Its number.
    pub number: DefinitionNumber,
    /// Its name.
    pub pattern: Pattern,
    /// What it does.
    pub serves: Serves,
    /// The most calls at once.
    pub concurrency: Option<u32>,
    /// Limits on requests and tokens.
    pub rules: Vec<Rule>,
    /// How long an answer that is no stream may take to be whole.
    pub timeout: Option<Duration>,
    /// How long a stream may be silent.
    pub silence: Option<Duration>,
    /// From where it may be called; `None` is everywhere.
    allowed: Option<Vec<IpNet>>,
}

/// What a Model does.
#[derive(Debug, Clone, PartialEq)]
pub enum Serves {
    /// It calls upstreams itself.
    Direct(Direct),
    /// It leads to others.
    Routing(Routing),
}

/// How a Model calls upstreams.
#[derive(Debug, Clone, PartialEq)]
pub struct Direct {
    /// Which keys.
    pub place: Place,
    /// Its name upstream, in which each `*` is to be filled.
    pub upstream: Box<str>,
    /// Further tries after a failure that another may mend.
    pub retries: Option<u32>,
    /// When its keys are left alone.
    pub cooling: Option<Arc<Cooling>>,
    /// Dollars for a thousand tokens in and out.
    pub cost: Option<f64>,
}

/// How a Model leads to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// How targets of one priority are put in order.
    pub strategy: Strategy,
    /// Those that there are, as listed.
    pub targets: Vec<Target>,
    /// What `consistent_hash` hashes; empty is the default.
    pub hash_on: Vec<HashSource>,
    /// The most targets tried after the first.
    pub max_fallbacks: Option<u32>,
    /// Further tries with a target that does not say itself.
    pub retries: u32,
    /// Whether a target that answers 429 is tried again.
    pub retry_on_429: bool,
    /// Statuses after which the next target is tried although the request was at
    /// fault.
    pub fallback_on: Vec<u16>,
    /// Whether targets that are not available are tried nevertheless.
    pub anyway: bool,
}

/// One Model that another leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The Model; it is direct.
    pub model: Arc<Named>,
    /// Greater is tried first.
    pub priority: i32,
    /// Its share; 0 is used only after all others.
    pub weight: u32,
    /// Which requests it takes.
    pub tags: Vec<String>,
}

impl Named {
    /// `None` of what this program does not understand.
    pub(super) fn direct(definition: &Definition, model: &Model) -> Option<Self> {
        let serves = Serves::Direct(Direct {
            place: model.place()?,
            upstream: model.model_name.as_deref()?.into(),
            retries: model.retries,
            cooling: model.cooldown.as_ref().and_then(Cooling::new).map(Arc::new),
            cost: model
                .cost
                .map(|cost| cost.input_per_1k + cost.output_per_1k),
        });
        Self::new(definition, model, serves)
    }

    /// `None` of what this program does not understand. `find` gives the Model of a
    /// target; one that is not to be had is left out.
    pub(super) fn routing(
        definition: &Definition,
        model: &Model,
        find: impl Fn(&model::Target) -> Option<Arc<Self>>,
    ) -> Option<Self> {
        let routing = model.routing.as_ref()?;
        let targets = routing.targets.iter().filter_map(|target| {
            Some(Target {
                model: find(target)?,
                priority: target.priority.unwrap_or(0),
                weight: target.weight.unwrap_or(1),
                tags: target.tags.clone(),
            })
        });
        let serves = Serves::Routing(Routing {
            strategy: routing.strategy,
            targets: targets.collect(),
            hash_on: routing.hash_on.clone().unwrap_or_default(),
            max_fallbacks: routing.max_fallbacks,
            retries: routing.retries.unwrap_or(0),
            retry_on_429: routing.retry_on_429.unwrap_or(false),
            fallback_on: routing.fallback_on_statuses.clone().unwrap_or_default(),
            anyway: routing.when_all_unavailable == Some(WhenAllUnavailable::TryAnyway),
        });
        Self::new(definition, model, serves)
    }

    fn new(definition: &Definition, model: &Model, serves: Serves) -> Option<Self> {
        let millis = |millis: Option<u64>| {
            let set = millis.filter(|millis| *millis > 0);
            set.map(Duration::from_millis)
        };
        // A range that cannot be read allows nobody, rather than everybody.
        let allowed = (!model.allowed_cidrs.is_empty()).then(|| {
            let ranges = model.allowed_cidrs.iter();
            ranges.filter_map(|range| acl::net(range)).collect()
        });
        Some(Self {
            id: definition.id,
            number: definition.number,
            pattern: Pattern::parse(&definition.name).ok()?,
            serves,
            concurrency: model.rate_limit.and_then(|limit| limit.concurrency),
            rules: model.rate_limit.as_ref().map_or_else(Vec::new, rules_of),
            timeout: millis(model.timeout),
            silence: millis(model.stream_timeout),
            allowed,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.pattern.as_str()
    }

    /// Whether it may be called from an address.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let allowed = self.allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|net| net.contains(&address)))
    }

    /// The ranges of addresses that may call it; `None` is all.
    pub fn allowed(&self) -> Option<&[IpNet]> {
        self.allowed.as_deref()
    }

    /// What each `*` of its name stands for in a name that it matches.
    pub(in crate::table) fn captures<'m>(&self, name: &'m str) -> Vec<&'m str> {
        if self.pattern.is_exact() {
            return Vec::new();
        }
        self.pattern.captures(name).unwrap_or_default()
    }
}

impl Direct {
    /// Its name upstream, each `*` in it filled; `None` where there is nothing to
    /// fill one with.
    pub fn filled(&self, captures: &[&str]) -> Option<Cow<'_, str>> {
        let mut pieces = self.upstream.split('*');
        let first = pieces.next().unwrap_or_default();
        if first.len() == self.upstream.len() {
            return Some(Cow::Borrowed(first));
        }
        let mut name = first.to_owned();
        let mut captures = captures.iter();
        for piece in pieces {
            name.push_str(captures.next()?);
            name.push_str(piece);
        }
        Some(Cow::Owned(name))
    }
}
