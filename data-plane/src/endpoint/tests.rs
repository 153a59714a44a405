use std::collections::{BTreeMap, BTreeSet};

use http::Method;

use super::{ENDPOINTS, Target, find, served};

#[test]
fn the_table_is_in_order() {
    for (at, endpoint) in ENDPOINTS.iter().enumerate() {
        assert_eq!(endpoint.index, at);
        let id = endpoint.path.contains("{id}").then_some("resp_a-1.b");
        let path = endpoint.path_of(id);
        let method = Method::from(endpoint.method);
        let alias = path.strip_prefix("/v1").unwrap();
        for path in [path.as_str(), alias] {
            let found = find(&method, path).unwrap();
            let expected = Target::Call(endpoint, id.map(str::to_owned));
            assert_eq!(found, expected, "{path}");
        }
    }
    let names: BTreeSet<_> = ENDPOINTS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), ENDPOINTS.len());
}

#[test]
fn chat_is_found_by_the_path_of_the_second_version_too() {
    let chat = find(&Method::POST, "/v1/chat/completions");
    assert_eq!(find(&Method::POST, "/v2/chat/completions"), chat);
    assert!(find(&Method::POST, "/v2/embeddings").is_err());
}

#[test]
fn what_may_not_stand_in_an_upstreams_path_is_no_id() {
    for id in [
        "",
        "..",
        ".",
        "a%2fb",
        "a b",
        "\u{e4}",
        "{id}",
        &"x".repeat(257),
    ] {
        let path = format!("/v1/files/{id}");
        let problem = find(&Method::GET, &path).unwrap_err();
        assert_eq!(problem.status.as_u16(), 404, "{id}");
    }
}

#[test]
fn models_are_listed_and_named() {
    for path in ["/v1/models", "/models"] {
        assert_eq!(find(&Method::GET, path), Ok(Target::Models));
        assert_eq!(find(&Method::HEAD, path), Ok(Target::Models));
    }
    let model = |path| match find(&Method::GET, path) {
        Ok(Target::Model(model)) => model,
        other => panic!("{other:?}"),
    };
    assert_eq!(model("/v1/models/gpt-4o"), "gpt-4o");
    assert_eq!(model("/models/org/model"), "org/model");
    assert_eq!(model("/v1/models/a%2Fb%zz%e4"), "a%2Fb%zz%e4");
    assert_eq!(model("/v1/models/a%2Fb%c3%a4%"), "a/b\u{e4}%");
}

#[test]
fn what_is_said_to_be_served_is_served_by_just_its_methods() {
    let served = served();
    assert_eq!(served.len(), 2 * ENDPOINTS.len() + 1 + 5);
    let mut right: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (path, target) in &served {
        let methods = right.entry(path.replace("{id}", "id_1")).or_default();
        methods.insert(target.method());
        if !matches!(target, Target::Call(..)) {
            methods.insert("HEAD");
        }
    }
    for (path, right) in right {
        let listed = right.iter().copied().collect::<Vec<_>>().join(", ");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let is_right = right.contains(method);
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            match find(&method, &path) {
                Ok(found) => assert!(is_right, "{method} {path}: {found:?}"),
                Err(problem) => {
                    assert!(!is_right, "{method} {path}: {problem}");
                    let mut allow: Vec<_> = problem.allow.unwrap().split(", ").collect();
                    allow.sort_unstable();
                    assert_eq!(allow.join(", "), listed, "{method} {path}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_served_is_told_apart() {
    let refused = |method, path| {
        let problem = find(&method, path).unwrap_err();
        (problem.status.as_u16(), problem.allow)
    };
    assert_eq!(
        refused(Method::GET, "/v1/chat/completions"),
        (405, Some("POST"))
    );
    assert_eq!(
        refused(Method::POST, "/v1/models"),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(
        refused(Method::HEAD, "/v1/chat/completions"),
        (405, Some("POST"))
    );
    for path in [
        "/",
        "/v1",
        "/v1/models/",
        "/v1/modelsx",
        "/x-keys",
        "/v1/chat/completions/",
    ] {
        assert_eq!(refused(Method::POST, path), (404, None), "{path}");
    }
}
