//! Prices as they are shown: every field that a model has, and the row it is from.

use std::fmt;

use super::kinds::{self, chat, sound, tuned};
use super::rows::{Field, Found, Layers, Part, Row, Source};
use super::{Price, Unit};
use crate::pricing::Rate;

/// One field of a model's price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'t> {
    /// The section of PRICING.
    pub section: &'static str,
    /// The field.
    pub field: &'static str,
    /// The entry of `Sizes`.
    pub size: Option<&'t str>,
    /// The row it is from.
    pub from: Source<'t>,
    /// In US dollars, as PRICING writes it: per million tokens or characters, per call,
    /// image, search or second.
    pub usd: String,
    /// What the row is multiplied by.
    pub rate: Rate,
}

/// Pico-dollars in decimal, in dollars for so many.
struct Decimal {
    pico: u64,
    /// How many decimals a dollar has.
    scale: u32,
}

impl<'t> Price<'t> {
    /// Every field that has a price, the section that is asked first in front. What the
    /// shipped table says of long contexts follows what it says of others.
    pub fn fields(&self) -> Vec<Shown<'t>> {
        let mut shown = Vec::new();
        for part in self.parts.iter().flatten() {
            let mut of = Of {
                section: part.section(),
                rate: part.rates(),
                shown: &mut shown,
            };
            match part {
                Part::Chat(rows) => {
                    of.fields(rows, chat::TOKENS, Unit::Token);
                    of.fields(rows, &[chat::SEARCH], Unit::Call);
                }
                Part::Tuned(rows) => of.fields(rows, tuned::TOKENS, Unit::Token),
                Part::Img(rows) => {
                    of.fields(rows, &[kinds::IMAGE], Unit::Call);
                    for (size, found) in rows.sizes() {
                        of.put(Some(size), found, Unit::Call);
                    }
                }
                Part::Sound(rows) => {
                    of.fields(rows, sound::TOKENS, Unit::Token);
                    of.fields(rows, &[sound::PER_CHARACTER], Unit::Character);
                    of.fields(rows, &[sound::CALL, sound::PER_SECOND], Unit::Call);
                }
                Part::Rerank(rows) => {
                    of.fields(rows, &[kinds::RERANK_INPUT], Unit::Token);
                    of.fields(rows, &[kinds::RERANK_CALL], Unit::Call);
                }
            }
        }
        if let Some(rows) = &self.call {
            let mut of = Of {
                section: "CallPricing",
                rate: rows.rates(),
                shown: &mut shown,
            };
            of.fields(rows, &[kinds::CALL], Unit::Call);
        }
        shown
    }
}

/// What is shown of a section.
struct Of<'s, 't> {
    section: &'static str,
    rate: Rate,
    shown: &'s mut Vec<Shown<'t>>,
}

impl<'t> Of<'_, 't> {
    fn fields<R: Row>(&mut self, rows: &Layers<'t, R>, fields: &[Field<R>], unit: Unit) {
        let all = |context| {
            fields
                .iter()
                .filter_map(move |field| rows.find(field, context))
        };
        for found in all(0) {
            self.put(None, found, unit);
        }
        for found in all(u64::MAX).filter(|found| matches!(found.from, Source::Above(..))) {
            self.put(None, found, unit);
        }
    }

    fn put(&mut self, size: Option<&'t str>, found: Found<'t>, unit: Unit) {
        let scale = match unit {
            Unit::Token | Unit::Character | Unit::TokenOf100Ms => 6,
            Unit::Call | Unit::Millisecond => 12,
        };
        let pico = found.amount;
        self.shown.push(Shown {
            section: self.section,
            field: found.field,
            size,
            from: found.from,
            usd: Decimal { pico, scale }.to_string(),
            rate: self.rate,
        });
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(self.scale);
        let (whole, part) = (self.pico / one, self.pico % one);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{part:0width$}", width = self.scale as usize);
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}
