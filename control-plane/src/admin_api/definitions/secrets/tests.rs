//! What becomes of texts where secrets stand, and that no refusal repeats one.

use foldgate_domain::definition::text::MAX_SECRET_CHARS;
use foldgate_vault::{MasterKey, SealContext, mask};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::*;

const PATTERNS: &[&str] = &["/api_key", "/headers/*", "/targets/*/auth/key"];

/// Short, and nothing that looks like a key: only care keeps it out of messages.
const SECRET: &str = "hunter2 horse";

fn vault() -> Vault {
    Vault::new(&MasterKey::generate().unwrap(), &[])
}

fn place() -> (OwnerId, Uuid) {
    (OwnerId(Uuid::from_u128(1)), Uuid::from_u128(2))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

/// The message of a refusal.
fn refused(value: Value) -> (String, String) {
    let error = take(&vault(), place(), PATTERNS, &mut object(value)).unwrap_err();
    assert_eq!(error.status().as_u16(), 400);
    (error.param().unwrap().to_owned(), error.to_string())
}

#[test]
fn secrets_are_sealed_for_their_place_and_masked() {
    let vault = vault();
    let long = "sk-live-canary-5f1d9b7c3e2a4680-WXYZ";
    let mut value = object(json!({
        "api_key": long,
        "headers": {"X-A/b~c": SECRET, "X-Other": null},
        "targets": [{"auth": {"key": "first secret"}}, {"auth": {}}, {"auth": {"key": long}}],
        "name": "sk-live-not-a-secret-but-a-name",
    }));
    let edits = take(&vault, place(), PATTERNS, &mut value).unwrap();
    let expected = [
        ("/api_key", "/api_key", long),
        ("/headers/X-A~1b~0c", "/headers/*", SECRET),
        ("/targets/0/auth/key", "/targets/*/auth/key", "first secret"),
        ("/targets/2/auth/key", "/targets/*/auth/key", long),
    ];
    assert_eq!(
        edits.keys().map(String::as_str).collect::<Vec<_>>(),
        expected.map(|(pointer, ..)| pointer)
    );
    let whole = Value::Object(value);
    for (pointer, pattern, secret) in expected {
        let SecretEdit::Set(sealed) = &edits[pointer] else {
            panic!("{pointer} stays");
        };
        assert_eq!(sealed.mask, mask(secret));
        assert_eq!(whole.pointer(pointer), Some(&json!(mask(secret))));
        let (owner, id) = place();
        let context = |field| SealContext {
            owner,
            resource: id,
            field,
        };
        let opened = vault.open(&context(pattern), &sealed.sealed).unwrap();
        assert_eq!(opened.expose_secret(), secret);
        assert!(vault.open(&context("/other"), &sealed.sealed).is_err());
    }
    assert_eq!(whole["name"], "sk-live-not-a-secret-but-a-name");
    assert!(!whole.to_string().contains(SECRET));
}

#[test]
fn a_mask_that_comes_back_keeps_its_secret() {
    let mut value = object(json!({"api_key": mask(SECRET), "headers": {"a": "..."}}));
    let before = value.clone();
    let edits = take(&vault(), place(), PATTERNS, &mut value).unwrap();
    assert_eq!(value, before);
    assert!(edits.values().all(|edit| *edit == SecretEdit::Keep));
    assert_eq!(edits.len(), 2);
}

#[test]
fn what_can_be_no_secret_is_refused_by_its_path() {
    let long = "s".repeat(MAX_SECRET_CHARS + 1);
    for (value, path) in [
        (json!({"api_key": ""}), "api_key"),
        (json!({"api_key": "  "}), "api_key"),
        (json!({"api_key": long}), "api_key"),
        (json!({"api_key": format!("{SECRET}\n")}), "api_key"),
        (
            json!({"headers": {"X-A": format!("{SECRET}\r\nX-B: 1")}}),
            "headers.X-A",
        ),
        (
            json!({"targets": [{}, {"auth": {"key": ""}}]}),
            "targets[1].auth.key",
        ),
    ] {
        let (param, message) = refused(value);
        assert_eq!(param, path);
        assert!(
            message.len() < 200 && !message.contains(SECRET),
            "{message}"
        );
    }
    // Keys in PEM and accounts in JSON have many lines.
    for text in [
        "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n",
        "{\n}\n",
    ] {
        let mut value = object(json!({"api_key": text}));
        take(&vault(), place(), PATTERNS, &mut value).unwrap();
    }
}

#[test]
fn what_is_no_text_is_refused_without_being_repeated() {
    for (value, path, kind) in [
        (json!({"api_key": 40_414_243}), "api_key", "a number"),
        (json!({"api_key": [SECRET]}), "api_key", "an array"),
        (json!({"api_key": {"key": SECRET}}), "api_key", "an object"),
        (json!({"headers": SECRET}), "headers", "a string"),
        (json!({"headers": 40_414_243}), "headers", "a number"),
        (json!({"headers": [[SECRET]]}), "headers[0]", "an array"),
        (json!({"targets": [SECRET]}), "targets[0]", "a string"),
        (
            json!({"targets": [{"auth": SECRET}]}),
            "targets[0].auth",
            "a string",
        ),
    ] {
        let (param, message) = refused(value.clone());
        assert_eq!(param, path, "{value}");
        assert!(message.ends_with(&format!("not {kind}")), "{message}");
        assert!(
            !message.contains(SECRET) && !message.contains("4041"),
            "{message}"
        );
    }
}

#[test]
fn two_patterns_of_one_place_seal_once() {
    let mut value = object(json!({"headers": {"Authorization": "a secret of some length"}}));
    let patterns = &["/headers/Authorization", "/headers/*"];
    let edits = take(&vault(), place(), patterns, &mut value).unwrap();
    assert!(matches!(
        edits["/headers/Authorization"],
        SecretEdit::Set(_)
    ));
}

#[test]
fn hidden_values_differ_only_where_their_masks_do() {
    let hidden = |secret: &str| {
        let mut value = object(json!({"api_key": secret, "headers": 7, "name": "n"}));
        hide(PATTERNS, &mut value, mask);
        hide(PATTERNS, &mut value, mask);
        Value::Object(value).to_string()
    };
    assert_eq!(hidden("w-summer-26-abcd"), hidden("winter-2026-abcd"));
    assert_ne!(hidden("winter-2026-abcd"), hidden("winter-2026-wxyz"));
    assert!(!hidden(SECRET).contains(SECRET));
}
