//! What a set of limits comes to, and how what they limit is named.

use foldgate_proto::{LimitId, ModelLimit};

use super::{Kind, Period, Unit};

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What is counted, over which time.
    pub kind: Kind,
    /// The most.
    pub limit: u64,
}

impl Rule {
    const fn new(unit: Unit, period: Period, limit: u64) -> Self {
        let kind = Kind { unit, period };
        Self { kind, limit }
    }

    /// A limit on calls under way at once.
    pub const fn at_once(limit: u32) -> Self {
        Self {
            kind: Kind::AT_ONCE,
            limit: limit as u64,
        }
    }

    /// A limit on requests per second.
    pub const fn per_second(limit: u64) -> Self {
        Self::new(Unit::Requests, Period::Second, limit)
    }
}

/// The limits that are set.
pub fn rules(limits: &ModelLimit) -> impl Iterator<Item = Rule> {
    let all = [
        (Unit::Requests, Period::Minute, limits.rpm),
        (Unit::Requests, Period::Hour, limits.rph),
        (Unit::Requests, Period::Day, limits.rpd),
        (Unit::Tokens, Period::Minute, limits.tpm),
        (Unit::Tokens, Period::Hour, limits.tph),
        (Unit::Tokens, Period::Day, limits.tpd),
    ];
    all.into_iter()
        .filter_map(|(unit, period, limit)| Some(Rule::new(unit, period, limit?)))
}

/// The id of what these parts name together. Parts are told apart: `ab`, `c` is not
/// `a`, `bc`.
pub fn id_of(parts: &[&[u8]]) -> LimitId {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    LimitId(id)
}
