use serde::Deserialize;

use super::parse;
use crate::dialect::Text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer<'a> {
    #[serde(borrow)]
    list: Vec<Inner<'a>>,
}

#[derive(Debug, Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

fn field(json: &str) -> (String, String) {
    let refusal = parse::<Outer<'_>>(json).unwrap_err();
    let message = refusal.message();
    (refusal.field.into_owned(), message)
}

#[test]
fn what_is_wrong_has_its_path() {
    let good: Outer<'_> = parse(r#"{"list":[{"text":"a\n","more":1}]}"#).unwrap();
    assert_eq!(good.list[0].text.escaped(), r"a\n");
    assert_eq!(
        field(r#"{"list":[{"text":"a"},{"text":1}]}"#),
        (
            "list[1].text".into(),
            "list[1].text: must be a string".into()
        )
    );
    assert_eq!(
        field(r#"{"list":[{}]}"#),
        ("list[0].text".into(), "list[0].text: missing".into())
    );
    assert_eq!(
        field(r#"{"list":[],"other":1}"#),
        (
            "other".into(),
            "other: no field that can be translated".into()
        )
    );
    assert_eq!(field(r#"{"list":[]} x"#).0, "");
    assert_eq!(field(r#"{"list":7}"#).0, "list");
}
