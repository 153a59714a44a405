//! The ways on from a route: the model's name upstream, and which of the keys the
//! caller may use.

use std::borrow::Cow;

use foldgate_proto::{KeyId, Level};

use super::{Access, Denied, Leg};
use crate::definition::model::Place;
use crate::table::models::{Direct, Named, Serves};
use crate::table::{Destination, Route};

impl<'t> Access<'t> {
    /// The way of a call that names no model, such as an upload: where `name`, the
    /// name of what is called, would lead if it were a model's; else the lowest Level
    /// that has a key and that the caller may use. AllowModels does not ask for it: no
    /// model is named.
    ///
    /// # Errors
    /// No Level may be used.
    pub fn unnamed(&self, name: &'t str) -> Result<Leg<'t>, Denied> {
        if let Ok(route) = self.table.resolve(name)
            && let Some(leg) = self.legs(&route, name)?.into_iter().next()
        {
            return Ok(leg);
        }
        let state = &self.table.state;
        let lowest = state
            .staff_levels()
            .find(|level| self.allows_level(*level) && state.is_staffed(*level))
            .ok_or_else(|| Denied::NoRoute(name.to_owned()))?;
        Ok(Leg {
            model: Cow::Borrowed(name),
            levels: self.levels(lowest, name)?,
            only: None,
            named: None,
            place: 0,
        })
    }

    /// The way to one key, for a call that only that key can serve, in the name of
    /// `model`.
    ///
    /// # Errors
    /// The key is gone, or its Level may not be used.
    pub fn bound(&self, key: KeyId, model: &'t str) -> Result<Leg<'t>, Denied> {
        let levels = self.level_of(key, model)?;
        if levels.is_empty() {
            return Err(Denied::NoRoute(model.to_owned()));
        }
        Ok(Leg {
            model: Cow::Borrowed(model),
            levels,
            only: Some(key),
            named: None,
            place: 0,
        })
    }

    /// The ways to every key that the caller may use, Level by Level from the lowest,
    /// for a call whose key nobody remembers.
    pub fn everywhere(&self, model: &'t str) -> Leg<'t> {
        let state = &self.table.state;
        let levels = state.staff_levels();
        Leg {
            model: Cow::Borrowed(model),
            levels: levels.filter(|level| self.allows_level(*level)).collect(),
            only: None,
            named: None,
            place: 0,
        }
    }

    /// The way to each key that the caller may use, for a call that asks all of them.
    pub fn each(&self, model: &'t str) -> Vec<Leg<'t>> {
        let keys = self.table.state.keys.values();
        keys.filter(|key| key.disabled.is_none())
            .filter_map(|key| self.bound(key.id, model).ok())
            .collect()
    }

    /// The legs of a route; there is at least one.
    ///
    /// # Errors
    /// Why the caller may use none; of a Model that routes, why not its first target.
    pub(super) fn legs(&self, route: &Route<'t>, requested: &str) -> Result<Vec<Leg<'t>>, Denied> {
        let named = match route.to {
            Destination::Level { level, .. } => {
                return Ok(vec![Leg {
                    model: Cow::Borrowed(route.model),
                    levels: self.levels(level, requested)?,
                    only: None,
                    named: None,
                    place: 0,
                }]);
            }
            Destination::Model(named) => named,
        };
        self.check_model(named, requested)?;
        let captures = named.captures(route.model);
        let routing = match &named.serves {
            Serves::Direct(direct) => {
                let leg = self.leg((named, direct), &captures, requested)?;
                return Ok(vec![leg]);
            }
            Serves::Routing(routing) => routing,
        };
        let (mut legs, mut denied) = (Vec::with_capacity(routing.targets.len()), None);
        for (place, target) in routing.targets.iter().enumerate() {
            let Serves::Direct(direct) = &target.model.serves else {
                continue;
            };
            let leg = self
                .check_model(&target.model, requested)
                .and_then(|()| self.leg((&target.model, direct), &captures, requested));
            match leg {
                Ok(leg) => legs.push(Leg { place, ..leg }),
                Err(why) => {
                    denied.get_or_insert(why);
                }
            }
        }
        if legs.is_empty() {
            return Err(denied.unwrap_or_else(|| Denied::NoRoute(requested.to_owned())));
        }
        Ok(legs)
    }

    /// Whether some key may serve a leg, unless it sleeps.
    pub(super) fn is_served(&self, leg: &Leg<'_>) -> bool {
        let state = &self.table.state;
        match leg.only {
            None => leg.levels.iter().any(|level| state.is_staffed(*level)),
            Some(key) => state.key(key).is_some_and(|key| key.disabled.is_none()),
        }
    }

    fn check_model(&self, named: &Named, requested: &str) -> Result<(), Denied> {
        let allowed = self.address.is_none_or(|address| named.allows(address));
        allowed
            .then_some(())
            .ok_or_else(|| Denied::ModelAddress(requested.to_owned()))
    }

    fn leg(
        &self,
        (named, direct): (&'t Named, &'t Direct),
        captures: &[&str],
        requested: &str,
    ) -> Result<Leg<'t>, Denied> {
        let model = direct.filled(captures);
        let model = model.ok_or_else(|| Denied::NoRoute(requested.to_owned()))?;
        let (levels, only) = match direct.place {
            Place::Level(level) => (self.levels(level, requested)?, None),
            Place::Key(key) => (self.level_of(key, requested)?, Some(key)),
        };
        Ok(Leg {
            model,
            levels,
            only,
            named: Some(named),
            place: 0,
        })
    }

    /// A Level with those it switches over to, as far as the caller may use them.
    fn levels(&self, level: Level, requested: &str) -> Result<Vec<Level>, Denied> {
        if !self.allows_level(level) {
            return Err(Denied::Level(requested.to_owned()));
        }
        let levels = self.table.state.chain(level);
        Ok(levels.filter(|level| self.allows_level(*level)).collect())
    }

    /// Where a key stands; nowhere if it is gone.
    fn level_of(&self, key: KeyId, requested: &str) -> Result<Vec<Level>, Denied> {
        let Some(key) = self.table.state.key(key) else {
            return Ok(Vec::new());
        };
        if !self.allows_level(key.level) {
            return Err(Denied::Level(requested.to_owned()));
        }
        Ok(vec![key.level])
    }
}
