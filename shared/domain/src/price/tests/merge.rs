//! Whose row gave what.

use foldgate_proto::{PriceVersion, Quantities, Revision};

use super::super::{Shown, Source, VERSION};
use super::{Prices, Tariff, Terms, nano, prices};
use crate::pattern::Pattern;

fn shown<'s>(fields: &'s [Shown<'s>], section: &str, field: &str) -> Vec<(&'s str, Source<'s>)> {
    let of = fields
        .iter()
        .filter(|shown| (shown.section, shown.field) == (section, field));
    of.map(|shown| (shown.usd.as_str(), shown.from)).collect()
}

#[test]
fn each_field_says_which_row_it_is_from() {
    let pricing = r#"{"ChatPricing": {"gemini-*": {"OutputText": 12.25, "Rates": 1.5}},
        "CallPricing": {"*pro": {"Call": 0.0001}}}"#;
    let prices = prices(pricing);
    let price = prices.of(Tariff::Tokens, "gemini-2.5-pro");
    let fields = price.fields();
    let chat = |field| shown(&fields, "ChatPricing", field);
    let row = "gemini-2.5-pro";
    let input = [
        ("1.25", Source::Shipped(row)),
        ("2.5", Source::Above(row, 200_000)),
    ];
    assert_eq!(chat("InputText"), input);
    assert_eq!(chat("OutputText"), [("12.25", Source::Owner("gemini-*"))]);
    assert_eq!(chat("_Search"), [("0.035", Source::Shipped(row))]);
    assert_eq!(chat("ReasonText"), []);
    let call = [("0.0001", Source::Owner("*pro"))];
    assert_eq!(shown(&fields, "CallPricing", "Call"), call);
    let rates = fields.iter().map(|shown| (shown.section, shown.rate.0));
    let expected = |(section, rate)| {
        rate == if section == "CallPricing" {
            1_000_000
        } else {
            1_500_000
        }
    };
    assert!(rates.into_iter().all(expected));
}

#[test]
fn sizes_are_laid_over_each_other_one_by_one() {
    let pricing = r#"{"ImgPricing": {"gpt-image-1": {"Call": 0.5, "Sizes": {
        "1024x1024": 0.05, "low:1024x1536": 0.02, "huge": 2}}}}"#;
    let prices = prices(pricing);
    let price = prices.of(Tariff::Images, "gpt-image-1");
    let fields = price.fields();
    let sizes = fields
        .iter()
        .filter_map(|shown| Some((shown.size?, shown.usd.as_str())));
    let sizes: Vec<(&str, &str)> = sizes.collect();
    let expected = [
        ("1024x1024", "0.05"),
        ("high:1024x1536", "0.25"),
        ("high:1536x1024", "0.25"),
        ("huge", "2"),
        ("low:1024x1536", "0.02"),
        ("low:1536x1024", "0.016"),
        ("medium:1024x1536", "0.063"),
        ("medium:1536x1024", "0.063"),
    ];
    assert_eq!(sizes, expected);
}

#[test]
fn lines_name_the_rows_they_were_made_by() {
    let prices = prices(r#"{"ChatPricing": {"gpt-4o": {"CachedText": 1}}}"#);
    let used = Quantities {
        input: 3,
        cached: 4,
        reasoning: 5,
        ..Quantities::default()
    };
    let price = prices.of(Tariff::Tokens, "gpt-4o");
    let lines = price.lines(&used, None);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.field, line.count, line.amount, line.from))
        .collect();
    let expected = [
        ("InputText", 3, 2_500_000, Source::Shipped("gpt-4o")),
        ("CachedText", 4, 1_000_000, Source::Owner("gpt-4o")),
        ("OutputText", 5, 10_000_000, Source::Shipped("gpt-4o")),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn rows_are_found_by_the_one_rule_of_patterns() {
    let patterns = [
        "*",
        "gpt-*",
        "gpt-4*",
        "*-preview",
        "gpt-*-preview",
        "gpt-4-0125-preview",
    ];
    let rows = patterns.iter().enumerate();
    let rows = rows.map(|(at, pattern)| format!(r#""{pattern}": {{"InputText": {}}}"#, at + 1));
    let pricing = format!(
        r#"{{"ChatPricing": {{{}}}}}"#,
        rows.collect::<Vec<_>>().join(",")
    );
    let prices = prices(&pricing);
    let one = Quantities {
        input: 1,
        ..Quantities::default()
    };
    for model in [
        "gpt-4-0125-preview",
        "gpt-4-preview",
        "gpt-4",
        "gpt-3",
        "o1-preview",
        "x",
    ] {
        let parsed = patterns.map(|pattern| Pattern::parse(pattern).unwrap());
        let best = (0..parsed.len())
            .filter(|at| parsed[*at].matches(model))
            .max_by_key(|at| parsed[*at].rank());
        let expected = i64::try_from(best.unwrap() + 1).unwrap() * 1_000;
        assert_eq!(
            nano(&prices, Tariff::Tokens, model, &one),
            expected,
            "{model}"
        );
    }
}

#[test]
fn versions() {
    let version = PriceVersion {
        table: VERSION,
        pricing: Revision(7),
    };
    assert_eq!(prices("{}").version(), version);
    assert!(Prices::new("{", Revision(7)).is_err());
    let internal = r#"{"AudioPricing": {"whisper-1": {"_PerSecond": 1}}}"#;
    assert!(Prices::new(internal, Revision(7)).is_err());
}

#[test]
fn paths_have_tariffs() {
    for (path, tariff) in [
        ("/v1/chat/completions", Tariff::Tokens),
        ("/chat/completions", Tariff::Tokens),
        ("/v1/responses/", Tariff::Tokens),
        ("/v1/responses/resp_1", Tariff::Call),
        ("/messages", Tariff::Tokens),
        ("/messages/count_tokens", Tariff::Free),
        ("/v1/moderations", Tariff::Free),
        ("/images/generations", Tariff::Images),
        ("/v1/audio/speech", Tariff::Sound),
        ("/rerank", Tariff::Rerank),
        ("/v1/files", Tariff::Call),
        ("", Tariff::Call),
    ] {
        assert_eq!(Tariff::of_path(path), tariff, "{path}");
    }
}

/// What the owner gave an alias holds for a snapshot only where nobody knows which of
/// the two was asked for, and never instead of what it gave the snapshot.
#[test]
fn an_answered_snapshot_is_priced_as_its_alias() {
    let pricing = r#"{"ChatPricing": {"gpt-5": {"InputText": 7}, "own": {"InputText": 3},
        "claude-sonnet-4-5": {"InputText": 9}, "dated-2026-01-02": {"InputText": 4},
        "dated": {"InputText": 5}}}"#;
    let prices = prices(pricing);
    let used = Quantities {
        input: 1000,
        ..Quantities::default()
    };
    for (model, asked, answered) in [
        // The shipped table has a row for this snapshot.
        ("gpt-5-2025-08-07", Some(1_250_000), 7_000_000),
        ("claude-sonnet-4-5-20250929", Some(3_000_000), 9_000_000),
        ("own-2026-01-02", None, 3_000_000),
        ("dated-2026-01-02", Some(4_000_000), 4_000_000),
        ("dated-2026-01-03", None, 5_000_000),
        // Without a price of the owner's, the snapshot's own.
        ("gpt-4o-2024-05-13", Some(5_000_000), 5_000_000),
    ] {
        let of = |price: super::super::Price<'_>| price.cost(&used, None, Terms::default());
        let found = of(prices.of(Tariff::Tokens, model));
        assert_eq!(found.priced, asked.is_some(), "{model}");
        assert_eq!(found.amount.0, asked.unwrap_or(0), "{model}");
        let found = of(prices.of_answered(Tariff::Tokens, model));
        assert_eq!((found.priced, found.amount.0), (true, answered), "{model}");
    }
}
