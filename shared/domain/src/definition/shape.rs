//! Whether a value has the shape that its type says. Serde reads structs from lists
//! too, by the order of their fields, and plain variants from objects; here neither
//! is meant, and no JSON Schema allows it.

use std::fmt::Write as _;

use serde_json::Value;

use super::Fault;

/// Compares a value, as it was given, with what was read of it: what is there in both
/// is of one type.
///
/// # Errors
/// Where it is not.
pub(super) fn check(given: &Value, read: &Value) -> Result<(), Fault> {
    walk(given, read, &mut String::new())
}

fn walk(given: &Value, read: &Value, path: &mut String) -> Result<(), Fault> {
    let end = path.len();
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => {
            for (name, given) in given {
                let Some(read) = read.get(name) else { continue };
                if end > 0 {
                    path.push('.');
                }
                path.push_str(name);
                walk(given, read, path)?;
                path.truncate(end);
            }
            Ok(())
        }
        (Value::Array(given), Value::Array(read)) => {
            for (index, (given, read)) in given.iter().zip(read).enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{index}]");
                walk(given, read, path)?;
                path.truncate(end);
            }
            Ok(())
        }
        // Null is not given.
        (Value::Null, _) => Ok(()),
        _ if named(given) == named(read) => Ok(()),
        _ => {
            let problem = format!("is {}, and must be {}", named(given), named(read));
            Err(Fault::at(path.as_str(), problem))
        }
    }
}

const fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
