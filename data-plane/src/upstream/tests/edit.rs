//! What addresses do to bodies.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::json::{members, range_in};
use crate::splice::Segments;

fn edited(body: &str, edit: &BodyEdit) -> String {
    let found = members(body, &["model"]).unwrap();
    let [model] = found.values;
    let at = range_in(body, model.unwrap());
    let source = Bytes::copy_from_slice(body.as_bytes());
    let requested: String = serde_json::from_str(model.unwrap()).unwrap();
    let edits = edit.edits(body, &at, (&requested, "mapped"));
    let whole = Segments::splice(&source, edits).join();
    String::from_utf8(whole.to_vec()).unwrap()
}

fn claude(model: ModelEdit) -> BodyEdit {
    BodyEdit {
        model,
        vertex_version: true,
    }
}

#[test]
fn only_the_model_changes() {
    for (body, edit, expected) in [
        (
            r#"{ "model" : "m", "x":1.0 }"#,
            BodyEdit::default(),
            r#"{ "model" : "mapped", "x":1.0 }"#,
        ),
        (
            r#"{"model":"mapped"}"#,
            BodyEdit::default(),
            r#"{"model":"mapped"}"#,
        ),
        (
            r#"{"a":1,"mod\u0065l":"m"}"#,
            BodyEdit::name("d\""),
            r#"{"a":1,"mod\u0065l":"d\""}"#,
        ),
    ] {
        assert_eq!(edited(body, &edit), expected);
    }
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
    ] {
        assert_eq!(
            edited(body, &claude(ModelEdit::Remove)),
            *expected,
            "{body}"
        );
    }
    let counted = edited(
        r#"{"model":"m","x":1}"#,
        &claude(ModelEdit::Name("c@1".to_owned())),
    );
    assert_eq!(counted, format!(r#"{{{version},"model":"c@1","x":1}}"#));
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
        let out: Value = serde_json::from_str(&edited(&body, &claude(ModelEdit::Remove))).unwrap();
        prop_assert_eq!(&out["model"], &Value::Null);
        prop_assert_eq!(&out["anthropic_version"], &json!("vertex-2023-10-16"));
    }
}
