//! Counts that an upstream says, and those that cannot be.

use serde_json::Value;

/// The greatest count that is believed, of tokens in one call.
pub(crate) const MOST: u64 = 1 << 40;

/// A count that cannot be: negative, no whole number, or beyond [`MOST`]. Who says one
/// has not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Impossible;

/// The count of this name; `None` when none is said.
///
/// # Errors
/// One that cannot be.
pub(crate) fn count(object: &Value, name: &str) -> Result<Option<u64>, Impossible> {
    match object.get(name) {
        Some(Value::Number(number)) => {
            let count = number.as_u64().filter(|count| *count <= MOST);
            count.map(Some).ok_or(Impossible)
        }
        _ => Ok(None),
    }
}
