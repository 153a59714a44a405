//! What a request is paid by. It is written down before it goes upstream, and again,
//! with what it used, before the last byte of its answer leaves: so a bill holds every
//! answer that a client has whole, wherever the process dies.
//!
//! | ended | billed |
//! |---|---|
//! | the answer is whole | what the upstream counted; where it counted nothing, an estimate |
//! | the client left, or the answer broke off, after it had begun | what was seen of it, as an estimate |
//! | no answer began, or the request was refused | nothing |
//! | the process died | the estimate that was written down before the call, as unsettled |

mod asked;

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::price::{Cost, Prices, Terms};
use foldgate_log::usage::{Intent, Refused, Spool, Ticket};
use foldgate_proto::{
    AccountNumber, CallerKeyNumber, KeyNumber, Level, NanoDollars, OwnerId, Quantities, Timestamp,
    UsageRecord,
};
use uuid::Uuid;

use crate::multipart::Priced;
use crate::purses::Hold;
pub(crate) use asked::{Asked, BYTES_PER_TOKEN, text_bytes};

/// Who pays for a request, and by which prices.
pub(crate) struct Payer {
    /// Where it is written down.
    pub(crate) spool: Spool,
    /// Whose money it is, and what is held of it.
    pub(crate) charged: Hold,
    /// The owner.
    pub(crate) owner: OwnerId,
    /// Who calls.
    pub(crate) account: AccountNumber,
    /// The key it calls with; `None` for a key of the account itself.
    pub(crate) caller_key: Option<CallerKeyNumber>,
    /// The owner's prices, as they were when the request came.
    pub(crate) prices: Arc<Prices>,
    /// What they are multiplied by.
    pub(crate) terms: Terms,
    /// When the request came.
    pub(crate) at: Timestamp,
}

impl Payer {
    /// The same for what else the call uses: what is held is held once.
    fn beside(&self) -> Self {
        Self {
            spool: self.spool.clone(),
            charged: self.charged.beside(),
            owner: self.owner,
            account: self.account,
            caller_key: self.caller_key,
            prices: Arc::clone(&self.prices),
            terms: self.terms,
            at: self.at,
        }
    }
}

/// What one attempt asks, and whom.
pub(crate) struct Attempted<'a> {
    /// The Level and the key.
    pub(crate) by: (Level, KeyNumber),
    /// The model behind all mappings.
    pub(crate) model: &'a str,
    /// What the upstream calls it, if otherwise.
    pub(crate) upstream: Option<&'a str>,
}

/// How an answer ended.
pub(crate) struct Ended {
    /// What was counted of it.
    pub(crate) usage: Option<Quantities>,
    /// How many bytes of text came.
    pub(crate) heard: u64,
    /// How many searches were made.
    pub(crate) searched: u64,
    /// Whether the answer is whole.
    pub(crate) whole: bool,
    /// Bytes of the request's body.
    pub(crate) bytes_in: u64,
    /// The answer's status.
    pub(crate) status: u16,
    /// When it ended.
    pub(crate) at: Timestamp,
    /// From the request to the end.
    pub(crate) took: Duration,
    /// From the request to the first byte.
    pub(crate) first_byte: Option<Duration>,
}

/// See the module.
pub(crate) struct Bill {
    payer: Payer,
    endpoint: &'static str,
    requested: String,
    asked: Asked,
    open: Option<(Ticket, Intent)>,
    /// What was counted of its cost.
    counted: NanoDollars,
}

impl Bill {
    /// The bill of a request that nobody was asked for yet.
    pub(crate) fn new(
        payer: Payer,
        (endpoint, requested): (&'static str, &str),
        asked: Asked,
    ) -> Self {
        Self {
            payer,
            endpoint,
            requested: requested.to_owned(),
            asked,
            open: None,
            counted: NanoDollars(0),
        }
    }

    /// Writes down that an upstream is about to be asked.
    ///
    /// # Errors
    /// What cannot be written down cannot be billed: it must not be asked.
    pub(crate) fn intend(&mut self, attempted: &Attempted<'_>) -> Result<(), Refused> {
        let estimate = self.asked.before();
        let intent = self.intent(attempted, estimate);
        match self.open.take() {
            None => {
                let ticket = self.payer.spool.intend(&intent)?;
                self.open = Some((ticket, intent));
            }
            Some((ticket, first)) => {
                let intent = Intent {
                    id: first.id,
                    ..intent
                };
                let written = ticket.again(&intent);
                self.open = Some((ticket, intent));
                written?;
            }
        }
        Ok(())
    }

    /// The bill of what the same call uses of another model besides, by the same key.
    /// `None` where it cannot be written down, or nobody was asked yet.
    pub(crate) fn beside(&self, model: &str, asked: Asked) -> Option<Self> {
        let (_, intent) = self.open.as_ref()?;
        let by = intent.level.zip(intent.provider_key)?;
        let mut bill = Self::new(self.payer.beside(), (self.endpoint, model), asked);
        let attempted = Attempted {
            by,
            model,
            upstream: None,
        };
        let written = bill.intend(&attempted);
        let refused = |refused: &Refused| tracing::error!(%refused, "usage is billed elsewhere");
        written.inspect_err(refused).ok()?;
        Some(bill)
    }

    /// Writes down what an answer that goes on has used until now: for this it is billed
    /// if the process dies.
    pub(crate) fn used(&mut self, until_now: Quantities) {
        let Some((ticket, mut intent)) = self.open.take() else {
            return;
        };
        intent.estimate = until_now;
        let cost = self.cost(&intent.model, &until_now);
        (intent.cost, intent.unpriced) = (cost.amount, !cost.priced);
        self.count(cost.amount);
        if let Err(refused) = ticket.again(&intent) {
            tracing::error!(%refused, "usage is kept in memory");
        }
        self.open = Some((ticket, intent));
    }

    /// Takes up what a form says that it is billed by, now that it has come.
    pub(crate) fn priced(&mut self, said: &Priced) {
        self.asked.priced(said);
    }

    /// Hears an answer that nobody has counted.
    pub(crate) fn hear(&mut self, answer: &[u8]) {
        self.asked.hear(answer);
    }

    /// What the request is going to use, as far as it tells.
    pub(crate) fn estimate(&self) -> Quantities {
        self.asked.before()
    }

    /// Nothing is billed by this. What is held for it.
    pub(crate) fn hand_over(mut self) -> Hold {
        self.free();
        self.payer.charged
    }

    /// Nothing is billed.
    pub(crate) fn free(&mut self) {
        if let Some((ticket, _)) = self.open.take() {
            ticket.free();
        }
    }

    /// Writes down what the answer used, once.
    pub(crate) fn settle(&mut self, ended: &Ended) {
        let Some((ticket, intent)) = self.open.take() else {
            return;
        };
        let (quantities, measure) = self.asked.after(ended);
        let cost = self.cost(&intent.model, &quantities);
        self.count(cost.amount);
        if !cost.priced {
            metrics::counter!("foldgate_usage_unpriced_total").increment(1);
        }
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        ticket.settle(UsageRecord {
            quantities,
            image_size: self.asked.size().map(str::to_owned),
            measure,
            cost: cost.amount,
            unpriced: !cost.priced,
            status: ended.status,
            at: ended.at,
            took_ms: millis(ended.took),
            first_byte_ms: ended.first_byte.map(millis),
            ..intent.unsettled()
        });
    }

    fn intent(&self, attempted: &Attempted<'_>, estimate: Quantities) -> Intent {
        let payer = &self.payer;
        let (level, key) = attempted.by;
        let cost = self.cost(attempted.model, &estimate);
        Intent {
            id: Uuid::now_v7(),
            owner: payer.owner,
            account: payer.account,
            caller_key: payer.caller_key,
            provider_key: Some(key),
            level: Some(level),
            endpoint: self.endpoint.to_owned(),
            requested: self.requested.clone(),
            model: attempted.model.to_owned(),
            upstream: attempted.upstream.map(str::to_owned),
            estimate,
            cost: cost.amount,
            unpriced: !cost.priced,
            factor: payer.terms.factor,
            prices: payer.prices.version(),
            at: payer.at,
        }
    }

    /// Counts what a call costs all in all, as far as that is not counted yet.
    fn count(&mut self, cost: NanoDollars) {
        let more = NanoDollars(cost.0.saturating_sub(self.counted.0).max(0));
        self.payer.charged.spend(more);
        self.counted = cost;
    }

    fn cost(&self, model: &str, used: &Quantities) -> Cost {
        let payer = &self.payer;
        let price = payer.prices.of(self.asked.tariff, model);
        price.cost(used, self.asked.size(), payer.terms)
    }
}

impl std::fmt::Debug for Bill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bill").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
