//! A failure that a task finds out about while the process runs: the process
//! ends in good order, and with that failure's number.

use std::sync::{Arc, Mutex, PoisonError};

use foldgate_runtime::Shutdown;

use crate::exit::Failure;

/// Where the first such failure is kept. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Fatal {
    first: Arc<Mutex<Option<Failure>>>,
    shutdown: Shutdown,
}

impl Fatal {
    /// Nothing has failed.
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        Self {
            first: Arc::default(),
            shutdown,
        }
    }

    /// Ends the process with this failure, unless another came first.
    pub(crate) fn raise(&self, failure: Failure) {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(failure);
        self.shutdown.begin();
    }

    /// The outcome of the process.
    ///
    /// # Errors
    /// The failure, if there was one.
    pub(crate) fn outcome(&self) -> Result<(), Failure> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        first.map_or(Ok(()), Err)
    }
}
