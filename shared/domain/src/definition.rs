//! Definitions: each kind is one type that says what its values look like (fields,
//! their limits, a JSON Schema), one validation of what the schema cannot say, and
//! one line of [`KINDS`]. Everything else (storing, names, references, secrets,
//! history, routes) is the same for all.

use std::collections::BTreeSet;

use foldgate_proto::{Definition, DefinitionKind, JsonText, ResourceId};
use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::OwnerState;

pub mod a2a_agent;
pub mod applies;
pub mod cache_policy;
pub mod grammar;
pub mod guardrail;
pub mod guardrail_attachment;
mod lookup;
pub mod mcp_server;
pub mod model;
pub mod observability_exporter;
mod pointer;
pub mod rate_limit;
pub mod rate_limit_policy;
mod regexes;
mod said;
mod schema;
mod shape;
mod tagged;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;

pub use a2a_agent::A2aAgent;
pub use cache_policy::CachePolicy;
pub use guardrail::Guardrail;
pub use guardrail_attachment::GuardrailAttachment;
pub use mcp_server::McpServer;
pub use model::Model;
pub use observability_exporter::ObservabilityExporter;
pub use pointer::places;
pub use rate_limit::RateLimit;
pub use rate_limit_policy::RateLimitPolicy;
pub use regexes::{MAX_REGEX_CHARS, MAX_REGEX_MEMORY};

/// Every kind there is.
pub static KINDS: &[Registered] = &[
    registered::<Model>(),
    registered::<Guardrail>(),
    registered::<GuardrailAttachment>(),
    registered::<CachePolicy>(),
    registered::<RateLimitPolicy>(),
    registered::<ObservabilityExporter>(),
    registered::<McpServer>(),
    registered::<A2aAgent>(),
];

/// The longest value, in bytes of its JSON text.
pub const MAX_VALUE_BYTES: usize = 128 * 1024;

/// What a kind's type offers.
pub trait Defined:
    Serialize + DeserializeOwned + JsonSchema + Validate<Context = ()> + Send + Sync + 'static
{
    /// Which kind it is.
    const KIND: DefinitionKind;
    /// A value as a client may send it, in JSON, for the API's document.
    const EXAMPLE: &'static str;
    /// Where its secrets stand, as JSON pointers in which `*` is any one step.
    const SECRETS: &'static [&'static str] = &[];
    /// Whether others speak of it by its name, which therefore stays while they do.
    const REFERRED_BY_NAME: bool = false;
    /// Whether it may speak of Models by names that nobody has yet, so that what it speaks
    /// of is not among what it refers to. Whoever has such a name keeps it all the same.
    const NAMES_FREELY: bool = false;
    /// Whether it is nothing but a tie between what it speaks of, so that two of the same
    /// would be one thing said twice.
    const IS_TIE: bool = false;

    /// Reads a value, and settles what can be said in two ways.
    ///
    /// # Errors
    /// The field that is not of its type.
    fn read(value: Value) -> Result<Self, Fault> {
        decoded(value)
    }

    /// The field that holds its name, and the name; `None` of a kind without names.
    fn name(&self) -> Option<(&'static str, &str)>;

    /// What its schema cannot say.
    ///
    /// # Errors
    /// The field that breaks its rule.
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// The resources it speaks of; all must be there.
    ///
    /// # Errors
    /// The field that speaks of one that is not.
    fn refers(&self, _owner: &OwnerState) -> Result<BTreeSet<ResourceId>, Fault> {
        Ok(BTreeSet::new())
    }

    /// The names by which it speaks of others, as far as it speaks of them by name.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What it may not be while others speak of it.
    ///
    /// # Errors
    /// The field that they do not bear.
    fn check_referrers(&self, _by: &[&Definition]) -> Result<(), Fault> {
        Ok(())
    }

    /// The fields that are stored but not acted upon yet, as far as they are set;
    /// empty pieces of text are never among them, and `*` is all of it.
    fn unenforced(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// A field of a value that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", path, if path.is_empty() { "" } else { ": " })]
pub struct Fault {
    /// Where, as in `routing.targets[0].model`; empty is the whole value.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Fault {
    /// A field that breaks its rule.
    pub fn at(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// A value that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The field that holds its name.
    pub name_field: &'static str,
    /// Its name; empty of a kind without names.
    pub name: String,
    /// The value in its one form: defaults filled in, fields in order.
    pub value: JsonText,
    /// The resources it speaks of.
    pub refers: BTreeSet<ResourceId>,
}

/// One kind, as the rest of the program sees it.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// Which kind.
    pub kind: DefinitionKind,
    /// See [`Defined::EXAMPLE`].
    pub example: &'static str,
    /// See [`Defined::SECRETS`].
    pub secrets: &'static [&'static str],
    /// See [`Defined::REFERRED_BY_NAME`].
    pub referred_by_name: bool,
    /// See [`Defined::NAMES_FREELY`].
    pub names_freely: bool,
    /// See [`Defined::IS_TIE`].
    pub is_tie: bool,
    check: fn(&Map<String, Value>, &OwnerState) -> Result<Checked, Fault>,
    names: fn(&JsonText, &str) -> bool,
    check_referrers: fn(&JsonText, &[&Definition]) -> Result<(), Fault>,
    unenforced: fn(&JsonText) -> Vec<&'static str>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

/// The line of a kind in [`KINDS`].
const fn registered<T: Defined>() -> Registered {
    Registered {
        kind: T::KIND,
        example: T::EXAMPLE,
        secrets: T::SECRETS,
        referred_by_name: T::REFERRED_BY_NAME,
        names_freely: T::NAMES_FREELY,
        is_tie: T::IS_TIE,
        check: check::<T>,
        names: names::<T>,
        check_referrers: check_referrers::<T>,
        unenforced: unenforced::<T>,
        schema: SchemaGenerator::subschema_for::<T>,
    }
}

impl Registered {
    /// The line of this kind.
    pub fn of(kind: DefinitionKind) -> Option<&'static Self> {
        KINDS.iter().find(|line| line.kind == kind)
    }

    /// Checks a value, as it came or as it is stored, against today's state.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub fn check(&self, value: &Map<String, Value>, owner: &OwnerState) -> Result<Checked, Fault> {
        (self.check)(value, owner)
    }

    /// Whether a stored value speaks of what is called `name` by that name; one that this
    /// program does not understand may.
    pub fn names(&self, value: &JsonText, name: &str) -> bool {
        (self.names)(value, name)
    }

    /// See [`Defined::check_referrers`]; of a value that was checked.
    ///
    /// # Errors
    /// The field that those who speak of it do not bear.
    pub fn check_referrers(&self, value: &JsonText, by: &[&Definition]) -> Result<(), Fault> {
        (self.check_referrers)(value, by)
    }

    /// See [`Defined::unenforced`]; of a value that is stored.
    pub fn unenforced(&self, value: &JsonText) -> Vec<&'static str> {
        (self.unenforced)(value)
    }

    /// The JSON Schema of its values; what it shares with others goes into
    /// `generator`'s definitions.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }
}

/// A value as a type has it, unchecked.
fn decoded<T: DeserializeOwned + JsonSchema>(value: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        said::fault::<T>(path, &error.into_inner().to_string())
    })
}

/// A name that is given as `name`, as `display_name`, or as both alike; it stays as
/// the first.
fn settled<N: PartialEq>(name: &mut Option<N>, display: &mut Option<N>) -> Result<(), Fault> {
    match (name.is_some(), display.take()) {
        (false, None) => Err(Fault::at("name", "is missing")),
        (true, Some(display)) if name.as_ref() != Some(&display) => {
            let problem = "name and display_name are one field, and differ; give one of them";
            Err(Fault::at("display_name", problem))
        }
        (true, _) => Ok(()),
        (false, display) => {
            *name = display;
            Ok(())
        }
    }
}

/// A value as its type has it.
///
/// # Errors
/// The field that breaks its rule.
pub fn read<T: Defined>(value: Value) -> Result<T, Fault> {
    let read = T::read(value)?;
    validated(&read)?;
    read.check()?;
    Ok(read)
}

/// A value as a type has it that is no definition's, its fields within their limits.
/// `shown` writes what was read as JSON again, to see that it was given so.
///
/// # Errors
/// The field that is unknown, missing, of another type, or breaks its rule.
pub fn typed<T>(value: &Value, shown: impl FnOnce(&T) -> Value) -> Result<T, Fault>
where
    T: DeserializeOwned + JsonSchema + Validate<Context = ()>,
{
    let read: T = decoded(value.clone())?;
    validated(&read)?;
    shape::check(value, &shown(&read))?;
    Ok(read)
}

/// Holds fields to the limits that their type states.
fn validated<T: JsonSchema + Validate<Context = ()>>(read: &T) -> Result<(), Fault> {
    let Err(report) = read.validate() else {
        return Ok(());
    };
    let first = report.iter().next();
    Err(first.map_or_else(
        || Fault::at("", "breaks a rule"),
        |(path, error)| {
            let path = path.to_string();
            let problem = said::beyond::<T>(&path, error.message());
            Fault::at(path, problem)
        },
    ))
}

/// A stored value as its type has it; `None` of one that this program does not
/// understand (a newer one wrote it).
pub fn stored<T: Defined>(value: &JsonText) -> Option<T> {
    serde_json::from_str(&value.0).ok()
}

fn check<T: Defined>(value: &Map<String, Value>, owner: &OwnerState) -> Result<Checked, Fault> {
    let given = Value::Object(value.clone());
    let read: T = read(given.clone())?;
    let one_form = serde_json::to_value(&read).map_err(|error| Fault::at("", error.to_string()))?;
    shape::check(&given, &one_form)?;
    let refers = read.refers(owner)?;
    let (name_field, name) = read.name().unwrap_or(("name", ""));
    check_name(name_field, name)?;
    // A name that came before this rule may stay.
    let stands = || {
        let mut named = owner.definitions_named(T::KIND, name);
        named.any(|one| one.name == name)
    };
    if name.chars().any(is_unseen) && !stands() {
        return Err(Fault::at(name_field, "holds characters that are not seen"));
    }
    let text = one_form.to_string();
    if text.len() > MAX_VALUE_BYTES {
        let problem = format!(
            "the whole has {} bytes as text, more than {MAX_VALUE_BYTES}",
            text.len()
        );
        return Err(Fault::at("", problem));
    }
    Ok(Checked {
        name_field,
        name: name.to_owned(),
        value: JsonText(text),
        refers,
    })
}

/// Whether no screen shows a character, so that two names look alike which are not: what
/// Unicode calls default ignorable. Joiners and variation selectors are among them.
pub(crate) const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Names stand on one line, and look like what they are.
fn check_name(field: &str, name: &str) -> Result<(), Fault> {
    if name.trim() != name {
        return Err(Fault::at(field, "must not begin or end with white space"));
    }
    if name.chars().any(crate::decide::is_unseemly) {
        return Err(Fault::at(field, "holds control characters"));
    }
    Ok(())
}

fn names<T: Defined>(value: &JsonText, name: &str) -> bool {
    stored::<T>(value).is_none_or(|read| {
        let mut named = read.names().into_iter();
        named.any(|named| crate::is_same(named, name))
    })
}

fn check_referrers<T: Defined>(value: &JsonText, by: &[&Definition]) -> Result<(), Fault> {
    stored::<T>(value).map_or(Ok(()), |read| read.check_referrers(by))
}

fn unenforced<T: Defined>(value: &JsonText) -> Vec<&'static str> {
    stored::<T>(value).map_or_else(Vec::new, |read| read.unenforced())
}
