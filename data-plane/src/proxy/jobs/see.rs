//! What answers that pass tell of jobs.

use std::sync::Arc;

use bytes::Bytes;
use foldgate_proto::{Job, JobKind, KeyId, Quantities, Timestamp, job_name};
use memchr::memmem;

use super::super::Proxy;
use super::super::call::Place;
use super::{OLDEST, age};
use crate::account::Account;
use crate::admit::Admitted;
use crate::affinity::made_in;
use crate::attempt::{Answer, Served};
use crate::body::Message;
use crate::endpoint::{Binds, Endpoint, OnJobs};
use crate::jobs::{Seen, Streamed, is_guess};
use crate::json::members;
use crate::limits::Reserved;
use crate::pools::now;
use crate::relay::Form;

const BACKGROUND: &[u8] = b"\"background\"";

impl Proxy {
    /// Takes note of what an answer tells of jobs. A call that begins one is free; whether it
    /// was `asked` to.
    pub(in crate::proxy) fn see_jobs(
        &self,
        (place, asked): (Place<'_>, bool),
        served: &Served,
        admitted: &Admitted,
        account: &mut Account,
    ) {
        let (endpoint, id) = place;
        if let (OnJobs::Deletes(kind), Some(id)) = (endpoint.on_jobs, id) {
            return self.deleted((kind, id), admitted);
        }
        let Some(kind) = endpoint.tells_of() else {
            return;
        };
        let begins = endpoint.may_begin().is_some();
        match &served.answer {
            Answer::Whole { body, .. } => {
                let text = std::str::from_utf8(body).unwrap_or_default();
                if endpoint.binds == Binds::Lists {
                    for seen in Seen::list(kind, text) {
                        self.saw(kind, &seen, admitted);
                    }
                    return;
                }
                if begins && !asked && !says_background(std::slice::from_ref(body)) {
                    // As nearly all are: it is not read again for this.
                    return;
                }
                let Some(seen) = Seen::read(kind, text) else {
                    return;
                };
                if !begins {
                    return self.saw(kind, &seen, admitted);
                }
                if seen.is_job || (asked && seen.end.is_none()) {
                    let job = self.begin((kind, &seen.id), served.key, admitted, account);
                    self.hold_for(&job, seen.total);
                    self.saw(kind, &seen, admitted);
                }
            }
            Answer::Begun { form, .. } if begins => {
                let is_job = match form {
                    Form::Events(flow) => flow.is_background(),
                    Form::Bytes { ready, .. } => kind.is_batch() || says_background(ready),
                };
                for id in made_in(endpoint, &served.answer).iter().filter(|_| is_job) {
                    let job = self.begin((kind, id), served.key, admitted, account);
                    if matches!(form, Form::Events(_)) {
                        account.job = Some(Streamed::of(Arc::clone(&self.jobs), job.name()));
                    }
                    self.hold_for(&job, None);
                }
            }
            Answer::Begun { form, .. } => {
                if matches!(form, Form::Events(_))
                    && let Some(job) = id.and_then(|id| self.unbilled((kind, id), admitted))
                {
                    account.job = Some(Streamed::of(Arc::clone(&self.jobs), job.name()));
                }
                let may_be = match form {
                    Form::Events(_) => true,
                    Form::Bytes { ready, .. } => kind.is_batch() || says_background(ready),
                };
                if may_be {
                    self.suspect(kind, id, admitted);
                }
            }
            Answer::Switched { .. } => {}
        }
    }

    /// A job was deleted: if it had not ended, nobody will see what it used.
    fn deleted(&self, which: (JobKind, &str), admitted: &Admitted) {
        let job = self.unbilled(which, admitted);
        let known = job.and_then(|job| self.jobs.known(job.name()));
        if let Some(job) = known.filter(|job| !is_guess(job)) {
            self.pay_unsettled(&job);
        }
    }

    /// Takes note of how a job stands.
    fn saw(&self, kind: JobKind, seen: &Seen, admitted: &Admitted) {
        if seen.end.is_none() {
            return;
        }
        let Some(job) = self.unbilled((kind, &seen.id), admitted) else {
            return;
        };
        let known = self.jobs.known(job.name());
        if known.is_some_and(|job| !is_guess(&job)) {
            return self.saw_end(&job, seen);
        }
        let began = seen.created.map(|at| Timestamp(at.saturating_mul(1000)));
        let Some(at) = began.filter(|at| seen.is_job && age(*at) < OLDEST) else {
            return;
        };
        let job = Job { at, ..job };
        match kind {
            JobKind::Response => self.jobs.adopt_later(job),
            JobKind::Batch | JobKind::MessageBatch => self.saw_end(&job, seen),
        }
    }

    /// Has a look at what may be a job.
    fn suspect(&self, kind: JobKind, id: Option<&str>, admitted: &Admitted) {
        if let Some(job) = id.and_then(|id| self.unbilled((kind, id), admitted)) {
            self.jobs.adopt(job);
        }
    }

    /// A job of the account's that is not billed yet, as far as this node knows, with
    /// what it knows of it.
    pub(super) fn unbilled(&self, (kind, id): (JobKind, &str), admitted: &Admitted) -> Option<Job> {
        let (owner, account) = (admitted.owner(), admitted.account());
        let Some(key) = self.affinity.key_of((owner, account), id) else {
            // The owner sees what its accounts had made.
            let of_all = || self.jobs.named(owner, (kind, id));
            return admitted.is_root().then(of_all).flatten();
        };
        let name = job_name(owner, key, id);
        if self.jobs.is_billed(name) {
            return None;
        }
        let known = self.jobs.known(name);
        Some(known.unwrap_or_else(|| Job {
            kind,
            id: id.to_owned(),
            key,
            owner,
            account,
            caller_key: admitted.key(),
            requested: String::new(),
            model: String::new(),
            estimate: Quantities::default(),
            reserved: 0,
            at: now(),
            heard: 0,
        }))
    }

    /// Looks after a job that a call has begun, which is free then.
    fn begin(
        &self,
        (kind, id): (JobKind, &str),
        by: KeyId,
        admitted: &Admitted,
        account: &mut Account,
    ) -> Job {
        let whose = (admitted.owner(), admitted.account());
        let key = self.affinity.key_of(whose, id);
        let job = Job {
            kind,
            id: id.to_owned(),
            key: key.unwrap_or(by),
            owner: whose.0,
            account: whose.1,
            caller_key: admitted.key(),
            requested: account.requested.clone(),
            // A batch names none; its endpoint's name stands in for one.
            model: match kind {
                JobKind::Response => account.model.clone(),
                JobKind::Batch | JobKind::MessageBatch => String::new(),
            },
            estimate: account.estimate(),
            reserved: account.reserved.as_ref().map_or(0, Reserved::tokens),
            at: now(),
            heard: 0,
        };
        // Written first: a kill in between bills it twice rather than never.
        self.jobs.begin(job.clone());
        let hold = account.begins_job();
        self.jobs.hold(job.name(), |held| *held = hold);
        job
    }
}

/// Whether a call is going to begin a job, if its upstream does what it is asked.
pub(in crate::proxy) fn begins_job(endpoint: &Endpoint, message: &Message) -> bool {
    match endpoint.may_begin() {
        Some(JobKind::Batch | JobKind::MessageBatch) => true,
        Some(JobKind::Response) => is_background(message.held()),
        None => false,
    }
}

/// Whether a request asks for a response in the background.
fn is_background(body: &[u8]) -> bool {
    // Few do; the rest need not be read again.
    if memmem::find(body, BACKGROUND).is_none() {
        return false;
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let found = members(text, &["background"]);
    found.is_ok_and(|found| found.values == [Some("true")])
}

/// Whether an answer may be of one in the background, unread: what a client sent can stand
/// in it only escaped.
fn says_background(ready: &[Bytes]) -> bool {
    let says = |text: &[u8]| {
        memmem::find_iter(text, BACKGROUND).any(|at| {
            let behind = text.get(at + BACKGROUND.len()..).unwrap_or_default();
            let value = behind.trim_ascii_start().strip_prefix(b":");
            value.is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
        })
    };
    match ready {
        [one] => says(one),
        many => says(&many.concat()),
    }
}
