//! Money, as integers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Billionths of a US dollar.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NanoDollars(pub i64);

impl NanoDollars {
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000_000);
}

impl fmt::Display for NanoDollars {
    /// In dollars, with as many decimals as it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.0 < 0, self.0.unsigned_abs(), 9)
    }
}

/// What a price is multiplied by, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rates(pub u64);

impl Rates {
    /// Prices as they are.
    pub const ONE: Self = Self(1_000_000);
}

impl Default for Rates {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, false, self.0, 6)
    }
}

fn decimal(f: &mut fmt::Formatter<'_>, negative: bool, units: u64, scale: u32) -> fmt::Result {
    let one = 10_u64.pow(scale);
    let sign = if negative { "-" } else { "" };
    let (whole, part) = (units / one, units % one);
    if part == 0 {
        return write!(f, "{sign}{whole}");
    }
    let digits = format!("{part:0width$}", width = scale as usize);
    write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
}
