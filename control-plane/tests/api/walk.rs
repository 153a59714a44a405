//! Every route with every sort of key, against the table of who may call which.

use std::collections::BTreeSet;

use foldgate_control_plane::ControlPlane;
use foldgate_control_plane::access::{self, Who};
use foldgate_proto::AdminRole;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::node::{Node, OWNER_KEY, answer};

/// Routes that need no key here, with what they answer: the playground leaves keys to
/// a data plane, and this node has none.
const OPEN: &[(&str, u16)] = &[
    ("/healthz", 200),
    ("/livez", 200),
    ("/readyz", 200),
    ("/metrics", 200),
    ("/admin/openapi.json", 200),
    ("/admin/openapi-scalar", 200),
    ("/admin/openapi-scalar/scalar.js", 200),
    ("/playground/chat/completions", 501),
];

/// What a caller is told who may not call a route.
const DENIED: &[&str] = &["owner_only", "role_not_allowed"];

/// The methods a path answers to, as it says itself.
pub(crate) async fn methods(node: &Node, path: &str) -> Vec<Method> {
    let no_method = Method::from_bytes(b"NONE").unwrap();
    let refused = answer(node.request(no_method, &filled(path, "1"))).await;
    assert_eq!(refused.status, 405, "{path}: {}", refused.body);
    let listed = refused.header("allow").to_owned();
    let names = listed
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "HEAD");
    names
        .map(|name| Method::from_bytes(name.as_bytes()).unwrap())
        .collect()
}

/// A path with something in the place of every parameter.
pub(crate) fn filled(path: &str, with: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        parameter if parameter.starts_with('{') => with,
        plain => plain,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A status and its JSON. What is no JSON is not read: a stream does not end.
pub(crate) async fn told(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let json = response.headers()["content-type"] == "application/json";
    let body = if json {
        response.json().await.unwrap()
    } else {
        Value::Null
    };
    (status, body)
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_names() {
    let node = Node::start().await;
    let (_, account) = node.add_user("alice", &json!({})).await;
    let keys = [
        (Who::Owner, OWNER_KEY.to_owned()),
        (Who::Owner, node.add_admin_key("owner").await),
        (Who::Account, account),
        (
            Who::Admin(AdminRole::Operator),
            node.add_admin_key("operator").await,
        ),
        (
            Who::Admin(AdminRole::Auditor),
            node.add_admin_key("auditor").await,
        ),
    ];
    let before = node.records().await.len();
    let mut walked = BTreeSet::new();
    for path in ControlPlane::paths() {
        for method in methods(&node, path).await {
            walked.insert((method.to_string(), path));
            let mut target = filled(path, "1");
            if method != Method::GET {
                // Whoever is let in must not change what the next one meets.
                target.push_str("?dry_run=true");
            }
            let url = format!("{}{target}", node.base);
            let strange = node.client.request(method.clone(), url);
            if let Some((_, expected)) = OPEN.iter().find(|(open, _)| *open == path) {
                let status = told(strange).await.0;
                let not_yet = status == 503 && path == "/readyz";
                assert!(status == *expected || not_yet, "{path}: {status}");
                continue;
            }
            let strange = answer(strange).await;
            strange.refused(401, "missing_api_key");
            for (who, key) in &keys {
                let request = node.with(key).request(method.clone(), &target);
                let (status, body) = told(request.json(&json!({}))).await;
                let may = access::allows(&method, path, *who);
                let error = body.get("error").unwrap_or(&body);
                let code = error["code"].as_str().unwrap_or_default();
                assert_eq!(
                    !DENIED.contains(&code),
                    may,
                    "{who:?} {method} {path}: {status} {body}"
                );
                assert!(status < 500, "{method} {path}: {status} {body}");
                assert_ne!(status, 401, "{method} {path}");
            }
        }
    }
    assert_eq!(node.records().await.len(), before, "the walk wrote nothing");
    let rows = access::rows().map(|(method, path)| (method.to_owned(), path));
    let rows: BTreeSet<(String, &str)> = rows.collect();
    walked.retain(|(_, path)| !OPEN.iter().any(|(open, _)| open == path));
    assert_eq!(
        walked, rows,
        "every route has its row, and every row its route"
    );
}
