//! Puts the targets of a Model in order: those that take the request's tags and are
//! available, by tier and strategy.

use std::sync::PoisonError;

use foldgate_domain::Leg;
use foldgate_domain::definition::model::Strategy;
use foldgate_domain::pool::{Ask, Outlook};
use foldgate_domain::provider::serves;
use foldgate_domain::routing::{By, Candidate, eligible, order, read_tags};
use foldgate_domain::table::at_once;
use foldgate_domain::table::models::{Named, Routing, Serves};
use foldgate_proto::Timestamp;

use super::{Asking, Plan, ROUTING_TAGS, hashed};
use crate::error::Problem;
use crate::pools::{Gauge, Of, Wish, now};

/// Why no target is available.
#[derive(Default)]
struct Unavailable {
    /// When the first one will be.
    earliest: Option<Timestamp>,
    /// Whether some only have as many calls under way as they may.
    full: bool,
}

/// The plan of a request for a Model that routes.
///
/// # Errors
/// See [`super::route`].
pub(super) fn plan<'t>(
    (named, routing): (&'t Named, &'t Routing),
    legs: Vec<Leg<'t>>,
    (asking, gauge): (&Asking<'_>, &Gauge),
) -> Result<Plan<'t>, Problem> {
    let legs = tagged(routing, legs, asking)?;
    let now = now();
    let mut unavailable = Unavailable::default();
    let candidates: Vec<Candidate> = legs
        .iter()
        .filter_map(|leg| asking.candidate(routing, leg, (now, &mut unavailable)))
        .collect();
    let anyway = candidates.is_empty();
    if anyway && !routing.anyway {
        return Err(unavailable.problem(now));
    }
    let order = if anyway {
        legs.iter().map(|leg| leg.place).collect()
    } else {
        ordered(routing, &candidates, (asking, gauge))
    };
    let mut waiting: Vec<Option<Leg<'t>>> = legs.into_iter().map(Some).collect();
    let mut take = |place: usize| {
        let found = waiting
            .iter_mut()
            .find(|leg| leg.as_ref().is_some_and(|leg| leg.place == place));
        found.and_then(Option::take)
    };
    Ok(Plan {
        legs: order.into_iter().filter_map(&mut take).collect(),
        routing: Some((named, routing)),
        anyway,
    })
}

/// The legs that take the request's tags.
fn tagged<'t>(
    routing: &Routing,
    legs: Vec<Leg<'t>>,
    asking: &Asking<'_>,
) -> Result<Vec<Leg<'t>>, Problem> {
    let lines = asking.headers.get_all(ROUTING_TAGS).into_iter();
    let asked = read_tags(lines.filter_map(|line| line.to_str().ok()));
    let tags_of = |leg: &Leg<'_>| {
        let target = routing.targets.get(leg.place);
        target.map_or(&[][..], |target| target.tags.as_slice())
    };
    let tags: Vec<&[String]> = legs.iter().map(tags_of).collect();
    let takes = eligible(&asked, &tags);
    if takes.is_empty() {
        return Err(Problem::no_target_for_tags(!asked.is_empty()));
    }
    let places = legs.into_iter().enumerate();
    let kept = places.filter(|(at, _)| takes.binary_search(at).is_ok());
    Ok(kept.map(|(_, leg)| leg).collect())
}

fn ordered(
    routing: &Routing,
    candidates: &[Candidate],
    (asking, gauge): (&Asking<'_>, &Gauge),
) -> Vec<usize> {
    let by = match routing.strategy {
        Strategy::RoundRobin => {
            let weights: Vec<u32> = routing.targets.iter().map(|one| one.weight).collect();
            let mut wheel = gauge.wheel.lock().unwrap_or_else(PoisonError::into_inner);
            return order(candidates, By::Turn(&mut wheel, &weights));
        }
        Strategy::ConsistentHash => By::Hash(hashed::key(&routing.hash_on, asking)),
        Strategy::Failover => By::Listed,
        Strategy::LeastCost => By::Cost,
        Strategy::LeastLatency => By::Latency,
        Strategy::LeastBusy => By::Busy,
    };
    order(candidates, by)
}

impl Asking<'_> {
    /// What strategies look at, if the leg is available.
    fn candidate(
        &self,
        routing: &Routing,
        leg: &Leg<'_>,
        (now, unavailable): (Timestamp, &mut Unavailable),
    ) -> Option<Candidate> {
        let target = routing.targets.get(leg.place)?;
        let model = &target.model;
        if !self.is_awake(leg, unavailable) {
            return None;
        }
        let gauge = self.gauge(Of::Model(model.number));
        let busy = gauge.running();
        let elsewhere = at_once(self.admitted.owner(), model);
        let full_here = model.concurrency.is_some_and(|most| busy >= most);
        if full_here || elsewhere.is_some_and(|limited| self.meters.is_full(&limited)) {
            unavailable.full = true;
            return None;
        }
        let cost = match &model.serves {
            Serves::Direct(direct) => direct.cost,
            Serves::Routing(_) => None,
        };
        Some(Candidate {
            place: leg.place,
            id: model.id.0.as_u128(),
            priority: target.priority,
            weight: target.weight,
            cost,
            latency: gauge.latency(now),
            busy,
        })
    }

    /// Whether some key of a leg would take the request now.
    fn is_awake(&self, leg: &Leg<'_>, unavailable: &mut Unavailable) -> bool {
        let wish = Wish {
            owner: self.admitted.owner(),
            ask: Ask {
                model: &leg.model,
                serves: serves(&leg.model),
                tried: &[],
            },
            only: leg.only,
            anyway: false,
        };
        leg.levels.iter().any(|level| {
            let outlook = self.pools.outlook(*level, &wish);
            if let Outlook::Asleep { earliest, .. } = outlook {
                let before = unavailable.earliest.unwrap_or(earliest);
                unavailable.earliest = Some(before.min(earliest));
            }
            outlook == Outlook::Awake
        })
    }
}

impl Unavailable {
    fn problem(self, now: Timestamp) -> Problem {
        if self.full {
            return Problem::too_many_at_once("each target of this model");
        }
        Problem::no_target(self.earliest.map(|earliest| earliest.since(now)))
    }
}
