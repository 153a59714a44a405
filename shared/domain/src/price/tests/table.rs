//! The table that is shipped.

use foldgate_proto::{PriceVersion, Quantities, Revision};

use super::super::shipped::{TEXT, VERSION};
use super::{Prices, Tariff, cost, nano};
use crate::pricing;

/// The table's digest, by version. A table that is changed gets a new version and a new
/// line: bills name the version they were made by.
const DIGESTS: [&str; 2] = [
    "2120a8b443a293abd0a13c8f590df482dd20608bd2d277856aa30a3e0ecaf3d9",
    "35eda33d3bcaecc8ec78d093cc0f248d8764591dfca94831a47f6025d18a077c",
];

#[test]
fn the_table_changes_with_its_version() {
    let digest = blake3::hash(TEXT.as_bytes()).to_hex();
    let newest = DIGESTS.last().unwrap();
    assert_eq!(digest.as_str(), *newest, "raise VERSION and add the digest");
    assert_eq!(usize::try_from(VERSION).unwrap(), DIGESTS.len());
    let version = PriceVersion {
        table: VERSION,
        pricing: Revision::ZERO,
    };
    assert_eq!(Prices::shipped().version(), version);
}

/// A call that uses some of everything.
fn everything() -> Quantities {
    Quantities {
        input: 1_000_000,
        output: 1_000_000,
        images: 1,
        ..Quantities::default()
    }
}

#[test]
fn every_row_has_a_price() {
    let table = pricing::shipped(TEXT).unwrap();
    assert!(table.chat.len() > 400 && table.call.is_empty());
    let prices = Prices::shipped();
    let sections: [(Tariff, Vec<&String>); 4] = [
        (Tariff::Tokens, table.chat.keys().collect()),
        (Tariff::Images, table.img.keys().collect()),
        (Tariff::Sound, table.audio.keys().collect()),
        (Tariff::Rerank, table.rerank.keys().collect()),
    ];
    for (tariff, models) in sections {
        for model in models {
            let fields = prices.of(tariff, model).fields();
            assert!(!fields.is_empty(), "{model} has no price");
            assert!(
                fields.iter().all(|field| field.from.row() == model),
                "{model}"
            );
        }
    }
    for base in table.fine_tuning.keys() {
        let model = format!("ft:{base}:acme::7qTVM5AR");
        let paid = cost(&prices, Tariff::Tokens, &model, &everything());
        assert!(paid.priced && paid.amount.0 > 0, "{model} has no price");
    }
}

#[test]
fn every_row_is_paid_for_what_it_is_for() {
    let table = pricing::shipped(TEXT).unwrap();
    let prices = Prices::shipped();
    for model in table.chat.keys() {
        assert!(
            nano(&prices, Tariff::Tokens, model, &everything()) > 0,
            "{model}"
        );
    }
    let sound = Quantities {
        characters: 1_000,
        sound_ms: 60_000,
        ..Quantities::default()
    };
    for model in table.audio.keys() {
        assert!(nano(&prices, Tariff::Sound, model, &sound) > 0, "{model}");
    }
    for model in table.rerank.keys() {
        assert!(
            nano(&prices, Tariff::Rerank, model, &everything()) > 0,
            "{model}"
        );
    }
}

#[test]
fn no_price_of_a_long_context_is_below_that_of_a_short_one() {
    let table = pricing::shipped(TEXT).unwrap();
    let mut seen = 0;
    for (model, row) in &table.chat {
        let Some(above) = &row.above else { continue };
        seen += 1;
        assert!((100_000..=272_000).contains(&above.tokens), "{model}");
        let pairs = [
            (row.input_text, above.price.input_text),
            (row.output_text, above.price.output_text),
            (row.cached_text, above.price.cached_text),
            (row.cache_write, above.price.cache_write),
        ];
        for (short, long) in pairs.into_iter().filter(|(_, long)| long.is_some()) {
            assert!(short <= long, "{model}");
        }
    }
    assert!(seen > 50, "{seen}");
}
