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
    let odd = passed_on(StatusCode::NOT_FOUND, br#"{"error":"gone"}"#, SCRUBBER).unwrap();
    assert_eq!(odd.message, "gone");
}

#[test]
fn an_error_in_a_stream_is_one_event() {
    let event = Problem::broken_stream().to_event();
    assert!(event.starts_with(b"data: {\"error\":"));
    assert!(event.ends_with(b"}\n\n"));
}
