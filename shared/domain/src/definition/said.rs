//! What serde and garde say is wrong with a value, in the words of the API: whoever sends
//! JSON knows lists, objects and numbers, not what our types are called. What was sent is
//! not repeated.

use schemars::JsonSchema;

use super::Fault;

mod limits;

use limits::Limits;

/// A fault at a path of a `T`, of serde's words.
pub(super) fn fault<T: JsonSchema>(path: String, message: &str) -> Fault {
    if let Some(name) = quoted_behind(message, "missing field `") {
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        return Fault::at(path, "is required");
    }
    if let Some(name) = quoted_behind(message, "unknown field `") {
        let known = expected(message).unwrap_or_else(|| "none".to_owned());
        let known = known.trim_start_matches("one of ").replace(" or ", ", ");
        // Some types are read as a whole, and the path ends above the field.
        let problem = if path.rsplit('.').next() == Some(name) {
            format!("is no field; there are {known}")
        } else {
            format!("has no field `{name}`; there are {known}")
        };
        return Fault::at(path, problem);
    }
    let problem = problem::<T>(&path, message);
    Fault::at(path, problem)
}

/// What garde says of a field that is beyond its limits; the words of our own checks stay.
pub(super) fn beyond<T: JsonSchema>(path: &str, message: &str) -> String {
    let begins = |words: &[&str]| words.iter().any(|words| message.starts_with(words));
    let said = if begins(&["length is lower than ", "length is greater than "]) {
        let length = Limits::of::<T>().length(path);
        length.map(|length| format!("must have {length}"))
    } else if begins(&["lower than ", "greater than "]) {
        let number = Limits::of::<T>().number(path);
        number.map(|number| format!("must be {number}"))
    } else {
        let pattern = message.strip_prefix("does not match pattern ");
        pattern.map(|pattern| format!("must be of the form {pattern}"))
    };
    said.unwrap_or_else(|| message.to_owned())
}

fn problem<T: JsonSchema>(path: &str, message: &str) -> String {
    if message.starts_with("UUID parsing failed") {
        return "is no UUID".to_owned();
    }
    if message.starts_with("unknown variant ") {
        let known = expected(message).unwrap_or_else(|| "nothing".to_owned());
        return format!("must be {known}");
    }
    let of_type = message.strip_prefix("invalid type: ");
    let of_value = message.strip_prefix("invalid value: ");
    let Some((met, expected)) = of_type
        .or(of_value)
        .and_then(|m| m.rsplit_once(", expected "))
    else {
        return message.to_owned();
    };
    let number = is_number(expected).then(|| Limits::of::<T>().number(path));
    let wanted = number
        .flatten()
        .unwrap_or_else(|| wanted(expected).to_owned());
    match of_type {
        Some(_) => format!("must be {wanted}, not {}", given(met)),
        None => format!("must be {wanted}"),
    }
}

/// What serde knows instead: `one of a, b, c`, `a or b`, `a`.
fn expected(message: &str) -> Option<String> {
    let (_, known) = message.split_once(", expected ")?;
    Some(known.replace('`', ""))
}

fn is_number(expected: &str) -> bool {
    matches!(
        expected,
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64"
    )
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
        "a string" | "string" | "str" | "string or map" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "a UUID" | "a formatted UUID string" => "a UUID",
        other if other.starts_with("struct ") || other.contains("ly tagged enum ") => "an object",
        other if other.starts_with("tuple ") => "a list",
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
        ("floating point", "a fraction or one beyond all bounds"),
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
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    use crate::definition::decoded;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Sample {
        name: String,
        #[serde(default)]
        #[schemars(range(max = 9999))]
        level: Option<u16>,
        #[serde(default)]
        side: Option<Side>,
        #[serde(default)]
        all: Vec<u64>,
        #[serde(default)]
        id: Option<Uuid>,
        #[serde(default)]
        inner: Option<Box<Sample>>,
        #[serde(default)]
        sort: Option<Sort>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Sort {
        Plain,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Side {
        Left,
        Right,
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
                "must be a whole number from 0 to 9999",
            ),
            (
                json!({"name": "n", "level": "1"}),
                "level",
                "must be a whole number from 0 to 9999, not a text",
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
                json!({"name": "n", "inner": {"name": "m", "level": 70_000}}),
                "inner.level",
                "must be a whole number from 0 to 9999",
            ),
            (
                json!({"name": "n", "side": "up"}),
                "side",
                "must be left or right",
            ),
            (
                json!({"name": "n", "inner": 5}),
                "inner",
                "must be an object, not a number",
            ),
            (
                json!({"name": "n", "sort": "plain"}),
                "sort",
                "must be an object, not a text",
            ),
            (
                json!({"name": "n", "all": [1e30]}),
                "all[0]",
                "must be a whole number, 0 or more, not a fraction or one beyond all bounds",
            ),
        ] {
            let fault = decoded::<Sample>(value.clone()).expect_err("a fault");
            let said = (fault.path.as_str(), fault.problem.as_str());
            assert_eq!(said, (path, problem), "{value}");
        }
        let unknown = decoded::<Sample>(json!({"name": "n", "bogus": 1})).expect_err("a fault");
        assert_eq!(unknown.path, "bogus");
        let said = "is no field; there are name, level, side, all, id, inner, sort";
        assert_eq!(unknown.problem, said);
    }
}
