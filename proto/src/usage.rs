//! What requests used and what that cost: the records that data nodes hand to the
//! control plane, which makes bills of them. They are no configuration and have a
//! stream of their own.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AccountNumber, CallerKeyNumber, KeyNumber, Level, NanoDollars, OwnerId, Rates, Revision,
    Timestamp,
};

/// The most records of one batch.
pub const MAX_BATCH_RECORDS: usize = 2_000;

/// The greatest encoded batch, in bytes.
pub const MAX_BATCH_BYTES: usize = 768 * 1024;

/// What a request used. The kinds are disjoint: a token is counted in one field,
/// whatever its upstream includes in what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quantities {
    /// Text tokens read; also those of which the upstream does not say what they are.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Text tokens read from the upstream's cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Tokens written to the upstream's cache for a while (minutes).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Tokens written to the upstream's cache for long (an hour and more).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_long: u64,
    /// Audio tokens read.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// Audio tokens read from the upstream's cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached_audio: u64,
    /// Image tokens read.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_image: u64,
    /// Text tokens written; also those of which the upstream does not say what they are.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
    /// Tokens spent on reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Audio tokens written.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// Image tokens written.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_image: u64,
    /// Images made.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Sound heard or made, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub sound_ms: u64,
    /// Characters turned into speech.
    #[serde(skip_serializing_if = "is_zero")]
    pub characters: u64,
    /// Searches: the web's, or a reranker's.
    #[serde(skip_serializing_if = "is_zero")]
    pub searches: u64,
}

impl Quantities {
    /// Every token read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.input
            .saturating_add(self.cached)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_long)
            .saturating_add(self.input_audio)
            .saturating_add(self.cached_audio)
            .saturating_add(self.input_image)
    }

    /// Every token written.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.output
            .saturating_add(self.reasoning)
            .saturating_add(self.output_audio)
            .saturating_add(self.output_image)
    }

    /// Both together, kind by kind; what is more than can be counted is the most that can
    /// be.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let (mut sum, mut other) = (*self, *other);
        for (sum, more) in sum.kinds().into_iter().zip(other.kinds()) {
            *sum = sum.saturating_add(*more);
        }
        sum
    }

    /// Every kind. A kind that is added to the type does not compile here until it has
    /// its place.
    const fn kinds(&mut self) -> [&mut u64; 15] {
        let Self {
            input,
            cached,
            cache_write,
            cache_write_long,
            input_audio,
            cached_audio,
            input_image,
            output,
            reasoning,
            output_audio,
            output_image,
            images,
            sound_ms,
            characters,
            searches,
        } = self;
        [
            input,
            cached,
            cache_write,
            cache_write_long,
            input_audio,
            cached_audio,
            input_image,
            output,
            reasoning,
            output_audio,
            output_image,
            images,
            sound_ms,
            characters,
            searches,
        ]
    }
}

/// Where the quantities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The upstream counted them.
    Reported,
    /// The upstream said nothing, or the answer broke off: estimated here.
    Estimated,
    /// The node died in the midst of the call: estimated from the intent that it
    /// had written down.
    Unsettled,
}

/// By which prices a cost was made.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct PriceVersion {
    /// The version of the table that is shipped with the program.
    pub table: u32,
    /// The revision that set the owner's PRICING; zero where there is none.
    pub pricing: Revision,
}

/// One finished request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The request, for ever: what a record that comes twice is known by.
    pub id: Uuid,
    /// The owner.
    pub owner: OwnerId,
    /// Who called.
    pub account: AccountNumber,
    /// The key it called with; `None` for a key of the account itself.
    pub caller_key: Option<CallerKeyNumber>,
    /// The upstream key that answered.
    pub provider_key: Option<KeyNumber>,
    /// Its Level.
    pub level: Option<Level>,
    /// The endpoint's name.
    pub endpoint: String,
    /// The model that was asked for.
    pub requested: String,
    /// The model behind all mappings, which is priced.
    pub model: String,
    /// The model that the upstream was asked for, where it has another name there.
    pub upstream: Option<String>,
    /// What was used.
    pub quantities: Quantities,
    /// The size of the images made (`1024x1024`, `high:1024x1536`), if any.
    pub image_size: Option<String>,
    /// Where the quantities come from.
    pub measure: Measure,
    /// What it costs the account.
    pub cost: NanoDollars,
    /// Whether no price stood for what was used: then it costs nothing for want of one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unpriced: bool,
    /// What prices were multiplied by for every account: FACTOR.
    #[serde(default, skip_serializing_if = "is_one")]
    pub factor: Rates,
    /// By which prices.
    pub prices: PriceVersion,
    /// The answer's status.
    pub status: u16,
    /// When the answer ended.
    pub at: Timestamp,
    /// From the request to the answer's end, in milliseconds.
    pub took_ms: u64,
    /// From the request to the answer's first byte, in milliseconds.
    pub first_byte_ms: Option<u64>,
}

/// What a node hands on at once. A node's numbers have no gaps: a batch that comes
/// again is known by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBatch {
    /// The node's name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// The spool that the batch stood in: drawn when the spool was made, kept over
    /// the node's starts.
    pub spool: Uuid,
    /// Which of the spool's batches this is, from 1.
    pub number: u64,
    /// The requests.
    pub records: Vec<UsageRecord>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_one(factor: &Rates) -> bool {
    *factor == Rates::ONE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(said: &bool) -> bool {
    !*said
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
