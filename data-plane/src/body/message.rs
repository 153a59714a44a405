//! A request as it is sent on: what it says, and its body, to be sent as often as it
//! can be.

use bytes::Bytes;
use tokio::time::Instant;

use super::{Fields, Outgoing};
use crate::endpoint::{Endpoint, Takes};
use crate::error::Problem;
use crate::multipart::{Form, Priced, Tape};
use crate::splice::Segments;

/// See the module.
pub(crate) struct Message {
    /// What it says.
    pub(crate) fields: Fields,
    held: Bytes,
    /// What a form says that it is billed by, as far as it is held.
    priced: Option<Priced>,
    tape: Option<Tape>,
}

impl Message {
    /// A body that is here.
    pub(crate) fn whole(held: Bytes, fields: Fields) -> Self {
        Self {
            fields,
            held,
            priced: None,
            tape: None,
        }
    }

    /// No body.
    pub(crate) fn empty(endpoint: &Endpoint) -> Self {
        Self::whole(Bytes::new(), Fields::none(endpoint))
    }

    /// What is held of it, for a model of this name; the usage of its stream asked for
    /// or not.
    pub(crate) fn edit(&self, model: &str, ask_usage: bool) -> Segments {
        self.fields.edit(&self.held, model, ask_usage)
    }

    /// What is held of it, as it came.
    pub(crate) const fn held(&self) -> &Bytes {
        &self.held
    }

    /// What is asked, in words, as far as tokens are estimated by it.
    pub(crate) fn said(&self, endpoint: &Endpoint) -> &[u8] {
        match endpoint.takes {
            Takes::Json => &self.held,
            _ => &[],
        }
    }

    /// The body of one attempt, which begins with `held`.
    pub(crate) fn outgoing(&self, held: &Segments) -> Outgoing {
        match &self.tape {
            None => Outgoing::from(held.clone()),
            Some(tape) => Outgoing::relayed(held.clone(), tape.rest()),
        }
    }

    /// Whether it can be sent from its beginning.
    pub(crate) fn can_be_sent(&self) -> bool {
        self.tape
            .as_ref()
            .is_none_or(|tape| tape.is_whole() && tape.fault().is_none())
    }

    /// Whether it has no body.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.tape.is_none()
    }

    /// What the client did wrong while it was sent.
    pub(crate) fn fault(&self) -> Option<Problem> {
        self.tape.as_ref()?.fault()
    }

    /// When an upstream last asked for more of it; `None` of one that was here before it
    /// was sent.
    pub(crate) fn asked(&self) -> Option<Instant> {
        self.tape.as_ref().map(Tape::asked)
    }

    /// What a form says that it is billed by, as far as it has come; `None` of what is no
    /// form.
    pub(crate) fn priced(&self) -> Option<Priced> {
        let rest = self.tape.as_ref().map(Tape::priced);
        rest.or_else(|| self.priced.clone())
    }

    /// How much of it has come, in bytes.
    pub(crate) fn read(&self) -> u64 {
        let rest = self.tape.as_ref().map_or(0, Tape::read);
        (self.held.len() as u64).saturating_add(rest)
    }
}

impl From<Form> for Message {
    fn from(form: Form) -> Self {
        Self {
            fields: form.fields,
            held: form.held,
            priced: Some(form.priced),
            tape: form.tape,
        }
    }
}
