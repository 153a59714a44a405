//! The stream of a job on its way to a client: what comes of it is known while it comes,
//! for a job may be cancelled at any moment.

use std::sync::Arc;

use foldgate_proto::Quantities;
use uuid::Uuid;

use super::Jobs;

/// See the module.
pub(crate) struct Streamed {
    jobs: Arc<Jobs>,
    name: Uuid,
}

impl Streamed {
    /// The stream of the job of this name.
    pub(crate) const fn of(jobs: Arc<Jobs>, name: Uuid) -> Self {
        Self { jobs, name }
    }

    /// So many bytes of text have come; `used` is what its end said.
    pub(crate) fn heard(&self, bytes: u64, used: Option<Quantities>) {
        self.jobs.heard(self.name, bytes, used);
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.jobs.left(self.name);
    }
}

impl std::fmt::Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streamed").finish_non_exhaustive()
    }
}
