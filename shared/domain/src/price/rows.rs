//! Rows of prices, compiled to be found by model, and two of them laid over each other.

use crate::pattern::{Pattern, PatternMap, Rank};
use crate::pricing::{
    AudioPrice, CallPrice, ChatPrice, FineTuningPrice, ImgPrice, PerCall, Pricing, Rate,
    RerankPrice,
};

use super::names::{self, Name};
use super::{Prices, shipped};

/// Every section, by model.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) chat: PatternMap<ChatPrice>,
    pub(super) img: PatternMap<ImgPrice>,
    pub(super) audio: PatternMap<AudioPrice>,
    pub(super) rerank: PatternMap<RerankPrice>,
    pub(super) call: PatternMap<CallPrice>,
    pub(super) fine_tuning: PatternMap<FineTuningPrice>,
}

/// The owner's row for a model over the shipped one.
#[derive(Debug)]
pub(super) struct Layers<'t, R> {
    own: Option<(&'t Pattern, &'t R)>,
    shipped: Option<(&'t Pattern, &'t R)>,
}

/// The price of a model in one section.
#[derive(Debug)]
pub(super) enum Part<'t> {
    Chat(Layers<'t, ChatPrice>),
    Tuned(Layers<'t, FineTuningPrice>),
    Img(Layers<'t, ImgPrice>),
    Sound(Layers<'t, AudioPrice>),
    Rerank(Layers<'t, RerankPrice>),
}

/// Where a price stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'t> {
    /// In PRICING, in the row of this pattern.
    Owner(&'t str),
    /// In the shipped table, in this row.
    Shipped(&'t str),
    /// In the shipped table, in this row, for contexts longer than so many tokens.
    Above(&'t str, u64),
}

/// A field of a row: its name and how to read it.
pub(super) struct Field<R> {
    pub(super) name: &'static str,
    /// In pico-dollars.
    pub(super) get: fn(&R) -> Option<u64>,
    /// Whether the owner's row, which lacks it, hides the shipped one.
    pub(super) hidden: fn(&R) -> bool,
}

/// A row that a field can be sought in.
pub(super) trait Row {
    /// Its own multiplier.
    fn rates(&self) -> Option<Rate>;

    /// What else it says of a context of so many tokens, and above how many it does.
    fn above(&self, _context: u64) -> Option<(u64, &Self)> {
        None
    }
}

/// A price that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'t> {
    pub(super) field: &'static str,
    /// In pico-dollars.
    pub(super) amount: u64,
    pub(super) from: Source<'t>,
}

impl Rows {
    pub(super) fn new(pricing: Pricing) -> Self {
        Self {
            chat: PatternMap::new(pricing.chat),
            img: PatternMap::new(pricing.img),
            audio: PatternMap::new(pricing.audio),
            rerank: PatternMap::new(pricing.rerank),
            call: PatternMap::new(pricing.call),
            fine_tuning: PatternMap::new(pricing.fine_tuning),
        }
    }
}

impl Prices {
    pub(super) fn layers<'t, R>(
        &'t self,
        model: Name<'_>,
        section: fn(&Rows) -> &PatternMap<R>,
    ) -> Layers<'t, R> {
        let own = self.own.as_ref();
        Layers {
            own: own.and_then(|rows| names::find(section(rows), model)),
            shipped: names::find(section(shipped::rows()), model),
        }
    }
}

impl<'t, R: Row> Layers<'t, R> {
    /// How exactly the owner's row names the model, if it has one.
    pub(super) fn own_rank(&self) -> Option<Rank<'t>> {
        self.own.map(|(pattern, _)| pattern.rank())
    }

    /// What the row is multiplied by.
    pub(super) fn rates(&self) -> Rate {
        let rows = [self.own, self.shipped].into_iter().flatten();
        let mut said = rows.filter_map(|(_, row)| row.rates());
        said.next().unwrap_or(Rate::ONE)
    }

    /// The first of these fields that is priced, in a context of so many tokens.
    pub(super) fn first(&self, fields: &[Field<R>], context: u64) -> Option<Found<'t>> {
        fields.iter().find_map(|field| self.find(field, context))
    }

    /// What a field holds, in a context of so many tokens.
    pub(super) fn find(&self, field: &Field<R>, context: u64) -> Option<Found<'t>> {
        let found = |amount, from| Found {
            field: field.name,
            amount,
            from,
        };
        if let Some((pattern, row)) = self.own {
            if let Some(amount) = (field.get)(row) {
                return Some(found(amount, Source::Owner(pattern.as_str())));
            }
            if (field.hidden)(row) {
                return None;
            }
        }
        let (pattern, row) = self.shipped?;
        if let Some((tokens, above)) = row.above(context)
            && let Some(amount) = (field.get)(above)
        {
            return Some(found(amount, Source::Above(pattern.as_str(), tokens)));
        }
        let amount = (field.get)(row)?;
        Some(found(amount, Source::Shipped(pattern.as_str())))
    }
}

impl<'t> Layers<'t, ImgPrice> {
    /// What an image of this size costs, and by which entry of `Sizes`.
    pub(super) fn size(&self, size: &str) -> Option<(&'t str, Found<'t>)> {
        let plain = size.rsplit(':').next().unwrap_or(size);
        let own = self
            .own
            .map(|(pattern, row)| (row, Source::Owner(pattern.as_str())));
        let shipped = self
            .shipped
            .map(|(pattern, row)| (row, Source::Shipped(pattern.as_str())));
        let layers = [own, shipped].into_iter().flatten();
        let mut named = layers.flat_map(|(row, from)| [(row, from, size), (row, from, plain)]);
        named.find_map(|(row, from, name)| {
            let (name, PerCall(amount)) = row.sizes.as_ref()?.get_key_value(name)?;
            let found = Found {
                field: "Sizes",
                amount: *amount,
                from,
            };
            Some((name.as_str(), found))
        })
    }

    /// What an image of this size costs at most, where its quality is the model's choice.
    pub(super) fn dearest_of(&self, size: &str) -> Option<(&'t str, Found<'t>)> {
        let of_size = |name: &str| name.rsplit(':').next() == Some(size);
        let sizes = self.sizes().filter(|(name, _)| of_size(name));
        sizes.max_by_key(|(_, found)| found.amount)
    }

    /// Every entry of `Sizes` that counts, with its price.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (&'t str, Found<'t>)> {
        let rows = [self.own, self.shipped].into_iter().flatten();
        let names: std::collections::BTreeSet<&'t str> = rows
            .filter_map(|(_, row)| row.sizes.as_ref())
            .flat_map(|sizes| sizes.keys().map(String::as_str))
            .collect();
        let listed = names
            .into_iter()
            .filter_map(|name| Some((name, self.size(name)?)));
        listed
            .filter(|(name, (by, _))| name == by)
            .map(|(_, found)| found)
    }
}

impl<'t> Source<'t> {
    /// The pattern of the row.
    pub const fn row(self) -> &'t str {
        match self {
            Self::Owner(row) | Self::Shipped(row) | Self::Above(row, _) => row,
        }
    }
}

impl Row for ChatPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }

    fn above(&self, context: u64) -> Option<(u64, &Self)> {
        let above = self.above.as_ref()?;
        (context > above.tokens).then_some((above.tokens, &above.price))
    }
}

impl Row for FineTuningPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }
}

impl Row for ImgPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }
}

impl Row for AudioPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }
}

impl Row for RerankPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }
}

impl Row for CallPrice {
    fn rates(&self) -> Option<Rate> {
        self.rates
    }
}
