//! Which batches of a spool were had. They come in order, but a stream that lost some
//! may be put right later, so numbers that were passed over stay known for a while.

use serde::{Deserialize, Serialize};

/// How many stretches of missing numbers are remembered. The oldest go first: should
/// their batches come after all, they are not counted.
const MAX_GAPS: usize = 256;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbers {
    last: u64,
    /// Missing, each from and to.
    gaps: Vec<(u64, u64)>,
}

impl Numbers {
    /// Takes note of a number. Answers whether it is new.
    pub(super) fn admit(&mut self, number: u64) -> bool {
        if number > self.last {
            if number > self.last + 1 {
                self.gaps.push((self.last + 1, number - 1));
                let surplus = self.gaps.len().saturating_sub(MAX_GAPS);
                self.gaps.drain(..surplus);
            }
            self.last = number;
            return true;
        }
        let within = |(from, to): &(u64, u64)| (*from..=*to).contains(&number);
        let Some(index) = self.gaps.iter().position(within) else {
            return false;
        };
        let (from, to) = self.gaps.remove(index);
        let rest = [(from, number.saturating_sub(1)), (number + 1, to)];
        let rest = rest.into_iter().filter(|(from, to)| from <= to);
        self.gaps.splice(index..index, rest);
        true
    }

    /// Whether numbers between the last one and this one were passed over.
    pub(super) const fn skips(&self, number: u64) -> bool {
        number > self.last.saturating_add(1)
    }

    /// How many are missing.
    pub(super) fn missing(&self) -> u64 {
        self.gaps.iter().map(|(from, to)| to - from + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In whatever order they come and how often: each counts once.
        #[test]
        fn each_number_is_new_once(numbers in prop::collection::vec(1_u64..60, 0..200)) {
            let mut had = Numbers::default();
            let mut seen = HashSet::new();
            for number in numbers {
                prop_assert_eq!(had.admit(number), seen.insert(number), "{}", number);
                let last = seen.iter().max().copied().unwrap_or(0);
                prop_assert_eq!(had.missing(), last - seen.len() as u64);
            }
        }
    }

    #[test]
    fn what_is_remembered_of_gaps_is_bounded() {
        let mut had = Numbers::default();
        for number in (2..=2_000).step_by(2) {
            assert!(had.admit(number));
        }
        assert_eq!(had.gaps.len(), MAX_GAPS);
        assert!(had.admit(1_999));
        assert!(!had.admit(1_999));
        assert!(!had.admit(1), "too long ago");
    }
}
