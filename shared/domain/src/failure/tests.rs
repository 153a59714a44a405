//! Fixtures: answers as the vendors give them, and what each must be taken for.

use foldgate_proto::SleepCause;
use proptest::prelude::*;

use super::FailureClass::{ClientFault, Dead, Exhausted, NotHere, Transient};
use super::Transience::{Connect, RateLimit, Timeout, Upstream};
use super::*;

mod google;

const OPENAI_QUOTA: &str = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
const OPENAI_RATE: &str = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-AbCd1234 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 6m0s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
const OPENAI_KEY: &str = r#"{"error":{"message":"Incorrect API key provided: sk-abcde***************wxyz. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
const GEMINI_KEY: &str = r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#;
const GEMINI_RATE: &str = r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 34.07s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#;
const CREDIT: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#;

fn anthropic(kind: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"words"}},"request_id":"req_1"}}"#
    )
}

fn openai(code: &str) -> String {
    format!(
        r#"{{"error":{{"message":"words","type":"invalid_request_error","param":null,"code":"{code}"}}}}"#
    )
}

fn google(code: u16, status: &str) -> String {
    format!(r#"{{"error":{{"code":{code},"message":"words","status":"{status}","details":[]}}}}"#)
}

fn takes(status: u16, body: &str, class: FailureClass) {
    let failure = classify(status, body.as_bytes());
    assert_eq!(failure.class, class, "{status} {body}");
    assert_eq!(failure.status, Some(status));
}

#[test]
fn openai_answers() {
    takes(401, OPENAI_KEY, Dead);
    takes(401, &openai("account_deactivated"), Dead);
    takes(403, &openai("account_deactivated"), Dead);
    takes(429, OPENAI_RATE, Transient(RateLimit));
    takes(429, OPENAI_QUOTA, Exhausted);
    takes(429, &openai("billing_not_active"), Exhausted);
    takes(400, &openai("billing_hard_limit_reached"), Exhausted);
    takes(400, &openai("content_policy_violation"), ClientFault);
    takes(400, &openai("context_length_exceeded"), ClientFault);
    takes(500, &openai("context_length_exceeded"), ClientFault);
    takes(400, &openai("invalid_type"), ClientFault);
    takes(404, &openai("model_not_found"), NotHere);
    takes(400, &openai("model_not_found"), NotHere);
    takes(
        403,
        &openai("unsupported_country_region_territory"),
        NotHere,
    );
    takes(500, &openai("server_error"), Transient(Upstream));
    takes(503, "{}", Transient(Upstream));
}

#[test]
fn openai_restricted_key_lacks_a_scope_for_one_call_only() {
    let body = r#"{"error":"You have insufficient permissions for this operation. Missing scopes: model.request."}"#;
    takes(401, body, NotHere);
}

#[test]
fn openai_request_larger_than_a_minute_does_not_sleep_keys() {
    let body = r#"{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000.","type":"tokens","code":"rate_limit_exceeded"}}"#;
    // The vendor's code wins where it is exact; here it is not, the words are.
    let failure = classify(429, body.as_bytes());
    assert_eq!(failure.class, ClientFault);
    assert!(failure.fault(None, 0.0).is_none());
}

#[test]
fn anthropic_answers() {
    for (status, kind, class) in [
        (400, "invalid_request_error", ClientFault),
        (401, "authentication_error", Dead),
        (402, "billing_error", Exhausted),
        (400, "billing_error", Exhausted),
        (403, "permission_error", NotHere),
        (404, "not_found_error", NotHere),
        (413, "request_too_large", ClientFault),
        (429, "rate_limit_error", Transient(RateLimit)),
        (500, "api_error", Transient(Upstream)),
        (504, "timeout_error", Transient(Upstream)),
        (529, "overloaded_error", Transient(Upstream)),
    ] {
        takes(status, &anthropic(kind), class);
    }
    takes(400, CREDIT, Exhausted);
    let limits = r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2027-01-01."}}"#;
    takes(400, limits, Exhausted);
}

#[test]
fn azure_answers() {
    let filter = r#"{"error":{"message":"The response was filtered","param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    takes(400, filter, ClientFault);
    takes(401, r#"{"statusCode":401,"message":"Unauthorized."}"#, Dead);
    takes(
        401,
        r#"{"error":{"code":"401","message":"Access denied."}}"#,
        Dead,
    );
    takes(
        404,
        r#"{"error":{"code":"404","message":"Resource not found"}}"#,
        NotHere,
    );
    takes(404, &openai("DeploymentNotFound"), NotHere);
    takes(
        429,
        r#"{"error":{"code":"429","message":"Requests have exceeded call rate limit. Please retry after 26 seconds."}}"#,
        Transient(RateLimit),
    );
    takes(429, &openai("RateLimitReached"), Transient(RateLimit));
}

#[test]
fn status_decides_where_the_body_says_nothing() {
    for (status, class) in [
        (400, ClientFault),
        (413, ClientFault),
        (415, ClientFault),
        (422, ClientFault),
        (451, ClientFault),
        (401, Dead),
        (402, Exhausted),
        (403, NotHere),
        (404, NotHere),
        (405, NotHere),
        (408, Transient(Upstream)),
        (409, Transient(Upstream)),
        (425, Transient(Upstream)),
        (429, Transient(RateLimit)),
        (500, Transient(Upstream)),
        (502, Transient(Upstream)),
        (504, Transient(Upstream)),
        (529, Transient(Upstream)),
        (301, Transient(Upstream)),
        (200, Transient(Upstream)),
        (999, Transient(Upstream)),
    ] {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "<html>nginx</html>",
            "words",
            "{\"error\":",
        ] {
            takes(status, body, class);
        }
    }
}

#[test]
fn a_caller_cannot_talk_a_key_to_sleep() {
    let quoted = r#"{"error":{"message":"Invalid value: 'Your credit balance is too low, insufficient_quota, invalid_api_key'.","type":"invalid_request_error","param":"model","code":"invalid_value"}}"#;
    takes(400, quoted, ClientFault);
}

#[test]
fn errors_inside_a_stream() {
    for (data, class) in [
        (anthropic("overloaded_error"), Transient(Upstream)),
        (anthropic("rate_limit_error"), Transient(RateLimit)),
        (anthropic("api_error"), Transient(Upstream)),
        (anthropic("authentication_error"), Dead),
        (anthropic("invalid_request_error"), ClientFault),
        (anthropic("not_found_error"), NotHere),
        (OPENAI_QUOTA.to_owned(), Exhausted),
        (OPENAI_RATE.to_owned(), Transient(RateLimit)),
        (GEMINI_KEY.to_owned(), Dead),
        (GEMINI_RATE.to_owned(), Transient(RateLimit)),
        (google(503, "UNAVAILABLE"), Transient(Upstream)),
        (r#"{"error":{"code":502,"message":"bad gateway"},"choices":[]}"#.into(), Transient(Upstream)),
        (r#"{"error":{"code":"429","message":"slow down"}}"#.into(), Transient(RateLimit)),
        (r#"{"error":{"message":"words"}}"#.into(), Transient(Upstream)),
        (r#"{"error":"words"}"#.into(), Transient(Upstream)),
        (r#"{"object":"error","message":"boom","type":"InternalServerError","code":500}"#.into(), Transient(Upstream)),
        (r#"{"object":"error","message":"no such model","type":"NotFoundError","code":404}"#.into(), NotHere),
        (r#"{"detail":"Internal Server Error"}"#.into(), Transient(Upstream)),
        (r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#.into(), Transient(Upstream)),
        (r#"{"message":"upstream timed out"}"#.into(), Transient(Upstream)),
        (r#"{"type":"error","code":"server_error","message":"words","param":null,"sequence_number":3}"#.into(), Transient(Upstream)),
        (r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"words"}}}"#.into(), Transient(RateLimit)),
    ] {
        let failure = from_stream_error(data.as_bytes()).expect(&data);
        assert_eq!(failure.class, class, "{data}");
        assert_eq!(failure.status, None);
    }
}

#[test]
fn events_that_are_no_errors() {
    for data in [
        "",
        "[DONE]",
        "{}",
        r#"{"id":"1","choices":[{"delta":{"content":"\"error\""}}],"error":null}"#,
        r#"{"choices":[{"delta":{"content":"hi"}}]}"#,
        r#"{"choices":[{"error":{"message":"inside"}}]}"#,
        r#"{"choices":[{"delta":{}}],"message":"words","detail":"words"}"#,
        r#"{"error":"","choices":[]}"#,
        r#"{"error":{},"detail":[],"message":""}"#,
        r#"{"message":{"role":"assistant","content":"a"},"done":false}"#,
        r#"{"type":"message_start","message":{"error":"no"}}"#,
        "\"error\"",
        "{\"error\":",
    ] {
        assert_eq!(from_stream_error(data.as_bytes()), None, "{data}");
    }
}

#[test]
fn a_failure_without_an_answer_names_its_cause() {
    for (failure, class, cause) in [
        (
            Failure::connect("refused by 10.1.2.3:443"),
            Connect,
            SleepCause::Connect,
        ),
        (
            Failure::timeout("no answer in 30 s"),
            Timeout,
            SleepCause::Timeout,
        ),
        (
            Failure::broken("the stream broke off"),
            Upstream,
            SleepCause::UpstreamError,
        ),
    ] {
        assert_eq!(failure.class, Transient(class));
        assert!(failure.class.fails_over());
        assert!(!failure.detail.contains("10.1.2.3"));
        let fault = failure.fault(None, 0.5).expect("the key sleeps");
        assert_eq!((fault.cause, fault.status), (cause, None));
    }
}

#[test]
fn the_code_and_words_are_kept_without_what_must_not_travel() {
    let failure = classify(401, OPENAI_KEY.as_bytes());
    assert_eq!(failure.code.as_deref(), Some("invalid_api_key"));
    assert_eq!(failure.kind.as_deref(), Some("invalid_request_error"));
    assert_eq!(
        failure.detail,
        "Incorrect API key provided: [redacted]. You can find your API key at [redacted]."
    );
    let failure = classify(429, OPENAI_RATE.as_bytes());
    assert!(
        failure
            .detail
            .starts_with("Rate limit reached for gpt-4o in organization [redacted] on")
    );
    let silent = classify(404, br#"{"error":{"code":"DeploymentNotFound"}}"#);
    assert_eq!(silent.detail, "DeploymentNotFound");
}

#[test]
fn scrub_keeps_words_and_takes_secrets() {
    for kept in [
        "Rate limit reached for gpt-4o-mini on tokens per min (TPM): Limit 30000, Used 29000.",
        "model claude-sonnet-4-5-20250929 is overloaded",
        "gemini-2.5-flash not found, e.g. try another",
        "Überlastet: bitte später",
        "messages.1.content.0.text: Field required",
        "Invalid type for 'messages.[0].content' in messages[1].content",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo, Mixtral-8x22B-Instruct-v0.1",
        "the user-provided tools.0.function.name",
    ] {
        assert_eq!(scrub(kept, 200), kept);
    }
    for secret in [
        "sk-ant-api03-AbC_def",
        "sk-proj-x1y2",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "ya29.a0AfH6SMB",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJh.c2ln",
        "0123456789abcdef0123456789abcdef",
        "123e4567-e89b-12d3-a456-426614174000",
        "QmFzZTY0IGlzIG5vdCBlbmNyeXB0aW9u",
        "org-AbCdEf",
        "https://10.0.0.7:8443/v1/chat",
        "my-resource.openai.azure.com",
        "gateway.internal.example.com:8080",
        "192.168.1.20",
        "[fe80::1]:443",
        "llm-gateway:8000",
        "localhost:11434",
        "ops@example.com",
        "abcd********wxyz",
        "projects/my-project-1/locations",
        "organization=org-AbCdEf1234567890",
        "proj-abcdef",
        "user-AbCdEf",
        "messages.internal.example:8443",
        "aB3dE6gH-iJ9kL2mN5oP-qR8sT1uV4wX",
    ] {
        for text in [secret.to_owned(), format!("failed ({secret}), see")] {
            let scrubbed = scrub(&text, 200);
            let bare = secret.trim_matches(['[', ']']);
            assert!(!scrubbed.contains(bare), "{text} -> {scrubbed}");
            assert!(scrubbed.contains("[redacted]"), "{text} -> {scrubbed}");
        }
    }
    assert_eq!(scrub("a\r\n\tb\u{0}c", 200), "a b c");
    assert_eq!(
        scrub("key=sk-123456 host:api.example.com", 200),
        "[redacted] [redacted]"
    );
}

#[test]
fn scrub_does_not_leave_half_a_key_at_its_end() {
    let key = "0123456789abcdef".repeat(4);
    for padding in 1900..2000 {
        let text = format!("{} {key}", " -".repeat(padding / 2));
        assert!(!scrub(&text, 4000).contains("01234"), "{padding}");
    }
}

#[test]
fn only_the_beginning_of_a_body_is_looked_at() {
    let long = format!("{}insufficient_quota", " ".repeat(64 * 1024));
    assert_eq!(classify(429, long.as_bytes()).class, Transient(RateLimit));
    let long = format!("{}{OPENAI_QUOTA}", " ".repeat(64 * 1024));
    assert_eq!(from_stream_error(long.as_bytes()), None);
}

proptest! {
    #[test]
    fn any_bytes_give_a_class(status: u16, body: Vec<u8>) {
        let failure = classify(status, &body);
        prop_assert!(failure.detail.chars().count() <= MAX_DETAIL_CHARS);
        let _ = from_stream_error(&body);
    }

    #[test]
    fn any_json_gives_a_class(status: u16, field in "(error|code|type|details|message)", value in "[\\[{}\\]\":,a-z0-9]{0,40}") {
        let body = format!(r#"{{"error":{{"{field}":{value}}}}}"#);
        let failure = classify(status, body.as_bytes());
        prop_assert!(failure.detail.chars().count() <= MAX_DETAIL_CHARS);
        let _ = from_stream_error(body.as_bytes());
    }

    #[test]
    fn no_key_survives(
        before in "[ -~]{0,30}",
        key in "(sk-[A-Za-z0-9_-]{6,40}|AIza[A-Za-z0-9_-]{35}|org-[A-Za-z0-9]{8,24}|[0-9a-f]{32}|[A-Za-z0-9+/]{40})",
        after in "[ -~]{0,30}",
    ) {
        let scrubbed = scrub(&format!("{before} {key} {after}"), 200);
        prop_assert!(!scrubbed.contains(&key), "{}", scrubbed);
    }
}
