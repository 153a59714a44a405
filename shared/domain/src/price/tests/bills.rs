//! Bills made by hand, each with its arithmetic. A price of one dollar per million
//! tokens is 1,000 nano-dollars a token.

mod batches;
mod media;
mod names;
mod owner;
mod tokens;

use foldgate_proto::Quantities;

use super::{Prices, Tariff, Terms, prices, terms};

/// One bill.
struct Bill {
    pricing: Option<&'static str>,
    tariff: Tariff,
    model: &'static str,
    used: fn(&mut Quantities),
    size: Option<&'static str>,
    terms: Terms,
    nano: i64,
    priced: bool,
}

/// What a call costs by the shipped table, in nano-dollars.
fn bill(tariff: Tariff, model: &'static str, used: fn(&mut Quantities), nano: i64) -> Bill {
    Bill {
        pricing: None,
        tariff,
        model,
        used,
        size: None,
        terms: Terms::default(),
        nano,
        priced: true,
    }
}

impl Bill {
    /// With a PRICING of the owner's.
    fn by(self, pricing: &'static str) -> Self {
        let pricing = Some(pricing);
        Self { pricing, ..self }
    }

    /// For images of a size.
    fn sized(self, size: &'static str) -> Self {
        let size = Some(size);
        Self { size, ..self }
    }

    /// With an account's Rates and a Factor, in millionths.
    fn times(self, rates: u64, factor: u64) -> Self {
        let terms = terms(rates, factor);
        Self { terms, ..self }
    }

    /// Zero for want of a price.
    fn unpriced(self) -> Self {
        Self {
            priced: false,
            ..self
        }
    }

    fn check(self) {
        let mut used = Quantities::default();
        (self.used)(&mut used);
        let prices = self.pricing.map_or_else(Prices::shipped, prices);
        let price = prices.of(self.tariff, self.model);
        let cost = price.cost(&used, self.size, self.terms);
        let what = format!("{} {used:?} {:?} {:?}", self.model, self.size, self.pricing);
        assert_eq!(cost.amount.0, self.nano, "{what}");
        assert_eq!(cost.priced, self.priced, "{what}");
    }
}

fn all(bills: impl IntoIterator<Item = Bill>) {
    bills.into_iter().for_each(Bill::check);
}
