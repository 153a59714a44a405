use foldgate_proto::Quantities;

use super::read;

#[test]
fn null_says_nothing_and_hides_nothing() {
    let json = r#"{"promptTokenCount":1000,"cachedContentTokenCount":null,
        "candidatesTokenCount":200,"thoughtsTokenCount":null,
        "toolUsePromptTokenCount":null,"totalTokenCount":null,
        "promptTokensDetails":[null,{"modality":"AUDIO","tokenCount":10},
            {"modality":null,"tokenCount":7},{"modality":"IMAGE","tokenCount":null}],
        "cacheTokensDetails":null,"candidatesTokensDetails":null}"#;
    let expected = Quantities {
        input: 990,
        input_audio: 10,
        output: 200,
        ..Quantities::default()
    };
    assert_eq!(read(json), Some(expected));
    let none = r#"{"promptTokenCount":null,"totalTokenCount":null,"candidatesTokenCount":2}"#;
    assert_eq!(read(none), None);
}

#[test]
fn counts_that_cannot_be_count_nothing() {
    for json in [
        r#"{"promptTokenCount":-1,"candidatesTokenCount":2}"#,
        r#"{"promptTokenCount":18446744073709551615}"#,
        r#"{"promptTokenCount":5,"thoughtsTokenCount":1099511627777}"#,
        r#"{"promptTokenCount":50,"candidatesTokenCount":10,"totalTokenCount":59}"#,
    ] {
        assert_eq!(read(json), None, "{json}");
    }
    let json = r#"{"promptTokenCount":50,"candidatesTokenCount":10,
        "thoughtsTokenCount":7,"totalTokenCount":60}"#;
    assert_eq!(read(json).unwrap().written(), 17);
}
