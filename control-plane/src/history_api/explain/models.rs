//! The Model that serves a request: its legs in the order in which they are tried,
//! each with its keys and terms, and what of it is stored but not acted upon yet.

use foldgate_domain::definition::Registered;
use foldgate_domain::definition::model::Strategy;
use foldgate_domain::routing::{By, Candidate, order};
use foldgate_domain::table::models::{Direct, Named, Routing, Serves, Target};
use foldgate_domain::{Access, Caller, Denied, Destination, Leg};
use foldgate_proto::{DefinitionKind, Timestamp};
use serde::Serialize;

use super::Asked;
use super::keys::{KeyState, LevelView, in_words};
use super::price::Price;
use super::terms::Terms;

/// The most Models that are named as not understood.
const MAX_UNREAD: usize = 100;

/// What explains a Model.
pub(super) struct Explained<'a> {
    /// `level`, `direct` or `routing`.
    pub(super) kind: &'static str,
    /// The Model that won.
    pub(super) winner: Option<&'a Named>,
    /// Its legs.
    pub(super) legs: Vec<LegView<'a>>,
    /// Fields that are stored but not acted upon.
    pub(super) not_enforced: Vec<NotEnforced<'a>>,
}

/// What of a Model is stored but not acted upon.
#[derive(Debug, Serialize)]
pub(super) struct NotEnforced<'a> {
    model: &'a str,
    fields: Vec<&'static str>,
}

/// One way that a request for a Model may go.
#[derive(Debug, Serialize)]
pub(super) struct LegView<'a> {
    #[serde(flatten)]
    terms: Option<Terms<'a>>,
    #[serde(flatten)]
    state: LegState,
    #[serde(flatten)]
    way: Option<Way<'a>>,
    #[serde(flatten)]
    place: Option<Placed<'a>>,
}

/// What routing makes of a leg.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum LegState {
    NotAllowed,
    Awake,
    /// All its keys that are not out of use sleep, this long at least.
    Asleep {
        #[serde(serialize_with = "in_words")]
        until: Timestamp,
    },
    NoKey,
    /// No request of this name can go there.
    LeftOut {
        reason: &'static str,
    },
}

/// Where a leg leads.
#[derive(Debug, Serialize)]
struct Way<'a> {
    upstream_model: String,
    /// What its answers are billed by.
    price: Price,
    one_key: bool,
    levels: Vec<LevelView<'a>>,
}

/// How a target stands among the others.
#[derive(Debug, Serialize)]
struct Placed<'a> {
    priority: i32,
    weight: u32,
    tags: &'a [String],
}

impl<'a> Asked<'a> {
    /// Explains where `named` leads (the model behind the account's mapper).
    pub(super) fn explained(
        &'a self,
        named: &'a str,
        access: Result<&Access<'_>, &Denied>,
    ) -> Option<Explained<'a>> {
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
        let whole = self.table.access(&owner, self.now);
        let legs = whole
            .ok()
            .and_then(|whole| whole.resolve(named).ok())
            .map(|bound| bound.legs)
            .unwrap_or_default();
        let mut spoken_of = vec![model];
        let (kind, shown) = match &model.serves {
            Serves::Direct(_) => {
                let shown = legs.iter().map(|leg| self.leg(leg, None, access));
                ("direct", shown.collect())
            }
            Serves::Routing(routing) => {
                spoken_of.extend(routing.targets.iter().map(|one| one.model.as_ref()));
                ("routing", self.targets(routing, &legs, access))
            }
        };
        let not_enforced = spoken_of.into_iter();
        Some(Explained {
            kind,
            winner: Some(model),
            legs: shown,
            not_enforced: not_enforced
                .filter_map(|model| self.not_enforced(model))
                .collect(),
        })
    }

    /// The Models that no request reaches, because a newer version wrote them.
    pub(super) fn not_understood(&self) -> Vec<&'a str> {
        let unread = self.table.unread_models().take(MAX_UNREAD);
        unread.map(|model| model.name.as_str()).collect()
    }

    fn targets(
        &'a self,
        routing: &'a Routing,
        legs: &[Leg<'a>],
        access: Result<&Access<'_>, &Denied>,
    ) -> Vec<LegView<'a>> {
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
                Some(leg) => self.leg(leg, Some(target), access),
                None => LegView::left_out(target),
            })
        });
        shown.collect()
    }

    /// One leg, with its keys.
    fn leg(
        &'a self,
        leg: &Leg<'a>,
        target: Option<&'a Target>,
        access: Result<&Access<'_>, &Denied>,
    ) -> LegView<'a> {
        let levels = leg.levels.iter().map(|level| {
            let allowed = access.is_ok_and(|access| access.allows_level(*level));
            match leg.only {
                None => self.level(*level, &leg.model, allowed),
                Some(key) => self.one_key((*level, key), &leg.model, allowed),
            }
        });
        let levels: Vec<LevelView<'a>> = levels.collect();
        LegView {
            terms: leg.named.map(Terms::of),
            state: LegState::of(&levels),
            way: Some(Way {
                upstream_model: leg.model.clone().into_owned(),
                price: Price::of(self.table, self.account, &leg.model),
                one_key: leg.only.is_some(),
                levels,
            }),
            place: target.map(Placed::of),
        }
    }

    fn not_enforced(&self, model: &'a Named) -> Option<NotEnforced<'a>> {
        let at = (DefinitionKind::Model, model.number);
        let definition = self.owner().definitions.get(&at)?;
        let kind = Registered::of(DefinitionKind::Model)?;
        let fields = kind.unenforced(&definition.value);
        let model = model.name();
        (!fields.is_empty()).then_some(NotEnforced { model, fields })
    }
}

impl<'a> LegView<'a> {
    /// What its upstreams are asked for.
    pub(super) fn upstream_model(&self) -> Option<&str> {
        self.way.as_ref().map(|way| way.upstream_model.as_str())
    }

    fn left_out(target: &'a Target) -> Self {
        Self {
            terms: Some(Terms::of(&target.model)),
            state: LegState::LeftOut {
                reason: "the name that was asked for has no text for a * of its model_name",
            },
            way: None,
            place: Some(Placed::of(target)),
        }
    }
}

impl LegState {
    /// Of the Levels of a leg, the first of which must be allowed.
    fn of(levels: &[LevelView<'_>]) -> Self {
        if !levels.first().is_some_and(|level| level.allowed) {
            return Self::NotAllowed;
        }
        let usable = levels.iter().filter(|level| level.allowed);
        let mut until = None;
        for key in usable.flat_map(|level| &level.keys) {
            match key.state {
                KeyState::Awake => return Self::Awake,
                KeyState::Asleep { until: this, .. } => {
                    until = Some(until.map_or(this, |so_far: Timestamp| so_far.min(this)));
                }
                KeyState::Disabled { .. } | KeyState::Skipped { .. } => {}
            }
        }
        until.map_or(Self::NoKey, |until| Self::Asleep { until })
    }
}

impl<'a> Placed<'a> {
    fn of(target: &'a Target) -> Self {
        Self {
            priority: target.priority,
            weight: target.weight,
            tags: &target.tags,
        }
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
