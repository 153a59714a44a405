//! What a call takes before it goes upstream: its places under rate limits, and the bill
//! that it is paid by.

use foldgate_domain::Limited;
use foldgate_domain::price::{Tariff, Terms};

use super::Proxy;
use crate::account::Account;
use crate::account::bill::{Asked, Bill, Payer};
use crate::admit::Admitted;
use crate::body::Message;
use crate::endpoint::Endpoint;
use crate::error::Problem;
use crate::limits::tokens;
use crate::pools::now;
use crate::purses::Charged;

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
        let charged = match asked.tariff {
            Tariff::Free => Charged::default(),
            _ => self
                .purses
                .check(admitted.table(), admitted.account(), now())?,
        };
        let estimate = tokens(limits, &asked, message.said(endpoint));
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
        (admitted, charged): (&Admitted, Charged),
    ) -> Option<Bill> {
        let table = admitted.table();
        let payer = Payer {
            spool: self.deps.usage.clone()?,
            purses: self.purses.clone(),
            charged,
            owner: admitted.owner(),
            account: admitted.account(),
            caller_key: admitted.key(),
            prices: table.prices().clone(),
            terms: Terms {
                rates: table.rates(admitted.account()),
                factor: table.factor(),
                halved: false,
            },
            at: now(),
        };
        Some(Bill::new(payer, (endpoint.name, &account.requested), asked))
    }
}
