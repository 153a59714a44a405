//! The order of targets: tiers, and within each the strategy's.

use std::cmp::Reverse;

use super::hash::{HashKey, ranked};
use super::wheel::Wheel;

/// A target that may be used, with what strategies look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its place in the list of all targets.
    pub place: usize,
    /// The id of the model it names.
    pub id: u128,
    /// The tier; greater is tried first.
    pub priority: i32,
    /// Its share; 0 is used only after all others.
    pub weight: u32,
    /// Dollars for a thousand tokens in and out, if known.
    pub cost: Option<f64>,
    /// Its average time to the first byte in microseconds, if known.
    pub latency: Option<u64>,
    /// Calls under way.
    pub busy: u32,
}

/// How one tier is put in order; ties are broken by the list.
#[derive(Debug)]
pub enum By<'w> {
    /// In turn, by the weights of all targets in their places.
    Turn(&'w mut Wheel, &'w [u32]),
    /// By what belongs together.
    Hash(HashKey),
    /// As listed.
    Listed,
    /// The cheapest first; those without a price last.
    Cost,
    /// The quickest first; those that nothing is known of before them, so that
    /// something will be.
    Latency,
    /// The fewest calls under way, by weight.
    Busy,
}

/// The places of the candidates in the order in which they are tried.
pub fn order(candidates: &[Candidate], mut by: By<'_>) -> Vec<usize> {
    let mut tiers: Vec<Candidate> = candidates.to_vec();
    tiers.sort_by_key(|one| (one.weight == 0, Reverse(one.priority), one.place));
    let same =
        |a: &Candidate, b: &Candidate| (a.weight == 0, a.priority) == (b.weight == 0, b.priority);
    let tiers = tiers.chunk_by(same);
    tiers.flat_map(|tier| by.tier(tier)).collect()
}

impl By<'_> {
    fn tier(&mut self, tier: &[Candidate]) -> Vec<usize> {
        let mut sorted = tier.to_vec();
        match self {
            Self::Turn(wheel, weights) => {
                let among: Vec<usize> = tier.iter().map(|one| one.place).collect();
                return wheel.turn(weights, &among);
            }
            Self::Hash(key) => {
                let targets: Vec<(u128, u32)> =
                    tier.iter().map(|one| (one.id, one.weight)).collect();
                let order = ranked(*key, &targets).into_iter();
                return order
                    .filter_map(|at| tier.get(at).map(|one| one.place))
                    .collect();
            }
            Self::Listed => {}
            Self::Cost => sorted.sort_by(|a, b| {
                let cost = |one: &Candidate| one.cost.unwrap_or(f64::INFINITY);
                cost(a).total_cmp(&cost(b))
            }),
            Self::Latency => sorted.sort_by_key(|one| one.latency),
            Self::Busy => sorted.sort_by(|a, b| {
                // a's calls by a's weight against b's, multiplied out.
                let share = |one: &Candidate, by: &Candidate| {
                    u64::from(one.busy) * u64::from(by.weight.max(1))
                };
                share(a, b).cmp(&share(b, a))
            }),
        }
        sorted.into_iter().map(|one| one.place).collect()
    }
}
