//! What is written down before a call goes upstream, so that a call that is cut by
//! the death of its node is billed all the same.

use foldgate_proto::{
    AccountNumber, CallerKeyNumber, KeyNumber, Level, Measure, NanoDollars, OwnerId, PriceVersion,
    Quantities, Rates, Timestamp, UsageRecord,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codec;

/// A call that is about to go upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request; its record will have this id.
    pub id: Uuid,
    /// The owner.
    pub owner: OwnerId,
    /// Who calls.
    pub account: AccountNumber,
    /// The key it calls with; `None` for a key of the account itself.
    pub caller_key: Option<CallerKeyNumber>,
    /// The upstream key that is about to be asked.
    pub provider_key: Option<KeyNumber>,
    /// Its Level.
    pub level: Option<Level>,
    /// The endpoint's name.
    pub endpoint: String,
    /// The model that was asked for.
    pub requested: String,
    /// The model behind all mappings.
    pub model: String,
    /// The model that the upstream is asked for, where it has another name there.
    pub upstream: Option<String>,
    /// What the call is going to use, as far as the request tells.
    pub estimate: Quantities,
    /// What that costs, by the prices of now: a later price changes nothing.
    pub cost: NanoDollars,
    /// Whether no price stood for it.
    #[serde(default)]
    pub unpriced: bool,
    /// What prices are multiplied by for every account.
    #[serde(default)]
    pub factor: Rates,
    /// By which prices.
    pub prices: PriceVersion,
    /// When the request came.
    pub at: Timestamp,
}

impl Intent {
    /// What is billed for a call whose end nobody saw: the estimate.
    pub fn unsettled(&self) -> UsageRecord {
        UsageRecord {
            id: self.id,
            owner: self.owner,
            account: self.account,
            caller_key: self.caller_key,
            provider_key: self.provider_key,
            level: self.level,
            endpoint: self.endpoint.clone(),
            requested: self.requested.clone(),
            model: self.model.clone(),
            upstream: self.upstream.clone(),
            quantities: self.estimate,
            image_size: None,
            measure: Measure::Unsettled,
            cost: self.cost,
            unpriced: self.unpriced,
            factor: self.factor,
            prices: self.prices,
            // No answer was finished.
            status: 0,
            at: self.at,
            took_ms: 0,
            first_byte_ms: None,
        }
    }

    /// Whether no text of it is too long.
    pub(super) fn fits(&self) -> bool {
        let texts = [&self.endpoint, &self.requested, &self.model];
        let mut texts = texts.into_iter().chain(&self.upstream);
        texts.all(|text| text.len() <= codec::MAX_TEXT)
    }

    pub(super) fn clip(&mut self) {
        for text in [&mut self.endpoint, &mut self.requested, &mut self.model] {
            codec::clip(text);
        }
        self.upstream.iter_mut().for_each(codec::clip);
    }
}
