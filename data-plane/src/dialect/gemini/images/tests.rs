use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn written(body: &Value) -> Result<Value, Refusal> {
    let segments = write(&Bytes::from(body.to_string()))?;
    Ok(serde_json::from_slice(&segments.join()).unwrap())
}

#[test]
fn pictures_are_asked_for_as_imagen_is() {
    let body = json!({
        "model": "m", "prompt": "a \"gate\"", "n": 2, "size": "1024x1024", "quality": "auto",
        "response_format": "b64_json", "output_format": "jpeg", "stream": false, "user": "u",
    });
    let expected = json!({
        "instances": [{"prompt": "a \"gate\""}],
        "parameters": {
            "sampleCount": 2, "aspectRatio": "1:1",
            "outputOptions": {"mimeType": "image/jpeg"},
        },
    });
    assert_eq!(written(&body), Ok(expected));
    for (size, ratio) in [
        ("1280x960", json!("4:3")),
        ("768x1024", json!("3:4")),
        ("1920x1080", json!("16:9")),
        ("720x1280", json!("9:16")),
        ("auto", Value::Null),
    ] {
        let made = written(&json!({"model": "m", "prompt": "x", "size": size})).unwrap();
        assert_eq!(made["parameters"]["aspectRatio"], ratio, "{size}");
        assert_eq!(made["parameters"]["sampleCount"], 1);
    }
}

#[test]
fn what_imagen_has_no_word_for_is_refused_by_its_name() {
    for (field, value) in [
        ("size", json!("1536x1024")),
        ("size", json!("0x0")),
        ("size", json!("large")),
        ("quality", json!("high")),
        ("style", json!("vivid")),
        ("background", json!("transparent")),
        ("moderation", json!("low")),
        ("response_format", json!("url")),
        ("output_format", json!("webp")),
        ("stream", json!(true)),
        ("partial_images", json!(1)),
        ("n", json!("two")),
        ("seed", json!(1)),
    ] {
        let mut body = json!({"model": "m", "prompt": "x"});
        body[field] = value.clone();
        assert_eq!(written(&body).unwrap_err().field, field, "{value}");
    }
    let refusal = written(&json!({"model": "m"})).unwrap_err();
    assert_eq!(refusal.field, "prompt");
}

#[test]
fn pictures_come_as_openais_do_and_are_counted() {
    let answer = json!({"predictions": [
        {"bytesBase64Encoded": "aaaa", "mimeType": "image/png"},
        {"raiFilteredReason": "unsafe"},
        {"bytesBase64Encoded": "bb/+", "mimeType": "image/png"},
    ]});
    let (made, used) = read(&answer.to_string(), 7).unwrap();
    let expected = json!({"created": 7, "data": [{"b64_json": "aaaa"}, {"b64_json": "bb/+"}]});
    assert_eq!(serde_json::from_slice::<Value>(&made).unwrap(), expected);
    assert_eq!(used.unwrap().images, 2);
    // All of them were filtered away: that is no fault of the key's.
    let (made, used) = read("{}", 7).unwrap();
    let expected = json!({"created": 7, "data": []});
    assert_eq!(serde_json::from_slice::<Value>(&made).unwrap(), expected);
    assert_eq!(used.unwrap().images, 0);
    for none in [
        "",
        "[]",
        r#"{"error":{"code":429}}"#,
        r#"{"predictions":7}"#,
    ] {
        assert_eq!(read(none, 7), None, "{none}");
    }
}

proptest! {
    #[test]
    fn nothing_is_a_panic(text in ".{0,60}", size in "[0-9x]{0,12}") {
        let _ = write(&Bytes::from(text.clone()));
        let _ = read(&text, 7);
        let _ = written(&json!({"model": "m", "prompt": text, "size": size}));
    }
}
