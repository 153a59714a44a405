//! A Model's own terms.

use std::time::Duration;

use foldgate_domain::definition::model::{HashOn, HashSource, Strategy, WhenAllUnavailable};
use foldgate_domain::table::models::{Cooling, Direct, Named, Routing, Serves};
use foldgate_proto::{DefinitionId, DefinitionNumber};
use serde::Serialize;

/// What a Model says of itself.
#[derive(Debug, Serialize)]
pub(super) struct Terms<'a> {
    model: &'a str,
    id: DefinitionId,
    number: DefinitionNumber,
    /// Milliseconds, as all times here unless they say otherwise.
    timeout: Option<u64>,
    stream_timeout: Option<u64>,
    concurrency: Option<u32>,
    allowed_cidrs: Option<Vec<String>>,
    #[serde(flatten)]
    own: Own<'a>,
}

/// What only one sort of Model says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Own<'a> {
    Direct {
        retries: Option<u32>,
        cost: Option<f64>,
        cooldown: Option<Cooldown<'a>>,
    },
    Routing {
        strategy: Strategy,
        /// Whether it depends neither on the request nor on what each node counts.
        order_is_fixed: bool,
        /// What `consistent_hash` hashes, the first that a request has.
        #[serde(skip_serializing_if = "Option::is_none")]
        hash_on: Option<Vec<HashSource>>,
        retries: u32,
        retry_on_429: bool,
        max_fallbacks: Option<u32>,
        fallback_on_statuses: &'a [u16],
        when_all_unavailable: WhenAllUnavailable,
    },
}

/// A cooldown that is on, with what sets it off.
#[derive(Debug, Serialize)]
struct Cooldown<'a> {
    default_seconds: u64,
    max_seconds: u64,
    honor_retry_after: bool,
    trigger_on_timeout: bool,
    trigger_on_transport: bool,
    trigger_statuses: &'a [u16],
}

impl<'a> Terms<'a> {
    /// A Model's.
    pub(super) fn of(model: &'a Named) -> Self {
        let millis = |set: Option<Duration>| {
            set.map(|set| u64::try_from(set.as_millis()).unwrap_or(u64::MAX))
        };
        Self {
            model: model.name(),
            id: model.id,
            number: model.number,
            timeout: millis(model.timeout),
            stream_timeout: millis(model.silence),
            concurrency: model.concurrency,
            allowed_cidrs: model
                .allowed()
                .map(|ranges| ranges.iter().map(ToString::to_string).collect()),
            own: match &model.serves {
                Serves::Direct(direct) => Own::direct(direct),
                Serves::Routing(routing) => Own::routing(routing),
            },
        }
    }
}

impl<'a> Own<'a> {
    fn direct(direct: &'a Direct) -> Self {
        Self::Direct {
            retries: direct.retries,
            cost: direct.cost,
            cooldown: direct.cooling.as_deref().map(Cooldown::of),
        }
    }

    fn routing(routing: &'a Routing) -> Self {
        let hashes = routing.strategy == Strategy::ConsistentHash;
        Self::Routing {
            strategy: routing.strategy,
            order_is_fixed: matches!(routing.strategy, Strategy::Failover | Strategy::LeastCost),
            hash_on: hashes.then(|| hashed(&routing.hash_on)),
            retries: routing.retries,
            retry_on_429: routing.retry_on_429,
            max_fallbacks: routing.max_fallbacks,
            fallback_on_statuses: &routing.fallback_on,
            when_all_unavailable: if routing.anyway {
                WhenAllUnavailable::TryAnyway
            } else {
                WhenAllUnavailable::Fail
            },
        }
    }
}

/// What is hashed; where nothing is said, the caller's key.
fn hashed(sources: &[HashSource]) -> Vec<HashSource> {
    if sources.is_empty() {
        let on = HashOn::ApiKey;
        return vec![HashSource { on, name: None }];
    }
    sources.to_vec()
}

impl<'a> Cooldown<'a> {
    fn of(cooling: &'a Cooling) -> Self {
        Self {
            default_seconds: cooling.default.as_secs(),
            max_seconds: cooling.longest.as_secs(),
            honor_retry_after: cooling.heeds_hint,
            trigger_on_timeout: cooling.timeouts,
            trigger_on_transport: cooling.transport,
            trigger_statuses: &cooling.statuses,
        }
    }
}
