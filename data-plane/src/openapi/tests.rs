//! The document against what is served.

use std::collections::BTreeSet;

use http::Method;

use super::*;
use crate::endpoint::find;

#[test]
fn the_document_and_the_table_agree() {
    let document = whole();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            documented.insert((path.clone(), method.to_ascii_uppercase()));
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            let path = path.replace("{id}", "id_1");
            assert!(
                find(&method, &path).is_ok(),
                "{method} {path} is not served"
            );
        }
    }
    let served: BTreeSet<(String, String)> = served()
        .into_iter()
        .map(|(path, target)| (path, target.method().to_owned()))
        .collect();
    assert_eq!(documented, served);
}

#[test]
fn every_operation_says_what_it_takes_and_answers() {
    let document = whole();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{what}");
            assert!(
                operation["summary"].as_str().is_some_and(|s| s.len() > 5),
                "{what}"
            );
            let done = &operation["responses"];
            let done = [&done["200"], &done["101"]];
            assert!(done.iter().any(|done| done.is_object()), "{what}");
            let open = operation["security"].as_array().unwrap().is_empty();
            assert_eq!(open, path == "/openapi.json", "{what}");
            if let Some(body) = operation["requestBody"]["content"].as_object() {
                let content = body.values().next().unwrap();
                let example = content["example"].as_object().unwrap();
                assert!(!example.contains_key(""), "{what}");
                assert!(!example.values().any(Value::is_null), "{what}");
            }
            let has_id = path.contains("{id}");
            let names_id = operation["parameters"][0]["name"] == "id";
            assert_eq!(has_id, names_id, "{what}");
        }
    }
    let messages = &document["paths"]["/v1/messages"]["post"]["responses"]["400"];
    assert_eq!(messages["$ref"], "#/components/responses/MessageError");
    let session = &document["paths"]["/v1/realtime/client_secrets"]["post"]["requestBody"];
    let session = &session["content"]["application/json"]["schema"]["properties"]["session"];
    assert_eq!(session["required"], json!(["model"]));
    for name in [
        "Error",
        "ErrorBody",
        "ErrorType",
        "MessageError",
        "Model",
        "Models",
    ] {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
