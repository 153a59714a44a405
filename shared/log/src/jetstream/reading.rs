//! How reading the log goes: what stands in its way, said once and kept for a look.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::Error;

/// How many different reasons are remembered as told, until reading goes well again.
const MAX_TOLD: usize = 16;

/// Why the log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when attempts have failed.
    pub since: SystemTime,
    /// When the last one did.
    pub last: SystemTime,
    /// Why.
    pub reason: String,
}

/// The outcome of the last attempts to read.
#[derive(Debug, Default)]
pub(super) struct Reading(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    trouble: Option<Trouble>,
    told: Vec<String>,
}

impl Reading {
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.trouble.clone()
    }

    /// An attempt has ended; `refusal` is what a server said in the meantime.
    pub(super) fn note(&self, error: Option<&Error>, refusal: Option<String>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(error) = error else {
            if inner.trouble.take().is_some() {
                inner.told.clear();
                tracing::info!("the log can be read again");
            }
            return;
        };
        let reason = match (error, refusal) {
            (Error::Unavailable(_), Some(refusal)) => {
                format!("the log cannot be reached: NATS refused: {refusal}")
            }
            (error, _) => error.to_string(),
        };
        if inner.told.len() < MAX_TOLD && !inner.told.contains(&reason) {
            tracing::warn!(reason, "the log cannot be read");
            inner.told.push(reason.clone());
        }
        let last = SystemTime::now();
        let since = inner.trouble.as_ref().map_or(last, |trouble| trouble.since);
        inner.trouble = Some(Trouble {
            since,
            last,
            reason,
        });
    }
}
