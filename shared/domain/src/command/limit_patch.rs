//! What somebody wants to change of one model's limits.

use foldgate_proto::ModelLimit;

use super::Change;

/// Goes over the model's limits, field by field.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LimitPatch {
    /// Requests per minute.
    pub rpm: Change<u64>,
    /// Requests per hour.
    pub rph: Change<u64>,
    /// Requests per day.
    pub rpd: Change<u64>,
    /// Tokens per minute.
    pub tpm: Change<u64>,
    /// Tokens per hour.
    pub tph: Change<u64>,
    /// Tokens per day.
    pub tpd: Change<u64>,
}

impl LimitPatch {
    /// The limits afterwards.
    #[must_use]
    pub fn over(self, had: ModelLimit) -> ModelLimit {
        ModelLimit {
            rpm: self.rpm.over(had.rpm),
            rph: self.rph.over(had.rph),
            rpd: self.rpd.over(had.rpd),
            tpm: self.tpm.over(had.tpm),
            tph: self.tph.over(had.tph),
            tpd: self.tpd.over(had.tpd),
        }
    }
}

/// What is set is set; what is not stays as it is.
impl From<ModelLimit> for LimitPatch {
    fn from(limit: ModelLimit) -> Self {
        let set = |value: Option<u64>| value.map_or(Change::Keep, Change::Set);
        Self {
            rpm: set(limit.rpm),
            rph: set(limit.rph),
            rpd: set(limit.rpd),
            tpm: set(limit.tpm),
            tph: set(limit.tph),
            tpd: set(limit.tpd),
        }
    }
}
