mod weight;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::fields::MAX_MODEL_BYTES;
use super::{Fields, UsageChunk, read, require_json};
use crate::endpoint::ENDPOINTS;
use crate::error::Problem;

fn parse(body: &[u8]) -> Result<Fields, Problem> {
    Fields::parse(body, &ENDPOINTS[0])
}

fn edited(text: &str, model: &str, ask: bool) -> String {
    let body = Bytes::from(text.to_owned());
    let fields = parse(&body).unwrap();
    String::from_utf8(fields.edit(&body, model, ask).join().to_vec()).unwrap()
}

fn refused(text: &str) -> (StatusCode, Option<String>) {
    let problem = parse(text.as_bytes()).unwrap_err();
    (problem.status, problem.param.map(Into::into))
}

#[test]
fn only_the_model_changes() {
    let text = "\t{ \"n\":2,\"m\\u006fdel\" :\t\"a\\/b\" , \"x\":1.00e+2 }\r\n";
    let fields = parse(text.as_bytes()).unwrap();
    assert_eq!(fields.model, "a/b");
    assert!(!fields.stream);
    let expected = "\t{ \"n\":2,\"m\\u006fdel\" :\t\"c\\\"d\" , \"x\":1.00e+2 }\r\n";
    assert_eq!(edited(text, "c\"d", false), expected);
}

#[test]
fn an_unchanged_body_is_the_same_memory() {
    let body = Bytes::from_static(
        br#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
    );
    let fields = parse(&body).unwrap();
    assert_eq!(fields.usage, UsageChunk::Asked);
    let same = fields.edit(&body, "m", true);
    let parts: Vec<_> = same.rest().collect();
    assert_eq!((parts.len(), parts[0].as_ptr()), (1, body.as_ptr()));
}

#[test]
fn a_large_body_is_edited_without_being_copied() {
    let image = "A".repeat(1024 * 1024);
    let text = format!(r#"{{"messages":[{{"image_url":"{image}"}}],"model":"m","stream":true}}"#);
    let body = Bytes::from(text);
    let fields = parse(&body).unwrap();
    let inside = |part: &Bytes| {
        let at = (part.as_ptr() as usize).checked_sub(body.as_ptr() as usize);
        at.is_some_and(|at| at + part.len() <= body.len())
    };
    for attempt in 0..3 {
        let edited = fields.edit(&body, "another-model", true);
        let new: usize = edited
            .rest()
            .filter(|part| !inside(part))
            .map(Bytes::len)
            .sum();
        assert!(new < 100, "{new} bytes are new in attempt {attempt}");
        assert!(edited.len() > image.len());
    }
}

#[test]
fn usage_is_asked_for_in_every_form_of_stream_options() {
    for (before, after) in [
        (
            r#"{"model":"m"}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m"}"#,
        ),
        (
            r#"{"model":"m","stream_options":null}"#,
            r#"{"model":"m","stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream_options":{ },"model":"m"}"#,
            r#"{"stream_options":{"include_usage":true },"model":"m"}"#,
        ),
        (
            r#"{"stream_options":{ "include_obfuscation":false},"model":"m"}"#,
            r#"{"stream_options":{"include_usage":true, "include_obfuscation":false},"model":"m"}"#,
        ),
        (
            r#"{"stream_options":{"a":{"include_usage":1},"include_usage": false},"model":"m"}"#,
            r#"{"stream_options":{"a":{"include_usage":1},"include_usage": true},"model":"m"}"#,
        ),
    ] {
        assert_eq!(edited(before, "m", true), after);
        assert_eq!(edited(before, "m", false), before);
    }
}

#[test]
fn faults_name_their_field() {
    let field = |name: &str| (StatusCode::BAD_REQUEST, Some(name.to_owned()));
    assert_eq!(refused(r"{}"), field("model"));
    assert_eq!(refused(r#"{"model":3}"#), field("model"));
    assert_eq!(refused(r#"{"model":""}"#), field("model"));
    assert_eq!(refused(r#"{"model":"a\u0000b"}"#), field("model"));
    assert_eq!(refused(r#"{"model":"a\nb"}"#), field("model"));
    assert_eq!(refused(r#"{"model":"a","model":"a"}"#), field("model"));
    assert_eq!(refused(r#"{"model":"a","mod\u0065l":"a"}"#), field("model"));
    assert_eq!(refused(r#"{"model":"a","stream":"yes"}"#), field("stream"));
    assert_eq!(
        refused(r#"{"model":"a","stream":true,"stream":false}"#),
        field("stream")
    );
    assert_eq!(
        refused(r#"{"model":"a","stream_options":[]}"#),
        field("stream_options")
    );
    let include = field("stream_options.include_usage");
    assert_eq!(
        refused(r#"{"model":"a","stream_options":{"include_usage":1}}"#),
        include
    );
    let long = format!(r#"{{"model":"{}"}}"#, "x".repeat(MAX_MODEL_BYTES + 1));
    assert_eq!(refused(&long), field("model"));
    for text in [
        "",
        "[]",
        "\"model\"",
        "{\"model\":\"a\"",
        "{\"model\":\"a\"} x",
        "nonsense",
    ] {
        assert_eq!(refused(text), (StatusCode::BAD_REQUEST, None), "{text}");
    }
    assert!(parse(b"{\"model\":\"a\",\"x\":\"\xff\"}").is_err());
}

#[test]
fn a_byte_order_mark_is_named() {
    let problem = parse("\u{feff}{\"model\":\"m\"}".as_bytes()).unwrap_err();
    assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    assert!(problem.message.contains("byte order mark"), "{problem}");
}

#[test]
fn a_packed_body_is_refused_by_name() {
    let check = |encodings: &[&str]| {
        let mut headers = headers(Some("application/json"), true);
        for encoding in encodings {
            let value = HeaderValue::from_str(encoding).unwrap();
            headers.append(header::CONTENT_ENCODING, value);
        }
        require_json(Version::HTTP_11, &headers)
    };
    assert_eq!(check(&["identity"]), Ok(()));
    assert_eq!(check(&["Identity", "identity"]), Ok(()));
    for packed in [&["gzip"][..], &["identity", "gzip"], &["gzip, identity"]] {
        let problem = check(packed).unwrap_err();
        assert_eq!(problem.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(problem.message.contains("`gzip"), "{problem}");
        assert_eq!(problem.param.as_deref(), Some("content-encoding"));
    }
}

fn headers(kind: Option<&str>, length: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    }
    if length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("2"));
    }
    headers
}

#[test]
fn the_declared_type_must_be_json() {
    let check = |kind, length, version| {
        require_json(version, &headers(kind, length)).map_err(|problem| problem.status.as_u16())
    };
    assert_eq!(
        check(Some("application/json"), true, Version::HTTP_11),
        Ok(())
    );
    assert_eq!(
        check(
            Some("Application/JSON ; charset=utf-8"),
            true,
            Version::HTTP_11
        ),
        Ok(())
    );
    assert_eq!(
        check(Some("application/x+json"), false, Version::HTTP_2),
        Ok(())
    );
    assert_eq!(check(Some("text/plain"), true, Version::HTTP_11), Err(415));
    assert_eq!(check(None, true, Version::HTTP_11), Err(415));
    assert_eq!(
        check(Some("application/json"), false, Version::HTTP_11),
        Err(411)
    );
}

#[tokio::test]
async fn a_body_is_read_whole_and_within_its_limit() {
    let idle = (Duration::from_secs(5), Duration::from_mins(1));
    let one = Bytes::from(vec![1; 100]);
    let same = read(&mut Full::new(one.clone()), 100, idle).await.unwrap();
    assert_eq!(
        same.as_ptr(),
        one.as_ptr(),
        "a body of one piece is not copied"
    );
    let many = |n: usize| {
        let frames =
            (0..n).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"abc"))));
        StreamBody::new(futures_util::stream::iter(frames))
    };
    assert_eq!(read(&mut many(3), 9, idle).await.unwrap(), "abcabcabc");
    let problem = read(&mut many(4), 9, idle).await.unwrap_err();
    assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
    let problem = read(&mut Full::new(one), 99, idle).await.unwrap_err();
    assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
    let broken =
        futures_util::stream::iter([Err::<Frame<Bytes>, _>(std::io::Error::other("gone"))]);
    assert_eq!(
        read(&mut StreamBody::new(broken), 9, idle)
            .await
            .unwrap_err()
            .status,
        400
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up() {
    let stalled = StreamBody::new(futures_util::stream::pending::<
        Result<Frame<Bytes>, std::io::Error>,
    >());
    let problem = read(
        &mut stalled.boxed(),
        10,
        (Duration::from_secs(30), Duration::from_mins(5)),
    )
    .await
    .unwrap_err();
    assert_eq!(problem.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_given_up() {
    let drops = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let drop = Frame::data(Bytes::from_static(b"x"));
        Some((Ok::<_, std::io::Error>(drop), ()))
    });
    let mut body = StreamBody::new(drops).boxed();
    let patience = (Duration::from_secs(30), Duration::from_mins(5));
    let problem = read(&mut body, 1000, patience).await.unwrap_err();
    assert_eq!(problem.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(problem.code.as_deref(), Some("request_timeout"));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn options() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!({}))),
        Just(Some(json!({"include_usage": null, "z": 1}))),
        any::<bool>().prop_map(|b| Some(json!({"a": [1], "include_usage": b}))),
        value().prop_map(|v| Some(json!({"other": v}))),
    ]
}

proptest! {
    #[test]
    fn edits_change_their_fields_and_nothing_else(
        rest in proptest::collection::btree_map("[a-z]{1,5}", value(), 0..6),
        model in "\\PC{1,12}",
        target in "\\PC{1,12}",
        options in options(),
        pretty in any::<bool>(),
    ) {
        let mut object: Map<String, Value> = rest.into_iter().collect();
        object.insert("model".into(), model.clone().into());
        object.insert("stream".into(), true.into());
        if let Some(options) = options {
            object.insert("stream_options".into(), options);
        }
        let before = Value::Object(object.clone());
        let text = if pretty {
            serde_json::to_string_pretty(&before).unwrap()
        } else {
            before.to_string()
        };
        let mut after: Value = serde_json::from_str(&edited(&text, &target, true)).unwrap();
        prop_assert_eq!(&after["stream_options"]["include_usage"], &json!(true));
        prop_assert_eq!(&after["model"], &json!(target));
        // Put the edited fields back: the rest must be what it was.
        let map = after.as_object_mut().unwrap();
        map.insert("model".into(), model.into());
        match object.get("stream_options") {
            None => { map.remove("stream_options"); }
            Some(options) => { map.insert("stream_options".into(), options.clone()); }
        }
        prop_assert_eq!(&after, &before);
    }

    #[test]
    fn parsing_is_total(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&body);
    }
}
