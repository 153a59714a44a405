//! Sums of money so fine and so large that they overflow nothing.

use foldgate_proto::NanoDollars;

const LIMBS: usize = 6;

/// A natural number below 2^384, the least limb first. A bill's sum of quantity times
/// price times a row's multiplier stays below 2^210; two more multipliers, 2^338.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wide([u64; LIMBS]);

/// Femto-dollars times three multipliers in millionths, in a nano-dollar: 10^24, in
/// two factors, because that is more than a limb holds.
const PER_NANO: [u64; 2] = [1_000_000_000_000, 1_000_000_000_000];

/// Half of that.
const HALF: u128 = 500_000_000_000_000_000_000_000;

impl Wide {
    pub(super) const ZERO: Self = Self([0; LIMBS]);

    #[expect(clippy::cast_possible_truncation, reason = "the halves of it")]
    pub(super) const fn new(value: u128) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value as u64;
        limbs[1] = (value >> 64) as u64;
        Self(limbs)
    }

    /// The sum; the greatest number, if that is less.
    pub(super) fn plus(self, other: Self) -> Self {
        let mut carry = false;
        let mut sum = [0; LIMBS];
        for (at, limb) in sum.iter_mut().enumerate() {
            let (low, over) = self.0[at].overflowing_add(other.0[at]);
            let (low, more) = low.overflowing_add(u64::from(carry));
            *limb = low;
            carry = over || more;
        }
        if carry {
            Self([u64::MAX; LIMBS])
        } else {
            Self(sum)
        }
    }

    /// The product; the greatest number, if that is less.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of it")]
    pub(super) fn times(self, factor: u64) -> Self {
        let mut carry = 0_u128;
        let mut product = [0; LIMBS];
        for (limb, from) in product.iter_mut().zip(self.0) {
            let whole = u128::from(from) * u128::from(factor) + carry;
            *limb = whole as u64;
            carry = whole >> 64;
        }
        if carry > 0 {
            Self([u64::MAX; LIMBS])
        } else {
            Self(product)
        }
    }

    /// The quotient, without what is left.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a digit of the quotient is less than 2^64"
    )]
    fn over(self, divisor: u64) -> Self {
        let mut left = 0_u64;
        let mut quotient = [0; LIMBS];
        for (limb, from) in quotient.iter_mut().zip(self.0).rev() {
            if left == 0 && from < divisor {
                left = from;
                continue;
            }
            let whole = (u128::from(left) << 64) | u128::from(from);
            *limb = (whole / u128::from(divisor)) as u64;
            left = (whole % u128::from(divisor)) as u64;
        }
        Self(quotient)
    }

    /// Femto-dollars times three multipliers in millionths, as money, or half of it: to
    /// the nearest, halves up; the most there can be, if it is more.
    pub(super) fn nano(self, halved: bool) -> NanoDollars {
        let [first, second] = PER_NANO;
        let parts = if halved { 2 } else { 1 };
        let half = Self::new(HALF * u128::from(parts));
        let Self([least, rest @ ..]) = self.plus(half).over(first).over(second).over(parts);
        let fits = rest.iter().all(|limb| *limb == 0);
        let amount = i64::try_from(least).ok().filter(|_| fits);
        NanoDollars(amount.unwrap_or(i64::MAX))
    }
}
