//! The bodies of a caller key's writes.

use std::time::Duration;

use foldgate_domain::Rejection;
use foldgate_domain::command::{Change, TermsEdit};
use foldgate_proto::CallerKeyNumber;

use super::view::READ_ONLY;
use crate::error::Error;
use crate::owner_api::edits;
use crate::request::{Fields, Write};

/// What a body says of a key.
#[derive(Debug, Default)]
pub(crate) struct KeyInput {
    /// The name to show.
    pub name: Option<String>,
    /// What it is good for.
    pub terms: TermsEdit,
}

impl KeyInput {
    /// Reads a new key's body.
    ///
    /// # Errors
    /// The first field that is unknown or of another type.
    pub(crate) fn create(mut fields: Fields) -> Result<Self, Error> {
        let input = Self {
            name: fields.text("Name")?.map(|name| name.trim().to_owned()),
            terms: TermsEdit {
                expires_at: edits::time(&mut fields, "ExpiresAt")?,
                allow_models: edits::list(&mut fields, "AllowModels")?,
                limits: edits::limits(&mut fields)?,
                disabled: fields.boolean("Status")?.map(|on| !on),
                rps: edits::at_least_one(&mut fields, "RPS")?,
                concurrency: edits::at_least_one(&mut fields, "Concurrency")?,
                more: Change::Keep,
            },
        };
        fields.finish()?;
        Ok(input)
    }

    /// Reads a change of a key's body; what GET shows of it may come back.
    ///
    /// # Errors
    /// As [`KeyInput::create`]; an id that is another.
    pub(crate) fn update(mut fields: Fields, number: CallerKeyNumber) -> Result<Self, Error> {
        if fields.is_empty() {
            return Err(Rejection::NothingToChange.into());
        }
        fields.ignore(READ_ONLY);
        match fields.number("ID")? {
            Some(id) if id != number.0 => Err(fields.error("ID", "an id cannot change")),
            _ => Self::create(fields),
        }
    }
}

/// How long the old key stays good beside the new one, in seconds and under one of
/// `names`; a body may be left out.
///
/// # Errors
/// A body that says something else, or says it twice.
pub(crate) fn overlap(write: &Write, names: &[&str]) -> Result<Duration, Error> {
    if write.body().is_empty() {
        return Ok(Duration::ZERO);
    }
    let mut fields = write.fields()?;
    let given: Vec<&str> = names.iter().copied().filter(|n| fields.names(n)).collect();
    let seconds = match given[..] {
        [] => None,
        [name] => fields.number(name)?,
        [name, ..] => return Err(fields.error(name, "is given under two names; give one")),
    };
    fields.finish()?;
    Ok(Duration::from_secs(seconds.unwrap_or_default()))
}
