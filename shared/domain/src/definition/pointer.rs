//! Where secrets stand in a value.

use serde_json::{Map, Value};

/// The JSON pointers to what is there under a pointer in which `*` is any one step.
/// Null is not there.
pub fn places(value: &Map<String, Value>, pattern: &str) -> Vec<String> {
    let steps: Vec<&str> = pattern.split('/').skip(1).collect();
    let mut found = Vec::new();
    let Some((first, rest)) = steps.split_first() else {
        return found;
    };
    for (name, inner) in value {
        if *first == "*" || first == name {
            walk(inner, rest, format!("/{}", escaped(name)), &mut found);
        }
    }
    found
}

fn walk(value: &Value, steps: &[&str], at: String, found: &mut Vec<String>) {
    let Some((first, rest)) = steps.split_first() else {
        if !value.is_null() {
            found.push(at);
        }
        return;
    };
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                if *first == "*" || first == name {
                    walk(inner, rest, format!("{at}/{}", escaped(name)), found);
                }
            }
        }
        Value::Array(items) if *first == "*" => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, rest, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
