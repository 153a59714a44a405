//! What a node knows of jobs: those that it looks after, those of others, and those that
//! are billed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use foldgate_proto::{AccountNumber, Job, Made, OwnerId, Quantities};
use tokio::time::Instant;
use uuid::Uuid;

use super::file::Kept;
use super::{
    FIRST_LOOK, LONGEST_PAUSE, MOST, MOST_KNOWN, MOST_OF_ACCOUNT, SPREAD, TAKE_OVER, TELL_AGAIN,
    is_guess,
};
use crate::purses::Hold;

/// See the module.
pub(super) struct State {
    /// Those that are looked at here.
    pub(super) open: HashMap<Uuid, Watch>,
    /// How many they are of each account.
    of_account: HashMap<(OwnerId, AccountNumber), usize>,
    /// Their names, by what others ask with.
    made: HashMap<Made, Uuid>,
    /// When each of them is looked at.
    queue: BTreeSet<(Instant, Uuid)>,
    pub(super) told: Told,
    pub(super) billed: Billed,
    pub(super) kept: Option<Kept>,
}

/// A job that is looked at here.
pub(super) struct Watch {
    pub(super) job: Job,
    /// Since when.
    pub(super) since: Instant,
    next: Instant,
    pause: Duration,
    /// Whether somebody looks at it right now.
    looking: bool,
    /// Since when looks have found it gone.
    pub(super) gone_since: Option<Instant>,
    /// How often its output could not be read to its end.
    pub(super) unread: u32,
    /// Since when it has ended without saying what it used.
    pub(super) unsaid_since: Option<Instant>,
    /// How much was told of what its stream brought.
    pub(super) told_heard: u64,
    /// What its stream said that it used.
    pub(super) said: Option<Quantities>,
    /// Where its output is, once it has ended.
    pub(super) output: Option<String>,
    /// What is held for it.
    pub(super) hold: Option<Hold>,
    /// When the others were told of it last.
    told: Instant,
}

/// What others look after, and when each is looked at here.
pub(super) struct Told {
    pub(super) jobs: HashMap<Uuid, (Job, Instant)>,
    made: HashMap<Made, Uuid>,
    order: BTreeSet<(Instant, Uuid)>,
    /// By this nodes differ.
    seed: u128,
}

/// The newest that are billed.
#[derive(Default)]
pub(super) struct Billed {
    pub(super) names: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

impl State {
    pub(super) fn new(seed: Uuid) -> Self {
        Self {
            open: HashMap::new(),
            of_account: HashMap::new(),
            made: HashMap::new(),
            queue: BTreeSet::new(),
            told: Told {
                jobs: HashMap::new(),
                made: HashMap::new(),
                order: BTreeSet::new(),
                seed: seed.as_u128(),
            },
            billed: Billed::default(),
            kept: None,
        }
    }

    /// Whether there is room for one more job, and for one more of this account.
    pub(super) fn room(&self, whose: (OwnerId, AccountNumber)) -> (bool, bool) {
        let of_account = self.of_account.get(&whose).copied().unwrap_or(0);
        (self.open.len() < MOST, of_account < MOST_OF_ACCOUNT)
    }

    /// Looks after a job from now on, also after a restart.
    pub(super) fn take_up(&mut self, job: Job, wait: Duration) {
        if self.open.len() < MOST {
            self.keep(|kept| kept.began(&job));
        }
        self.watch(job, wait);
    }

    /// Looks after a job from now on. New ones are not begun when there is no room, but
    /// others may come to be known.
    pub(super) fn watch(&mut self, job: Job, wait: Duration) {
        if self.open.len() >= MOST {
            metrics::counter!("foldgate_jobs_unwatched_total").increment(1);
            tracing::warn!(
                id = job.id,
                "too many jobs are under way to look after one more"
            );
            return;
        }
        let (name, now) = (job.name(), Instant::now());
        let watch = Watch {
            job,
            since: now,
            next: now + wait,
            pause: Duration::ZERO,
            looking: false,
            gone_since: None,
            unread: 0,
            unsaid_since: None,
            told_heard: 0,
            said: None,
            output: None,
            hold: None,
            told: now,
        };
        self.told.remove(name);
        self.made.insert(watch.job.made(), name);
        self.queue.insert((watch.next, name));
        let whose = (watch.job.owner, watch.job.account);
        *self.of_account.entry(whose).or_default() += 1;
        if let Some(before) = self.open.insert(name, watch) {
            self.queue.remove(&(before.next, name));
            self.one_less(&before.job);
        }
        self.count();
    }

    /// Looks at a job as soon as may be.
    pub(super) fn look_now(&mut self, name: Uuid) {
        self.look_in(name, Duration::ZERO);
    }

    /// Looks at a job as if it had just begun.
    pub(super) fn look_anew(&mut self, name: Uuid) {
        self.look_in(name, FIRST_LOOK);
        if let Some(watch) = self.open.get_mut(&name) {
            watch.pause = Duration::ZERO;
        }
    }

    fn look_in(&mut self, name: Uuid, wait: Duration) {
        if let Some(watch) = self.open.get_mut(&name) {
            self.queue.remove(&(watch.next, name));
            watch.next = Instant::now() + wait;
            self.queue.insert((watch.next, name));
        }
    }

    /// Takes up to `most` that are due, those that have waited longest first, of keys that
    /// have room for a look; each comes with whether it was looked at often before. The
    /// others are to be told of `again`.
    pub(super) fn take_due(
        &mut self,
        most: usize,
        mut has_room: impl FnMut(&Job) -> bool,
        again: &mut Vec<Job>,
    ) -> Vec<(Job, bool)> {
        let now = Instant::now();
        let waiting = self.queue.range(..=(now, Uuid::max()));
        let waiting = waiting.map(|(_, name)| *name).filter(|name| {
            let watch = self.open.get(name);
            watch.is_some_and(|watch| !watch.looking && has_room(&watch.job))
        });
        let chosen: Vec<Uuid> = waiting.take(most).collect();
        let mut due = Vec::new();
        for name in chosen {
            let Some(watch) = self.open.get_mut(&name) else {
                continue;
            };
            self.queue.remove(&(watch.next, name));
            let pause = watch.pause.saturating_mul(2);
            watch.pause = pause.clamp(FIRST_LOOK, LONGEST_PAUSE);
            watch.next = now + watch.pause;
            watch.looking = true;
            self.queue.insert((watch.next, name));
            if now.duration_since(watch.told) >= TELL_AGAIN {
                watch.told = now;
                again.push(watch.job.clone());
            }
            due.push((watch.job.clone(), watch.pause == LONGEST_PAUSE));
        }
        due
    }

    /// A look has ended.
    pub(super) fn looked(&mut self, name: Uuid) {
        if let Some(watch) = self.open.get_mut(&name) {
            watch.looking = false;
        }
    }

    /// A batch is counted by this output; who asks for that is told of the batch.
    pub(super) fn counts_by(&mut self, name: Uuid, output: &str) {
        if let Some(watch) = self.open.get_mut(&name) {
            if let Some(before) = watch.output.replace(output.to_owned()) {
                self.made.remove(&made(&watch.job, &before));
            }
            self.made.insert(made(&watch.job, output), name);
        }
    }

    /// The job of which others ask, if its beginning is known here.
    pub(super) fn begun(&self, made: Made) -> Option<&Job> {
        let watched = self.made.get(&made).and_then(|name| self.open.get(name));
        let told = || self.told.jobs.get(self.told.made.get(&made)?);
        let job = watched.map(|watch| &watch.job);
        let job = job.or_else(|| told().map(|(job, _)| job))?;
        (!is_guess(job)).then_some(job)
    }

    /// Takes note of what another looks after; said again, it still does.
    pub(super) fn take_note(&mut self, job: Job) {
        let name = job.name();
        if let Some(watch) = self.open.get_mut(&name) {
            let heard = watch.job.heard.max(job.heard);
            let is_news = is_guess(&watch.job) && !is_guess(&job);
            if is_news {
                // Now it is known what was asked for.
                self.made.remove(&watch.job.made());
                self.made.insert(job.made(), name);
                // Whose it is was known before.
                let account = watch.job.account;
                watch.job = Job { account, ..job };
            }
            watch.job.heard = heard;
            if is_news {
                let job = watch.job.clone();
                self.keep(|kept| kept.began(&job));
                self.look_now(name);
            }
        } else if !self.billed.names.contains(&name) {
            self.told.add(job);
        }
    }

    /// Looks after those of others that nobody said to have ended, or to look after still.
    pub(super) fn take_over(&mut self) {
        let now = Instant::now();
        while self.open.len() < MOST
            && let Some(job) = self.told.pop(now)
        {
            self.take_up(job, Duration::ZERO);
        }
    }

    /// A job is done with.
    pub(super) fn end(&mut self, name: Uuid) {
        self.told.remove(name);
        let Some(watch) = self.open.remove(&name) else {
            return;
        };
        self.queue.remove(&(watch.next, name));
        self.made.remove(&watch.job.made());
        if let Some(output) = &watch.output {
            self.made.remove(&made(&watch.job, output));
        }
        self.one_less(&watch.job);
        self.count();
        if let Some(mut kept) = self.kept.take() {
            let mut open = self.open.values().map(|watch| &watch.job);
            let written = kept.billed(name, &mut open);
            warn(written);
            self.kept = Some(kept);
        }
    }

    fn one_less(&mut self, job: &Job) {
        let whose = (job.owner, job.account);
        if let Some(count) = self.of_account.get_mut(&whose) {
            *count -= 1;
            if *count == 0 {
                self.of_account.remove(&whose);
            }
        }
    }

    pub(super) fn keep(&mut self, write: impl FnOnce(&mut Kept) -> std::io::Result<()>) {
        if let Some(kept) = &mut self.kept {
            warn(write(kept));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; there are few")]
    fn count(&self) {
        metrics::gauge!("foldgate_jobs_open").set(self.open.len() as f64);
    }
}

impl Told {
    fn add(&mut self, job: Job) {
        let name = job.name();
        self.remove(name);
        if self.order.len() >= MOST_KNOWN
            && let Some((_, oldest)) = self.order.first().copied()
        {
            self.remove(oldest);
        }
        let at = Instant::now() + TAKE_OVER + self.later(name);
        self.order.insert((at, name));
        self.made.insert(job.made(), name);
        self.jobs.insert(name, (job, at));
    }

    /// How much later than others this node takes a job over.
    fn later(&self, name: Uuid) -> Duration {
        let spread = (name.as_u128() ^ self.seed) % SPREAD.as_millis();
        Duration::from_millis(u64::try_from(spread).unwrap_or(0))
    }

    fn remove(&mut self, name: Uuid) -> Option<Job> {
        let (job, at) = self.jobs.remove(&name)?;
        self.order.remove(&(at, name));
        self.made.remove(&job.made());
        Some(job)
    }

    /// The first that is to be taken over by now.
    fn pop(&mut self, now: Instant) -> Option<Job> {
        let (at, name) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.remove(name)
    }
}

impl Billed {
    /// Whether it is new.
    pub(super) fn add(&mut self, name: Uuid) -> bool {
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

/// By what others ask for an output of a job.
fn made(job: &Job, output: &str) -> Made {
    Made::of(job.owner, job.account, output)
}

fn warn(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!(%error, "a job is not kept over a restart");
    }
}
