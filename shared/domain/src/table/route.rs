//! Where a model leads: MODEL_MAPPER once, then Models and LEVEL_MAPPER together.

use foldgate_proto::Level;

use super::OwnerTable;
use super::models::Named;
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
        let rules = &self.compiled.mapper;
        let mapped = match self.models.exact(requested) {
            Some(_) => rules.exact(requested),
            None => rules.get(requested),
        };
        let model = mapped.map_or(requested, |(_, target)| target.as_str());
        let to = self.destination(model).ok_or_else(|| NoRoute {
            model: model.to_owned(),
        })?;
        Ok(Route {
            model,
            mapped_by: mapped.map(|(pattern, _)| pattern),
            to,
        })
    }

    fn destination(&self, model: &str) -> Option<Destination<'_>> {
        if let Some(named) = self.models.exact(model) {
            return Some(Destination::Model(named));
        }
        let leveled = self.compiled.levels.get(model);
        let exact = leveled.is_some_and(|(by, _)| by.is_exact());
        let wild = if exact { None } else { self.models.wild(model) };
        match (wild, leveled) {
            (Some(named), Some((by, level))) if named.pattern.rank() < by.rank() => {
                Some(Destination::Level { level: *level, by })
            }
            (Some(named), _) => Some(Destination::Model(named)),
            (None, Some((by, level))) => Some(Destination::Level { level: *level, by }),
            (None, None) => None,
        }
    }
}
