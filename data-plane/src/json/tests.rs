use super::{members, range_in};

#[test]
fn finds_members_wherever_and_however_they_are_written() {
    let text = " {\"a\":[{\"model\":1}], \"mod\\u0065l\" : \"x\" ,\"stream\":true}\n";
    let found = members(text, &["model", "stream", "absent"]).unwrap();
    assert_eq!(found.values, [Some("\"x\""), Some("true"), None]);
    assert_eq!(found.duplicate, None);
    let at = range_in(text, found.values[0].unwrap());
    assert_eq!(&text[at], "\"x\"");
}

#[test]
fn tells_null_from_absent_and_sees_duplicates() {
    let found = members(r#"{"usage":null,"x":1,"x":2}"#, &["usage", "x"]).unwrap();
    assert_eq!(found.values, [Some("null"), Some("2")]);
    assert_eq!(found.duplicate, Some("x"));
}

#[test]
fn refuses_what_is_not_one_object() {
    for text in [
        "",
        "[]",
        "3",
        "{}{}",
        "{\"a\":}",
        "{\"a\":1",
        "\u{feff}{}",
        "null",
    ] {
        assert!(members(text, &["a"]).is_err(), "{text}");
    }
}
