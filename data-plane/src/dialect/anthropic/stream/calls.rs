//! Calls in their order. Anthropic's blocks follow one another; others may send
//! the arguments of several calls mixed, so those of a later call wait until the
//! one before it is complete.

use std::collections::VecDeque;

use super::brackets::Brackets;
use crate::dialect::Text;

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Option<(u32, Brackets)>,
    waiting: VecDeque<Waiting>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) call: u32,
    pub(super) id: Text<'static>,
    pub(super) name: Text<'static>,
    /// Its arguments until now.
    pub(super) json: String,
}

impl Calls {
    /// Whether a call that begins now must wait.
    pub(super) fn is_busy(&self) -> bool {
        let open = self
            .open
            .is_some_and(|(_, brackets)| !brackets.are_closed());
        open || !self.waiting.is_empty()
    }

    /// A call has begun.
    pub(super) fn begin(&mut self, call: u32) {
        self.open = Some((call, Brackets::default()));
    }

    /// A call has to wait.
    pub(super) fn wait(&mut self, call: u32, id: &Text<'_>, name: &Text<'_>) {
        self.waiting.push_back(Waiting {
            call,
            id: id.clone().into_owned(),
            name: name.clone().into_owned(),
            json: String::new(),
        });
    }

    /// Whether these arguments are of the call that is open; if not, they wait with
    /// theirs. Those of a call that is over are nothing.
    pub(super) fn takes(&mut self, call: u32, json: &Text<'_>) -> bool {
        match &mut self.open {
            Some((open, brackets)) if *open == call => {
                brackets.push(&json.plain());
                true
            }
            _ => {
                let mut waiting = self.waiting.iter_mut();
                if let Some(waiting) = waiting.find(|waiting| waiting.call == call) {
                    waiting.json.push_str(json.escaped());
                }
                false
            }
        }
    }

    /// The next call that waits, if the open one is complete.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let busy = self
            .open
            .is_some_and(|(_, brackets)| !brackets.are_closed());
        if busy { None } else { self.waiting.pop_front() }
    }

    /// The open call is over, complete or not.
    pub(super) fn close(&mut self) {
        self.open = None;
    }
}
