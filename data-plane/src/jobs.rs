//! Work that upstreams go on with after the call that began it: batches, and responses
//! in the background. The call itself is free; the work is billed when it has ended, by
//! what the upstream counted then, and once.
//!
//! **Who bills it.** Any node that sees the end: in the answer to a client that asks for
//! the job, lists batches or cancels, or by a look of its own. All write a record of the
//! same id ([`Job::name`]), and every fold counts it once. So a client that hears of the
//! end elsewhere (a webhook), leaves a stream, or never comes back, pays like one that
//! asks. A job that is to be deleted is looked at before.
//!
//! **Who looks.** The node that saw the beginning: 2 s after it, then after twice that,
//! up to every minute; what has waited longest comes first. It keeps its jobs in a file and
//! goes on with them after a restart. It tells the others of the beginning and of the end
//! (`foldgate.made`), and every 10 minutes that it still looks. Of what nobody said anything
//! for half an hour the first is gone: another takes it over, each node up to half an hour
//! later than the others, and tells them in its turn.
//!
//! | seen | billed |
//! |---|---|
//! | ended, with usage; also as its stream says | that |
//! | an answer without usage; one that failed or was cancelled, of which text is in the object or came in a stream | an estimate: the request's, and a token for 4 bytes of text |
//! | a batch without usage | the usage in the lines of its output, which is read for it |
//! | failed or cancelled, without any of these | nothing |
//! | deleted under way, or its key removed; gone at the upstream for an hour, a batch for a day; not ended after 26 hours, a batch after 8 days | the estimate from its beginning, as unsettled (of a batch, whose file is not read: nothing) |
//!
//! **What is a job.** What the upstream says to be one: a stream whose first response has
//! no `background: true` is a call like any, whatever was asked for.
//!
//! **At what price.** By the prices and Rates of the moment at which its end is seen, and
//! the model behind all mappings; for a batch, which names no model, the upstream's name
//! of it. A node that sees the end of a response of whose beginning it knows nothing asks
//! the others, and leaves it to them for five minutes; then it is billed by the upstream's
//! name too. Whatever a batch used costs half
//! of what calls cost, as every upstream that has batches charges: PRICING says the full
//! price.
//!
//! **What is never billed.** What another account had made, and jobs that are older than
//! 35 days: a fold that counted one remembers it for 62 days.

mod file;
mod found;
mod object;
mod output;
mod skim;
mod state;
mod streamed;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldgate_log::Reports;
use foldgate_proto::{AccountNumber, Job, MadeWord, OwnerId, Quantities};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::error::Problem;
use crate::purses::Hold;
use file::Kept;
pub(crate) use object::{Ending, Seen};
pub(crate) use output::Output;
pub(crate) use skim::Skim;
use state::State;
pub(crate) use streamed::Streamed;

/// How many jobs a node looks after, and how many of one account.
const MOST: usize = 10_000;
const MOST_OF_ACCOUNT: usize = 1_000;

/// How many jobs of others it knows, and how many that are billed.
const MOST_KNOWN: usize = 100_000;

/// When a job is looked at first, and how often at the least.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long a node that knows nothing of a response's beginning leaves its bill to who does:
/// longer than a restart takes.
const FIRST_SAY: Duration = Duration::from_mins(5);

/// When a node looks at a job of which others have said nothing since, and up to how much
/// later, so that not all do.
const TAKE_OVER: Duration = Duration::from_mins(30);
const SPREAD: Duration = Duration::from_mins(30);

/// How often the others are told that a job is still looked at.
const TELL_AGAIN: Duration = Duration::from_mins(10);

/// From how many bytes on it is kept and told what the stream of a job has brought; then
/// after four times as many.
const FIRST_TOLD: u64 = 4 * 1024;

/// How long others may take to tell of a beginning: several times round the world.
const PATIENCE: Duration = Duration::from_millis(700);

/// See the module.
pub(crate) struct Jobs {
    state: Mutex<State>,
    reports: Reports,
    began: Instant,
    /// Others have told something.
    heard: Notify,
}

/// Whether nothing is known of a response but what its upstream says.
pub(crate) const fn is_guess(job: &Job) -> bool {
    !job.kind.is_batch() && job.model.is_empty() && job.requested.is_empty()
}

impl Jobs {
    /// Goes on with the jobs that a file holds, if there is one.
    pub(crate) fn new(reports: Reports, file: Option<&Path>) -> Self {
        let mut state = State::new(Uuid::new_v4());
        match file.map(Kept::open) {
            Some(Ok((kept, jobs))) => {
                state.kept = Some(kept);
                for job in jobs {
                    state.watch(job, FIRST_LOOK);
                }
            }
            Some(Err(error)) => {
                tracing::error!(%error, "jobs under way are not kept over a restart");
            }
            None => {}
        }
        Self {
            state: Mutex::new(state),
            reports,
            began: Instant::now(),
            heard: Notify::new(),
        }
    }

    /// Whether one more job of an account may begin here: what nobody looks after could be
    /// had for nothing.
    ///
    /// # Errors
    /// The account has as many under way as it may have, or this node has.
    pub(crate) fn may_begin(&self, whose: (OwnerId, AccountNumber)) -> Result<(), Problem> {
        match self.state().room(whose) {
            (_, false) => Err(Problem::too_many_jobs()),
            (false, true) => Err(Problem::no_room_for_jobs()),
            (true, true) => Ok(()),
        }
    }

    /// Looks after a job that has just begun, and tells the others of it.
    pub(crate) fn begin(&self, job: Job) {
        let mut state = self.state();
        if state.billed.names.contains(&job.name()) || state.open.contains_key(&job.name()) {
            return;
        }
        state.take_up(job.clone(), FIRST_LOOK);
        drop(state);
        self.reports.publish_job(job);
    }

    /// Looks at a job now, which has ended as somebody has seen.
    pub(crate) fn adopt(&self, job: Job) {
        let mut state = self.state();
        let name = job.name();
        if state.billed.names.contains(&name) {
            return;
        }
        if state.open.contains_key(&name) {
            return state.look_now(name);
        }
        state.take_up(job, Duration::ZERO);
    }

    /// Looks in a while at a response that has ended, of whose beginning nothing is known
    /// here: who saw that is asked for it, and bills it by then otherwise.
    pub(crate) fn adopt_later(&self, job: Job) {
        let mut state = self.state();
        let (name, made) = (job.name(), job.made());
        if !state.billed.names.contains(&name) && !state.open.contains_key(&name) {
            state.take_up(job, FIRST_SAY);
            drop(state);
            self.reports.ask_made(made);
        }
    }

    /// Asks the others for the beginning of a job, and waits a moment. `None` if nobody
    /// tells, or if it is billed meanwhile.
    pub(crate) async fn ask_beginning(&self, job: &Job) -> Option<Job> {
        let until = Instant::now() + PATIENCE;
        if self.reports.has_others() {
            self.reports.ask_made(job.made());
        }
        loop {
            let heard = self.heard.notified();
            if self.is_billed(job.name()) {
                return None;
            }
            let begun = self.known(job.name()).filter(|job| !is_guess(job));
            if begun.is_some() || !self.reports.has_others() {
                return begun;
            }
            timeout_at(until, heard).await.ok()?;
        }
    }

    /// Whether who knows the beginning of a job has had time enough to bill it.
    pub(crate) fn may_guess(&self, name: Uuid) -> bool {
        let state = self.state();
        let watch = state.open.get(&name);
        watch.is_some_and(|watch| watch.since.elapsed() >= FIRST_SAY)
    }

    /// Hears what others say, and what this node says itself.
    pub(crate) fn hear(&self, word: MadeWord) {
        match word {
            MadeWord::Told(_) => {}
            MadeWord::Asked(made) => {
                let begun = self.state().begun(made).cloned();
                if let Some(job) = begun {
                    self.reports.publish_job(job);
                }
            }
            MadeWord::Began(job) => {
                self.state().take_note(*job);
                self.heard.notify_waiters();
            }
            MadeWord::Billed(job) => {
                let mut state = self.state();
                if state.billed.add(job) {
                    state.end(job);
                }
                drop(state);
                self.heard.notify_waiters();
            }
        }
    }

    /// What is known of a job that is not billed yet.
    pub(crate) fn known(&self, name: Uuid) -> Option<Job> {
        let state = self.state();
        let watched = state.open.get(&name).map(|watch| &watch.job);
        let told = || state.told.jobs.get(&name).map(|(job, _)| job);
        watched.or_else(told).cloned()
    }

    /// Whether this node looks after a job.
    pub(crate) fn is_watched(&self, name: Uuid) -> bool {
        self.state().open.contains_key(&name)
    }

    /// So many bytes of text have come in the stream of a job; `used` is what its end said.
    pub(crate) fn heard(&self, name: Uuid, bytes: u64, used: Option<Quantities>) {
        let mut state = self.state();
        let Some(watch) = state.open.get_mut(&name) else {
            return;
        };
        watch.job.heard = watch.job.heard.max(bytes);
        let is_news = bytes >= watch.told_heard.saturating_mul(4).max(FIRST_TOLD);
        if is_news {
            watch.told_heard = bytes;
        }
        if used.is_some() {
            watch.said = used;
            state.look_now(name);
        }
        drop(state);
        if is_news {
            // A kill leaves what is kept and told.
            self.left(name);
        }
    }

    /// What came of the stream of a job is kept, and told.
    pub(crate) fn left(&self, name: Uuid) {
        let mut state = self.state();
        let watched = state.open.get(&name).map(|watch| watch.job.clone());
        if let Some(job) = watched.filter(|job| job.heard > 0) {
            state.keep(|kept| kept.began(&job));
            drop(state);
            self.reports.publish_job(job);
        }
    }

    /// What the stream of a job said that it used.
    pub(crate) fn said(&self, name: Uuid) -> Option<Quantities> {
        self.state().open.get(&name)?.said
    }

    /// Holds as much for a job as `hold` says, who is told what is held already, until it has
    /// ended.
    pub(crate) fn hold(&self, name: Uuid, hold: impl FnOnce(&mut Option<Hold>)) {
        if let Some(watch) = self.state().open.get_mut(&name) {
            hold(&mut watch.hold);
        }
    }

    /// Whether a job is billed, as far as this node knows.
    pub(crate) fn is_billed(&self, name: Uuid) -> bool {
        self.state().billed.names.contains(&name)
    }

    /// Takes the right to bill a job; `false` when that is done already.
    pub(crate) fn claim(&self, name: Uuid) -> bool {
        self.state().billed.add(name)
    }

    /// Gives it back: the bill cannot be written.
    pub(crate) fn unclaim(&self, name: Uuid) {
        self.state().billed.names.remove(&name);
    }

    /// A job is done with.
    pub(crate) fn ended(&self, name: Uuid) {
        let mut state = self.state();
        state.billed.add(name);
        state.end(name);
        drop(state);
        self.reports.publish_billed(name);
    }

    /// It turned out to be no job.
    pub(crate) fn forget(&self, name: Uuid) {
        self.state().end(name);
    }

    /// Some of those that are to be looked at now, that have room for a look, and
    /// whether that was done often before; each comes again after its pause, and not before
    /// it was [looked at](Self::looked).
    pub(crate) fn due(&self, most: usize, has_room: impl FnMut(&Job) -> bool) -> Vec<(Job, bool)> {
        let mut again = Vec::new();
        let mut state = self.state();
        state.take_over();
        let due = state.take_due(most, has_room, &mut again);
        drop(state);
        for job in again {
            self.reports.publish_job(job);
        }
        due
    }

    /// A look at a job that was due has ended.
    pub(crate) fn looked(&self, name: Uuid) {
        self.state().looked(name);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
