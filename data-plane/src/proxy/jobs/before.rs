//! What is looked at before something is deleted, lest nobody sees what it used. What
//! cannot be seen is not deleted: who makes the looks fail would work for nothing.

use std::time::Duration;

use foldgate_proto::{Job, JobKind, Made};
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::super::Proxy;
use super::super::call::Place;
use super::look::Looked;
use crate::admit::Admitted;
use crate::endpoint::OnJobs;
use crate::error::Problem;

/// How many batches are looked at before a file is deleted that is not known to be of one
/// of them, how many at once, and for how long.
const MOST_BEFORE: usize = 256;
const AT_ONCE: usize = 8;
const LONGEST_BEFORE: Duration = Duration::from_mins(1);

impl Proxy {
    /// Looks at a job that is about to be deleted; also at batches that a file may belong
    /// to.
    ///
    /// # Errors
    /// It has ended and is not counted yet, or that cannot be seen.
    pub(in crate::proxy) async fn look_before(
        &self,
        (endpoint, id): Place<'_>,
        by: &Admitted,
    ) -> Result<(), Problem> {
        let Some(id) = id else {
            return Ok(());
        };
        let may_go = async {
            match endpoint.on_jobs {
                OnJobs::Nothing | OnJobs::Tells(_) => true,
                OnJobs::Deletes(kind) => self.job_may_go((kind, id), by).await,
                OnJobs::DeletesOutput => self.file_may_go(id, by).await,
            }
        };
        match timeout(LONGEST_BEFORE, may_go).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Problem::uncounted()),
        }
    }

    async fn job_may_go(&self, which: (JobKind, &str), by: &Admitted) -> bool {
        // Its beginning may be known elsewhere only.
        match self.unbilled(which, by) {
            Some(job) => self.look(job, false).await == Looked::Known,
            None => true,
        }
    }

    async fn file_may_go(&self, id: &str, by: &Admitted) -> bool {
        let whose = (by.owner(), by.account());
        let key = self.affinity.key_of(whose, id);
        // The owner may delete what its accounts had made.
        let may_be_of = |job: &Job| {
            job.kind == JobKind::Batch
                && job.owner == whose.0
                && (by.is_root() || job.account == whose.1)
                && key.is_none_or(|key| key == job.key)
        };
        if let Some(job) = self.jobs.needing(id, may_be_of) {
            return self.look(job, false).await == Looked::Known;
        }
        self.jobs.ask_output(Made::of(whose.0, whose.1, id)).await;
        let batches = self.jobs.without_output(MOST_BEFORE + 1, may_be_of);
        if batches.len() > MOST_BEFORE {
            return false;
        }
        let looks = stream::iter(batches).map(|job| self.look(job, false));
        let mut looks = looks.buffer_unordered(AT_ONCE);
        while let Some(looked) = looks.next().await {
            if looked == Looked::Unseen {
                return false;
            }
        }
        self.jobs.needing(id, may_be_of).is_none()
    }
}
