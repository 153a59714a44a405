//! What a mask is, and what it tells of a private key.

use foldgate_vault::{MasterKey, mask};
use proptest::prelude::*;

use super::*;

fn masked(pem: &str) -> String {
    let vault = Vault::new(&MasterKey::generate().unwrap(), &[]);
    let place = (OwnerId(Uuid::nil()), KeyId(Uuid::nil()));
    private_key(&vault, place, &SecretString::from(pem))
        .unwrap()
        .mask
}

#[test]
fn a_private_key_shows_its_kind_and_its_end() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n".repeat(4);
    let pem = |end: &str| {
        format!("-----BEGIN PRIVATE KEY-----\n{body}{end}\n-----END PRIVATE KEY-----\n")
    };
    assert_eq!(masked(&pem("abcdWXYZ")), "[PRIVATE KEY ...WXYZ]");
    assert_eq!(masked(&pem("YZ==")), "[PRIVATE KEY ...AQYZ]");
    let example = "-----BEGIN RSA PRIVATE KEY-----\nMIIE...\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(masked(example), "[RSA PRIVATE KEY]");
    for mask in [masked(&pem("abcd")), masked(example)] {
        assert!(is_mask(&mask), "{mask}");
    }
}

#[test]
fn secrets_are_no_masks() {
    for secret in [
        "",
        "hunter2",
        "correct horse battery",
        "a...b c d e f g h i j k l",
        "[x]",
    ] {
        assert!(!is_mask(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn every_mask_is_known_as_one(secret in "\\PC{0,80}") {
        prop_assert!(is_mask(&mask(&secret)), "{}", mask(&secret));
    }
}
