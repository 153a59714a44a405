//! Query parameters of the history: read once, strictly, with errors that say
//! what to send instead. Which names there are, `query::check` has seen to.

use chrono::DateTime;
use foldgate_proto::{Revision, Timestamp};

use crate::error::Error;
use crate::history::Order;
use crate::request::quote::quoted;

/// The largest page of a history.
pub(crate) const MAX_LIMIT: usize = 1000;

/// The page size where none is asked for.
pub(crate) const DEFAULT_LIMIT: usize = 50;

/// A request's parameters.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

/// A place in the history, as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// By revision.
    At(Revision),
    /// By time.
    When(Timestamp),
}

impl Params {
    /// Reads a query.
    pub(super) fn new(query: Option<String>) -> Self {
        let query = query.unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// A parameter's text.
    ///
    /// # Errors
    /// It is there and empty.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let mut pairs = self.0.iter();
        match pairs.find(|(given, _)| given == name) {
            None => Ok(None),
            Some((_, value)) if value.is_empty() => Err(Error::field(
                name,
                "must not be empty; leave it out instead",
            )),
            Some((_, value)) => Ok(Some(value)),
        }
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// Another value.
    pub(super) fn number(
        &self,
        name: &'static str,
        (first, last): (usize, usize),
    ) -> Result<Option<usize>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let number = digits(text).and_then(|number| usize::try_from(number).ok());
        let within = number.filter(|number| (first..=last).contains(number));
        let problem = || format!("{:?} is no number from {first} to {last}", quoted(text));
        within
            .map(Some)
            .ok_or_else(|| Error::field(name, problem()))
    }

    /// How many items a page may have.
    ///
    /// # Errors
    /// See [`Self::number`].
    pub(super) fn limit(&self) -> Result<usize, Error> {
        let limit = self.number("limit", (1, MAX_LIMIT))?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }

    /// Which end comes first; the newest if nothing is said.
    ///
    /// # Errors
    /// Neither `asc` nor `desc`.
    pub(super) fn order(&self) -> Result<Order, Error> {
        match self.text("order")? {
            None | Some("desc") => Ok(Order::Descending),
            Some("asc") => Ok(Order::Ascending),
            Some(_) => Err(Error::field("order", "must be asc or desc")),
        }
    }

    /// A revision.
    ///
    /// # Errors
    /// No whole number.
    pub(super) fn revision(&self, name: &'static str) -> Result<Option<Revision>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let problem = || format!("{:?} is no revision, such as 12", quoted(text));
        let number = digits(text).ok_or_else(|| Error::field(name, problem()))?;
        Ok(Some(Revision(number)))
    }

    /// A revision or a time.
    ///
    /// # Errors
    /// Neither.
    pub(super) fn place(&self, name: &'static str) -> Result<Option<Place>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        if let Some(number) = digits(text) {
            return Ok(Some(Place::At(Revision(number))));
        }
        // In a query a plus that is not escaped is read as a space.
        let date = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
        let problem = || {
            let text = quoted(text);
            let example = "such as 2026-01-31T12:00:00Z";
            format!("{text:?} is neither a revision, such as 12, nor a time, {example}")
        };
        let date = date.map_err(|_| Error::field(name, problem()))?;
        Ok(Some(Place::When(Timestamp(date.timestamp_millis()))))
    }
}

/// A number in plain digits.
pub(super) fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
