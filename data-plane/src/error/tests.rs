use std::time::Duration;

use http::{StatusCode, header};

use super::{Kind, Problem, Scrubber, passed_on, whole_seconds};

const SCRUBBER: Scrubber<'static> = Scrubber {
    secret: "sk-secret-secret-secret",
    authority: "api.example.test:8443",
};

#[test]
fn the_envelope_is_openai_s() {
    let json: serde_json::Value =
        serde_json::from_slice(&Problem::no_model("x\"y").to_json()).unwrap();
    let expected = serde_json::json!({"error": {
        "message": "the model `x\"y` does not exist or is not served here",
        "type": "not_found_error",
        "param": "model",
        "code": "model_not_found",
    }});
    assert_eq!(json, expected);
}

#[test]
fn a_wait_is_rounded_up_and_never_zero() {
    assert_eq!(whole_seconds(Duration::ZERO), 1);
    assert_eq!(whole_seconds(Duration::from_millis(1500)), 2);
    assert_eq!(whole_seconds(Duration::from_secs(30)), 30);
    let answer = Problem::asleep(true, Duration::from_millis(2100)).to_response();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "3");
    let answer = Problem::asleep(false, Duration::from_secs(9)).to_response();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn an_unknown_caller_learns_the_scheme() {
    let answer = Problem::unauthorized(false).to_response();
    assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
}

#[test]
fn an_upstream_s_words_pass_without_its_secrets() {
    let body = br#"{"error":{"message":"at https://api.example.test:8443/v1 (api.example.test) key sk-secret-secret-secret of org-abcdefghijkl, fault in \"messages\"","type":"x","param":"messages","code":null,"host":"api.example.test"}}"#;
    let problem = passed_on(StatusCode::BAD_REQUEST, body, SCRUBBER).unwrap();
    assert_eq!(problem.kind, Kind::InvalidRequestError);
    assert_eq!(problem.param.as_deref(), Some("messages"));
    assert_eq!(problem.code, None);
    let text = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert!(text.contains("fault in \\\"messages\\\""), "{text}");
    for word in ["example.test", "sk-secret", "org-abc", "8443"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[test]
fn what_is_no_error_is_not_passed_on() {
    for body in [
        "",
        "<html>",
        "{}",
        "{\"error\":null}",
        "{\"error\":{\"message\":3}}",
    ] {
        assert_eq!(
            passed_on(StatusCode::BAD_REQUEST, body.as_bytes(), SCRUBBER),
            None,
            "{body}"
        );
    }
    for none in [
        "{\"detail\":[]}",
        "[]",
        "[[[{\"message\":\"x\"}]]]",
        "3",
        "{\"message\":\"\"}",
    ] {
        assert_eq!(
            passed_on(StatusCode::BAD_REQUEST, none.as_bytes(), SCRUBBER),
            None,
            "{none}"
        );
    }
    let odd = passed_on(StatusCode::NOT_FOUND, br#"{"error":"gone"}"#, SCRUBBER).unwrap();
    assert_eq!(odd.message, "gone");
}

#[test]
fn words_pass_in_every_shape() {
    for (body, message, code, param) in [
        (r#"{"detail":"Not Found"}"#, "Not Found", None, None),
        (
            r#"{"detail":[{"loc":["body","messages",0,"content"],"msg":"field required","type":"value_error.missing"},{"loc":["body"],"msg":"too few"}]}"#,
            "messages.0.content: field required; too few",
            None,
            Some("messages.0.content"),
        ),
        (
            r#"{"object":"error","message":"The model `llama` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
            "The model `llama` does not exist.",
            Some("404"),
            None,
        ),
        (
            r#"[{"error":{"code":404,"message":"models/gemini-9 is not found for API version v1main","status":"NOT_FOUND"}}]"#,
            "models/gemini-9 is not found for API version v1main",
            Some("404"),
            None,
        ),
        (
            r#"{"error":"gone","message":"it went"}"#,
            "it went",
            None,
            None,
        ),
        (
            r#"{"detail":{"message":"no","code":"x"}}"#,
            "no",
            Some("x"),
            None,
        ),
    ] {
        let problem = passed_on(StatusCode::NOT_FOUND, body.as_bytes(), SCRUBBER).expect(body);
        assert_eq!(problem.kind, Kind::NotFoundError);
        assert_eq!(problem.message, message);
        assert_eq!(problem.code.as_deref(), code);
        assert_eq!(problem.param.as_deref(), param);
    }
}

#[test]
fn nothing_of_the_upstream_leaks() {
    let leak = "bad key (organization=org-AbCdEf1234567890 key=sk-abcdefghijklmnop1234567890 [org-AbCdEf] host=https://internal-gw.corp.example:8443 proj-abcdefgh projects/acme-prod-123 user-AbCdEfGh at api.example.test:8443 with sk-secret-secret-secret)";
    let body = serde_json::json!({"error": {"message": leak, "code": leak, "param": leak}});
    let problem = passed_on(
        StatusCode::BAD_REQUEST,
        body.to_string().as_bytes(),
        SCRUBBER,
    )
    .unwrap();
    let text = String::from_utf8(problem.to_json().to_vec()).unwrap();
    for word in [
        "org-",
        "sk-",
        "internal-gw",
        "corp",
        "8443",
        "proj-",
        "acme",
        "user-",
        "example.test",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(problem.message.starts_with("bad key ("), "{text}");
}

#[test]
fn vendors_texts_stay_readable() {
    for text in [
        "Invalid type for 'messages.[0].content': expected one of a string or array of objects, but got null instead.",
        "Invalid value: 'x'. Supported values are: 'system', 'assistant', and 'user'. (messages[1].role)",
        "messages.1.content.0.text: Field required",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "The model `gpt-4o-2024-08-06` does not exist or you do not have access to it.",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo is not served, try deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
        "tools.0.function.name: String should match pattern",
    ] {
        assert_eq!(SCRUBBER.clean(text, 2000), text);
    }
}

#[test]
fn an_error_in_a_stream_is_one_event() {
    let event = Problem::broken_stream().to_event();
    assert!(event.starts_with(b"data: {\"error\":"));
    assert!(event.ends_with(b"}\n\n"));
}
