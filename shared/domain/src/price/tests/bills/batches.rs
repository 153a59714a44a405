//! Many calls that are priced together.

use foldgate_proto::{Quantities, Rates, Revision};

use super::Tariff::Tokens;
use crate::price::{Prices, Terms};

/// A batch says what all its calls used together; each is short.
#[test]
fn a_long_batch_of_short_calls_is_no_long_context() {
    let prices = Prices::shipped();
    let price = prices.of(Tokens, "gpt-5.5");
    let used = Quantities {
        input: 1_000_000,
        ..Quantities::default()
    };
    let halved = Terms {
        rates: Rates::ONE,
        factor: Rates::ONE,
        halved: true,
    };
    let of = |calls| price.cost_of_many(calls, &used, halved).amount.0;
    // 5 dollars a million, or 10 for a context beyond 272,000; half of that.
    assert_eq!(of(Some(1_000)), 2_500_000_000);
    assert_eq!(of(None), 2_500_000_000);
    assert_eq!(of(Some(1)), 5_000_000_000);
    let owner = r#"{"CallPricing":{"gpt-5.5":{"Call":1}}}"#;
    let prices = Prices::new(owner, Revision(1)).unwrap();
    let price = prices.of(Tokens, "gpt-5.5");
    let cost = price.cost_of_many(Some(1_000), &used, halved);
    assert_eq!(
        cost.amount.0, 502_500_000_000,
        "and a call's price for each"
    );
}
