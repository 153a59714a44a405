//! Google's answers, of Gemini's API, of Vertex AI and of its token endpoint.

use super::*;

#[test]
fn google_answers() {
    takes(400, GEMINI_KEY, Dead);
    takes(400, &GEMINI_KEY[1..GEMINI_KEY.len() - 1], Dead);
    takes(
        400,
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
        Dead,
    );
    takes(
        400,
        r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token."}"#,
        Dead,
    );
    takes(401, &google(401, "UNAUTHENTICATED"), Dead);
    takes(
        403,
        r#"{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}"#,
        Dead,
    );
    takes(429, GEMINI_RATE, Transient(RateLimit));
    takes(400, &google(400, "INVALID_ARGUMENT"), ClientFault);
    takes(400, &google(400, "FAILED_PRECONDITION"), NotHere);
    takes(403, &google(403, "PERMISSION_DENIED"), NotHere);
    takes(404, &google(404, "NOT_FOUND"), NotHere);
    takes(503, &google(503, "UNAVAILABLE"), Transient(Upstream));
}

#[test]
fn a_google_403_is_what_its_reason_says() {
    for (reason, class) in [
        ("SERVICE_DISABLED", NotHere),
        ("API_KEY_SERVICE_BLOCKED", NotHere),
        ("BILLING_DISABLED", Exhausted),
        ("CONSUMER_SUSPENDED", Dead),
        ("API_KEY_EXPIRED", Dead),
        ("SOMETHING_NEW", NotHere),
    ] {
        let info = format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}","domain":"googleapis.com"}}"#
        );
        let error = format!(
            r#"{{"error":{{"code":403,"message":"words","status":"PERMISSION_DENIED","details":[{info}]}}}}"#
        );
        takes(403, &error, class);
        takes(403, &format!("[{error}]"), class);
    }
}
