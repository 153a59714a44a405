//! The sections of PRICING and the fields each may have. Those that begin with an
//! underscore stand in the shipped table only.

use std::collections::BTreeMap;

use super::amount::{PerCall, PerToken, Rate};
use super::json::Path;
use super::{Fault, PricingError};

/// Prices by image size (`1024x1024`, `high:1024x1536`).
pub type Sizes = BTreeMap<String, PerCall>;

/// The longest name of an image size, in bytes.
const MAX_SIZE_NAME: usize = 64;

/// The price of one model in one section.
pub(super) trait Price: Default {
    /// Sets one field from its JSON text.
    fn set(&mut self, field: &str, text: &str, at: &Path<'_>) -> Result<(), PricingError>;
}

/// What a field holds.
trait Value: Sized {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError>;
}

impl Value for PerToken {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError> {
        Self::read(text).map_err(|fault| at.fault(fault))
    }
}

impl Value for PerCall {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError> {
        Self::read(text).map_err(|fault| at.fault(fault))
    }
}

impl Value for Rate {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError> {
        Self::read(text).map_err(|fault| at.fault(fault))
    }
}

/// What a chat costs whose context (all that it reads) is longer than so many tokens.
/// What it does not price costs what it costs below.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Above {
    /// `Tokens`
    pub tokens: u64,
    /// Everything else.
    pub price: ChatPrice,
}

impl Value for Box<Above> {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError> {
        let mut above = Self::default();
        for (field, value) in at.object(text)?.unique(at)? {
            let at = at.field(field);
            if field == "Tokens" {
                above.tokens = value.get().parse().map_err(|_| at.fault(Fault::NotWhole))?;
            } else {
                above.price.set(field, value.get(), &at)?;
            }
        }
        Ok(above)
    }
}

impl Value for Sizes {
    fn read(text: &str, at: &Path<'_>) -> Result<Self, PricingError> {
        let mut sizes = Self::new();
        for (size, value) in at.object(text)?.unique(at)? {
            let at = at.key(size);
            let sound = |b: u8| b.is_ascii_alphanumeric() || b":._-/".contains(&b);
            if size.is_empty() || size.len() > MAX_SIZE_NAME || !size.bytes().all(sound) {
                return Err(at.fault(Fault::Size));
            }
            let price = <PerCall as Value>::read(value.get(), &at)?;
            sizes.insert(size.clone(), price);
        }
        Ok(sizes)
    }
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, PartialEq, Eq)]
        pub struct $name {
            $(
                #[doc = concat!("`", $key, "`")]
                pub $field: Option<$kind>,
            )*
        }

        impl Price for $name {
            fn set(&mut self, field: &str, text: &str, at: &Path<'_>) -> Result<(), PricingError> {
                match field {
                    $($key => self.$field = Some(<$kind as Value>::read(text, at)?),)*
                    _ => return Err(at.fault(Fault::Unknown)),
                }
                Ok(())
            }
        }
    };
}

section! {
    /// Tokens of a chat, by kind.
    ChatPrice {
        input_text: PerToken = "InputText",
        output_text: PerToken = "OutputText",
        cached_text: PerToken = "CachedText",
        cache_write: PerToken = "CacheWrite",
        cache_write_long: PerToken = "_CacheWriteLong",
        reason_text: PerToken = "ReasonText",
        input_audio: PerToken = "InputAudio",
        output_audio: PerToken = "OutputAudio",
        cached_audio: PerToken = "CachedAudio",
        input_image: PerToken = "InputImage",
        output_image: PerToken = "OutputImage",
        above: Box<Above> = "_Above",
        search: PerCall = "_Search",
        rates: Rate = "Rates",
    }
}
section! {
    /// Images, by call or by size.
    ImgPrice {
        call: PerCall = "Call",
        rates: Rate = "Rates",
        sizes: Sizes = "Sizes",
    }
}
section! {
    /// Speech, by equivalent tokens or by call.
    AudioPrice {
        input: PerToken = "Input",
        output: PerToken = "Output",
        input_audio: PerToken = "InputAudio",
        output_audio: PerToken = "OutputAudio",
        call: PerCall = "Call",
        per_second: PerCall = "_PerSecond",
        per_character: PerToken = "_PerMChar",
        rates: Rate = "Rates",
    }
}
section! {
    /// Reranking.
    RerankPrice {
        input: PerToken = "Input",
        call: PerCall = "Call",
        rates: Rate = "Rates",
    }
}
section! {
    /// Anything paid by call.
    CallPrice {
        call: PerCall = "Call",
        rates: Rate = "Rates",
    }
}
section! {
    /// Fine-tuned models, by their base model.
    FineTuningPrice {
        input_text: PerToken = "InputText",
        output_text: PerToken = "OutputText",
        cached_text: PerToken = "_CachedText",
        rates: Rate = "Rates",
    }
}
