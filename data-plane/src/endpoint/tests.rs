use http::Method;

use super::{ENDPOINTS, Target, find, served};

#[test]
fn the_table_is_in_order() {
    for (at, endpoint) in ENDPOINTS.iter().enumerate() {
        assert_eq!(endpoint.index, at);
        assert_eq!(
            find(&Method::POST, endpoint.path),
            Ok(Target::Call(endpoint))
        );
        let alias = endpoint.path.strip_prefix("/v1").unwrap();
        assert_eq!(find(&Method::POST, alias), Ok(Target::Call(endpoint)));
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
    assert_eq!(served.len(), 2 * ENDPOINTS.len() + 5);
    for (path, target) in served {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            let reads = matches!(method, Method::GET | Method::HEAD);
            let right = if target.method() == "GET" {
                reads
            } else {
                method == Method::POST
            };
            match find(&method, &path) {
                Ok(found) => assert!(right && found == target, "{method} {path}: {found:?}"),
                Err(problem) => {
                    assert!(!right, "{method} {path}: {problem}");
                    assert!(problem.allow.is_some(), "{method} {path}");
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
