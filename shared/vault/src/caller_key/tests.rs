//! Making and recognising caller keys.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::*;

#[test]
fn a_new_key_is_whole_and_new() {
    let keys: BTreeSet<String> = (0..100)
        .map(|_| new_key().unwrap().expose_secret().to_owned())
        .collect();
    assert_eq!(keys.len(), 100);
    for key in keys {
        assert!(key.starts_with("sk-"), "{key}");
        assert_eq!(key.len(), PREFIX.len() + 58);
        assert!(is_well_formed(&key), "{key}");
    }
}

#[test]
fn a_wrong_character_is_noticed() {
    let key = new_key().unwrap().expose_secret().to_owned();
    for at in PREFIX.len()..key.len() {
        let mut bad = key.clone().into_bytes();
        bad[at] = if bad[at] == b'a' { b'b' } else { b'a' };
        let bad = String::from_utf8(bad).unwrap();
        assert!(!is_well_formed(&bad), "{key} {bad}");
    }
    assert!(!is_well_formed(&key[..key.len() - 1]));
    assert!(!is_well_formed(&format!("{key}a")));
    assert!(!is_well_formed(&key.to_uppercase()));
    assert!(!is_well_formed("sk-something-else-entirely"));
    assert!(!is_well_formed("sk-fg-ä"));
    assert!(!is_well_formed(""));
}

#[test]
fn the_digest_is_sha_256() {
    let digest = digest("abc");
    assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert_eq!(digest[28..], [0xf2, 0x00, 0x15, 0xad]);
}
