//! What calls cost: the table that is shipped with the program, an owner's PRICING
//! over it, and the arithmetic of one bill. Integers only; rounded once.
//!
//! **Whose price.** In each section the owner's row that matches a model best and the
//! shipped row that matches it best (both by the one rule of [`crate::pattern`]) are
//! laid over each other field by field, sizes of images too: the owner's field wins,
//! zero included, and what it does not say is the shipped row's. A shipped field that
//! PRICING has no name for yields to the owner's field that it refines: `_Above` to
//! the same field, `_CacheWriteLong` to `CacheWrite`, `_CachedText` (fine-tuned) to
//! `InputText`, `_PerSecond` and `_PerMChar` to any amount of the owner's row.
//!
//! **By which name.** By that of the model behind all mappings, as it is written, or by
//! its base (`claude-sonnet-4-5` of `claude-sonnet-4-5@20250929`); where only an upstream's
//! name is known, by that, and without its date: see `price/names.rs`.
//!
//! **Which section.** An endpoint has a [`Tariff`]; of two sections the first that has
//! a price for anything that was used makes the bill, never both:
//!
//! | tariff | first | else |
//! |---|---|---|
//! | tokens | `ChatPricing` | `AudioPricing` (its tokens) |
//! | tokens, of `ft:base:...` | `FineTuningPricing` of `base` | `ChatPricing` of the whole name |
//! | images | `ChatPricing`, when tokens were counted | `ImgPricing` |
//! | sound | `AudioPricing` | `ChatPricing` |
//! | rerank | `RerankPricing` | `ChatPricing` |
//!
//! With fine-tuned models and images the owner can turn the two around: the section
//! goes first in which its own row names the model more exactly. What a base model
//! costs in `ChatPricing` is never taken for what its fine-tuned children cost.
//! `CallPricing` adds its price of a call to every one that is not free.
//!
//! **What is not priced** costs what it resembles:
//!
//! | used | price |
//! |---|---|
//! | cached text | `CachedText`, else `InputText` |
//! | cache writes | `CacheWrite`, else `InputText` |
//! | long cache writes | `_CacheWriteLong`, else `CacheWrite`, else `InputText` |
//! | text written | `OutputText`, else `OutputImage`, of what writes images only |
//! | reasoning | `ReasonText`, else `OutputText` |
//! | audio read | `InputAudio`, else `InputText` |
//! | cached audio | `CachedAudio`, else `InputAudio`, else `CachedText`, else `InputText` |
//! | images read | `InputImage`, else `InputText` |
//! | audio, images written | `OutputAudio`, `OutputImage`, else `OutputText` |
//! | images made, each | of the owner and then of the shipped table: `Sizes` by the whole name (`high:1024x1536`), `Sizes` by the size alone (`1024x1536`); else, where no quality was asked for (or `auto`), the dearest of that size, since the quality is the model's choice; else `Call`; else the dearest of `Sizes`, since the size is the model's choice |
//! | speech, tokens counted | `Input`, `Output`, `InputAudio` (else `Input`), `OutputAudio` (else `Output`) |
//! | speech, characters only | `_PerMChar`; else a character is a token of `Input`, else of `Output` |
//! | speech, sound only | `_PerSecond`; else 100 ms are a token of `InputAudio`, else `Input`, else `OutputAudio`, else `Output` |
//! | a rerank | `Input` for its tokens, `Call` for each search (for one, if none was counted) |
//! | a search of the web | `_Search` |
//!
//! The sum of a section is multiplied by the `Rates` of its row, then by the Rates of
//! the account (see [`OwnerTable::rates`](crate::OwnerTable::rates)) and by the owner's
//! FACTOR, both as they are when the call comes, and then rounded to the nearest nano-dollar, halves up. What is more than can be counted
//! is the most that can be.

use foldgate_proto::{NanoDollars, PriceVersion, Quantities, Rates, Revision};

use crate::pattern::Rank;
use crate::pricing::{self, PricingError};

mod bill;
mod kinds;
mod names;
mod rows;
mod shipped;
mod show;
mod tariff;
#[cfg(test)]
mod tests;
mod wide;

use bill::Calls;
pub use bill::{Line, Unit};
use names::Name;
pub use rows::Source;
pub use shipped::VERSION;
pub use show::Shown;
pub use tariff::Tariff;

use rows::{Layers, Part, Rows};
use wide::Wide;

/// What prices are multiplied by.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The greatest Rates of the account and of those above it.
    pub rates: Rates,
    /// The owner's FACTOR.
    pub factor: Rates,
    /// Whether half of that is asked, as OpenAI, Azure, Anthropic and Google ask for calls
    /// that are made in batches.
    pub halved: bool,
}

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// How much.
    pub amount: NanoDollars,
    /// Whether a price applied. `false` where something was used that no row prices:
    /// the amount is zero for want of a price, not because it is free.
    pub priced: bool,
}

/// The prices of one owner.
#[derive(Debug)]
pub struct Prices {
    version: PriceVersion,
    /// The owner's own, if it has any.
    own: Option<Rows>,
}

/// The price of one model by one tariff: what to multiply quantities with.
#[derive(Debug)]
pub struct Price<'t> {
    /// The sections, in the order in which they are asked.
    parts: [Option<Part<'t>>; 2],
    /// `CallPricing`; `None` where all is free.
    call: Option<Layers<'t, pricing::CallPrice>>,
}

impl Prices {
    /// The shipped prices, with nothing of an owner's.
    pub const fn shipped() -> Self {
        Self {
            version: PriceVersion {
                table: VERSION,
                pricing: Revision::ZERO,
            },
            own: None,
        }
    }

    /// The shipped prices with a PRICING text over them, which that revision set.
    ///
    /// # Errors
    /// A text that is refused as PRICING.
    pub fn new(text: &str, revision: Revision) -> Result<Self, PricingError> {
        let pricing = pricing::validate(text)?;
        Ok(Self {
            version: PriceVersion {
                table: VERSION,
                pricing: revision,
            },
            own: Some(Rows::new(pricing)),
        })
    }

    /// Reads the shipped table, if nobody has: what else the first bill would wait for.
    pub fn warm() {
        shipped::rows();
    }

    /// What these prices are known by for ever.
    pub const fn version(&self) -> PriceVersion {
        self.version
    }

    /// The price of a model: the one behind all mappings.
    pub fn of<'t>(&'t self, tariff: Tariff, model: &str) -> Price<'t> {
        self.of_name(tariff, Name::Asked(model))
    }

    /// The price of a model of which only an upstream's name for it is known.
    pub fn of_answered<'t>(&'t self, tariff: Tariff, model: &str) -> Price<'t> {
        self.of_name(tariff, Name::Answered(model))
    }

    fn of_name<'t>(&'t self, tariff: Tariff, model: Name<'_>) -> Price<'t> {
        let call = tariff != Tariff::Free;
        Price {
            parts: self.parts(tariff, model),
            call: call.then(|| self.layers(model, |rows| &rows.call)),
        }
    }

    fn parts<'t>(&'t self, tariff: Tariff, model: Name<'_>) -> [Option<Part<'t>>; 2] {
        let chat = || self.layers(model, |rows| &rows.chat);
        let sound = || self.layers(model, |rows| &rows.audio);
        match tariff {
            Tariff::Free | Tariff::Call => [None, None],
            Tariff::Tokens => match tuned_base(model.text()) {
                Some(base) => {
                    let tuned = self.layers(model.with(base), |rows| &rows.fine_tuning);
                    let chat = chat();
                    let chat_first = leads(chat.own_rank(), tuned.own_rank());
                    ordered(Part::Tuned(tuned), Part::Chat(chat), chat_first)
                }
                None => ordered(Part::Chat(chat()), Part::Sound(sound()), false),
            },
            Tariff::Images => {
                let images = self.layers(model, |rows| &rows.img);
                let chat = chat();
                let images_first = leads(images.own_rank(), chat.own_rank());
                ordered(Part::Chat(chat), Part::Img(images), images_first)
            }
            Tariff::Sound => ordered(Part::Sound(sound()), Part::Chat(chat()), false),
            Tariff::Rerank => {
                let rerank = self.layers(model, |rows| &rows.rerank);
                ordered(Part::Rerank(rerank), Part::Chat(chat()), false)
            }
        }
    }
}

impl Price<'_> {
    /// What a call costs that used this, and made images of this size. One that no
    /// upstream answered costs nothing; it is not to be asked for here.
    pub fn cost(&self, used: &Quantities, size: Option<&str>, terms: Terms) -> Cost {
        self.cost_of((used, Calls::one(used)), size, terms)
    }

    /// What many calls cost that used this all together, if it is known how many they
    /// were. Each is taken to have read its part, where a long context costs more.
    pub fn cost_of_many(&self, calls: Option<u64>, used: &Quantities, terms: Terms) -> Cost {
        self.cost_of((used, Calls::many(calls, used)), None, terms)
    }

    fn cost_of(
        &self,
        (used, calls): (&Quantities, Calls),
        size: Option<&str>,
        terms: Terms,
    ) -> Cost {
        let mut sum = Wide::ZERO;
        let mut lines = 0_usize;
        self.each_line((used, calls), size, &mut |line| {
            sum = sum.plus(line.femto());
            lines += 1;
        });
        let nothing = self.call.is_none() || *used == Quantities::default();
        Cost {
            amount: sum
                .times(terms.rates.0)
                .times(terms.factor.0)
                .nano(terms.halved),
            priced: nothing || lines > 0,
        }
    }
}

/// Whether a row of the owner's is more exact than its row in the other section.
fn leads(own: Option<Rank<'_>>, other: Option<Rank<'_>>) -> bool {
    own > other
}

fn ordered<'t>(first: Part<'t>, second: Part<'t>, turned: bool) -> [Option<Part<'t>>; 2] {
    if turned {
        [Some(second), Some(first)]
    } else {
        [Some(first), Some(second)]
    }
}

/// The base of a fine-tuned model: `gpt-4o` of `ft:gpt-4o:acme::7qTVM5AR`.
fn tuned_base(model: &str) -> Option<&str> {
    let rest = model.strip_prefix("ft:")?;
    rest.split(':').next()
}
