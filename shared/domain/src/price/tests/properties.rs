//! What holds of every bill.

use std::collections::BTreeSet;

use foldgate_proto::Quantities;
use proptest::prelude::*;

use super::{Prices, Tariff, Terms, prices, terms};
use crate::price::wide::Wide;

const TARIFFS: [Tariff; 6] = [
    Tariff::Free,
    Tariff::Tokens,
    Tariff::Images,
    Tariff::Sound,
    Tariff::Rerank,
    Tariff::Call,
];

/// Models of every section, one that none knows, and one that only the owner does.
const MODELS: [&str; 12] = [
    "gpt-4o",
    "gemini-2.5-pro",
    "claude-haiku-5-5",
    "gpt-realtime",
    "gpt-image-1",
    "imagen-3.0-generate-001",
    "whisper-1",
    "tts-1",
    "rerank-v3.5",
    "ft:gpt-4o-2024-08-06:acme::7qTVM5AR",
    "house-model",
    "unknown",
];

const SIZES: [Option<&str>; 4] = [None, Some("1024x1024"), Some("high:1024x1024"), Some(":")];

const PRICING: &str = r#"{
    "ChatPricing": {"house-*": {"InputText": 0.333333, "OutputText": 7.1, "Rates": 1.7}},
    "ImgPricing": {"house-*": {"Call": 0.0123, "Sizes": {"1024x1024": 0.5}}},
    "AudioPricing": {"house-*": {"Input": 0.7, "Call": 0.001}, "whisper-1": {"Rates": 0.001}},
    "RerankPricing": {"house-*": {"Input": 0.01, "Call": 0.1}},
    "CallPricing": {"gpt-*": {"Call": 0.000123}},
    "FineTuningPricing": {"gpt-4o-*": {"InputText": 3}}
}"#;

/// How many quantities there are.
const KINDS: usize = 15;

fn quantities(counts: [u64; KINDS]) -> Quantities {
    let mut counts = counts.into_iter();
    let mut next = || counts.next().unwrap();
    Quantities {
        input: next(),
        cached: next(),
        cache_write: next(),
        cache_write_long: next(),
        input_audio: next(),
        cached_audio: next(),
        input_image: next(),
        output: next(),
        reasoning: next(),
        output_audio: next(),
        output_image: next(),
        images: next(),
        sound_ms: next(),
        characters: next(),
        searches: next(),
    }
}

/// A count: none, few, many, or as many as there can be.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        9 => Just(0),
        4 => 0_u64..1_000,
        2 => 0_u64..400_000,
        1 => any::<u64>(),
        1 => Just(u64::MAX),
    ]
}

fn counts(count: impl Strategy<Value = u64>) -> impl Strategy<Value = [u64; KINDS]> {
    proptest::collection::vec(count, KINDS).prop_map(|counts| counts.try_into().unwrap())
}

/// A call: how it is paid, its model and the size of its images.
fn call() -> impl Strategy<Value = (Tariff, &'static str, Option<&'static str>)> {
    use proptest::sample::select;
    (
        select(&TARIFFS[..]),
        select(&MODELS[..]),
        select(&SIZES[..]),
    )
}

fn multiplied() -> impl Strategy<Value = Terms> {
    let rates = prop_oneof![
        Just(1_000_000),
        0_u64..3_000_000,
        any::<u64>(),
        Just(u64::MAX)
    ];
    let other = prop_oneof![Just(1_000_000), 1_u64..2_000_000, any::<u64>()];
    (rates, other).prop_map(|(rates, factor)| terms(rates, factor))
}

fn both() -> [Prices; 2] {
    [Prices::shipped(), prices(PRICING)]
}

proptest! {
    /// No quantity, price or multiplier is too much, and none makes money.
    #[test]
    fn every_bill_can_be_made(counts in counts(count()), call in call(), terms in multiplied()) {
        let (tariff, model, size) = call;
        let used = quantities(counts);
        for prices in both() {
            let price = prices.of(tariff, model);
            let cost = price.cost(&used, size, terms);
            prop_assert!(cost.amount.0 >= 0);
            prop_assert!(cost.priced || cost.amount.0 == 0);
            prop_assert!(tariff != Tariff::Free || (cost.priced && cost.amount.0 == 0));
        }
    }

    /// Who uses more of anything pays no less, as long as the same section makes the bill
    /// and counts the same.
    #[test]
    fn more_costs_no_less(
        counts in counts(count()),
        kind in 0..KINDS,
        more in count(),
        call in call(),
        terms in multiplied(),
    ) {
        let (tariff, model, size) = call;
        let mut greater = counts;
        greater[kind] = greater[kind].saturating_add(more);
        for prices in both() {
            let price = prices.of(tariff, model);
            let [few, many] = [counts, greater].map(quantities);
            let by = |used: &Quantities| -> BTreeSet<_> {
                let lines = price.lines(used, size);
                lines.iter().map(|line| (line.section, line.unit.femto())).collect()
            };
            if by(&few).is_subset(&by(&many)) {
                let [few, many] = [few, many].map(|used| price.cost(&used, size, terms).amount);
                prop_assert!(few <= many, "{few} > {many}");
            }
        }
    }

    /// Tokens paid in two bills cost what they cost in one, but for the rounding of each.
    #[test]
    fn a_bill_may_be_split(
        one in counts(0_u64..30_000),
        other in counts(0_u64..30_000),
        model in proptest::sample::select(&MODELS[..]),
        rates in 0_u64..3_000_000,
    ) {
        // Below 100,000 tokens no context is long.
        let tokens = |counts: [u64; KINDS]| {
            let mut used = quantities(counts.map(|count| count / 7));
            (used.images, used.sound_ms, used.characters) = (0, 0, 0);
            used
        };
        let [one, other] = [one, other].map(tokens);
        let whole = Quantities {
            input: one.input + other.input,
            cached: one.cached + other.cached,
            cache_write: one.cache_write + other.cache_write,
            cache_write_long: one.cache_write_long + other.cache_write_long,
            input_audio: one.input_audio + other.input_audio,
            cached_audio: one.cached_audio + other.cached_audio,
            input_image: one.input_image + other.input_image,
            output: one.output + other.output,
            reasoning: one.reasoning + other.reasoning,
            output_audio: one.output_audio + other.output_audio,
            output_image: one.output_image + other.output_image,
            searches: one.searches + other.searches,
            ..Quantities::default()
        };
        let shipped = Prices::shipped();
        let price = shipped.of(Tariff::Tokens, model);
        let terms = terms(rates, 1_000_000);
        let [one, other, whole] = [one, other, whole]
            .map(|used| price.cost(&used, None, terms).amount.0);
        prop_assert!((one + other - whole).abs() <= 1, "{one} + {other} is not {whole}");
    }

    /// The lines of a bill are the bill.
    #[test]
    fn lines_add_up(counts in counts(0_u64..1_000_000), call in call()) {
        let (tariff, model, size) = call;
        for prices in both() {
            let price = prices.of(tariff, model);
            let used = quantities(counts);
            let lines = price.lines(&used, size);
            let femto = lines.iter().map(|line| {
                let exact = u128::from(line.count) * u128::from(line.amount);
                exact * u128::from(line.unit.femto()) * u128::from(line.rate.0)
            });
            let nano = (femto.sum::<u128>() + 500_000_000_000) / 1_000_000_000_000;
            let cost = price.cost(&used, size, Terms::default());
            prop_assert_eq!(u128::try_from(cost.amount.0).unwrap(), nano);
        }
    }

    /// The wide numbers do what those of 128 bits do, as far as these reach.
    #[test]
    fn wide_numbers(a in any::<u64>(), b in any::<u64>(), c in 0_u64..1_000_000_000) {
        let product = u128::from(a) * u128::from(b);
        prop_assert_eq!(Wide::new(u128::from(a)).times(b), Wide::new(product));
        let sum = product + u128::from(c);
        prop_assert_eq!(Wide::new(product).plus(Wide::new(u128::from(c))), Wide::new(sum));
    }

    /// Money is a quotient, rounded.
    #[test]
    fn wide_money(whole in 0..i64::MAX, part in 0..10_u128.pow(12), fine in 0..10_u128.pow(12)) {
        let unit = 10_u128.pow(12);
        let nano = Wide::new(u128::try_from(whole).unwrap());
        let exact = nano.times(1_000_000_000_000).times(1_000_000_000_000);
        let rest = part * unit + fine;
        let expected = whole + i64::from(rest >= 5 * 10_u128.pow(23));
        let money = exact.plus(Wide::new(rest));
        prop_assert_eq!(money.nano(false).0, expected);
        prop_assert_eq!(money.times(2).nano(true).0, expected);
    }
}

#[test]
fn wide_numbers_stop_at_their_end() {
    let most = Wide::new(u128::MAX)
        .times(u64::MAX)
        .times(u64::MAX)
        .times(u64::MAX)
        .times(u64::MAX);
    let end = most.times(u64::MAX);
    assert_eq!(end, most.times(2).times(u64::MAX));
    assert_eq!(end.plus(end), end);
    assert_eq!(end.nano(false).0, i64::MAX);
    // One limb above 64 bits is too much, whatever the limbs below it.
    let above = Wide::new(1 << 64)
        .times(1_000_000_000_000)
        .times(1_000_000_000_000);
    assert_eq!(above.nano(false).0, i64::MAX);
    assert_eq!(Wide::ZERO.times(u64::MAX).nano(false).0, 0);
}
