//! What Vertex gets of a body that was written for Anthropic.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::edit::for_vertex;
use super::*;

fn edited(body: &str, model: Option<&str>) -> String {
    let source = Bytes::copy_from_slice(body.as_bytes());
    String::from_utf8(for_vertex(&source, model).join().to_vec()).unwrap()
}

#[test]
fn vertex_gets_a_version_where_the_model_stood() {
    let version = r#""anthropic_version":"vertex-2023-10-16""#;
    for (body, expected) in [
        (r#"{"model":"m","x":1}"#, format!(r#"{{{version},"x":1}}"#)),
        (
            r#"{"x":1, "mod\u0065l" :"m"}"#,
            format!(r#"{{"x":1, {version}}}"#),
        ),
        (
            r#"{"model":"m","anthropic_version":"2023-06-01","x":1}"#,
            format!(r#"{{{version},"x":1}}"#),
        ),
        (
            r#"{"anthropic_version":"vertex-2023-10-16" , "model":"m"}"#,
            format!(r"{{{version} }}"),
        ),
        (r#"{"x":1.00}"#, format!(r#"{{{version},"x":1.00}}"#)),
        ("{ }", format!("{{{version} }}")),
        ("[1]", "[1]".to_owned()),
    ] {
        assert_eq!(edited(body, None), *expected, "{body}");
    }
    let counted = edited(r#"{"model":"m","x":1}"#, Some("c@\"1"));
    assert_eq!(counted, format!(r#"{{{version},"model":"c@\"1","x":1}}"#));
}

proptest! {
    #[test]
    fn what_comes_out_is_json_without_a_model(before: bool, after: bool, version: bool) {
        let mut members = Vec::new();
        if before { members.push(r#""a": "model""#); }
        if version { members.push(r#""anthropic_version":"x""#); }
        members.push(r#""model" :  "m""#);
        if after { members.push(r#" "z":[{"model":"inner"}]"#); }
        let body = format!("{{{}}}", members.join(","));
        let out: Value = serde_json::from_str(&edited(&body, None)).unwrap();
        prop_assert_eq!(&out["model"], &Value::Null);
        prop_assert_eq!(&out["anthropic_version"], &json!("vertex-2023-10-16"));
    }
}
