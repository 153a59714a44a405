use super::Text;

#[test]
fn a_text_keeps_its_escapes_and_says_what_they_mean() {
    let text = Text::literal(r#""a\n\u00e9 \"b\" \/""#).unwrap();
    assert_eq!(text.escaped(), r#"a\n\u00e9 \"b\" \/"#);
    assert_eq!(text.plain(), "a\n\u{e9} \"b\" /");
    assert!(text.is("a\n\u{e9} \"b\" /"));
    assert_eq!(Text::literal("12"), None);
    assert_eq!(Text::literal("\""), None);
}

#[test]
fn a_plain_text_is_escaped_where_it_must_be() {
    assert_eq!(Text::of("as it is").escaped(), "as it is");
    let text = Text::of("{\"a\":\"\\\n\u{1}\"}");
    assert_eq!(text.escaped(), r#"{\"a\":\"\\\n\u0001\"}"#);
    assert_eq!(text.plain(), "{\"a\":\"\\\n\u{1}\"}");
}

#[test]
fn half_a_surrogate_pair_stays_as_it_is_written() {
    let text = Text::literal(r#""\ud83d""#).unwrap();
    assert_eq!(text.plain(), r"\ud83d");
}

#[test]
fn a_data_url_is_taken_apart_without_reading_it() {
    let text = Text::literal(r#""data:image\/png;base64,AA\/B=""#).unwrap();
    let (kind, data) = text.data_url().unwrap();
    assert_eq!(kind.plain(), "image/png");
    assert_eq!(data.plain(), "AA/B=");
    let named = Text::of("data:application/pdf;name=x.pdf;base64,QQ==");
    let (kind, data) = named.data_url().unwrap();
    assert_eq!(
        (kind.escaped(), data.escaped()),
        ("application/pdf", "QQ==")
    );
    assert_eq!(Text::of("https://x/;base64,").data_url(), None);
    assert_eq!(Text::of("data:image/png,raw").data_url(), None);
}
