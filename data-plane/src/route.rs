//! The second phase: which model is asked for, and what serves it: one Level with
//! those behind it, or the targets of a Model in the order in which they are tried.

mod choose;
mod hashed;

use foldgate_domain::table::models::{Named, Routing, Serves};
use foldgate_domain::{Access, Destination, Leg, Limited};
use http::{HeaderMap, HeaderName};

use crate::admit::{Admitted, denied};
use crate::error::Problem;
use crate::limits::Meters;
use crate::pools::{Gauge, Of, Permit, Pools};

/// Which targets of a Model a request wants.
const ROUTING_TAGS: HeaderName = HeaderName::from_static("x-foldgate-routing-tags");

/// How a request goes on.
#[derive(Debug)]
pub(crate) struct Plan<'t> {
    /// The ways to try, in order; at least one.
    pub(crate) legs: Vec<Leg<'t>>,
    /// The Model that leads there.
    pub(crate) routing: Option<(&'t Named, &'t Routing)>,
    /// Whether keys are used although they sleep.
    pub(crate) anyway: bool,
}

/// What decides how a request goes on.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Who asks.
    pub(crate) admitted: &'a Admitted,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// What this node knows of keys and Models.
    pub(crate) pools: &'a Pools,
    /// What all nodes count.
    pub(crate) meters: &'a Meters,
}

/// A plan, and the places that the request takes by it.
pub(crate) struct Routed<'t> {
    /// The plan.
    pub(crate) plan: Plan<'t>,
    /// The model after the mappers.
    pub(crate) model: &'t str,
    /// The rate limits that it must have room under.
    pub(crate) limits: Vec<Limited>,
    /// To be kept until the answer ends.
    pub(crate) permits: Vec<Permit>,
}

/// Finds where a request for `requested` goes.
///
/// # Errors
/// 404 when nothing serves it, 403 when the caller may not use what does, 429 when
/// the caller's key or the Model has as many calls under way as it may, 400 or 503
/// when none of a Model's targets takes it.
pub(crate) fn route<'t>(
    access: &Access<'t>,
    requested: &'t str,
    asking: &Asking<'_>,
) -> Result<Routed<'t>, Problem> {
    let bound = access.resolve(requested).map_err(denied)?;
    let mut permits = asking.enter(access)?;
    let model = bound.route.model;
    let limits = access.limits(requested, &bound.route);
    let routed = match bound.route.to {
        Destination::Model(named) => match &named.serves {
            Serves::Routing(routing) => Some((named, routing)),
            Serves::Direct(_) => None,
        },
        Destination::Level { .. } => None,
    };
    let Some((named, routing)) = routed else {
        let plan = Plan {
            legs: bound.legs,
            routing: None,
            anyway: false,
        };
        return Ok(Routed {
            plan,
            model,
            limits,
            permits,
        });
    };
    let gauge = asking.gauge(Of::Model(named.number));
    let permit = gauge.enter(named.concurrency);
    permits.push(permit.ok_or_else(|| Problem::too_many_at_once("this model"))?);
    let plan = choose::plan((named, routing), bound.legs, (asking, &gauge))?;
    Ok(Routed {
        plan,
        model,
        limits,
        permits,
    })
}

/// The plan of a call that is no model's: one way.
///
/// # Errors
/// 429 when the caller's key has as many calls under way as it may.
pub(crate) fn one_way<'t>(
    access: &Access<'t>,
    leg: Leg<'t>,
    asking: &Asking<'_>,
) -> Result<Routed<'t>, Problem> {
    let permits = asking.enter(access)?;
    Ok(Routed {
        model: "",
        limits: access.limits_unnamed(),
        plan: Plan {
            legs: vec![leg],
            routing: None,
            anyway: false,
        },
        permits,
    })
}

impl Asking<'_> {
    /// A place among the calls of the caller's key, if it says how many there may be.
    fn enter(&self, access: &Access<'_>) -> Result<Vec<Permit>, Problem> {
        let (Some(most), Some(key)) = (access.concurrency(), self.admitted.key()) else {
            return Ok(Vec::new());
        };
        let permit = self.gauge(Of::Key(key)).enter(Some(most));
        let permit = permit.ok_or_else(|| Problem::too_many_at_once("this API key"))?;
        Ok(vec![permit])
    }

    fn gauge(&self, of: Of) -> std::sync::Arc<Gauge> {
        self.pools.gauges().of(self.admitted.owner(), of)
    }
}
