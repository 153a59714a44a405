//! Nothing long and no key gets through.

use proptest::prelude::*;

use super::*;

#[test]
fn words_stay_and_keys_go() {
    assert_eq!(quoted("EMIAL_TLS"), "EMIAL_TLS");
    assert_eq!(quoted("gpt-4o-mini*"), "gpt-4o-mini*");
    assert_eq!(quoted("sk-live-0123456789abcdef"), "[redacted]");
    assert_eq!(quoted(&"x ".repeat(500)).chars().count(), MAX_QUOTED_CHARS);
    assert_eq!(quoted(&"x".repeat(5000)), "…");
}

#[test]
fn a_path_loses_only_the_part_that_is_a_key() {
    assert_eq!(path("/x-keys/12/wake"), "/x-keys/12/wake");
    assert_eq!(
        path("/x-keys/sk-live-0123456789abcdef/wake"),
        "/x-keys/[redacted]/wake"
    );
}

#[test]
fn only_what_stands_in_quotes_is_looked_at() {
    let told = "Provider: \"sk-live-0123456789abcdef\" is no URL such as https://api.openai.com";
    assert_eq!(
        message(told),
        "Provider: \"[redacted]\" is no URL such as https://api.openai.com"
    );
    let open = format!("x: {:?}", "sk-a\"b sk-live-0123456789abcdef");
    assert!(!message(&open).contains("0123456789"), "{}", message(&open));
    assert_eq!(message("x: `sk-live-0123456789abcdef"), "x: `[redacted]");
}

proptest! {
    #[test]
    fn a_message_fits_whatever_it_is(text in "\\PC{0,400}", tail in "[\\x00-\\x1f\"\\\\`]{0,800}") {
        let told = serde_json::to_string(&message(&format!("{text}{tail}"))).unwrap();
        prop_assert!(told.len() <= MAX_MESSAGE_BYTES + 5, "{}", told.len());
        let named = serde_json::to_string(&param(&format!("{text}{tail}"))).unwrap();
        prop_assert!(named.len() <= MAX_PARAM_BYTES + 5, "{}", named.len());
    }
}
