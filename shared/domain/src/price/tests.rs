mod bills;
mod merge;
mod properties;
mod table;

use foldgate_proto::{Quantities, Rates, Revision};

use super::{Cost, Prices, Tariff, Terms};

/// An owner's prices.
fn prices(pricing: &str) -> Prices {
    Prices::new(pricing, Revision(7)).unwrap()
}

fn cost(prices: &Prices, tariff: Tariff, model: &str, used: &Quantities) -> Cost {
    prices.of(tariff, model).cost(used, None, Terms::default())
}

/// What a bill comes to, in nano-dollars.
fn nano(prices: &Prices, tariff: Tariff, model: &str, used: &Quantities) -> i64 {
    cost(prices, tariff, model, used).amount.0
}

const fn terms(rates: u64, factor: u64) -> Terms {
    Terms {
        rates: Rates(rates),
        factor: Rates(factor),
        halved: false,
    }
}
