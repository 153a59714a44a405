//! Private keys, with what passes and what does not.

use super::*;

/// A key's outline: a SEQUENCE of this many bytes with a version in it.
fn der(content: usize) -> Vec<u8> {
    let length = u16::try_from(content).unwrap().to_be_bytes();
    let mut der = vec![0x30, 0x82, length[0], length[1], 2, 1, 0];
    der.resize(content + 4, 0x42);
    der
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn a_whole_key_is_one_sequence_with_a_version() {
    let whole = der(1200);
    assert_eq!(read(&pem(&whole)).unwrap(), (pem(&whole), false));
    let mut longer = whole.clone();
    longer.push(0);
    let mut other = whole.clone();
    other[0] = 0x31;
    let mut unversioned = whole.clone();
    unversioned[4] = 4;
    for bad in [&whole[..1000], &longer, &other, &unversioned] {
        assert!(read(&pem(bad)).is_err());
    }
    let odd = pem(&whole).replace("QkJC", "QkJ");
    assert!(read(&odd).is_err(), "no base64");
}

#[test]
fn the_longest_key_is_named() {
    let error = read(&"x".repeat(MAX_PRIVATE_KEY_BYTES + 1)).unwrap_err();
    assert_eq!(error.param(), Some("Config.private_key"));
    assert!(error.to_string().contains("16384"), "{error}");
}

#[test]
fn private_keys_in_both_forms_and_with_escaped_line_ends() {
    let rsa = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";
    let pkcs8 = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    assert_eq!(read(rsa).unwrap(), (rsa.to_owned(), true));
    assert_eq!(read(pkcs8).unwrap().0, format!("{pkcs8}\n"));
    assert_eq!(read(&rsa.replace('\n', "\\n")).unwrap().0, rsa);
    assert_eq!(read(&rsa.replace('\n', "\r\n")).unwrap().0, rsa);
}

#[test]
fn other_texts_are_no_private_keys() {
    for text in [
        "",
        "MIIE",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nM!IE\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}
