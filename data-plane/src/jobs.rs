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
//! up to every minute. It keeps its jobs in a file and goes on with them after a restart.
//! It tells the others of the beginning and of the end (`foldgate.made`); what nobody said
//! to have ended after half an hour they look at too, in case the first is gone.
//!
//! | seen | billed |
//! |---|---|
//! | ended, with usage; also as its stream says | that |
//! | an answer without usage; one that failed or was cancelled, of which text is in the object or came in a stream | an estimate: the request's, and a token for 4 bytes of text |
//! | a batch without usage | the usage in the lines of its output, which is read for it |
//! | failed or cancelled, without any of these | nothing |
//! | gone at the upstream (three looks in a row), or not ended after 26 hours, a batch after 8 days | the estimate from its beginning, as unsettled (of a batch, whose file is not read: nothing) |
//!
//! **What is a job.** What the upstream says to be one: a stream whose first response has
//! no `background: true` is a call like any, whatever was asked for.
//!
//! **At what price.** By the prices and Rates of the moment at which its end is seen, and
//! the model behind all mappings; for a batch, which names no model, the upstream's name
//! of it. A response of whose beginning a node knows nothing is left for five minutes to
//! who does; then it is billed by the upstream's name too. Whatever a batch used costs half of what calls cost, as every upstream that has
//! batches charges: PRICING says the full price.
//!
//! **What is never billed.** What another account had made, and jobs that are older than
//! 35 days: a fold that counted one remembers it for 62 days.

mod file;
mod object;
mod streamed;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldgate_log::Reports;
use foldgate_proto::{Job, JobKind, MadeWord, Quantities};
use tokio::time::Instant;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use file::Kept;
pub(crate) use object::{Ending, Output, Seen};
pub(crate) use streamed::Streamed;

/// How many jobs a node looks after.
const MOST: usize = 10_000;

/// How many jobs of others it knows, and how many that are billed.
const MOST_KNOWN: usize = 100_000;

/// When a job is looked at first, and how often at the least.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long a node that knows nothing of a response's beginning leaves its bill to who does:
/// longer than a restart takes.
const FIRST_SAY: Duration = Duration::from_mins(5);

/// When a node looks at a job that began elsewhere.
const TAKE_OVER: Duration = Duration::from_mins(30);

/// How many looks in a row find a job gone before it is.
const MISSES: u32 = 3;

/// See the module.
pub(crate) struct Jobs {
    state: Mutex<State>,
    reports: Reports,
}

#[derive(Default)]
struct State {
    /// Those that are looked at here.
    open: HashMap<Uuid, Watch>,
    /// Those of others, the oldest first, with when they are looked at here.
    told: HashMap<Uuid, (Job, Instant)>,
    order: VecDeque<Uuid>,
    billed: Billed,
    kept: Option<Kept>,
}

struct Watch {
    job: Job,
    next: Instant,
    pause: Duration,
    misses: u32,
    /// What its stream said that it used.
    said: Option<Quantities>,
}

/// The newest that are billed.
#[derive(Default)]
struct Billed {
    names: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

impl Jobs {
    /// Goes on with the jobs that a file holds, if there is one.
    pub(crate) fn new(reports: Reports, file: Option<&Path>) -> Self {
        let mut state = State::default();
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
        }
    }

    /// Looks after a job that has just begun, and tells the others of it.
    pub(crate) fn begin(&self, job: Job) {
        let mut state = self.state();
        if state.billed.names.contains(&job.name()) || state.open.contains_key(&job.name()) {
            return;
        }
        state.keep(|kept| kept.began(&job));
        state.watch(job.clone(), FIRST_LOOK);
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
        if let Some(watch) = state.open.get_mut(&name) {
            watch.next = Instant::now();
            return;
        }
        state.keep(|kept| kept.began(&job));
        state.watch(job, Duration::ZERO);
    }

    /// Looks in a while at a response that has ended, of whose beginning nothing is known
    /// here: who saw that bills it by then, by the model that was asked for.
    pub(crate) fn adopt_later(&self, job: Job) {
        let mut state = self.state();
        let name = job.name();
        if !state.billed.names.contains(&name) && !state.open.contains_key(&name) {
            state.keep(|kept| kept.began(&job));
            state.watch(job, FIRST_SAY);
        }
    }

    /// Hears what others say, and what this node says itself.
    pub(crate) fn hear(&self, word: MadeWord) {
        match word {
            MadeWord::Told(_) | MadeWord::Asked(_) => {}
            MadeWord::Began(job) => self.state().take_note(*job),
            MadeWord::Billed(job) => {
                let mut state = self.state();
                if state.billed.add(job) {
                    state.end(job);
                }
            }
        }
    }

    /// What is known of a job that is not billed yet.
    pub(crate) fn known(&self, name: Uuid) -> Option<Job> {
        let state = self.state();
        let watched = state.open.get(&name).map(|watch| &watch.job);
        let told = || state.told.get(&name).map(|(job, _)| job);
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
        if used.is_some() {
            watch.said = used;
            watch.next = Instant::now();
        }
    }

    /// Nobody reads the stream of a job any more: what came of it is kept, and told.
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

    /// Some of those that are to be looked at now, and whether that was done often before;
    /// each comes again after its pause.
    pub(crate) fn due(&self, most: usize) -> Vec<(Job, bool)> {
        let now = Instant::now();
        let mut state = self.state();
        state.take_over(now);
        let due = state.open.values_mut().filter(|watch| watch.next <= now);
        let due = due.take(most).map(|watch| {
            watch.pause = watch
                .pause
                .saturating_mul(2)
                .clamp(FIRST_LOOK, LONGEST_PAUSE);
            watch.next = now + watch.pause;
            (watch.job.clone(), watch.pause == LONGEST_PAUSE)
        });
        due.collect()
    }

    /// A look found a job gone, or not: whether it has been so for long enough.
    pub(crate) fn missed(&self, name: Uuid, gone: bool) -> bool {
        let mut state = self.state();
        let Some(watch) = state.open.get_mut(&name) else {
            return false;
        };
        watch.misses = if gone { watch.misses + 1 } else { 0 };
        watch.misses >= MISSES
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn watch(&mut self, job: Job, wait: Duration) {
        if self.open.len() >= MOST {
            metrics::counter!("foldgate_jobs_unwatched_total").increment(1);
            tracing::warn!(
                id = job.id,
                "too many jobs are under way to look after one more"
            );
            return;
        }
        let watch = Watch {
            next: Instant::now() + wait,
            pause: Duration::ZERO,
            misses: 0,
            said: None,
            job,
        };
        self.open.insert(watch.job.name(), watch);
        self.count();
    }

    fn take_note(&mut self, job: Job) {
        let name = job.name();
        if let Some(watch) = self.open.get_mut(&name) {
            let heard = watch.job.heard.max(job.heard);
            if watch.job.model.is_empty() {
                // Now it is known what was asked for.
                watch.job = job;
            }
            watch.job.heard = heard;
            return;
        }
        if self.billed.names.contains(&name) {
            return;
        }
        if self.order.len() >= MOST_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        if self
            .told
            .insert(name, (job, Instant::now() + TAKE_OVER))
            .is_none()
        {
            self.order.push_back(name);
        }
    }

    /// Looks after those of others that nobody said to have ended.
    fn take_over(&mut self, now: Instant) {
        while let Some(name) = self.order.front() {
            match self.told.get(name) {
                Some((_, at)) if *at > now => return,
                Some(_) if self.open.len() >= MOST => return,
                _ => {}
            }
            let told = self.told.remove(name);
            self.order.pop_front();
            if let Some((job, _)) = told {
                self.keep(|kept| kept.began(&job));
                self.watch(job, Duration::ZERO);
            }
        }
    }

    fn end(&mut self, name: Uuid) {
        // Its place in `order` goes when its turn comes.
        self.told.remove(&name);
        if self.open.remove(&name).is_some() {
            self.count();
            if let Some(mut kept) = self.kept.take() {
                let mut open = self.open.values().map(|watch| &watch.job);
                let written = kept.billed(name, &mut open);
                warn(written);
                self.kept = Some(kept);
            }
        }
    }

    fn keep(&mut self, write: impl FnOnce(&mut Kept) -> std::io::Result<()>) {
        if let Some(kept) = &mut self.kept {
            warn(write(kept));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; there are few")]
    fn count(&self) {
        metrics::gauge!("foldgate_jobs_open").set(self.open.len() as f64);
    }
}

impl Billed {
    /// Whether it is new.
    fn add(&mut self, name: Uuid) -> bool {
        if !self.names.insert(name) {
            return false;
        }
        self.order.push_back(name);
        if self.order.len() > MOST_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }
}

fn warn(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!(%error, "a job is not kept over a restart");
    }
}

/// What kind of job the answers of an endpoint tell of.
pub(crate) fn kind_of(endpoint: &Endpoint) -> Option<JobKind> {
    match endpoint.name {
        "responses" | "response" | "response_cancel" | "response_delete" => Some(JobKind::Response),
        "batch_create" | "batch" | "batches" | "batch_cancel" => Some(JobKind::Batch),
        "message_batch_create" | "message_batch" | "message_batches" | "message_batch_cancel" => {
            Some(JobKind::MessageBatch)
        }
        _ => None,
    }
}
