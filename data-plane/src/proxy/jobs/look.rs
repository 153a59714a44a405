//! Looks at jobs, and at what batches made: calls of the gateway's own, with the key that
//! the job was begun with. They take keys, sleeps and metrics as calls of clients do, and
//! are free.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use foldgate_domain::Leg;
use foldgate_proto::{Job, JobKind, Measure};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::{MissedTickBehavior, interval};

use super::super::Proxy;
use super::pay::Used;
use super::{OLDEST, age, is_guess};
use crate::account::{Account, End};
use crate::attempt::{Answer, Call, attempt};
use crate::body::Message;
use crate::endpoint::{ENDPOINTS, Endpoint};
use crate::error::Problem;
use crate::jobs::{Output, Seen};
use crate::relay::{Body, Relay};
use crate::route::Plan;
use crate::transport::headers;

/// How often it is seen which jobs are due, how many of them are looked at then, and
/// how many at once.
const TICK: Duration = Duration::from_secs(1);
const MOST_DUE: usize = 64;
const AT_ONCE: usize = 8;

/// After so long a job is given up: responses end within a day, batches within the week
/// that some upstreams let them wait.
const LIFE_OF_RESPONSE: Duration = Duration::from_hours(26);
const LIFE_OF_BATCH: Duration = Duration::from_hours(8 * 24);

/// The largest object of a job, and the longest line of an output, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

impl Proxy {
    /// Looks after jobs, for ever.
    pub(crate) async fn look_after_jobs(&self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let due = stream::iter(self.jobs.due(MOST_DUE));
            due.for_each_concurrent(AT_ONCE, |(job, often)| self.look(job, often))
                .await;
        }
    }

    /// Looks at a job, and bills it if it has ended. One that was looked at `often`
    /// enough is given up when its time is over.
    pub(super) async fn look(&self, job: Job, often: bool) {
        if age(job.at) > OLDEST {
            return self.jobs.ended(job.name());
        }
        if self.pay_said(&job) {
            return;
        }
        let name = match job.kind {
            JobKind::Response => "response",
            JobKind::Batch => "batch",
            JobKind::MessageBatch => "message_batch",
        };
        let seen = match self.ask(&job, (name, &job.id)).await {
            Ok(body) => {
                let collected = Limited::new(body, MAX_BYTES).collect().await;
                let bytes = collected.map(http_body_util::Collected::to_bytes);
                let text = bytes.as_deref().unwrap_or_default();
                let text = std::str::from_utf8(text).unwrap_or_default();
                self.jobs.missed(job.name(), false);
                Seen::read(job.kind, text)
            }
            Err(problem) => {
                let gone = problem.status == StatusCode::NOT_FOUND;
                tracing::debug!(id = job.id, %problem, "a job cannot be looked at");
                if self.jobs.missed(job.name(), gone) {
                    return self.give_up(&job);
                }
                None
            }
        };
        match seen {
            Some(seen) if !seen.is_job && is_guess(&job) => self.jobs.forget(job.name()),
            Some(seen) if seen.end.is_some() => match &seen.output {
                Some(output) if job.kind.is_batch() && seen.usage.is_none() => {
                    self.read_output(&job, &seen, output).await;
                }
                _ => self.end(&job, &seen),
            },
            _ => {}
        }
        let life = match job.kind {
            JobKind::Response => LIFE_OF_RESPONSE,
            JobKind::Batch | JobKind::MessageBatch => LIFE_OF_BATCH,
        };
        if often && age(job.at) > life && !self.jobs.is_billed(job.name()) {
            self.give_up(&job);
        }
    }

    fn give_up(&self, job: &Job) {
        if is_guess(job) && job.kind == JobKind::Response {
            return self.jobs.forget(job.name());
        }
        tracing::warn!(
            id = job.id,
            "the end of a job was not seen: it is billed by estimate"
        );
        self.pay_unsettled(job);
    }

    /// Bills a batch by what the lines of its output say.
    async fn read_output(&self, job: &Job, seen: &Seen, id: &str) {
        let mut output = Output::default();
        let name = match job.kind {
            JobKind::MessageBatch => "message_batch_results",
            JobKind::Batch | JobKind::Response => "file_content",
        };
        let read = match self.ask(job, (name, id)).await {
            Ok(body) => lines(body, |line| output.take(line)).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = read {
            tracing::debug!(id = job.id, %problem, "the output of a batch cannot be read");
            return;
        }
        if output.used.is_empty() {
            return self.jobs.ended(job.name());
        }
        let mut models: Vec<_> = output
            .used
            .iter()
            .map(|((model, _), sum)| (model.as_str(), Some(sum.calls), sum.used))
            .collect();
        let mut measure = Measure::Reported;
        if let Some((_, _, used)) = models.first_mut().filter(|_| output.unsaid > 0) {
            used.output = used.output.saturating_add(output.unsaid.div_ceil(4));
            measure = Measure::Estimated;
        }
        let used = Used {
            models,
            measure,
            endpoint: seen.endpoint.as_deref(),
        };
        self.pay(job, &used);
    }

    /// Asks the key of a job.
    async fn ask(&self, job: &Job, (name, id): (&str, &str)) -> Result<Body, Problem> {
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

/// Reads a body line by line.
async fn lines(mut body: Body, mut take: impl FnMut(&str)) -> Result<(), Problem> {
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::bad_answer())?.into_data() else {
            continue;
        };
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                take(std::str::from_utf8(&rest).unwrap_or_default());
                rest.clear();
            }
            if rest.len() > MAX_BYTES {
                return Err(Problem::bad_answer());
            }
        }
    }
    take(std::str::from_utf8(&rest).unwrap_or_default());
    Ok(())
}
