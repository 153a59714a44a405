//! What calls have to do with work that goes on after them.

use foldgate_proto::JobKind;

use super::{Binds, Endpoint};

/// What a call has to do with [jobs](crate::jobs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnJobs {
    /// Nothing.
    Nothing,
    /// Its answers tell of jobs of this kind.
    Tells(JobKind),
    /// It deletes a job of this kind, and what came of it.
    Deletes(JobKind),
    /// It deletes a file, which may be what came of a batch.
    DeletesOutput,
}

impl Endpoint {
    /// The kind of job that its answers tell of.
    pub(crate) const fn tells_of(&self) -> Option<JobKind> {
        match self.on_jobs {
            OnJobs::Tells(kind) => Some(kind),
            OnJobs::Nothing | OnJobs::Deletes(_) | OnJobs::DeletesOutput => None,
        }
    }

    /// The kind of job that it may begin.
    pub(crate) const fn may_begin(&self) -> Option<JobKind> {
        match self.binds {
            Binds::Makes(_) => self.tells_of(),
            Binds::Nothing | Binds::Follows(_) | Binds::Lists => None,
        }
    }
}
