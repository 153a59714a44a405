//! What a leg's Model, and the one that led to it, say of its attempts.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::Leg;
use foldgate_domain::failure::{FailureClass, Transience};
use foldgate_domain::table::at_once;
use foldgate_domain::table::models::{Cooling, Named, Serves};
use http::HeaderValue;
use tokio::time::Instant;

use super::{Call, Limit, Miss, Until};
use crate::limits::{Full, Places};
use crate::pools::{Gauge, Of, Permit, now};
use crate::route::Plan;

/// The terms of a leg; those of a leg without a Model are the gateway's own.
pub(super) struct Terms<'a> {
    named: Option<&'a Named>,
    /// What is counted of the Model.
    pub(super) gauge: Option<Arc<Gauge>>,
    /// Further tries after a failure that another may mend.
    pub(super) retries: u32,
    retry_on_429: bool,
    timeout: Option<Duration>,
    silence: Option<Duration>,
}

impl Plan<'_> {
    /// The most targets that are tried.
    pub(super) fn most_targets(&self) -> usize {
        let fallbacks = self.routing.and_then(|(_, routing)| routing.max_fallbacks);
        fallbacks.map_or(usize::MAX, |most| {
            usize::try_from(most)
                .unwrap_or(usize::MAX)
                .saturating_add(1)
        })
    }

    /// Whether the next target is tried although the request was at fault.
    pub(super) fn moves_on(&self, status: Option<u16>) -> bool {
        let listed = |status| {
            let routing = self.routing.map(|(_, routing)| routing);
            routing.is_some_and(|routing| routing.fallback_on.contains(&status))
        };
        status.is_some_and(listed)
    }

    /// What names the Model of a leg that another led to.
    pub(super) fn served_by(&self, leg: &Leg<'_>) -> Option<HeaderValue> {
        let named = self.routing.and(leg.named)?;
        HeaderValue::from_str(named.name()).ok()
    }
}

impl<'a> Terms<'a> {
    pub(super) fn of(call: &Call<'a>, leg: &Leg<'a>) -> Self {
        let named = leg.named;
        let above = call.plan.routing;
        let gauge = named.map(|named| {
            let gauges = call.pools.gauges();
            gauges.of(call.owner, Of::Model(named.number))
        });
        let retries = match named.map(|named| &named.serves) {
            Some(Serves::Direct(direct)) => direct.retries,
            Some(Serves::Routing(_)) | None => None,
        };
        let either = |of: fn(&Named) -> Option<Duration>| {
            let own = named.and_then(of);
            own.or_else(|| above.and_then(|(above, _)| of(above)))
        };
        Self {
            named,
            gauge,
            retries: retries
                .or(above.map(|(_, routing)| routing.retries))
                .unwrap_or(0),
            retry_on_429: above.is_some_and(|(_, routing)| routing.retry_on_429),
            timeout: either(|named| named.timeout),
            silence: either(|named| named.silence),
        }
    }

    /// Places among the calls of the leg's Model: of this node, and of all.
    ///
    /// # Errors
    /// There are as many as there may be. Only where there is no other leg, it is waited
    /// for other nodes to cede theirs.
    pub(super) async fn enter(
        &self,
        call: &Call<'_>,
    ) -> Result<(Option<Permit>, Option<Places>), Full> {
        let (Some(named), Some(gauge)) = (self.named, &self.gauge) else {
            return Ok((None, None));
        };
        let permit = gauge.enter(named.concurrency).ok_or(Full)?;
        let limited = at_once(call.owner, named);
        let patient = call.plan.routing.is_none();
        let place = call.meters.place(limited.as_ref(), patient).await?;
        Ok((Some(permit), place))
    }

    /// When the keys are left alone for the leg's model.
    pub(super) fn cooling(&self) -> Option<&Arc<Cooling>> {
        match self.named.map(|named| &named.serves) {
            Some(Serves::Direct(direct)) => direct.cooling.as_ref(),
            Some(Serves::Routing(_)) | None => None,
        }
    }

    /// Whether trying once more may mend it.
    pub(super) fn may_mend(&self, miss: &Miss) -> bool {
        match miss.failure.class {
            FailureClass::Transient(Transience::RateLimit) => self.retry_on_429,
            FailureClass::Transient(_) => true,
            FailureClass::ClientFault
            | FailureClass::NotHere
            | FailureClass::Exhausted
            | FailureClass::Dead => false,
        }
    }

    /// The longest silence in the midst of an answer.
    pub(super) fn silence(&self, call: &Call<'_>) -> Limit<Duration> {
        let set = self.silence.filter(|_| call.message.fields.stream);
        Limit::gateways(call.limits.silence).tightened(set)
    }

    /// How long an attempt that begins now may take.
    pub(super) fn until(&self, call: &Call<'_>, (begun, deadline): (Instant, Instant)) -> Until {
        let (first, end) = if call.message.fields.stream {
            (self.silence, None)
        } else {
            (self.timeout, self.timeout)
        };
        let from_begin = |set: Option<Duration>| set.map(|set| begun + set);
        let first_byte = deadline.min(begun + call.limits.first_byte);
        Until {
            first_byte: Limit::gateways(first_byte).tightened(from_begin(first)),
            end: Limit::gateways(deadline).tightened(from_begin(end)),
            silence: self.silence(call),
        }
    }

    /// An answer began so long after it was asked for.
    pub(super) fn answered(&self, took: Duration) {
        if let Some(gauge) = &self.gauge {
            gauge.answered(took, now());
        }
    }
}
