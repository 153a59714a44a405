//! Rendezvous hashing with weights: what belongs together goes to one target, on
//! every node alike, and when a target comes or goes only its share moves.

/// What of a request is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(u64);

impl HashKey {
    /// Of the bytes that requests have in common.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = blake3::hash(bytes);
        let first = hash.as_bytes().first_chunk::<8>();
        Self(first.map_or(0, |first| u64::from_le_bytes(*first)))
    }
}

/// The places of targets, given by id and weight, in the order of this key: the
/// first for a share of all keys that is its share of the weights. A weight of 0
/// counts as 1.
pub fn ranked(key: HashKey, targets: &[(u128, u32)]) -> Vec<usize> {
    let mut scored: Vec<(f64, usize)> = targets
        .iter()
        .enumerate()
        .map(|(place, (id, weight))| (score(key, *id, *weight), place))
        .collect();
    scored.sort_by(|(a, at), (b, bt)| a.total_cmp(b).then(at.cmp(bt)));
    scored.into_iter().map(|(_, place)| place).collect()
}

/// The time at which an event of this rate first happens: the soonest wins, as
/// often as its rate is of the sum of all.
fn score(key: HashKey, id: u128, weight: u32) -> f64 {
    let (high, low) = uuid::Uuid::from_u128(id).as_u64_pair();
    let drawn = mixed(mixed(key.0 ^ high).wrapping_add(low));
    // 32 bits are exact in f64; the half keeps clear of 0 and 1.
    let upper = u32::try_from(drawn >> 32).unwrap_or(u32::MAX);
    let chance = (f64::from(upper) + 0.5) / (f64::from(u32::MAX) + 1.0);
    -chance.ln() / f64::from(weight.max(1))
}

/// `SplitMix64`'s finaliser: neighbouring numbers land far apart.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
