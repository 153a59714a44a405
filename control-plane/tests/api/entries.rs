//! What tests of the admin API's entries share.

use reqwest::Method;
use serde_json::Value;

use crate::node::{Answer, Node, answer};

/// The id of no entry.
pub(crate) const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// An id that was drawn without the time, of no entry either.
pub(crate) const UNDATED: &str = "6f2d9c1e-6f0b-4c0e-9d3b-0c6a5d1f7e22";

/// What a refusal says, in whichever of the two envelopes.
#[track_caller]
pub(crate) fn told(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    let body = &answer.body;
    let message = body.get("error_msg").or(body["error"].get("message"));
    let message = message.and_then(Value::as_str);
    message
        .unwrap_or_else(|| panic!("no error: {body}"))
        .to_owned()
}

/// An entry's id.
#[track_caller]
pub(crate) fn id(entry: &Value) -> String {
    let id = entry["id"].as_str();
    id.unwrap_or_else(|| panic!("no entry: {entry}")).to_owned()
}

/// The warnings of an answer.
pub(crate) fn warnings(entry: &Value) -> Vec<String> {
    let warnings = entry["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.map(|warning| warning.as_str().expect("a text").to_owned());
    warnings.collect()
}

/// Where the next page is, if there is one.
pub(crate) fn next(answer: &Answer) -> Option<String> {
    answer.headers.get("link")?;
    let link = answer.header("link");
    let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"");
    Some(target.expect("one link").to_owned())
}

/// The ids of a list, page by page.
pub(crate) async fn walk(node: &Node, first: &str, total: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut at = Some(first.to_owned());
    while let Some(page) = at {
        let answer = node.get(&page).await;
        assert_eq!(answer.header("x-total-count"), total.to_string());
        at = next(&answer);
        let listed = answer.ok();
        seen.extend(listed.as_array().expect("an array").iter().map(id));
        assert!(seen.len() <= total, "no end");
    }
    seen
}

/// What is shown goes back as it is, and nothing is written.
pub(crate) async fn assert_goes_back(node: &Node, path: &str) {
    let shown = node.get(path).await.ok();
    let before = node.records().await.len();
    let put = node.put(path, &shown["value"]).await.ok();
    assert_eq!(put["value"], shown["value"]);
    assert_eq!(put["revision"], shown["revision"]);
    assert_eq!(node.records().await.len(), before, "{shown}");
}

/// Sends a body with one header more.
pub(crate) async fn with_header(
    node: &Node,
    (method, path): (Method, &str),
    header: (&str, &str),
    body: &Value,
) -> Answer {
    let request = node.request(method, path).header(header.0, header.1);
    answer(request.json(body)).await
}
