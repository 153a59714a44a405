//! What a call takes before it goes upstream: its places under rate limits, and the bill
//! that it is paid by.

use std::cell::LazyCell;

use foldgate_domain::Limited;
use foldgate_domain::price::{Tariff, Terms};
use foldgate_proto::{JobKind, Quantities};

use super::Proxy;
use crate::account::Account;
use crate::account::bill::{Asked, Bill, Payer};
use crate::admit::Admitted;
use crate::body::Message;
use crate::endpoint::Endpoint;
use crate::error::Problem;
use crate::limits::{answer, tokens};
use crate::pools::now;
use crate::purses::{Charged, Hold};

impl Proxy {
    /// Takes the request's places under its rate limits, and opens its bill.
    pub(super) async fn enter(
        &self,
        account: &mut Account,
        limits: &[Limited],
        (endpoint, message): (&'static Endpoint, &Message),
        admitted: &Admitted,
    ) -> Result<(), Problem> {
        let mut asked = Asked::of(endpoint, message.held());
        if let Some(said) = message.priced() {
            asked.priced(&said);
        }
        // Read once, and only where credit or a limit asks for it.
        let answer = LazyCell::new(|| answer(&asked, message.said(endpoint)));
        let charged = match asked.tariff {
            Tariff::Free => self.purses.nothing(),
            tariff => {
                let by = (admitted.table(), admitted.account());
                let estimate = || {
                    let price = by.0.prices().of(tariff, &account.model);
                    let most = Quantities {
                        output: *answer,
                        ..asked.before()
                    };
                    price.cost(&most, asked.size(), terms(admitted)).amount
                };
                let begins_batch = endpoint.may_begin().is_some_and(JobKind::is_batch);
                if tariff == Tariff::Call && !begins_batch {
                    // What is held stands in nobody's way to what there is: to see that a
                    // job has ended, and to cancel one.
                    self.purses.check(by.0, by.1, now())?;
                    let charged = Charged::of(by.0, by.1, now());
                    self.purses.hold(charged, estimate())
                } else {
                    self.purses.admit(by, now(), estimate)?
                }
            }
        };
        let estimate = tokens(limits, &asked, || *answer);
        let (standing, taken) = self.meters.enter(limits, estimate).await;
        account.standing = standing;
        account.reserved = taken?;
        account.bill = self.bill(account, (endpoint, asked), (admitted, charged));
        Ok(())
    }

    fn bill(
        &self,
        account: &Account,
        (endpoint, asked): (&'static Endpoint, Asked),
        (admitted, charged): (&Admitted, Hold),
    ) -> Option<Bill> {
        let table = admitted.table();
        let payer = Payer {
            spool: self.deps.usage.clone()?,
            charged,
            owner: admitted.owner(),
            account: admitted.account(),
            caller_key: admitted.key(),
            prices: table.prices().clone(),
            terms: terms(admitted),
            at: now(),
        };
        Some(Bill::new(payer, (endpoint.name, &account.requested), asked))
    }
}

/// What prices are multiplied by for a caller.
fn terms(admitted: &Admitted) -> Terms {
    Terms {
        rates: admitted.table().rates(admitted.account()),
        factor: admitted.table().factor(),
        halved: false,
    }
}
