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
            assert!(find(&method, path).is_ok(), "{method} {path} is not served");
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
            assert!(operation["responses"]["200"].is_object(), "{what}");
            let open = operation["security"].as_array().unwrap().is_empty();
            assert_eq!(open, path == "/openapi.json", "{what}");
            if method == "post" {
                let content = &operation["requestBody"]["content"]["application/json"];
                assert!(content["example"].as_object().unwrap().len() > 1, "{what}");
            }
        }
    }
    for name in ["Error", "ErrorBody", "ErrorType", "Model", "Models"] {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
