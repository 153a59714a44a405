//! Where a model leads: MODEL_MAPPER once, then Models and LEVEL_MAPPER together.

use std::cell::OnceCell;

use foldgate_proto::Level;

use super::OwnerTable;
use super::compiled::Compiled;
use super::models::{Models, Named};
use crate::OwnerState;
use crate::pattern::Pattern;

/// Where a request for a model goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Route<'a> {
    /// The model after MODEL_MAPPER.
    pub model: &'a str,
    /// The MODEL_MAPPER pattern that applied.
    pub mapped_by: Option<&'a Pattern>,
    /// What serves it.
    pub to: Destination<'a>,
}

/// What serves a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Destination<'a> {
    /// A pool, under the model's own name.
    Level {
        /// Which.
        level: Level,
        /// The LEVEL_MAPPER pattern that won.
        by: &'a Pattern,
    },
    /// A Model that the owner defined.
    Model(&'a Named),
}

/// Neither a Model nor a LEVEL_MAPPER pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Level serves the model {model:?}")]
pub struct NoRoute {
    /// The model, after MODEL_MAPPER.
    pub model: String,
}

impl Route<'_> {
    /// The pool, if LEVEL_MAPPER decided.
    pub const fn level(&self) -> Option<Level> {
        match self.to {
            Destination::Level { level, .. } => Some(level),
            Destination::Model(_) => None,
        }
    }
}

impl OwnerTable {
    /// Where a request for `requested` goes.
    ///
    /// | step | rule |
    /// |---|---|
    /// | MODEL_MAPPER | once; what is a Model's exact name is exempt from its wildcards |
    /// | a Model's exact name | wins over all |
    /// | an exact name in LEVEL_MAPPER | wins over all wildcards |
    /// | wildcards of both | the greatest rank; of equals the Model |
    ///
    /// # Errors
    /// Nothing matches.
    pub fn resolve<'a>(&'a self, requested: &'a str) -> Result<Route<'a>, NoRoute> {
        resolve(&self.compiled, &self.models, requested)
    }
}

/// Where names lead in a state that is in no table, for as long as a question about
/// it lasts.
pub(crate) struct Routes<'o> {
    owner: &'o OwnerState,
    compiled: Compiled,
    none: Models,
    /// Compiled when the first name is not served without them.
    models: OnceCell<Models>,
}

impl<'o> Routes<'o> {
    pub(crate) fn new(owner: &'o OwnerState) -> Self {
        Self {
            owner,
            compiled: Compiled::new(owner),
            none: Models::default(),
            models: OnceCell::new(),
        }
    }

    /// Whether a request for this model is served.
    pub(crate) fn leads(&self, requested: &str) -> bool {
        self.any(|models| resolve(&self.compiled, models, requested).is_ok())
    }

    /// Whether this model is, MODEL_MAPPER left aside.
    pub(crate) fn serves(&self, model: &str) -> bool {
        self.any(|models| destination(&self.compiled, models, model).is_some())
    }

    /// Whether something is so without Models, or else with them: what is served
    /// without them is served with them, too.
    fn any(&self, served: impl Fn(&Models) -> bool) -> bool {
        let models = || {
            let mut models = Models::default();
            models.advance(None, self.owner);
            models
        };
        served(&self.none) || served(self.models.get_or_init(models))
    }
}

fn resolve<'a>(
    compiled: &'a Compiled,
    models: &'a Models,
    requested: &'a str,
) -> Result<Route<'a>, NoRoute> {
    let rules = &compiled.mapper;
    let mapped = match models.exact(requested) {
        Some(_) => rules.exact(requested),
        None => rules.get(requested),
    };
    let model = mapped.map_or(requested, |(_, target)| target.as_str());
    let to = destination(compiled, models, model).ok_or_else(|| NoRoute {
        model: model.to_owned(),
    })?;
    Ok(Route {
        model,
        mapped_by: mapped.map(|(pattern, _)| pattern),
        to,
    })
}

fn destination<'a>(
    compiled: &'a Compiled,
    models: &'a Models,
    model: &str,
) -> Option<Destination<'a>> {
    if let Some(named) = models.exact(model) {
        return Some(Destination::Model(named));
    }
    let leveled = compiled.levels.get(model);
    let exact = leveled.is_some_and(|(by, _)| by.is_exact());
    let wild = if exact { None } else { models.wild(model) };
    match (wild, leveled) {
        (Some(named), Some((by, level))) if named.pattern.rank() < by.rank() => {
            Some(Destination::Level { level: *level, by })
        }
        (Some(named), _) => Some(Destination::Model(named)),
        (None, Some((by, level))) => Some(Destination::Level { level: *level, by }),
        (None, None) => None,
    }
}
