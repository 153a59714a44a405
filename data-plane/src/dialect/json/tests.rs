use bytes::Bytes;

use super::{Json, Text};

#[test]
fn commas_stand_where_they_must() {
    let mut json = Json::default();
    json.object(|json| {
        json.key("a").list(|json| {
            json.count(1);
            json.object(|_| {});
            json.flag(true);
            json.null();
        });
        json.key("b").string("x\"y");
        json.key("c").number(0.5);
        json.key("d").joined(&["data:", "A", "B"]);
        json.key("e").list(|_| {});
    });
    let expected = r#"{"a":[1,{},true,null],"b":"x\"y","c":0.5,"d":"data:AB","e":[]}"#;
    assert_eq!(json.into_vec(), expected.as_bytes());
}

#[test]
fn what_is_large_is_a_slice_of_its_body() {
    let body = Bytes::from(format!("\"{}\"", "A".repeat(100_000)));
    let literal = std::str::from_utf8(&body).unwrap();
    let text = Text::literal(literal).unwrap();
    let mut json = Json::from(&body);
    json.list(|json| {
        json.joined(&["data:", text.escaped()]);
        json.string("tail");
    });
    let segments = json.into_segments();
    let pieces: Vec<&Bytes> = segments.rest().collect();
    assert_eq!(pieces.len(), 3);
    assert_eq!(pieces[1].as_ptr(), body[1..].as_ptr());
    let whole = segments.join();
    let read: Vec<String> = serde_json::from_slice(&whole).unwrap();
    assert_eq!(read[0].len(), 100_005);
    assert_eq!(read[1], "tail");
}

#[test]
fn a_large_text_from_elsewhere_is_copied() {
    let body = Bytes::from_static(b"{}");
    let other = "B".repeat(50_000);
    let mut json = Json::from(&body);
    json.string(&other);
    let segments = json.into_segments();
    assert_eq!(segments.join().len(), 50_002);
}
