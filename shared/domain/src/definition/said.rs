//! What serde says is wrong with a value, in the words of the API: whoever sends JSON
//! knows lists, objects and numbers, not what our types are called. What was sent is
//! not repeated.

use super::Fault;

/// A fault at a path, of serde's words.
pub(super) fn fault(path: String, message: &str) -> Fault {
    if let Some(name) = quoted_behind(message, "missing field `") {
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        return Fault::at(path, "is required");
    }
    if let Some(name) = quoted_behind(message, "unknown field `") {
        let known = message.split_once(", expected ");
        let known = known.map_or("nothing", |(_, known)| known);
        // Some types are read as a whole, and the path ends above the field.
        let problem = if path.rsplit('.').next() == Some(name) {
            format!("is no field; expected {known}")
        } else {
            format!("has no field `{name}`; expected {known}")
        };
        return Fault::at(path, problem);
    }
    Fault::at(path, problem(message))
}

fn problem(message: &str) -> String {
    if message.starts_with("UUID parsing failed") {
        return "is no UUID".to_owned();
    }
    let of_type = message.strip_prefix("invalid type: ");
    let of_value = message.strip_prefix("invalid value: ");
    match of_type
        .or(of_value)
        .and_then(|m| m.rsplit_once(", expected "))
    {
        Some((met, expected)) if of_type.is_some() => {
            format!("must be {}, not {}", wanted(expected), given(met))
        }
        Some((_, expected)) => format!("must be {}", wanted(expected)),
        None => message.to_owned(),
    }
}

fn quoted_behind<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    let (name, _) = message.strip_prefix(before)?.split_once('`')?;
    Some(name)
}

/// What serde was to read.
fn wanted(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "a UUID" | "a formatted UUID string" => "a UUID",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

/// What it met, without what that was.
fn given(met: &str) -> &str {
    const KINDS: &[(&str, &str)] = &[
        ("null", "null"),
        ("unit", "null"),
        ("boolean", "true or false"),
        ("integer", "a number"),
        ("floating point", "a number"),
        ("number", "a number"),
        ("string", "a text"),
        ("sequence", "a list"),
        ("map", "an object"),
    ];
    let kind = KINDS.iter().find(|(prefix, _)| met.starts_with(prefix));
    kind.map_or("that", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    use crate::definition::decoded;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Sample {
        name: String,
        #[serde(default)]
        level: Option<u16>,
        #[serde(default)]
        all: Vec<u64>,
        #[serde(default)]
        id: Option<Uuid>,
        #[serde(default)]
        inner: Option<Box<Sample>>,
    }

    #[test]
    fn what_is_wrong_is_said_without_rusts_words() {
        for (value, path, problem) in [
            (json!({}), "name", "is required"),
            (
                json!({"name": "n", "inner": {}}),
                "inner.name",
                "is required",
            ),
            (json!({"name": 1}), "name", "must be a text, not a number"),
            (
                json!({"name": "n", "level": 70_000}),
                "level",
                "must be a whole number from 0 to 65535",
            ),
            (
                json!({"name": "n", "level": "1"}),
                "level",
                "must be a whole number from 0 to 65535, not a text",
            ),
            (
                json!({"name": "n", "all": "sk-secret"}),
                "all",
                "must be a list, not a text",
            ),
            (
                json!({"name": "n", "all": [-1]}),
                "all[0]",
                "must be a whole number, 0 or more",
            ),
            (json!({"name": "n", "id": "x"}), "id", "is no UUID"),
            (
                json!({"name": "n", "inner": 5}),
                "inner",
                "must be an object, not a number",
            ),
        ] {
            let fault = decoded::<Sample>(value.clone()).expect_err("a fault");
            let said = (fault.path.as_str(), fault.problem.as_str());
            assert_eq!(said, (path, problem), "{value}");
        }
        let unknown = decoded::<Sample>(json!({"name": "n", "bogus": 1})).expect_err("a fault");
        assert_eq!(unknown.path, "bogus");
        assert!(unknown.problem.contains("`level`"), "{unknown}");
    }
}
