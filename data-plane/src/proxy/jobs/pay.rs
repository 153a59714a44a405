//! The bill of a job that has ended.

use foldgate_domain::price::{Cost, Prices, Tariff, Terms};
use foldgate_domain::{Caller, OwnerTable};
use foldgate_log::usage::{Intent, Ticket};
use foldgate_proto::{Job, JobKind, Measure, NanoDollars, Quantities, UsageRecord};

use super::super::Proxy;
use super::age;
use crate::account::bill::BYTES_PER_TOKEN;
use crate::jobs::{Ending, Seen};
use crate::pools::now;
use crate::purses::Charged;
use crate::usage::Usage;

/// What is held for each call of a batch, and for how many of one that has not said how
/// many they are.
const CALL: NanoDollars = NanoDollars(5_000_000);
const LEAST_CALLS: u64 = 100;

/// What is billed of a job.
pub(super) struct Used<'a> {
    /// By the upstream's name of the model; how many calls of a batch, if it is known.
    pub(super) models: Vec<(&'a str, Option<u64>, Quantities)>,
    /// Where that comes from.
    pub(super) measure: Measure,
    /// What a batch's calls call.
    pub(super) endpoint: Option<&'a str>,
}

impl<'a> Used<'a> {
    /// What a job's object says.
    pub(super) fn of(seen: &'a Seen, model: &'a str, used: Quantities) -> Self {
        Self {
            models: vec![(model, seen.calls, used)],
            measure: Measure::Reported,
            endpoint: seen.endpoint.as_deref(),
        }
    }
}

impl Proxy {
    /// Bills a job whose end has passed by, or looks at what says more.
    pub(super) fn saw_end(&self, job: &Job, seen: &Seen) {
        let output = self.needed_output(job, seen);
        if output.is_none() && self.is_counted(job, seen) {
            return self.end(job, seen);
        }
        if job.kind == JobKind::Response && !self.jobs.is_watched(job.name()) {
            // The node that looks after it may have heard its stream.
            return;
        }
        self.jobs.adopt(job.clone());
        if let Some(output) = output {
            self.jobs.counts_by(job.name(), output);
        }
    }

    /// The output that a batch is to be counted by, since its object does not say what
    /// every model of it used, or at what price.
    pub(super) fn needed_output<'s>(&self, job: &Job, seen: &'s Seen) -> Option<&'s str> {
        let output = seen.output.as_deref().filter(|_| job.kind.is_batch())?;
        let table = self.deps.replica.table();
        let is_priced = |model: &str, used: &Quantities| {
            table.owner(job.owner).is_some_and(|owner| {
                let tariff = tariff(job.kind, seen.endpoint.as_deref());
                let by = (owner.prices().as_ref(), tariff);
                price(by, (job, model), (seen.calls, used), terms(owner, job)).priced
            })
        };
        let said = seen.model.as_deref().zip(seen.usage.as_ref());
        let is_enough = said.is_some_and(|(model, used)| is_priced(model, used));
        (!is_enough).then_some(output)
    }

    /// Whether what a job used is known once it has ended, as far as it ever will be.
    pub(super) fn is_counted(&self, job: &Job, seen: &Seen) -> bool {
        let is_said = seen.usage.is_some() || self.jobs.said(job.name()).is_some();
        if job.kind.is_batch() {
            is_said || seen.calls == Some(0)
        } else {
            is_said || seen.end == Some(Ending::Answered)
        }
    }

    /// Bills a job that has ended, by what is known.
    pub(super) fn end(&self, job: &Job, seen: &Seen) {
        let model = seen.model.as_deref().unwrap_or_default();
        let heard = seen.heard.max(job.heard);
        let usage = seen.usage.or_else(|| self.jobs.said(job.name()));
        let is_batch = job.kind.is_batch();
        match (seen.end, usage) {
            (None, _) => {}
            (Some(_), Some(used)) => self.pay(job, &Used::of(seen, model, used)),
            (Some(end), None) if !is_batch && (end == Ending::Answered || heard > 0) => {
                let used = Quantities {
                    output: heard.div_ceil(BYTES_PER_TOKEN),
                    ..job.estimate
                };
                let used = Used {
                    measure: Measure::Estimated,
                    ..Used::of(seen, model, used)
                };
                self.pay(job, &used);
            }
            (Some(Ending::Answered), None) if is_batch && seen.calls != Some(0) => {
                self.pay_unsettled(job);
            }
            (Some(_), None) => self.jobs.ended(job.name()),
        }
    }

    /// Bills a job by what its stream said; whether it said anything.
    pub(super) fn pay_said(&self, job: &Job) -> bool {
        let Some(used) = self.jobs.said(job.name()) else {
            return false;
        };
        let used = Used {
            models: vec![("", None, used)],
            measure: Measure::Reported,
            endpoint: None,
        };
        self.pay(job, &used);
        true
    }

    /// Bills a job of which nobody saw the end by what was known at its beginning.
    pub(super) fn pay_unsettled(&self, job: &Job) {
        let used = Used {
            models: vec![("", None, expected(job))],
            measure: Measure::Unsettled,
            endpoint: None,
        };
        self.pay(job, &used);
    }

    /// Holds what a job is going to cost, as far as can be told; of a batch, by the number
    /// of its `calls`.
    pub(super) fn hold_for(&self, job: &Job, calls: Option<u64>) {
        let table = self.deps.replica.table();
        let Some(owner) = table.owner(job.owner) else {
            return;
        };
        let amount = match job.kind {
            JobKind::Response => {
                price(
                    (owner.prices().as_ref(), Tariff::Tokens),
                    (job, ""),
                    (Some(1), &expected(job)),
                    terms(owner, job),
                )
                .amount
            }
            JobKind::Batch | JobKind::MessageBatch => {
                let calls = calls.unwrap_or(0).max(LEAST_CALLS);
                NanoDollars(
                    CALL.0
                        .saturating_mul(i64::try_from(calls).unwrap_or(i64::MAX)),
                )
            }
        };
        self.jobs.hold(job.name(), |held| {
            let charged = || Charged::of(owner, job.account, now());
            held.get_or_insert_with(|| self.purses.hold(charged(), amount))
                .at_least(amount);
        });
    }

    /// Writes the record of a job, once on this node. While it cannot be written, the job
    /// stays under way.
    pub(super) fn pay(&self, job: &Job, used: &Used<'_>) {
        let name = job.name();
        if !self.jobs.claim(name) {
            return;
        }
        let table = self.deps.replica.table();
        let Some(spool) = &self.deps.usage else {
            return self.jobs.ended(name);
        };
        let Some(owner) = table.owner(job.owner) else {
            // Gone, or not read yet.
            return if self.deps.replica.status().ready {
                self.jobs.ended(name);
            } else {
                self.jobs.unclaim(name);
            };
        };
        let intents = intents(owner, job, used);
        let mut tickets = Vec::new();
        for intent in &intents {
            match spool.intend(intent) {
                Ok(ticket) => tickets.push(ticket),
                Err(refused) => {
                    tracing::error!(%refused, id = job.id, "a job cannot be billed yet");
                    tickets.into_iter().for_each(Ticket::free);
                    self.jobs.unclaim(name);
                    return self.jobs.adopt(job.clone());
                }
            }
        }
        let mut tokens: u64 = 0;
        for (ticket, intent) in tickets.into_iter().zip(intents) {
            ticket.settle(UsageRecord {
                measure: used.measure,
                status: 200,
                at: now(),
                took_ms: u64::try_from(age(job.at).as_millis()).unwrap_or(u64::MAX),
                ..intent.unsettled()
            });
            let charged = Charged::of(owner, job.account, now());
            self.purses.spent(&charged, intent.cost);
            let both = [intent.estimate.read(), intent.estimate.written()];
            tokens = both.into_iter().fold(tokens, u64::saturating_add);
            self.books.metrics.tokens(&Usage(intent.estimate));
        }
        self.count(owner, job, tokens.saturating_sub(job.reserved));
        self.jobs.ended(name);
    }

    /// Counts what a job used beyond what its beginning took of them, now that it is known:
    /// a job lasts longer than most windows. A node that sees the end before it hears that
    /// another has billed it counts it too.
    fn count(&self, owner: &OwnerTable, job: &Job, tokens: u64) {
        let caller = Caller {
            owner: job.owner,
            account: job.account,
            key: job.caller_key,
            expires_at: None,
        };
        let Ok(access) = owner.access(&caller, now()).or_else(|_| {
            // Of a key that is gone, its account's stay.
            owner.access(
                &Caller {
                    key: None,
                    ..caller
                },
                now(),
            )
        }) else {
            return;
        };
        let bound = Some(job.requested.as_str()).filter(|requested| !requested.is_empty());
        let bound = bound.and_then(|requested| Some((requested, access.resolve(requested).ok()?)));
        let limits = match &bound {
            Some((requested, bound)) => access.limits(requested, &bound.route),
            None => access.limits_unnamed(),
        };
        self.meters.count(&limits, tokens);
    }
}

/// What a job is going to use, as far as can be told.
fn expected(job: &Job) -> Quantities {
    let heard = job.heard.div_ceil(BYTES_PER_TOKEN);
    Quantities {
        output: job.estimate.output.max(heard),
        ..job.estimate
    }
}

/// By what prices of a job are multiplied.
fn terms(owner: &OwnerTable, job: &Job) -> Terms {
    Terms {
        rates: owner.rates(job.account),
        factor: owner.factor(),
        halved: job.kind.is_batch(),
    }
}

/// The model that is priced; without any name a job is known by what it is.
fn priced(job: &Job, upstream: &str) -> String {
    let names = [job.model.as_str(), upstream, endpoint(job.kind)];
    let name = names.into_iter().find(|name| !name.is_empty());
    name.unwrap_or_default().to_owned()
}

/// What a job is billed, before it is written down: a record for each model of a batch. The
/// first has the name of the job; every other one has its own, the same on every node.
fn intents(owner: &OwnerTable, job: &Job, used: &Used<'_>) -> Vec<Intent> {
    let of_models = used.models.chunk_by(|one, next| one.0 == next.0);
    let intents = of_models.enumerate().map(|(at, models)| {
        let used = Used {
            models: models.to_vec(),
            ..*used
        };
        let intent = intent(owner, job, &used);
        let id = match (at, models) {
            (1.., [(model, ..), ..]) => job.name_beside(model),
            _ => intent.id,
        };
        Intent { id, ..intent }
    });
    intents.collect()
}

fn intent(owner: &OwnerTable, job: &Job, used: &Used<'_>) -> Intent {
    let terms = terms(owner, job);
    let by = (owner.prices().as_ref(), tariff(job.kind, used.endpoint));
    let mut quantities = Quantities::default();
    let (mut cost, mut unpriced) = (NanoDollars(0), false);
    for (upstream, calls, used) in &used.models {
        let calls = if job.kind.is_batch() { *calls } else { Some(1) };
        quantities = quantities.plus(used);
        let more = price(by, (job, upstream), (calls, used), terms);
        unpriced |= !more.priced;
        cost.0 = cost.0.saturating_add(more.amount.0);
    }
    if unpriced {
        metrics::counter!("foldgate_usage_unpriced_total").increment(1);
    }
    let upstream = used.models.first().map_or("", |(model, ..)| *model);
    let model = priced(job, upstream);
    let key = owner.state.key(job.key);
    Intent {
        id: job.name(),
        owner: job.owner,
        account: job.account,
        caller_key: job.caller_key,
        provider_key: key.map(|key| key.number),
        level: key.map(|key| key.level),
        endpoint: endpoint(job.kind).to_owned(),
        requested: match job.requested.as_str() {
            "" => model.clone(),
            requested => requested.to_owned(),
        },
        upstream: (upstream != model && !upstream.is_empty()).then(|| upstream.to_owned()),
        model,
        estimate: quantities,
        cost,
        unpriced,
        factor: terms.factor,
        prices: owner.prices().version(),
        at: job.at,
    }
}

/// The name of the endpoint that a job is billed under.
const fn endpoint(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Response => "responses",
        JobKind::Batch => "batch",
        JobKind::MessageBatch => "message_batch",
    }
}

/// By what a job is paid: a batch by what its calls call.
fn tariff(kind: JobKind, endpoint: Option<&str>) -> Tariff {
    let Some(path) = endpoint.filter(|_| kind == JobKind::Batch) else {
        return Tariff::Tokens;
    };
    match Tariff::of_path(path) {
        Tariff::Call => Tariff::Tokens,
        tariff => tariff,
    }
}

/// What a model's usage costs.
fn price(
    (prices, tariff): (&Prices, Tariff),
    (job, upstream): (&Job, &str),
    (calls, used): (Option<u64>, &Quantities),
    terms: Terms,
) -> Cost {
    let name = priced(job, upstream);
    let price = if job.model.is_empty() {
        prices.of_answered(tariff, &name)
    } else {
        prices.of(tariff, &name)
    };
    price.cost_of_many(calls, used, terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_paid_by_what_its_calls_call() {
        let of = |path| tariff(JobKind::Batch, Some(path));
        assert_eq!(of("/v1/chat/completions"), Tariff::Tokens);
        assert_eq!(of("/chat/completions"), Tariff::Tokens);
        assert_eq!(of("/v1/moderations"), Tariff::Free);
        assert_eq!(of("/v1/whatever"), Tariff::Tokens);
        assert_eq!(tariff(JobKind::Batch, None), Tariff::Tokens);
    }
}
