use chrono::DateTime;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

const EMAIL: &str = "robot@proj.iam.gserviceaccount.com";
const PKCS1: &str = include_str!("../../../../fixtures/vertex/pkcs1.pem");
const PKCS8: &str = include_str!("../../../../fixtures/vertex/pkcs8.pem");

fn account(pem: &str) -> Result<Account, AccountError> {
    Account::new(EMAIL, &SecretString::from(pem), None)
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[test]
fn the_claims_are_googles_and_the_signature_holds() {
    let now = DateTime::from_timestamp(1_700_000_000, 999).unwrap();
    let public = read(&account(PKCS1).unwrap().key).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.public_key().as_ref());
    for pem in [
        PKCS1.to_owned(),
        PKCS8.to_owned(),
        PKCS8.replace('\n', "\\n"),
        PKCS8.replace('\n', "\r\n"),
    ] {
        let assertion = account(&pem).unwrap().assertion(now).unwrap();
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            panic!("{} parts", parts.len());
        };
        let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT"}));
        let said: Value = serde_json::from_slice(&decoded(claims)).unwrap();
        let expected = json!({
            "iss": EMAIL,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_700_000_000,
            "exp": 1_700_003_600,
        });
        assert_eq!(said, expected);
        let (signed, _) = assertion.rsplit_once('.').unwrap();
        public
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();
    }
}

#[test]
fn the_same_account_has_the_same_id_in_either_form_only_with_the_same_key() {
    let id = |email: &str, uri| {
        let pem = SecretString::from(PKCS8);
        Account::new(email, &pem, uri).unwrap().id()
    };
    assert_eq!(id(EMAIL, None), account(PKCS8).unwrap().id());
    assert_ne!(
        id("other@proj.iam.gserviceaccount.com", None),
        id(EMAIL, None)
    );
    assert_ne!(id(EMAIL, Some("https://localhost/token")), id(EMAIL, None));
}

#[test]
fn what_cannot_sign_is_refused() {
    let short = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
    assert_eq!(account(short).unwrap_err(), AccountError::NotRsa);
    for text in ["", "sk-123", "-----BEGIN PRIVATE KEY-----\nMIIE..."] {
        assert_eq!(account(text).unwrap_err(), AccountError::NotPem);
    }
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert_eq!(account(&elliptic).unwrap_err(), AccountError::NotRsa);
    let odd = Account::new(EMAIL, &SecretString::from(PKCS8), Some("no url at all"));
    assert_eq!(odd.unwrap_err(), AccountError::TokenUri);
}

#[test]
fn nothing_of_the_key_is_shown() {
    let shown = format!("{:?}", account(PKCS8).unwrap());
    assert_eq!(shown, format!("Account {{ email: {EMAIL:?}, .. }}"));
}
