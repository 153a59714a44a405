//! The text formats of `/x-config`, and the rules each item obeys in whatever
//! form it comes (`a=b, c*=d` or a JSON object).
//!
//! Items of `k=v` lists are separated by commas and trimmed; an empty item is
//! passed over, so that an empty text is an empty mapping. An item may stand
//! twice if it says the same both times.

use std::collections::BTreeMap;

use foldgate_proto::Level;

use crate::pattern::{self, Pattern};

mod limits;
mod resource;
#[cfg(test)]
mod tests;

pub use limits::model_limits;
pub use resource::{check_resource, resources};

/// The most patterns in one mapping: what routing is measured with.
pub const MAX_PATTERNS: usize = 10_000;

/// The most models with limits: each has counters on every node.
pub const MAX_MODEL_LIMITS: usize = 1_024;

/// The most allowed paths; there are fewer routes than that.
pub const MAX_RESOURCES: usize = 256;

/// The longest allowed path, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 256;

/// The most characters of an item that an error repeats.
const MAX_SHOWN: usize = 80;

/// A text, or one of its items, that breaks its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An item is not `key=value`.
    #[error("{item:?} is not of the form {form}")]
    Form {
        /// The item.
        item: String,
        /// What it should look like.
        form: &'static str,
    },
    /// A key is no model pattern.
    #[error("{text:?} is no model pattern: {problem}")]
    Pattern {
        /// The text.
        text: String,
        /// Why not.
        problem: pattern::Error,
    },
    /// A target is no model name.
    #[error("{text:?} is no model name: {problem}")]
    Model {
        /// The text.
        text: String,
        /// Why not.
        problem: String,
    },
    /// A Level is none.
    #[error("{0:?} is no Level: a Level is a whole number from 0 to {max}", max = Level::MAX)]
    Level(String),
    /// A path is none.
    #[error("{path:?} is no path: {problem}")]
    Resource {
        /// The text.
        path: String,
        /// Why not.
        problem: &'static str,
    },
    /// No path at all.
    #[error("must name at least one path")]
    NoResources,
    /// A model's limits are not.
    #[error("the limits of {model:?} are not valid: {problem}")]
    Limit {
        /// The model.
        model: String,
        /// Why not.
        problem: String,
    },
    /// The text is no JSON object.
    #[error("must be a JSON object: {0}")]
    Json(String),
    /// A key stands twice, saying two things.
    #[error("{0:?} stands twice, with different values")]
    Contradiction(String),
    /// Too many items.
    #[error("{count} items are more than {limit}")]
    TooMany {
        /// How many there are, at least.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Reads MODEL_MAPPER: `gpt-3.5*=gpt-4o-mini, o*=gpt-4o`.
///
/// # Errors
/// Names the item at fault.
pub fn model_mapper(text: &str) -> Result<BTreeMap<String, String>, Error> {
    mapping(text, "model=model", MAX_PATTERNS, |from, to| {
        check_model_pattern(from)?;
        check_target_model(to)?;
        Ok((from.to_owned(), to.to_owned()))
    })
}

/// Reads LEVEL_MAPPER: `gpt-4*=2, claude*=3`.
///
/// # Errors
/// Names the item at fault.
pub fn level_mapper(text: &str) -> Result<BTreeMap<String, Level>, Error> {
    mapping(text, "model=level", MAX_PATTERNS, |pattern, at| {
        check_model_pattern(pattern)?;
        Ok((pattern.to_owned(), level(at)?))
    })
}

/// Reads SWITCH_OVER: `1=2, 2=3`. Circles are legal.
///
/// # Errors
/// Names the item at fault.
pub fn switch_over(text: &str) -> Result<BTreeMap<Level, Level>, Error> {
    let limit = usize::from(Level::MAX) + 1;
    mapping(text, "level=level", limit, |from, to| {
        Ok((level(from)?, level(to)?))
    })
}

/// Checks the key of a mapping.
///
/// # Errors
/// Says why it is no pattern.
pub fn check_model_pattern(text: &str) -> Result<(), Error> {
    match Pattern::parse(text) {
        Ok(_) => Ok(()),
        Err(problem) => Err(Error::Pattern {
            text: shown(text),
            problem,
        }),
    }
}

/// Checks what a mapping leads to: one model (or deployment), without wildcards.
///
/// # Errors
/// Says why it is no model name.
pub fn check_target_model(text: &str) -> Result<(), Error> {
    let problem = match Pattern::parse(text) {
        Ok(name) if name.is_exact() => return Ok(()),
        Ok(_) => "a target may not contain wildcards".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Error::Model {
        text: shown(text),
        problem,
    })
}

/// Reads a Level as texts and object keys write it.
///
/// # Errors
/// Refuses all but a whole number from 0 to 9999.
pub fn level(text: &str) -> Result<Level, Error> {
    text.parse().map_err(|_| Error::Level(shown(text)))
}

/// Reads `key=value` items, each by `item`.
fn mapping<K: Ord, V: Eq>(
    text: &str,
    form: &'static str,
    limit: usize,
    item: impl Fn(&str, &str) -> Result<(K, V), Error>,
) -> Result<BTreeMap<K, V>, Error> {
    let mut read = BTreeMap::new();
    for written in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
        let sides = written.split_once('=').map(|(k, v)| (k.trim(), v.trim()));
        let (key, value) = sides
            .filter(|(k, v)| !k.is_empty() && !v.is_empty() && !v.contains('='))
            .ok_or_else(|| Error::Form {
                item: shown(written),
                form,
            })?;
        let (k, v) = item(key, value)?;
        insert(&mut read, key, k, v)?;
        check_count(read.len(), limit)?;
    }
    Ok(read)
}

/// Adds an entry; the same one twice is one.
fn insert<K: Ord, V: Eq>(
    map: &mut BTreeMap<K, V>,
    written: &str,
    key: K,
    value: V,
) -> Result<(), Error> {
    if map.get(&key).is_some_and(|there| *there != value) {
        return Err(Error::Contradiction(shown(written)));
    }
    map.insert(key, value);
    Ok(())
}

fn check_count(count: usize, limit: usize) -> Result<(), Error> {
    if count > limit {
        return Err(Error::TooMany { count, limit });
    }
    Ok(())
}

/// As much of an item as an error repeats.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
