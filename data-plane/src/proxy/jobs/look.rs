//! Looks at jobs, and at what batches made: calls of the gateway's own, with the key that
//! the job was begun with. They take keys, sleeps and metrics as calls of clients do, and
//! are free.
//!
//! **No look waits for another.** Each has a time limit of its own, and a key has a few at
//! once, an account half of them: an upstream that hangs keeps its own jobs waiting, and
//! one that hangs for some keeps waiting those of their account.
//!
//! **What is read** is held in memory as far as it must be: of each of up to 32 looks as
//! much as of any answer (1 MiB), and 256 KiB; what needs more, up to 24 MiB, has a turn
//! for it. That is 64 MiB in all, however many jobs there are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use foldgate_domain::Leg;
use foldgate_proto::{AccountNumber, Job, JobKind, KeyId, Timestamp};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::super::Proxy;
use super::{OLDEST, age};
use crate::account::{Account, End};
use crate::attempt::{Answer, Call, attempt};
use crate::body::Message;
use crate::endpoint::{ENDPOINTS, Endpoint};
use crate::error::Problem;
use crate::jobs::{Ending, Seen, is_guess};
use crate::relay::{Body, Relay};
use crate::route::Plan;
use crate::transport::headers;

/// How often it is seen which jobs are due, how many are looked at at once, how many of one
/// key, and of these how many of one account.
const TICK: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 32;
const AT_ONCE_OF_KEY: usize = 8;
const AT_ONCE_OF_ACCOUNT: usize = 4;

/// How long a look takes at most.
pub(super) const LOOK_TIME: Duration = Duration::from_secs(30);

/// How long after a job's end its upstream may say what it used; and where the output of a
/// batch is, which some write later.
const LATE_USAGE: Duration = Duration::from_secs(2);
const LATE_OUTPUT: Duration = Duration::from_secs(30);

/// After so long a job is given up: responses end within a day, batches within the week
/// that some upstreams let them wait.
const LIFE_OF_RESPONSE: Duration = Duration::from_hours(26);
const LIFE_OF_BATCH: Duration = Duration::from_hours(8 * 24);

/// Where a look takes room: at a key, and of an account at that.
type Place = (KeyId, Option<AccountNumber>);

const fn places(job: &Job) -> [Place; 2] {
    [(job.key, None), (job.key, Some(job.account))]
}

/// What a look at a job has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// How it stands could not be seen.
    Unseen,
    /// It has ended, and is not billed yet.
    Uncounted,
    /// It is under way still, or billed, or gone, or none.
    Known,
}

impl Proxy {
    /// Looks after jobs, for ever.
    pub(crate) async fn look_after_jobs(&self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = FuturesUnordered::new();
        let mut busy: HashMap<Place, usize> = HashMap::new();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                Some(places) = looks.next() => {
                    let places: [Place; 2] = places;
                    for place in places {
                        busy.entry(place).and_modify(|looks| *looks = looks.saturating_sub(1));
                    }
                    busy.retain(|_, looks| *looks > 0);
                    if looks.len() > AT_ONCE / 2 {
                        continue;
                    }
                }
            }
            let room = AT_ONCE.saturating_sub(looks.len());
            let due = self.jobs.due(room, |job| {
                let has_room = places(job).iter().all(|place| {
                    let most = match place.1 {
                        Some(_) => AT_ONCE_OF_ACCOUNT,
                        None => AT_ONCE_OF_KEY,
                    };
                    busy.get(place).is_none_or(|looks| *looks < most)
                });
                for place in places(job).into_iter().filter(|_| has_room) {
                    *busy.entry(place).or_default() += 1;
                }
                has_room
            });
            let due = due.into_iter();
            looks.extend(due.map(|(job, often)| self.look_at_due(job, often)));
        }
    }

    async fn look_at_due(&self, job: Job, often: bool) -> [Place; 2] {
        let (name, places) = (job.name(), places(&job));
        self.look(job, often).await;
        self.jobs.looked(name);
        places
    }

    /// Looks at a job, and bills it if it has ended. One that was looked at `often`
    /// enough is given up when its time is over.
    pub(super) async fn look(&self, job: Job, often: bool) -> Looked {
        let name = job.name();
        if age(job.at) > OLDEST {
            self.jobs.ended(name);
            return Looked::Known;
        }
        if self.pay_said(&job) {
            return self.counted(name);
        }
        if self.is_orphan(&job) {
            self.give_up(&job);
            return Looked::Known;
        }
        let asked = timeout(LOOK_TIME, self.object(&job)).await;
        let mut is_unseen = false;
        let seen = match asked.unwrap_or_else(|_| Err(Problem::late_answer())) {
            Ok(seen) => {
                self.jobs.missed(name, false);
                seen
            }
            Err(problem) => {
                let is_gone = problem.status == StatusCode::NOT_FOUND;
                is_unseen = !is_gone;
                tracing::debug!(id = job.id, %problem, "a job cannot be looked at");
                if self.jobs.missed(name, is_gone) {
                    self.give_up(&job);
                    return Looked::Known;
                }
                None
            }
        };
        self.hold_for(&job, seen.as_ref().and_then(|seen| seen.total));
        let looked = match &seen {
            None if is_unseen => Looked::Unseen,
            // Gone, or no job as the upstream shows it.
            None => Looked::Known,
            Some(seen) if !seen.is_job && is_guess(&job) => {
                self.jobs.forget(name);
                Looked::Known
            }
            Some(seen) if seen.end.is_none() => Looked::Known,
            Some(seen) => {
                if let Some(job) = self.begun(&job, seen).await {
                    self.look_at_end(&job, seen).await;
                }
                self.counted(name)
            }
        };
        let life = match job.kind {
            JobKind::Response => LIFE_OF_RESPONSE,
            JobKind::Batch | JobKind::MessageBatch => LIFE_OF_BATCH,
        };
        if often && age(job.at) > life && !self.jobs.is_billed(name) {
            self.give_up(&job);
        }
        looked
    }

    /// Whether a job that has ended is billed, or another node's.
    fn counted(&self, name: Uuid) -> Looked {
        if self.jobs.is_billed(name) || !self.jobs.is_watched(name) {
            Looked::Known
        } else {
            Looked::Uncounted
        }
    }

    /// A job that has ended, with its beginning, or without it if nobody tells it in time.
    /// `None` as long as somebody may.
    async fn begun(&self, job: &Job, seen: &Seen) -> Option<Job> {
        if !is_guess(job) {
            return Some(job.clone());
        }
        let begun = self.jobs.ask_beginning(job).await;
        if begun.is_some() || self.jobs.may_guess(job.name()) {
            return begun.or_else(|| Some(job.clone()));
        }
        let at = seen.created.map(|at| Timestamp(at.saturating_mul(1000)));
        self.jobs.adopt_later(Job {
            at: at.unwrap_or(job.at),
            ..job.clone()
        });
        None
    }

    async fn look_at_end(&self, job: &Job, seen: &Seen) {
        let output = self.needed_output(job, seen);
        if let Some(output) = output {
            return self.read_output(job, seen, output).await;
        }
        if !self.is_counted(job, seen) {
            let is_watched = self.jobs.is_watched(job.name());
            if !is_watched && !job.kind.is_batch() {
                // The node that looks after it may have heard its stream.
                return;
            }
            if !is_watched {
                self.jobs.adopt(job.clone());
            }
            let is_late = job.kind.is_batch() && seen.end == Some(Ending::Answered);
            let time = if is_late { LATE_OUTPUT } else { LATE_USAGE };
            if !self.jobs.unsaid(job.name(), time) {
                return;
            }
        }
        self.end(job, seen);
    }

    /// Asks for the object of a job.
    async fn object(&self, job: &Job) -> Result<Option<Seen>, Problem> {
        let name = match job.kind {
            JobKind::Response => "response",
            JobKind::Batch => "batch",
            JobKind::MessageBatch => "message_batch",
        };
        let body = self.ask(job, (name, &job.id)).await?;
        let read = |text: &[u8]| {
            let text = std::str::from_utf8(text).unwrap_or_default();
            Seen::read(job.kind, text)
        };
        self.collected(body, read).await
    }

    /// Whether the key is gone that the job was begun with: nobody can look at it again.
    fn is_orphan(&self, job: &Job) -> bool {
        let table = self.deps.replica.table();
        let owner = table.owner(job.owner);
        // A node that has just begun does not know the key yet.
        self.deps.replica.status().ready
            && owner.is_some_and(|owner| owner.state.key(job.key).is_none())
    }

    fn give_up(&self, job: &Job) {
        if is_guess(job) {
            return self.jobs.forget(job.name());
        }
        tracing::warn!(
            id = job.id,
            "the end of a job was not seen: it is billed by estimate"
        );
        self.pay_unsettled(job);
    }

    /// Asks the key of a job.
    pub(super) async fn ask(&self, job: &Job, (name, id): (&str, &str)) -> Result<Body, Problem> {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == name);
        let endpoint: &'static Endpoint = endpoint.ok_or_else(Problem::internal)?;
        let table = self.deps.replica.table();
        let owner = table.owner(job.owner);
        let key = owner.and_then(|owner| owner.state.key(job.key));
        // It may come back, or come first: this node may have just begun.
        let key = key.ok_or_else(Problem::not_ready)?;
        let plan = Plan {
            legs: vec![Leg {
                model: Cow::Borrowed(endpoint.name),
                levels: vec![key.level],
                only: Some(job.key),
                named: None,
                place: 0,
            }],
            routing: None,
            anyway: false,
        };
        let message = Message::empty(endpoint);
        let call = Call {
            pools: &self.deps.pools,
            transport: &self.transport,
            meters: &self.meters,
            metrics: &self.books.metrics,
            limits: self.settings.limits,
            endpoint,
            place: (Some(id), None),
            owner: job.owner,
            standing: &|| true,
            plan: &plan,
            headers: headers::for_upstream(&HeaderMap::new(), &self.instance)?,
            message: &message,
            hide_usage: false,
            quiet: true,
        };
        let mut account = self.own_account(job, (endpoint, id));
        let served = match attempt(&call, &mut account).await {
            Ok(served) => served,
            Err(problem) => {
                account.refuse(&problem);
                return Err(problem);
            }
        };
        match served.answer {
            Answer::Whole { head, body, .. } => {
                account.answer(head.status());
                account.end = End::Done;
                Ok(Body::whole(body))
            }
            Answer::Begun {
                head,
                form,
                rest,
                held,
            } => {
                account.answer(head.status());
                // No client's: the key is left to clients, whatever becomes of it.
                let held = held.quietly();
                let relay = Relay::new(rest, form, held, account, served.silence);
                Ok(Body::relay(relay))
            }
            Answer::Switched { .. } => Err(Problem::internal()),
        }
    }

    fn own_account(&self, job: &Job, (endpoint, id): (&'static Endpoint, &str)) -> Box<Account> {
        let mut request = Request::new(());
        if let Ok(uri) = endpoint.path_of(Some(id)).parse() {
            *request.uri_mut() = uri;
        }
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let request_id = self.ids.of(request.headers());
        let mut account = Account::open(&self.books, &request, nobody, request_id);
        account.endpoint = endpoint.name;
        account.caller = Some(job.account);
        Box::new(account)
    }
}
