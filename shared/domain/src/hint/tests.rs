//! Each way in which an upstream says how long.

use std::time::Duration;

use foldgate_proto::Timestamp;
use proptest::prelude::*;

use super::*;

/// 2015-10-21T07:28:00Z.
const NOW: Timestamp = Timestamp(1_445_412_480_000);

fn told(headers: &[(&str, &str)], body: &str) -> Option<Duration> {
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    };
    hint(header, body.as_bytes(), NOW)
}

#[expect(clippy::unnecessary_wraps, reason = "what a hint is compared with")]
fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

#[test]
fn retry_after_in_each_form() {
    for (name, value, expected) in [
        ("retry-after-ms", "1500", millis(1500)),
        (
            "retry-after-ms",
            "12.5",
            Some(Duration::from_micros(12_500)),
        ),
        ("x-ms-retry-after-ms", "250", millis(250)),
        ("retry-after", "20", millis(20_000)),
        ("retry-after", " 1.5 ", millis(1500)),
        (
            "retry-after",
            "Wed, 21 Oct 2015 07:28:30 GMT",
            millis(30_000),
        ),
        (
            "retry-after",
            "Wednesday, 21-Oct-15 07:29:00 GMT",
            millis(60_000),
        ),
        ("retry-after", "Wed Oct 21 07:28:05 2015", millis(5000)),
        (
            "anthropic-ratelimit-unified-reset",
            "1445412540",
            millis(60_000),
        ),
        (
            "anthropic-ratelimit-unified-reset",
            "2015-10-21T07:29:00Z",
            millis(60_000),
        ),
    ] {
        assert_eq!(told(&[(name, value)], ""), expected, "{name}: {value}");
    }
}

#[test]
fn what_does_not_lie_ahead_is_absent() {
    for value in [
        "0",
        "-1",
        "",
        "soon",
        "NaN",
        "inf",
        "-inf",
        "1e3",
        "0x10",
        "--1",
        "1.2.3",
        "1 s",
        "Wed, 21 Oct 2015 07:27:59 GMT",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 2015 07:28:30 GMT",
    ] {
        for name in ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"] {
            assert_eq!(told(&[(name, value)], ""), None, "{name}: {value}");
        }
    }
    assert_eq!(
        told(&[("anthropic-ratelimit-unified-reset", "1445412479")], ""),
        None
    );
}

#[test]
fn azure_says_less_than_nothing_where_it_does_not_know() {
    let headers = |remaining, reset| {
        [
            ("x-ratelimit-limit-tokens", "-1"),
            ("x-ratelimit-remaining-tokens", remaining),
            ("x-ratelimit-reset-tokens", reset),
        ]
    };
    for (remaining, reset) in [("-1", "-1"), ("-1", "60"), ("0", "0"), ("0", "-1")] {
        assert_eq!(
            told(&headers(remaining, reset), ""),
            None,
            "{remaining} {reset}"
        );
    }
    assert_eq!(told(&headers("0", "26"), ""), millis(26_000));
    let by_words = r#"{"error":{"code":"429","message":"Please retry after 26 seconds."}}"#;
    assert_eq!(told(&headers("-1", "0"), by_words), millis(26_000));
    let by_header = [("x-ms-retry-after-ms", "1500"), ("retry-after", "2")];
    assert_eq!(told(&by_header, ""), millis(1500));
}

#[test]
fn an_absent_hint_gives_way_to_the_next() {
    let headers = [("retry-after-ms", "-1"), ("retry-after", "7")];
    assert_eq!(told(&headers, ""), millis(7000));
    let headers = [("retry-after-ms", "100"), ("retry-after", "7")];
    assert_eq!(told(&headers, "Please retry in 9s"), millis(100));
    assert_eq!(
        told(&[("retry-after", "0")], "Please retry in 9s"),
        millis(9000)
    );
}

#[test]
fn reset_headers_count_only_for_what_is_used_up() {
    let reset = ("x-ratelimit-reset-requests", "6m0s");
    assert_eq!(told(&[reset], ""), None);
    assert_eq!(
        told(&[reset, ("x-ratelimit-remaining-requests", "5")], ""),
        None
    );
    assert_eq!(
        told(&[reset, ("x-ratelimit-remaining-tokens", "0")], ""),
        None
    );
    let spent = ("x-ratelimit-remaining-requests", "0");
    assert_eq!(told(&[reset, spent], ""), millis(360_000));
    for (value, expected) in [
        ("12ms", 12),
        ("1s", 1000),
        ("1h2m3s", 3_723_000),
        ("30", 30_000),
        ("1.5s", 1500),
    ] {
        let headers = [
            ("x-ratelimit-reset-tokens", value),
            ("x-ratelimit-remaining-tokens", "0"),
        ];
        assert_eq!(told(&headers, ""), millis(expected), "{value}");
    }
    for value in ["-1", "0", "0s", "m", "1x", "1s later"] {
        let headers = [
            ("x-ratelimit-reset-tokens", value),
            ("x-ratelimit-remaining-tokens", "-1"),
        ];
        assert_eq!(told(&headers, ""), None, "{value}");
    }
}

#[test]
fn the_longest_of_several_resets_counts() {
    let headers = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2015-10-21T07:28:10Z"),
        ("anthropic-ratelimit-output-tokens-remaining", "0"),
        (
            "anthropic-ratelimit-output-tokens-reset",
            "2015-10-21T09:28:20+02:00",
        ),
        ("anthropic-ratelimit-tokens-remaining", "1"),
        ("anthropic-ratelimit-tokens-reset", "2015-10-21T07:38:00Z"),
    ];
    assert_eq!(told(&headers, ""), millis(20_000));
    for what in ["requests", "tokens", "input-tokens", "output-tokens"] {
        let remaining = format!("anthropic-ratelimit-{what}-remaining");
        let reset = format!("anthropic-ratelimit-{what}-reset");
        let headers = [
            (remaining.as_str(), "0"),
            (reset.as_str(), "2015-10-21T07:28:30Z"),
        ];
        assert_eq!(told(&headers, ""), millis(30_000), "{what}");
    }
}

#[test]
fn a_unified_reset_counts_unless_its_status_allows() {
    let reset = ("anthropic-ratelimit-unified-reset", "1445412540");
    let status = |value| ("anthropic-ratelimit-unified-status", value);
    assert_eq!(told(&[reset, status("rejected")], ""), millis(60_000));
    assert_eq!(told(&[reset, status("allowed")], ""), None);
    assert_eq!(told(&[reset, status("allowed_warning")], ""), None);
}

#[test]
fn google_retry_info() {
    let body = |delay: &str| {
        format!(
            r#"{{"error":{{"code":429,"message":"words","details":[{{"@type":"type.googleapis.com/google.rpc.Help"}},{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{delay}}}]}}}}"#
        )
    };
    assert_eq!(told(&[], &body("\"34s\"")), millis(34_000));
    assert_eq!(told(&[], &format!("[{}]", body("\"0.5s\""))), millis(500));
    assert_eq!(
        told(&[], &body(r#"{"seconds":3,"nanos":500000000}"#)),
        millis(3500)
    );
    assert_eq!(told(&[], &body("\"0s\"")), None);
    assert_eq!(told(&[], &body("null")), None);
}

#[test]
fn the_words_of_an_error() {
    for (message, expected) in [
        ("Please retry in 12.3s.", millis(12_300)),
        (
            "Rate limit reached. Please try again in 6m0s. Visit us",
            millis(360_000),
        ),
        ("please try again in 59ms", millis(59)),
        ("Please retry after 26 seconds.", millis(26_000)),
        ("Try again in 2 minutes", millis(120_000)),
        ("try again in 1 hour.", millis(3_600_000)),
        ("try again in a moment, or retry in 4s", millis(4000)),
        ("try again in 5 bananas", None),
        ("try again in ", None),
        ("try again in 0s", None),
        ("retry", None),
    ] {
        let body = format!(r#"{{"error":{{"message":"{message}"}}}}"#);
        assert_eq!(told(&[], &body), expected, "{message}");
        assert_eq!(told(&[], message), expected, "{message}");
    }
}

#[test]
fn nothing_counts_for_more_than_the_longest_sleep() {
    for (name, value) in [
        ("retry-after", "864000"),
        ("retry-after", "99999999999999999999999999"),
        ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("anthropic-ratelimit-unified-reset", "9999999999"),
    ] {
        assert_eq!(told(&[(name, value)], ""), Some(LONGEST_SLEEP), "{value}");
    }
    assert_eq!(told(&[], "retry in 9999999999h"), Some(LONGEST_SLEEP));
}

proptest! {
    #[test]
    fn any_header_and_body_is_read(value in "\\PC{0,40}", body: Vec<u8>, now: i64) {
        for name in ["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens", "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-unified-reset"] {
            let header = |asked: &str| {
                if asked == name { Some(value.as_str()) } else { asked.contains("remaining").then_some("0") }
            };
            let hint = hint(header, &body, Timestamp(now));
            prop_assert!(hint.is_none_or(|hint| !hint.is_zero() && hint <= LONGEST_SLEEP));
        }
    }

    #[test]
    fn any_words_are_read(text in "(retry|try again) (in|after) [0-9a-z. µ]{0,20}") {
        let hint = told(&[], &text);
        prop_assert!(hint.is_none_or(|hint| !hint.is_zero() && hint <= LONGEST_SLEEP));
    }
}
