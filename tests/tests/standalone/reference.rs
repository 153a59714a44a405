//! The API's document and its page, as a browser without a network sees it.

use foldgate_tests::client::finish;
use foldgate_tests::{Client, Settings, browser};
use http::Method;
use serde_json::Value;

const DOCUMENT: &str = "/admin/openapi.json";
const PAGE: &str = "/admin/openapi-scalar";

/// Every operation's path and summary.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").values();
        methods.map(|operation| {
            (
                path.clone(),
                operation["summary"].as_str().expect("a summary").to_owned(),
            )
        })
    });
    operations.collect()
}

#[tokio::test]
async fn the_page_lists_every_operation_with_the_network_cut_off() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let document = admin.get(DOCUMENT).await.expect(200);
    let operations = operations(&document);
    assert!(operations.len() > 50, "{}", operations.len());
    let base = admin.base().to_owned();
    let page = browser::open(&format!("{base}{PAGE}"), "openapi-scalar").await;
    let shown = page.dom.replace("<wbr>", "").replace("&amp;", "&");
    for (path, summary) in &operations {
        assert!(shown.contains(path.as_str()), "{path} is not on the page");
        assert!(
            shown.contains(summary.as_str()),
            "{summary:?} is not on the page"
        );
    }
    let mut asked = page.requests.clone();
    asked.retain(|url| !url.starts_with("data:"));
    for expected in [PAGE, "/admin/openapi-scalar/scalar.js", DOCUMENT] {
        assert!(
            asked.contains(&format!("{base}{expected}")),
            "{expected}: {asked:?}"
        );
    }
    let foreign: Vec<&String> = asked.iter().filter(|url| !url.starts_with(&base)).collect();
    assert!(foreign.is_empty(), "asked of other hosts: {foreign:?}");
    let faults = page.console.iter().filter(|line| {
        let line = line.to_ascii_lowercase();
        ["content security policy", "failed", "error"]
            .iter()
            .any(|word| line.contains(word))
    });
    let faults: Vec<&String> = faults.collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[tokio::test]
async fn a_page_that_asks_another_host_would_be_found_out() {
    let url = "data:text/html,<img src='http://elsewhere.example/x.png'>";
    let page = browser::open(url, "elsewhere").await;
    assert!(
        page.requests
            .iter()
            .any(|url| url.contains("elsewhere.example")),
        "{:?}",
        page.requests
    );
}

#[tokio::test]
async fn the_document_is_public_and_need_not_be_sent_twice() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let stranger: Client = admin.with_key(None);
    let first = stranger.get(DOCUMENT).await;
    let document = first.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(first.header("content-type"), Some("application/json"));
    let etag = first.header("etag").unwrap().to_owned();
    let again = stranger.request(Method::GET, DOCUMENT);
    let again = finish("again", again.header("if-none-match", &etag)).await;
    assert_eq!(again.status, 304);
    assert!(again.body.is_empty());
    let paths = document["paths"].as_object().unwrap();
    for path in paths.keys() {
        assert!(!path.ends_with('/'), "{path}");
    }
    let page = stranger.get(PAGE).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("http"), "{policy}");
    stranger.get("/admin/openapi.json?v=1").await.refusal(400);
}

#[tokio::test]
async fn the_proxy_has_a_public_document_of_its_own() {
    let foldgate = Settings::standalone().start().await;
    let stranger = foldgate.proxy().with_key(None);
    let first = stranger.get("/openapi.json").await;
    let document = first.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/v1/chat/completions"), "{document}");
    let etag = first.header("etag").expect("an ETag").to_owned();
    let again = stranger.request(Method::GET, "/openapi.json");
    let again = finish("again", again.header("if-none-match", &etag)).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = stranger.send(Method::HEAD, "/openapi.json", None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let wrong = stranger.send(Method::POST, "/openapi.json", None).await;
    wrong.error(405);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
    // Whoever has no key still gets no further.
    stranger.get("/v1/models").await.error(401);
}
