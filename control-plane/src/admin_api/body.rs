//! Bodies that are one type each: its fields are all there are, and its rules are
//! those of its JSON Schema.

use foldgate_domain::Rejection;
use foldgate_domain::decide::Warning;
use foldgate_domain::definition::{self, Fault};
use garde::Validate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::reply::Done;
use crate::request::Write;

/// A request's body as its type has it.
///
/// # Errors
/// No JSON object; the first field that is unknown, missing, of another type, or
/// breaks its rule.
pub(super) fn read<T>(write: &Write, shown: impl FnOnce(&T) -> Value) -> Result<T, Error>
where
    T: DeserializeOwned + JsonSchema + Validate<Context = ()>,
{
    let value = Value::Object(write.fields()?.into_rest());
    definition::typed(&value, shown).map_err(|fault| Rejection::from(fault).into())
}

/// A refusal of the domain, which names fields as the owner API does; `here` knows
/// what they are called in this API, whose resource is `what`.
pub(super) fn in_words(error: Error, what: &str, here: fn(&'static str) -> &'static str) -> Error {
    match error {
        Error::Rejected(Rejection::Field { field, problem }) => fault(here(field), problem),
        Error::Rejected(Rejection::Taken { value, .. }) => Rejection::Taken {
            field: "display_name",
            value,
        }
        .into(),
        other => said_of(other, what),
    }
}

/// A refusal of the domain, which knows resources by their numbers; this API does not,
/// and calls what was written to `this {what}`.
pub(super) fn said_of(error: Error, what: &str) -> Error {
    match error {
        Error::Rejected(rejection) => Error::Said {
            what: format!("this {what}"),
            rejection,
        },
        other => other,
    }
}

/// Tells which fields are kept but not acted upon.
pub(super) fn warn(done: &mut Done, unenforced: impl IntoIterator<Item = &'static str>) {
    for field in unenforced {
        done.warn(Warning::NotEnforced(field).to_string());
    }
}

/// Tells that what was switched off is in use again: a PUT is the whole value, and one
/// that was read before says nothing of it.
pub(super) fn warn_of_use(done: &mut Done, (was_off, is_off): (bool, bool)) {
    if was_off && !is_off {
        done.warn("it was disabled, and is in use again");
    }
}

/// A field that breaks its rule; an empty path is the whole body.
pub(super) fn fault(path: impl Into<String>, problem: impl Into<String>) -> Error {
    Rejection::Definition(Fault::at(path, problem)).into()
}

/// Refuses a name that does not look like what it is.
///
/// # Errors
/// White space around it.
pub(super) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    if name.trim() == name {
        return Ok(());
    }
    Err(fault(field, "must not begin or end with white space"))
}

/// The longest text of a list that is kept, in characters.
const MAX_TEXT_CHARS: usize = 255;

/// Of a list that is kept, no text may be empty or longer than it may be.
///
/// # Errors
/// Says which.
#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
pub(super) fn texts(texts: &Option<Vec<String>>, (): &()) -> garde::Result {
    let fits = |text: &String| (1..=MAX_TEXT_CHARS).contains(&text.chars().count());
    match texts.iter().flatten().position(|text| !fits(text)) {
        None => Ok(()),
        Some(at) => Err(garde::Error::new(format!(
            "number {at} must have 1 to {MAX_TEXT_CHARS} characters"
        ))),
    }
}

/// What [`plain`] takes, as a schema says it.
pub(super) const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// Holds a text to have no control characters.
///
/// # Errors
/// It has.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
pub(super) fn plain(text: &str, (): &()) -> garde::Result {
    if text.chars().any(char::is_control) {
        return Err(garde::Error::new("holds control characters"));
    }
    Ok(())
}
