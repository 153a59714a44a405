//! The Model that serves a request: its legs in the order in which they are tried,
//! each with its keys and terms, and what of it is stored but not acted upon yet.

use std::time::Duration;

use foldgate_domain::definition::Registered;
use foldgate_domain::definition::model::Strategy;
use foldgate_domain::routing::{By, Candidate, order};
use foldgate_domain::table::models::{Direct, Named, Routing, Serves, Target};
use foldgate_domain::{Access, Caller, Denied, Destination, Leg};
use foldgate_proto::{DefinitionKind, Timestamp};
use serde_json::{Value, json};

use super::Asked;

/// The most Models that are named as not understood.
const MAX_UNREAD: usize = 100;

/// What explains a Model.
pub(super) struct Explained {
    /// `level`, `direct` or `routing`.
    pub(super) kind: &'static str,
    /// The Model that won, with its terms.
    pub(super) winner: Option<Value>,
    /// Its legs.
    pub(super) legs: Vec<Value>,
    /// Fields that are stored but not acted upon.
    pub(super) not_enforced: Vec<Value>,
}

/// What a leg is looked at by.
#[derive(Clone, Copy)]
struct View<'a> {
    /// What the account may do; the legs themselves are the owner's.
    access: Result<&'a Access<'a>, &'a Denied>,
    now: Timestamp,
}

impl Asked<'_> {
    /// Explains where `named` leads (the model behind the account's mapper).
    pub(super) fn explained(
        &self,
        named: &str,
        access: Result<&Access<'_>, &Denied>,
        now: Timestamp,
    ) -> Option<Explained> {
        let route = self.table.resolve(named).ok()?;
        let model = match route.to {
            Destination::Level { .. } => {
                return Some(Explained {
                    kind: "level",
                    winner: None,
                    legs: Vec::new(),
                    not_enforced: Vec::new(),
                });
            }
            Destination::Model(model) => model,
        };
        let owner = Caller {
            owner: self.owner().id,
            account: self.owner().account,
            key: None,
            expires_at: None,
        };
        // All that there is, whatever the account may use of it.
        let whole = self.table.access(&owner, now);
        let legs = whole
            .as_ref()
            .ok()
            .and_then(|whole| whole.resolve(named).ok())
            .map(|bound| bound.legs)
            .unwrap_or_default();
        let view = View { access, now };
        let mut spoken_of = vec![model];
        let (kind, shown) = match &model.serves {
            Serves::Direct(_) => {
                let shown = legs.iter().map(|leg| self.leg(leg, None, view));
                ("direct", shown.collect())
            }
            Serves::Routing(routing) => {
                spoken_of.extend(routing.targets.iter().map(|one| one.model.as_ref()));
                ("routing", self.targets(routing, &legs, view))
            }
        };
        Some(Explained {
            kind,
            winner: Some(terms(model)),
            legs: shown,
            not_enforced: spoken_of
                .into_iter()
                .filter_map(|model| self.not_enforced(model))
                .collect(),
        })
    }

    /// The Models that no request reaches, because a newer version wrote them.
    pub(super) fn not_understood(&self) -> Vec<&str> {
        let unread = self.table.unread_models().take(MAX_UNREAD);
        unread.map(|model| model.name.as_str()).collect()
    }

    fn targets(&self, routing: &Routing, legs: &[Leg<'_>], view: View<'_>) -> Vec<Value> {
        let mut candidates = Vec::new();
        for (place, target) in routing.targets.iter().enumerate() {
            candidates.push(candidate(place, target));
        }
        let by = match routing.strategy {
            Strategy::LeastCost => By::Cost,
            _ => By::Listed,
        };
        let ordered = order(&candidates, by).into_iter();
        let shown = ordered.filter_map(|place| {
            let target = routing.targets.get(place)?;
            let leg = legs.iter().find(|leg| leg.place == place);
            Some(match leg {
                Some(leg) => self.leg(leg, Some(target), view),
                None => left_out(target),
            })
        });
        shown.collect()
    }

    /// One leg, with its keys.
    fn leg(&self, leg: &Leg<'_>, target: Option<&Target>, view: View<'_>) -> Value {
        let access = view.access;
        let allowed = leg
            .levels
            .first()
            .is_some_and(|level| access.is_ok_and(|access| access.allows_level(*level)));
        let mut shown = leg.named.map_or_else(|| json!({}), terms);
        let levels = leg.levels.iter().map(|level| {
            let allows = access.is_ok_and(|access| access.allows_level(*level));
            match leg.only {
                None => self.level(*level, &leg.model, (allows, view.now)),
                Some(key) => json!({
                    "level": level,
                    "allowed": allows,
                    "keys_total": 1,
                    "keys": self.key(key, &leg.model, view.now).into_iter().collect::<Vec<_>>(),
                }),
            }
        });
        let levels: Vec<Value> = levels.collect();
        let usable = levels.iter().filter(|level| level["allowed"] == true);
        let keys = usable.flat_map(|level| level["keys"].as_array().into_iter().flatten());
        let awake = keys.clone().any(|key| key["state"] == "awake");
        let until = keys.filter_map(|key| key["until"].as_str()).min();
        shown["upstream_model"] = json!(leg.model);
        shown["one_key"] = json!(leg.only.is_some());
        shown["state"] = json!(match (allowed, awake, until) {
            (false, ..) => "not_allowed",
            (_, true, _) => "awake",
            (_, _, Some(_)) => "asleep",
            _ => "no_key",
        });
        if let Some(until) = until.filter(|_| allowed && !awake) {
            shown["until"] = json!(until);
        }
        shown["levels"] = Value::Array(levels.clone());
        if let Some(target) = target {
            place(&mut shown, target);
        }
        shown
    }

    /// What of a Model is stored but not acted upon.
    fn not_enforced(&self, model: &Named) -> Option<Value> {
        let at = (DefinitionKind::Model, model.number);
        let definition = self.owner().definitions.get(&at)?;
        let kind = Registered::of(DefinitionKind::Model)?;
        let fields = kind.unenforced(&definition.value);
        (!fields.is_empty()).then(|| json!({"model": model.name(), "fields": fields}))
    }
}

/// What strategies look at, as far as it is the same on all nodes.
fn candidate(place: usize, target: &Target) -> Candidate {
    Candidate {
        place,
        id: target.model.id.0.as_u128(),
        priority: target.priority,
        weight: target.weight,
        cost: direct(&target.model).and_then(|direct| direct.cost),
        latency: None,
        busy: 0,
    }
}

fn direct(model: &Named) -> Option<&Direct> {
    match &model.serves {
        Serves::Direct(direct) => Some(direct),
        Serves::Routing(_) => None,
    }
}

/// A target that no request of this name can go to.
fn left_out(target: &Target) -> Value {
    let mut shown = terms(&target.model);
    shown["state"] = json!("left_out");
    shown["reason"] = json!("the name that was asked for has no text for a * of its model_name");
    place(&mut shown, target);
    shown
}

fn place(shown: &mut Value, target: &Target) {
    shown["priority"] = json!(target.priority);
    shown["weight"] = json!(target.weight);
    shown["tags"] = json!(target.tags);
}

/// A Model's own terms.
fn terms(model: &Named) -> Value {
    let millis = |set: Option<Duration>| set.map(|set| set.as_millis());
    let mut shown = json!({
        "model": model.name(),
        "id": model.id,
        "number": model.number,
        "timeout": millis(model.timeout),
        "stream_timeout": millis(model.silence),
        "concurrency": model.concurrency,
        "allowed_cidrs": model.allowed(),
    });
    match &model.serves {
        Serves::Direct(direct) => {
            shown["retries"] = json!(direct.retries);
            shown["cost"] = json!(direct.cost);
            shown["cooldown"] = json!(direct.cooling.as_ref().map(|cooling| json!({
                "default_seconds": cooling.default.as_secs(),
                "max_seconds": cooling.longest.as_secs(),
            })));
        }
        Serves::Routing(routing) => {
            shown["strategy"] = json!(routing.strategy);
            // Others depend on the request, or on what each node counts.
            let fixed = matches!(routing.strategy, Strategy::Failover | Strategy::LeastCost);
            shown["order_is_fixed"] = json!(fixed);
            shown["retries"] = json!(routing.retries);
            shown["retry_on_429"] = json!(routing.retry_on_429);
            shown["max_fallbacks"] = json!(routing.max_fallbacks);
            shown["fallback_on_statuses"] = json!(routing.fallback_on);
            shown["when_all_unavailable"] =
                json!(if routing.anyway { "try_anyway" } else { "fail" });
        }
    }
    shown
}
