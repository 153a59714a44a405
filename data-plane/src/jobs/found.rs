//! What looks find of jobs.

use std::time::Duration;

use foldgate_proto::{Job, JobKind, Made, OwnerId};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Jobs, PATIENCE, TELL_AGAIN};

/// How long looks must find a response gone, or a batch, before it is. An upstream may show
/// it again: after a rotated secret, or when it has told all its parts of it.
const GONE: Duration = Duration::from_hours(1);
const GONE_BATCH: Duration = Duration::from_hours(24);

/// How often an output is read before it cannot be.
const MOST_READS: u32 = 5;

impl Jobs {
    /// A job under way that this is the upstream's name of, whichever account of the owner
    /// had it begun.
    pub(crate) fn named(&self, owner: OwnerId, (kind, id): (JobKind, &str)) -> Option<Job> {
        let state = self.state();
        let watched = state.open.values().map(|watch| &watch.job);
        let mut all = watched.chain(state.told.jobs.values().map(|(job, _)| job));
        all.find(|job| job.owner == owner && job.kind == kind && job.id == id)
            .cloned()
    }

    /// Asks the others for the batch that an output belongs to, and gives them time to tell.
    /// Only a node that has just begun need: later it was told of all.
    pub(crate) async fn ask_output(&self, output: Made) {
        if self.began.elapsed() < 2 * TELL_AGAIN && self.reports.has_others() {
            self.reports.ask_made(output);
            sleep(PATIENCE).await;
        }
    }

    /// Up to `most` jobs under way that are `wanted` and of which it is not known yet where
    /// their output is, as far as this node knows.
    pub(crate) fn without_output(&self, most: usize, wanted: impl Fn(&Job) -> bool) -> Vec<Job> {
        let state = self.state();
        let watched = state.open.values().filter(|watch| watch.output.is_none());
        let watched = watched.map(|watch| &watch.job);
        let told = state.told.jobs.values().map(|(job, _)| job);
        let all = watched.chain(told).filter(|job| wanted(job));
        all.take(most).cloned().collect()
    }

    /// A batch has ended, and is counted by this output: nobody may delete it before.
    pub(crate) fn counts_by(&self, name: Uuid, output: &str) {
        self.state().counts_by(name, output);
    }

    /// The batch, of those that are `wanted`, that is to be counted by this output yet.
    pub(crate) fn needing(&self, output: &str, wanted: impl Fn(&Job) -> bool) -> Option<Job> {
        let state = self.state();
        let mut watched = state.open.values();
        let found =
            watched.find(|watch| watch.output.as_deref() == Some(output) && wanted(&watch.job));
        found.map(|watch| watch.job.clone())
    }

    /// A look found a job gone, or not: whether it has been so for long enough.
    pub(crate) fn missed(&self, name: Uuid, gone: bool) -> bool {
        let mut state = self.state();
        let Some(watch) = state.open.get_mut(&name) else {
            return false;
        };
        if !gone {
            watch.gone_since = None;
            return false;
        }
        let since = *watch.gone_since.get_or_insert_with(Instant::now);
        let long = if watch.job.kind.is_batch() {
            GONE_BATCH
        } else {
            GONE
        };
        since.elapsed() >= long
    }

    /// A job has ended without saying what it used: whether it has had time enough to.
    pub(crate) fn unsaid(&self, name: Uuid, time: Duration) -> bool {
        let mut state = self.state();
        let Some(watch) = state.open.get_mut(&name) else {
            return true;
        };
        if let Some(since) = watch.unsaid_since {
            return since.elapsed() >= time;
        }
        watch.unsaid_since = Some(Instant::now());
        state.look_anew(name);
        false
    }

    /// The output of a batch could not be read to its end: whether that was tried often
    /// enough.
    pub(crate) fn unread(&self, name: Uuid) -> bool {
        let mut state = self.state();
        let Some(watch) = state.open.get_mut(&name) else {
            return false;
        };
        watch.unread += 1;
        watch.unread >= MOST_READS
    }
}
