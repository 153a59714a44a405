//! The PRICING override: an owner's own prices, as differences from the
//! system's. Validated whole and kept typed; amounts are integers, read from
//! their decimal text without passing through a float.
//!
//! The table that is shipped with the program has the same shape, and beside it
//! fields of its own, which begin with an underscore and which PRICING may not have.

use std::collections::BTreeMap;

pub(crate) mod amount;
pub(crate) mod json;
mod section;
#[cfg(test)]
mod tests;

pub use amount::{PerCall, PerToken, Rate};
pub use section::{
    Above, AudioPrice, CallPrice, ChatPrice, FineTuningPrice, ImgPrice, RerankPrice, Sizes,
};

use json::{Object, Path};

use crate::pattern::{self, Pattern};

/// The longest text, in bytes: the owner API's 128 KB.
pub const MAX_BYTES: usize = 128 * 1024;

/// The most models over all sections: the owner API's own limit.
pub const MAX_ENTRIES: usize = 1_024;

/// A price override: prices by model pattern, per section. A field that is not
/// set falls back to the system's price.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pricing {
    /// `ChatPricing`
    pub chat: BTreeMap<String, ChatPrice>,
    /// `ImgPricing`
    pub img: BTreeMap<String, ImgPrice>,
    /// `AudioPricing`
    pub audio: BTreeMap<String, AudioPrice>,
    /// `RerankPricing`
    pub rerank: BTreeMap<String, RerankPrice>,
    /// `CallPricing`
    pub call: BTreeMap<String, CallPrice>,
    /// `FineTuningPricing`
    pub fine_tuning: BTreeMap<String, FineTuningPrice>,
}

/// Why a PRICING text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// Longer than [`MAX_BYTES`].
    #[error("pricing of {0} bytes is longer than {MAX_BYTES}")]
    TooLong(usize),
    /// Not JSON.
    #[error("pricing is not JSON: {0}")]
    Syntax(String),
    /// More than [`MAX_ENTRIES`].
    #[error("pricing has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// One value is at fault.
    #[error("{path}: {fault}")]
    At {
        /// Where, as a JSON path.
        path: String,
        /// What.
        fault: Fault,
    },
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A section or a field of no meaning.
    #[error("unknown field")]
    Unknown,
    /// The same key twice in one object.
    #[error("the key stands twice")]
    Duplicate,
    /// Something else where an object belongs.
    #[error("must be an object")]
    NotAnObject,
    /// Something else where a whole number belongs.
    #[error("must be a whole number")]
    NotWhole,
    /// Something else where a number belongs.
    #[error("must be a number")]
    NotANumber,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Too large to count, or infinite.
    #[error("is too large")]
    TooLarge,
    /// Above zero, but less than the smallest amount that can be counted.
    #[error("is smaller than the smallest amount, and not zero")]
    TooSmall,
    /// The name of a model is no pattern.
    #[error(transparent)]
    Model(#[from] pattern::Error),
    /// The name of an image size is none.
    #[error("is not the name of an image size")]
    Size,
}

/// Reads a PRICING text.
///
/// # Errors
/// Refuses a text over [`MAX_BYTES`], over [`MAX_ENTRIES`] models, unknown or
/// doubled keys, and amounts that are no finite, countable, non-negative numbers;
/// says where.
pub fn validate(text: &str) -> Result<Pricing, PricingError> {
    if text.len() > MAX_BYTES {
        return Err(PricingError::TooLong(text.len()));
    }
    read(text, Author::Owner)
}

/// Reads the table that is shipped with the program.
///
/// # Errors
/// As [`validate`]; its fields may begin with an underscore.
pub(crate) fn shipped(text: &str) -> Result<Pricing, PricingError> {
    read(text, Author::Program)
}

/// Whose prices are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    Owner,
    Program,
}

fn read(text: &str, author: Author) -> Result<Pricing, PricingError> {
    let mut pricing = Pricing::default();
    let mut entries = 0;
    let root = Path::root();
    let sections = Object::parse(text).map_err(|error| match error {
        json::Error::NotAnObject => root.fault(Fault::NotAnObject),
        json::Error::Syntax(why) => PricingError::Syntax(why),
    })?;
    for (name, value) in sections.unique(&root)? {
        let at = root.field(name);
        let models = at.object(value.get())?;
        entries += models.len();
        if entries > MAX_ENTRIES {
            return Err(PricingError::TooManyEntries);
        }
        let Pricing {
            chat,
            img,
            audio,
            rerank,
            call,
            fine_tuning,
        } = &mut pricing;
        match name.as_str() {
            "ChatPricing" => fill(chat, &models, &at, author)?,
            "ImgPricing" => fill(img, &models, &at, author)?,
            "AudioPricing" => fill(audio, &models, &at, author)?,
            "RerankPricing" => fill(rerank, &models, &at, author)?,
            "CallPricing" => fill(call, &models, &at, author)?,
            "FineTuningPricing" => fill(fine_tuning, &models, &at, author)?,
            _ => return Err(at.fault(Fault::Unknown)),
        }
    }
    Ok(pricing)
}

fn fill<P: section::Price>(
    prices: &mut BTreeMap<String, P>,
    models: &Object<'_>,
    at: &Path<'_>,
    author: Author,
) -> Result<(), PricingError> {
    for (model, value) in models.unique(at)? {
        let at = at.key(model);
        Pattern::parse(model).map_err(|error| at.fault(error.into()))?;
        let mut price = P::default();
        for (field, value) in at.object(value.get())?.unique(&at)? {
            let at = at.field(field);
            if author == Author::Owner && field.starts_with('_') {
                return Err(at.fault(Fault::Unknown));
            }
            price.set(field, value.get(), &at)?;
        }
        prices.insert(model.clone(), price);
    }
    Ok(())
}
