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
    of(object.get(name))
}

/// What is said for a count: a number, or its digits as text, as JSON of 64-bit numbers
/// is often written. `None` when nothing is.
///
/// # Errors
/// One that cannot be.
pub(crate) fn of(said: Option<&Value>) -> Result<Option<u64>, Impossible> {
    let count = match said {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(digits)) => digits.parse().ok(),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    let count = count.filter(|count| *count <= MOST);
    count.map(Some).ok_or(Impossible)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_is_a_number_or_its_digits() {
        for (said, expected) in [
            (json!({}), Ok(None)),
            (json!({"n": null}), Ok(None)),
            (json!({"n": 0}), Ok(Some(0))),
            (json!({"n": MOST}), Ok(Some(MOST))),
            (json!({"n": "12"}), Ok(Some(12))),
            (json!({"n": MOST + 1}), Err(Impossible)),
            (json!({"n": -1}), Err(Impossible)),
            (json!({"n": 1.5}), Err(Impossible)),
            (json!({"n": "-1"}), Err(Impossible)),
            (json!({"n": "many"}), Err(Impossible)),
            (json!({"n": ""}), Err(Impossible)),
            (json!({"n": true}), Err(Impossible)),
            (json!({"n": {}}), Err(Impossible)),
            (json!({"n": [1]}), Err(Impossible)),
        ] {
            assert_eq!(count(&said, "n"), expected, "{said}");
        }
    }
}
