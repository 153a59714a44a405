//! Amounts as integers, read from decimal text.

use std::cmp::Ordering;

use super::Fault;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $scale:literal) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// Reads a JSON number. Digits beyond the unit are rounded half up.
            pub(super) fn read(text: &str) -> Result<Self, Fault> {
                scaled(text, $scale).map(Self)
            }
        }
    };
}

amount! {
    /// Pico-dollars per token (or character); written as USD per million.
    PerToken, 6
}
amount! {
    /// Pico-dollars per call (or per image, search or second); written as USD.
    PerCall, 12
}
amount! {
    /// A multiplier, in millionths.
    Rate, 6
}

impl Rate {
    /// Times one: what holds where none is given.
    pub const ONE: Self = Self(1_000_000);
}

/// A JSON number times ten to the power of `scale`, rounded half up. Total: any text
/// gives an amount or a fault.
pub(crate) fn scaled(text: &str, scale: i64) -> Result<u64, Fault> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let power_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if ![whole, fraction, power_digits].into_iter().all(is_digits) {
        return Err(Fault::NotANumber);
    }
    let digits: Vec<u8> = whole
        .bytes()
        .chain(fraction.bytes())
        .skip_while(|b| *b == b'0')
        .collect();
    if digits.is_empty() {
        return Ok(0);
    }
    if negative {
        return Err(Fault::Negative);
    }
    // How many digits stand before the point, once it is shifted.
    let unread = i64::try_from(fraction.len()).map_err(|_| Fault::TooSmall)?;
    let length = i64::try_from(digits.len()).map_err(|_| Fault::TooLarge)?;
    let before = power(exponent)
        .saturating_sub(unread)
        .saturating_add(length)
        .saturating_add(scale);
    match before.cmp(&0) {
        Ordering::Less => Err(Fault::TooSmall),
        _ if before > 20 => Err(Fault::TooLarge),
        _ => {
            let before = usize::try_from(before).map_err(|_| Fault::TooLarge)?;
            whole_part(&digits, before)
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number of the first `before` digits (zeros where they end), rounded by
/// the next.
fn whole_part(digits: &[u8], before: usize) -> Result<u64, Fault> {
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0'));
    let whole = padded
        .take(before)
        .try_fold(0_u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(Fault::TooLarge)?;
    let up = u64::from(digits.get(before).is_some_and(|digit| *digit >= b'5'));
    match whole.checked_add(up) {
        Some(0) => Err(Fault::TooSmall),
        Some(amount) => Ok(amount),
        None => Err(Fault::TooLarge),
    }
}

/// A JSON exponent, held within what can be added without overflow.
fn power(text: &str) -> i64 {
    const FAR: i64 = 1 << 40;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let power = digits.parse().map_or(FAR, |power: i64| power.min(FAR));
    if negative { -power } else { power }
}
