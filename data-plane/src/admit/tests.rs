use http::{HeaderMap, HeaderValue};

use super::presented;

fn with(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn a_key_is_presented_in_either_header() {
    let key = |pairs| presented(&with(pairs)).map(str::to_owned);
    assert_eq!(
        key(&[("authorization", "Bearer abc")]).as_deref(),
        Some("abc")
    );
    assert_eq!(
        key(&[("authorization", "bearer  abc ")]).as_deref(),
        Some("abc")
    );
    assert_eq!(key(&[("x-api-key", "abc")]).as_deref(), Some("abc"));
    assert_eq!(
        key(&[("authorization", "Basic x"), ("x-api-key", "abc")]).as_deref(),
        Some("abc")
    );
    assert_eq!(
        key(&[("authorization", "Bearer a"), ("x-api-key", "b")]).as_deref(),
        Some("a")
    );
    assert_eq!(key(&[("authorization", "Basic x")]), None);
    assert_eq!(key(&[("authorization", "abc")]), None);
    assert_eq!(key(&[]), None);
}
