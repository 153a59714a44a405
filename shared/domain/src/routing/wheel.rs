//! Smooth weighted turns: each target as often as its weight says, and never many
//! times in a row while others wait (5:1:1 gives a, a, b, a, c, a, a).

/// Whose turn it is, of one routing model on one node.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// What the turns were given by; other weights begin anew.
    weights: Vec<u32>,
    /// What each is owed.
    owed: Vec<i64>,
}

impl Wheel {
    /// Gives one turn among some of the targets, by their places: each is owed its
    /// weight more, and the one that is owed most has its turn and pays for all.
    /// The answer is all of `among`, that one first, and the others by what they are
    /// owed; among equals the one listed first. A weight of 0 counts as 1.
    pub fn turn(&mut self, weights: &[u32], among: &[usize]) -> Vec<usize> {
        if self.weights != weights {
            self.weights = weights.to_vec();
            self.owed = vec![0; weights.len()];
        }
        let weight = |place: usize| weights.get(place).map_or(1, |w| i64::from(*w).max(1));
        let mut total = 0_i64;
        for &place in among {
            total = total.saturating_add(weight(place));
            if let Some(owed) = self.owed.get_mut(place) {
                *owed = owed.saturating_add(weight(place));
            }
        }
        let mut order = among.to_vec();
        order.sort_by_key(|place| {
            let owed = self.owed.get(*place).copied().unwrap_or_default();
            (std::cmp::Reverse(owed), *place)
        });
        if let Some(owed) = order.first().and_then(|first| self.owed.get_mut(*first)) {
            *owed = owed.saturating_sub(total);
        }
        order
    }
}
