//! What a mask shows.

use proptest::prelude::*;

use super::*;

#[test]
fn a_usual_key_shows_prefix_and_last_four() {
    assert_eq!(
        mask("sk-proj-0123456789abcdefghijklmnopqrstuvWXYZ"),
        "sk-proj...WXYZ"
    );
    assert_eq!(mask("AIzaSyA-0123456789abcdef"), "AIza...cdef");
}

#[test]
fn a_short_secret_shows_little_or_nothing() {
    assert_eq!(mask(""), "...");
    assert_eq!(mask("ab"), "...");
    assert_eq!(mask("hunter2"), "...r2");
    assert_eq!(mask("correct horse"), "...orse");
    assert_eq!(mask("correct hors\u{a0}"), "...ors?");
}

#[test]
fn a_private_key_shows_its_kind_only() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n";
    assert_eq!(mask(key), "[PRIVATE KEY]");
    assert_eq!(mask(&key.replace('\n', "\\n")), "[PRIVATE KEY]");
    assert_eq!(mask("-----BEGIN sekrit-----"), "[PEM]");
}

proptest! {
    #[test]
    fn never_more_than_a_third(secret in "\\PC{0,120}") {
        prop_assume!(!secret.contains("-----BEGIN "));
        let shown = mask(&secret).chars().count() - 3;
        prop_assert!(shown * 3 <= secret.chars().count());
        prop_assert!(shown <= HEAD + TAIL);
    }
}
