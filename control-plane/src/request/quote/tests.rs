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
fn a_client_sees_its_own_addresses_hosts_and_numbers() {
    for text in [
        "10.0.0.0/33",
        "10.0.0.1-10.0.0.9",
        "2001:db8:85a3::8a2e:370:7334/129",
        "alice@example..com",
        "ALICE.Smith+tag@mail.example.com",
        "api.example.com:8443",
        "https://api.example.com/v1/chat",
        "localhost:3000",
        "12345678901234567890",
        "-0.00000000000000000001",
        "2026-13-31T12:00:00Z",
        "meta-llama/Llama-3.3-70B-Instruct",
        "user-agent, projects/my-project",
    ] {
        assert_eq!(quoted(text), text);
        assert_eq!(
            message(&format!("x: {text:?} is wrong")),
            format!("x: {text:?} is wrong")
        );
    }
}

#[test]
fn whatever_looks_like_a_key_goes() {
    for key in [
        "sk-live-0123456789abcdef",
        "fgadmin-owner-0123",
        "0123456789abcdef0123456789abcdef",
        "123e4567-e89b-12d3-a456-426614174000",
        "AbCdEfGhIjKlMnOpQrStUvWx",
        "a1b2c3d4e5f6g7h8",
        "Ab1_Cd2_Ef3-Gh4Ij5Kl6Mn",
        "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "AKIAIOSFODNN7EXAMPLE",
    ] {
        for text in [
            key.to_owned(),
            format!("key={key}"),
            format!("https://{key}.example.com/"),
            format!("name@{key}"),
            format!("to {key}, or so"),
        ] {
            assert!(!quoted(&text).contains(key), "{text}: {}", quoted(&text));
        }
    }
    assert_eq!(quoted("Bearer open-sesame"), "Bearer [redacted]");
    assert_eq!(
        quoted("https://ann:secret@example.com/v1?key=secret"),
        "https://[redacted]@example.com/v1?[redacted]"
    );
    assert_eq!(
        quoted("x -----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"),
        "x [redacted]"
    );
}

#[test]
fn a_name_that_begins_as_keys_do_stays() {
    for name in [
        "pk-pol",
        "sk-",
        "Rk_North",
        "xai-grok",
        "hf_mirror",
        "eyjafjalla",
    ] {
        assert_eq!(quoted(name), name);
        let told = format!("display_name {name:?} is taken");
        assert_eq!(message(&told), told);
    }
    // A digit, a capital within a word, more than a name; one that is announced.
    for key in [
        "pk-pol1",
        "sk-aBc",
        "sk-correct-horse",
        "hf_abcdefghijklm",
        "AIzaSyB",
        "AKIAIOS",
    ] {
        assert_eq!(quoted(key), "[redacted]", "{key}");
    }
    assert_eq!(quoted("Bearer sk-sesame"), "Bearer [redacted]");
}

#[test]
fn a_path_loses_only_the_part_that_is_a_key() {
    assert_eq!(path("/x-keys/12/wake"), "/x-keys/12/wake");
    assert_eq!(
        path("/x-keys/sk-live-0123456789abcdef/wake"),
        "/x-keys/[redacted]/wake"
    );
    let id = "/admin/v1/models/01a215f7-a5a2-7535-be2b-af45a75ec834";
    assert_eq!(path(id), id, "an id opens nothing");
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

#[test]
fn an_id_is_told_and_what_may_be_a_key_is_not() {
    let id = "01a215f7-a5a2-7535-be2b-af45a75ec834";
    assert_eq!(reference(id), id);
    assert_eq!(reference("crew"), "\"crew\"");
    for other in [
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("sk-{id}"),
        format!("{id}{id}"),
    ] {
        assert_eq!(
            reference(&other).matches("[redacted]").count(),
            1,
            "{other}"
        );
    }
}

#[test]
fn names_of_what_is_there_are_told() {
    let name = "team-7f3a9c01d2e4b6f8a0";
    let told = format!(
        "stays, by model {name:?}, and {:?}",
        "sk-live-0123456789abcdef"
    );
    assert_eq!(
        message_naming(&told, &[name]),
        format!("stays, by model {name:?}, and \"[redacted]\"")
    );
    assert!(message(&told).starts_with("stays, by model \"[redacted]\""));
    // Quoted and long as it may be.
    let odd = format!("a\"{}", "7f3a9c01d2e4b6".repeat(8));
    let told = message_naming(&format!("by {odd:?}."), &["", &odd]);
    assert!(told.starts_with("by \"a\\\"7f3a9c01d2e4b6"), "{told}");
    assert!(told.ends_with("…\"."), "{told}");
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
