//! Reading, writing and naming master keys.

use secrecy::ExposeSecret;

use super::*;

#[test]
fn a_generated_key_comes_back_from_its_text() {
    let key = MasterKey::generate().unwrap();
    let text = key.to_base64();
    let read = MasterKey::from_base64(&format!("  {}\n", text.expose_secret())).unwrap();
    assert_eq!(key.bytes(), read.bytes());
    assert_eq!(key.id(), read.id());
}

#[test]
fn two_keys_differ_in_bytes_and_name() {
    let (one, two) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    assert_ne!(one.bytes(), two.bytes());
    assert_ne!(one.id(), two.id());
}

#[test]
fn the_url_alphabet_is_read_too() {
    let standard = "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8=";
    let url = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8";
    let (one, two) = (
        MasterKey::from_base64(standard).unwrap(),
        MasterKey::from_base64(url).unwrap(),
    );
    assert_eq!(one.bytes(), two.bytes());
}

#[test]
fn anything_else_is_refused() {
    for text in [
        "",
        "x",
        "AAAA",
        "not base64 at all, but 44 characters long...",
        &"A".repeat(44),
    ] {
        assert_eq!(
            MasterKey::from_base64(text).unwrap_err(),
            Error::NotAMasterKey,
            "{text}"
        );
    }
}

#[test]
fn debug_names_the_key_and_shows_nothing_of_it() {
    let key = MasterKey::from_base64("S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=").unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("MasterKey({})", key.id()));
    assert!(!shown.contains("S0tL") && !shown.contains("4b4b") && !shown.contains("75, 75"));
}
