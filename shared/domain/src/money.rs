//! Money and multipliers as people write them, read into integers.

use foldgate_proto::{NanoDollars, Rates};

use crate::pricing::amount::scaled;

#[cfg(test)]
mod tests;

/// Reads a JSON number of dollars. What is finer than a nano-dollar is rounded.
///
/// # Errors
/// Says why it is none.
pub fn dollars(text: &str) -> Result<NanoDollars, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let amount = scaled(digits, 9).map_err(|fault| fault.to_string())?;
    match i64::try_from(amount) {
        Ok(amount) => Ok(NanoDollars(sign * amount)),
        Err(_) => Err("is more money than there can be".to_owned()),
    }
}

/// Reads a JSON number that prices are multiplied by, in steps of a millionth.
///
/// # Errors
/// Says why it is none.
pub fn rates(text: &str) -> Result<Rates, String> {
    scaled(text, 6)
        .map(Rates)
        .map_err(|fault| fault.to_string())
}
