use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn written(body: &Value, house: House) -> Result<(Value, Encoding), Refusal> {
    let body = Bytes::from(body.to_string());
    let aim = Aim {
        model: "gemini-embedding-001",
        house,
    };
    let (segments, encoding) = write(&body, &aim)?;
    Ok((serde_json::from_slice(&segments.join()).unwrap(), encoding))
}

#[test]
fn texts_are_written_in_either_form() {
    let body = json!({
        "model": "m", "input": ["a \"b\"", "c"], "dimensions": 256, "encoding_format": "base64",
        "user": "u",
    });
    let vertex = json!({
        "instances": [{"content": "a \"b\""}, {"content": "c"}],
        "parameters": {"outputDimensionality": 256},
    });
    assert_eq!(
        written(&body, House::Vertex),
        Ok((vertex, Encoding::Base64))
    );
    let one = |text: &str| {
        json!({
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": text}]},
            "outputDimensionality": 256,
        })
    };
    let own = json!({"requests": [one("a \"b\""), one("c")]});
    assert_eq!(written(&body, House::Own), Ok((own, Encoding::Base64)));
    let bare = json!({"model": "m", "input": "x"});
    let vertex = json!({"instances": [{"content": "x"}]});
    assert_eq!(written(&bare, House::Vertex), Ok((vertex, Encoding::Float)));
}

#[test]
fn what_is_wrong_is_named() {
    for (field, body) in [
        ("input", json!({"model": "m"})),
        ("input", json!({"model": "m", "input": []})),
        ("input", json!({"model": "m", "input": {"a": 1}})),
        ("input", json!({"model": "m", "input": [1, 2]})),
        ("input", json!({"model": "m", "input": [[1, 2]]})),
        (
            "encoding_format",
            json!({"model": "m", "input": "x", "encoding_format": "int8"}),
        ),
        (
            "dimensions",
            json!({"model": "m", "input": "x", "dimensions": "many"}),
        ),
        (
            "input_type",
            json!({"model": "m", "input": "x", "input_type": "query"}),
        ),
    ] {
        let refusal = written(&body, House::Own).unwrap_err();
        assert_eq!(refusal.field, field, "{body}");
    }
}

#[test]
fn vectors_come_as_they_were_asked_for() {
    let vertex = json!({"predictions": [
        {"embeddings": {"values": [0.5, -1.0], "statistics": {"token_count": 3.0, "truncated": false}}},
        {"embeddings": {"values": [1e-3], "statistics": {"token_count": 4}}},
    ]})
    .to_string();
    let (made, used) = read(&vertex, ("m", Encoding::Float)).unwrap();
    let expected = json!({
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [1e-3]},
        ],
        "model": "m",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    });
    assert_eq!(serde_json::from_slice::<Value>(&made).unwrap(), expected);
    assert_eq!(used.map(|used| (used.input, used.written())), Some((7, 0)));
    let own = json!({"embeddings": [{"values": [0.5, -1.0]}]}).to_string();
    let (made, used) = read(&own, ("m", Encoding::Base64)).unwrap();
    let made: Value = serde_json::from_slice(&made).unwrap();
    // 0.5 is 0x3f000000, -1.0 is 0xbf800000.
    assert_eq!(made["data"][0]["embedding"], "AAAAPwAAgL8=");
    assert_eq!(used, None);
    for none in [
        "{}",
        "[]",
        r#"{"error":{}}"#,
        r#"{"embeddings":[{"values":["x"]}]}"#,
    ] {
        assert_eq!(read(none, ("m", Encoding::Float)), None, "{none}");
    }
}

proptest! {
    #[test]
    fn nothing_is_a_panic(text in ".{0,60}", count: f64, value: f32) {
        let aim = Aim { model: "m", house: House::Vertex };
        let _ = write(&Bytes::from(text.clone()), &aim);
        let _ = read(&text, ("m", Encoding::Base64));
        let statistics = json!({"token_count": count});
        let vector = json!({"values": [value], "statistics": statistics});
        let answer = json!({"predictions": [{"embeddings": vector}]}).to_string();
        prop_assert!(read(&answer, ("m", Encoding::Base64)).is_some());
    }
}
