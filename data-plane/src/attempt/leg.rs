//! One leg: the keys of its Levels, one after the other; and where its Model says so,
//! the last of them again.

use std::time::Duration;

use foldgate_domain::Leg;
use foldgate_domain::pool::{Ask, Outlook};
use foldgate_domain::provider::serves;
use foldgate_proto::{KeyId, Level};
use tokio::time::{Instant, sleep_until};

use super::parcel::Parcel;
use super::terms::Terms;
use super::verdict::Verdict;
use super::{Call, Miss, Served, once};
use crate::account::Account;
use crate::account::metrics::Tried;
use crate::error::Problem;
use crate::pools::{Held, Picked, Wish};
use crate::splice::Segments;

/// Before the first further try with a key; doubled before each one more.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause, also where the upstream asks for one; a key that wants more is
/// better left to sleep.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What came of a leg.
pub(super) enum Outcome {
    /// An answer.
    Answered(Box<Served>),
    /// The client is told this, and nothing else is tried.
    Refused(Problem),
    /// Attempts were made in vain.
    Tried,
    /// None was made.
    Passed,
}

/// The attempts of one request.
pub(super) struct Run<'a> {
    call: &'a Call<'a>,
    account: &'a mut Account,
    deadline: Instant,
    verdict: Verdict,
    made: usize,
    /// The keys that the leg under way has tried.
    tried: Vec<KeyId>,
}

/// What the attempts of a leg share.
struct Way<'a> {
    leg: &'a Leg<'a>,
    terms: Terms<'a>,
    body: Segments,
    retries: u32,
}

impl<'a> Run<'a> {
    pub(super) fn new(call: &'a Call<'a>, account: &'a mut Account, deadline: Instant) -> Self {
        Self {
            call,
            account,
            deadline,
            verdict: Verdict::default(),
            made: 0,
            tried: Vec::new(),
        }
    }

    /// Whether a limit ends the search.
    pub(super) fn is_over(&self) -> bool {
        self.made >= self.call.limits.attempts
            || Instant::now() >= self.deadline
            || !self.call.message.can_be_sent()
    }

    /// Tries the keys of a leg.
    pub(super) async fn leg(&mut self, leg: &'a Leg<'a>) -> Outcome {
        let terms = Terms::of(self.call, leg);
        let Ok((permit, place)) = terms.enter(self.call).await else {
            self.verdict.full();
            return Outcome::Passed;
        };
        self.tried.clear();
        self.account.model.clear();
        self.account.model.push_str(&leg.model);
        let message = self.call.message;
        let mut way = Way {
            leg,
            retries: terms.retries,
            terms,
            body: message.edit(&leg.model, self.call.hide_usage),
        };
        let made = self.made;
        for level in &leg.levels {
            match self.level(*level, &mut way).await {
                None => {}
                Some(Outcome::Answered(served)) => {
                    self.account.permits.extend(permit);
                    self.account.places.extend(place);
                    return Outcome::Answered(served);
                }
                Some(outcome) => return outcome,
            }
        }
        if self.made > made {
            Outcome::Tried
        } else {
            Outcome::Passed
        }
    }

    /// Tries the keys of one Level; `None` when none of them answered.
    async fn level(&mut self, level: Level, way: &mut Way<'a>) -> Option<Outcome> {
        while !self.is_over() {
            let picked = self
                .call
                .pools
                .pick(level, &self.wish(way.leg, &self.tried));
            let held = match picked {
                Picked::Key(held) => {
                    held.cooled_by((way.terms.cooling(), self.call.plan.routing.is_some()))
                }
                Picked::Asleep(until, cause) => {
                    self.verdict.asleep(until, cause);
                    return None;
                }
                Picked::Empty => return None,
            };
            self.tried.push(held.key());
            match self.key(level, held, way).await {
                Ok(outcome) => return Some(outcome),
                Err(miss) if miss.failure.class.fails_over() => {
                    self.verdict.failed(miss.failure.class, miss.problem);
                }
                Err(miss) if self.call.plan.moves_on(miss.failure.status) => {
                    self.verdict.failed(miss.failure.class, miss.problem);
                    return Some(Outcome::Tried);
                }
                Err(miss) => return Some(Outcome::Refused(miss.problem)),
            }
        }
        None
    }

    /// Tries one key, and as often again as the leg's Model says, if no other is left.
    async fn key(
        &mut self,
        level: Level,
        mut held: Box<Held>,
        way: &mut Way<'a>,
    ) -> Result<Outcome, Miss> {
        let mut pause = FIRST_PAUSE;
        let parcel = Parcel::new(self.call, held.credential(), (way.leg, &way.body));
        let parcel = parcel.map_err(|miss| *miss)?;
        loop {
            if !(self.call.standing)() {
                return Ok(Outcome::Refused(Problem::unauthorized(true)));
            }
            self.made += 1;
            self.account.attempts = self.account.attempts.saturating_add(1);
            self.account.served_by = Some((level, held.number()));
            self.account.target = self.call.plan.served_by(way.leg);
            if let Err(problem) = self.account.intend(parcel.upstream()) {
                return Ok(Outcome::Refused(problem));
            }
            let id = held.key();
            let key = (held, &parcel);
            let (back, miss) = match once(self.call, key, (&way.terms, self.deadline)).await {
                Ok(answer) => {
                    return Ok(Outcome::Answered(Box::new(Served {
                        answer,
                        by: self.account.target.clone(),
                        silence: way.terms.silence(self.call),
                        key: id,
                    })));
                }
                Err(missed) => missed,
            };
            held = back;
            if let Some(fault) = self.call.message.fault() {
                return Ok(Outcome::Refused(fault));
            }
            self.note(level, &held, &miss);
            if miss.quiet || self.call.quiet {
                return Err(miss);
            }
            let Some(at) = self.again(way, &miss, pause) else {
                held.fail(&miss.failure, miss.hint);
                return Err(miss);
            };
            way.retries -= 1;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            sleep_until(at).await;
        }
    }

    fn note(&self, level: Level, held: &Held, miss: &Miss) {
        tracing::debug!(
            key = %held.number(),
            level = %level,
            class = ?miss.failure.class,
            status = miss.failure.status,
            detail = miss.failure.detail,
            "an attempt failed"
        );
        let cause = miss.failure.class.cause();
        self.call.metrics.tried(Tried::from(cause));
    }

    /// When the same key is tried again; `None` if it is not.
    fn again(&self, way: &Way<'_>, miss: &Miss, pause: Duration) -> Option<Instant> {
        let wanted = way.retries > 0 && way.terms.may_mend(miss) && !self.is_over();
        let pause = miss.hint.unwrap_or(pause);
        let at = Instant::now() + pause.min(LONGEST_PAUSE);
        let fits = pause <= LONGEST_PAUSE && at < self.deadline;
        (wanted && fits && !self.others(way.leg)).then_some(at)
    }

    /// Whether a key of the leg that was not tried would take the request.
    fn others(&self, leg: &Leg<'_>) -> bool {
        let wish = self.wish(leg, &self.tried);
        let mut levels = leg.levels.iter();
        levels.any(|level| self.call.pools.outlook(*level, &wish) == Outlook::Awake)
    }

    fn wish<'w>(&self, leg: &'w Leg<'_>, tried: &'w [KeyId]) -> Wish<'w> {
        Wish {
            owner: self.call.owner,
            ask: Ask {
                model: &leg.model,
                serves: serves(&leg.model),
                tried,
            },
            only: leg.only,
            anyway: self.call.plan.anyway,
        }
    }

    /// What the client is told. `stopped` when a limit on targets ended the search.
    pub(super) fn problem(mut self, stopped: bool) -> Problem {
        let late = Instant::now() >= self.deadline;
        let stopped = stopped || late || self.others_awake();
        self.verdict
            .problem(&self.call.message.fields.model, stopped)
    }

    /// Whether the limit on attempts was all that stood in the way. If not, the
    /// verdict learns when the first key wakes.
    fn others_awake(&mut self) -> bool {
        if self.made < self.call.limits.attempts {
            return false;
        }
        let mut awake = false;
        for leg in &self.call.plan.legs {
            let wish = self.wish(leg, &self.tried);
            for level in &leg.levels {
                match self.call.pools.outlook(*level, &wish) {
                    Outlook::Awake => awake = true,
                    Outlook::Asleep { earliest, cause } => self.verdict.asleep(earliest, cause),
                    Outlook::Empty => {}
                }
            }
        }
        awake
    }
}
