//! A bill, line by line: what was used, by which price of which row.

use foldgate_proto::Quantities;

use super::kinds::{self, Kind, chat, sound, tuned};
use super::rows::{Field, Found, Layers, Part, Row, Source};
use super::{Price, Wide};
use crate::pricing::{AudioPrice, ChatPrice, ImgPrice, Rate, RerankPrice};

/// What one price makes of what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'t> {
    /// The section of PRICING.
    pub section: &'static str,
    /// The field that gave the price.
    pub field: &'static str,
    /// The entry of `Sizes` that did.
    pub size: Option<&'t str>,
    /// Where it stands.
    pub from: Source<'t>,
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
    /// Pico-dollars for each; for a second, of [`Unit::Millisecond`].
    pub amount: u64,
    /// What the row is multiplied by.
    pub rate: Rate,
}

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A token.
    Token,
    /// A character.
    Character,
    /// A call, an image or a search.
    Call,
    /// A millisecond of sound, priced by the second.
    Millisecond,
    /// A millisecond of sound, a hundred of which are priced as a token.
    TokenOf100Ms,
}

impl Unit {
    /// Femto-dollars for one, if the amount is one.
    pub(super) const fn femto(self) -> u64 {
        match self {
            Self::Token | Self::Character | Self::Call => 1_000,
            Self::Millisecond => 1,
            Self::TokenOf100Ms => 10,
        }
    }
}

impl Line<'_> {
    /// What it comes to, in femto-dollars times the row's multiplier in millionths.
    pub(super) fn femto(&self) -> Wide {
        let exact = u128::from(self.count) * u128::from(self.amount);
        Wide::new(exact).times(self.unit.femto()).times(self.rate.0)
    }
}

/// Calls that are priced together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calls {
    /// How many.
    pub(super) count: u64,
    /// How long the context of each is taken to be, in tokens.
    pub(super) context: u64,
}

impl Calls {
    pub(super) fn one(used: &Quantities) -> Self {
        Self {
            count: 1,
            context: used.read(),
        }
    }

    /// As many; each is taken to have read its part. Of none known, the shortest.
    pub(super) fn many(count: Option<u64>, used: &Quantities) -> Self {
        let context = count.and_then(|count| used.read().checked_div(count));
        Self {
            count: count.unwrap_or(1),
            context: context.unwrap_or(0),
        }
    }
}

/// Where lines of a section go.
struct Lines<'f, 't> {
    section: &'static str,
    rate: Rate,
    calls: Calls,
    any: bool,
    put: &'f mut dyn FnMut(Line<'t>),
}

impl<'t> Lines<'_, 't> {
    fn put(&mut self, found: Option<Found<'t>>, count: u64, unit: Unit) {
        self.put_size(found.map(|found| (None, found)), count, unit);
    }

    fn put_size(&mut self, found: Option<(Option<&'t str>, Found<'t>)>, count: u64, unit: Unit) {
        if count == 0 {
            return;
        }
        if let Some((size, found)) = found {
            self.any = true;
            (self.put)(Line {
                section: self.section,
                field: found.field,
                size,
                from: found.from,
                count,
                unit,
                amount: found.amount,
                rate: self.rate,
            });
        }
    }

    /// What was counted in tokens.
    fn tokens<R: Row>(&mut self, rows: &Layers<'t, R>, kinds: &[Kind<R>], used: &Quantities) {
        for kind in kinds {
            let count = (kind.count)(used);
            if count > 0 {
                let found = rows.first(kind.fields, self.calls.context);
                self.put(found, count, Unit::Token);
            }
        }
    }

    fn one<R: Row>(&mut self, rows: &Layers<'t, R>, field: &Field<R>, count: u64) {
        self.put(rows.find(field, 0), count, Unit::Call);
    }
}

impl<'t> Price<'t> {
    /// The lines of a bill, in no order that means anything.
    pub fn lines(&self, used: &Quantities, size: Option<&str>) -> Vec<Line<'t>> {
        let mut lines = Vec::new();
        self.each_line((used, Calls::one(used)), size, &mut |line| lines.push(line));
        lines
    }

    pub(super) fn each_line(
        &self,
        (used, calls): (&Quantities, Calls),
        size: Option<&str>,
        put: &mut dyn FnMut(Line<'t>),
    ) {
        for part in self.parts.iter().flatten() {
            let mut lines = part.lines(calls, put);
            match part {
                Part::Chat(rows) => of_chat(&mut lines, rows, used),
                Part::Tuned(rows) => lines.tokens(rows, tuned::KINDS, used),
                Part::Img(rows) => of_images(&mut lines, rows, used.images, size),
                Part::Sound(rows) => of_sound(&mut lines, rows, used),
                Part::Rerank(rows) => of_rerank(&mut lines, rows, used),
            }
            if lines.any {
                break;
            }
        }
        if let Some(rows) = &self.call {
            let mut lines = Lines {
                section: "CallPricing",
                rate: rows.rates(),
                calls,
                any: false,
                put,
            };
            lines.one(rows, &kinds::CALL, calls.count);
        }
    }
}

impl<'t> Part<'t> {
    fn lines<'f>(&self, calls: Calls, put: &'f mut dyn FnMut(Line<'t>)) -> Lines<'f, 't> {
        Lines {
            section: self.section(),
            rate: self.rates(),
            calls,
            any: false,
            put,
        }
    }

    /// The section's name in PRICING.
    pub(super) const fn section(&self) -> &'static str {
        match self {
            Self::Chat(_) => "ChatPricing",
            Self::Tuned(_) => "FineTuningPricing",
            Self::Img(_) => "ImgPricing",
            Self::Sound(_) => "AudioPricing",
            Self::Rerank(_) => "RerankPricing",
        }
    }

    /// What the row is multiplied by.
    pub(super) fn rates(&self) -> Rate {
        match self {
            Self::Chat(rows) => rows.rates(),
            Self::Tuned(rows) => rows.rates(),
            Self::Img(rows) => rows.rates(),
            Self::Sound(rows) => rows.rates(),
            Self::Rerank(rows) => rows.rates(),
        }
    }
}

fn of_chat<'t>(lines: &mut Lines<'_, 't>, rows: &Layers<'t, ChatPrice>, used: &Quantities) {
    lines.tokens(rows, chat::KINDS, used);
    lines.one(rows, &chat::SEARCH, used.searches);
}

fn of_images<'t>(
    lines: &mut Lines<'_, 't>,
    rows: &Layers<'t, ImgPrice>,
    images: u64,
    size: Option<&str>,
) {
    let listed = size.and_then(|size| rows.size(size).or_else(|| rows.dearest_of(size)));
    let call = || rows.find(&kinds::IMAGE, 0).map(|found| (None, found));
    let dearest = || rows.sizes().max_by_key(|(_, found)| found.amount);
    let sized = |(name, found)| (Some(name), found);
    let found = listed.map(sized).or_else(call);
    let found = found.or_else(|| dearest().map(sized));
    lines.put_size(found, images, Unit::Call);
}

/// Speech, by tokens where those were counted, else by what else was.
fn of_sound<'t>(lines: &mut Lines<'_, 't>, rows: &Layers<'t, AudioPrice>, used: &Quantities) {
    let counted = used.read() > 0 || used.written() > 0;
    lines.tokens(rows, sound::KINDS, used);
    if !counted {
        let character = rows.first(sound::CHARACTER, 0);
        lines.put(character, used.characters, Unit::Character);
    }
    if !counted && !lines.any {
        let second = rows.find(&sound::PER_SECOND, 0);
        if second.is_some() {
            lines.put(second, used.sound_ms, Unit::Millisecond);
        } else {
            let tenth = rows.first(sound::TENTH, 0);
            lines.put(tenth, used.sound_ms, Unit::TokenOf100Ms);
        }
    }
    lines.one(rows, &sound::CALL, lines.calls.count);
}

fn of_rerank<'t>(lines: &mut Lines<'_, 't>, rows: &Layers<'t, RerankPrice>, used: &Quantities) {
    let input = rows.find(&kinds::RERANK_INPUT, 0);
    lines.put(input, used.read(), Unit::Token);
    lines.one(
        rows,
        &kinds::RERANK_CALL,
        used.searches.max(lines.calls.count),
    );
}
