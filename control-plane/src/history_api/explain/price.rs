//! What a call of a model costs, by PRICING and the shipped table.

use foldgate_domain::OwnerTable;
use foldgate_domain::price::{Shown, Source, Tariff};
use foldgate_proto::{AccountNumber, PriceVersion};
use serde::Serialize;

/// By what a model may be paid, in the order in which it is looked for.
const TARIFFS: [Tariff; 4] = [
    Tariff::Tokens,
    Tariff::Images,
    Tariff::Sound,
    Tariff::Rerank,
];

/// The price of a model, as far as one stands anywhere.
#[derive(Debug, Serialize)]
pub(super) struct Price {
    /// The model behind all mappings, by which a call is priced.
    model: String,
    /// Whether it has a price.
    priced: bool,
    /// What all of it is multiplied by: the Rates of the account.
    rates: String,
    /// And this: the owner's FACTOR.
    factor: String,
    version: PriceVersion,
    fields: Vec<Amount>,
}

/// One field of it.
#[derive(Debug, Serialize)]
struct Amount {
    section: &'static str,
    field: &'static str,
    size: Option<String>,
    /// US dollars, as PRICING writes them: per million tokens or characters, per call,
    /// image, search or second.
    usd: String,
    /// Who says so.
    layer: &'static str,
    /// The row it stands in.
    row: String,
    /// For contexts longer than so many tokens.
    above: Option<u64>,
}

impl Price {
    pub(super) fn of(table: &OwnerTable, account: AccountNumber, model: &str) -> Self {
        let prices = table.prices();
        let shown = |tariff| {
            let fields = prices.of(tariff, model).fields();
            (!fields.is_empty()).then(|| fields.into_iter().map(Amount::from).collect::<Vec<_>>())
        };
        let fields = TARIFFS.into_iter().find_map(shown).unwrap_or_default();
        Self {
            model: model.to_owned(),
            priced: !fields.is_empty(),
            rates: table.rates(account).to_string(),
            factor: table.factor().to_string(),
            version: prices.version(),
            fields,
        }
    }
}

impl From<Shown<'_>> for Amount {
    fn from(shown: Shown<'_>) -> Self {
        let (layer, row, above) = match shown.from {
            Source::Owner(row) => ("owner", row, None),
            Source::Shipped(row) => ("shipped", row, None),
            Source::Above(row, above) => ("shipped", row, Some(above)),
        };
        Self {
            section: shown.section,
            field: shown.field,
            size: shown.size.map(str::to_owned),
            usd: shown.usd,
            layer,
            row: row.to_owned(),
            above,
        }
    }
}
