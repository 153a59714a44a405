//! The document against what is mounted, and against itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::access;

type Route = (&'static str, &'static str);

fn documented() -> Vec<Route> {
    let mut components = Components::new();
    let all = operations(&mut components).into_iter();
    all.map(|operation| (operation.path, operation.method))
        .collect()
}

#[test]
fn every_mounted_route_is_documented_and_every_documented_one_mounted() {
    let documented = documented();
    let set: BTreeSet<Route> = documented.iter().copied().collect();
    assert_eq!(set.len(), documented.len(), "an operation stands twice");
    let mounted: BTreeSet<Route> = routes::mounted().into_iter().collect();
    let missing: Vec<&Route> = mounted.difference(&set).collect();
    let extra: Vec<&Route> = set.difference(&mounted).collect();
    assert!(missing.is_empty(), "mounted, not documented: {missing:?}");
    assert!(extra.is_empty(), "documented, not mounted: {extra:?}");
    let paths = whole()["paths"].as_object().unwrap().clone();
    let shown: usize = paths.values().map(|at| at.as_object().unwrap().len()).sum();
    assert_eq!(shown, mounted.len());
}

#[test]
fn an_operation_is_open_exactly_where_nobody_is_let_in_by_a_key() {
    let mut components = Components::new();
    for operation in operations(&mut components) {
        let (method, path) = (operation.method, operation.path);
        let row = access::described(method, path);
        let by_key = operation.door == operation::Door::Keys;
        assert_eq!(row.is_some(), by_key, "{method} {path}");
    }
}

#[test]
fn every_parameter_that_a_route_knows_is_described() {
    for (path, method) in routes::mounted() {
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        for name in query::known(&method, path) {
            assert!(parameter::known(path, name).is_some(), "{path}: {name}");
        }
    }
}

#[test]
fn every_status_of_the_playground_stands_in_the_document() {
    let whole = whole();
    let chat = &whole["paths"]["/playground/chat/completions"]["post"];
    let responses = chat["responses"].as_object().unwrap();
    for status in ["200", "402", "403", "4XX", "501", "502"] {
        let schema = &responses[status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{status}: {}", responses[status]);
    }
}

#[test]
fn every_operation_says_what_it_does_takes_and_answers() {
    let tags: BTreeSet<&str> = TAGS.iter().map(|(name, _)| *name).collect();
    let (mut ids, mut summaries) = (BTreeSet::new(), BTreeSet::new());
    let mut twice = Vec::new();
    for (path, methods) in whole()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(
                operation["summary"].as_str().is_some_and(|s| s.len() > 5),
                "{what}"
            );
            assert!(
                tags.contains(operation["tags"][0].as_str().unwrap()),
                "{what}"
            );
            assert!(ids.insert(operation["operationId"].to_string()), "{what}");
            let responses = operation["responses"].as_object().unwrap();
            let always_refused = path == "/x-keys/{id}/{rest}" && method != "get";
            assert!(always_refused || responses.contains_key("200"), "{what}");
            let content = &operation["requestBody"]["content"]["application/json"];
            if !content.is_null() && operation["requestBody"]["required"] == true {
                assert!(content["examples"].is_object(), "{what}: no example");
            }
            // On the page, two of one name look like one.
            if !summaries.insert(operation["summary"].to_string()) {
                twice.push(what);
            }
        }
    }
    assert!(twice.is_empty(), "called as another is: {twice:?}");
}

/// Of two schemas of one name, the document would have the later one, or a number would
/// tell them apart; and names of one common word say nothing among so many.
#[test]
fn every_schema_has_a_name_of_its_own() {
    const VAGUE: &[&str] = &[
        "Change", "Config", "Health", "Kind", "Line", "Moment", "Record", "Row", "Status",
    ];
    let mut components = Components::new();
    let _ = operations(&mut components);
    let mut seen = BTreeSet::new();
    let mut odd = Vec::new();
    for name in components.names() {
        let is_vague = name.ends_with(char::is_numeric) || VAGUE.contains(&name.as_str());
        if !seen.insert(name) || is_vague {
            odd.push(name);
        }
    }
    assert!(odd.is_empty(), "{odd:?}");
}

/// Every `$ref` leads to something that is there, and everything named is used.
#[test]
fn no_pointer_leads_nowhere() {
    fn pointers(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(pointer)) = map.get("$ref") {
                    found.insert(pointer.clone());
                }
                for value in map.values() {
                    pointers(value, found);
                }
            }
            Value::Array(items) => {
                for value in items {
                    pointers(value, found);
                }
            }
            _ => {}
        }
    }
    let document = whole();
    let mut found = BTreeSet::new();
    pointers(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for pointer in &found {
        let target = document.pointer(pointer.trim_start_matches('#'));
        assert!(target.is_some(), "{pointer}");
    }
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        let pointer = format!("#/components/schemas/{name}");
        assert!(found.contains(&pointer), "{name} is not used");
    }
}

#[test]
fn objects_that_are_sent_are_closed() {
    fn check(schema: &Value, what: &str) {
        if let Some(branches) = schema["anyOf"].as_array() {
            for branch in branches {
                check(branch, what);
            }
        }
        if schema["properties"].is_object() {
            let closed = &schema["additionalProperties"];
            assert_eq!(*closed, Value::Bool(false), "{what}: {schema}");
            let fields = schema["properties"].as_object().unwrap();
            for field in fields.values() {
                check(field, what);
            }
        }
    }
    for (path, methods) in whole()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // What is passed on to a provider is the provider's to judge.
            if operation["security"][0]["ProxyBearer"].is_array() {
                continue;
            }
            let content = &operation["requestBody"]["content"];
            check(
                &content["application/json"]["schema"],
                &format!("{method} {path}"),
            );
        }
    }
}
