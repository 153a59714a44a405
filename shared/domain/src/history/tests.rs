//! What histories show: names, times and money as people read them, no secret.

use foldgate_proto::{
    AccountNumber, AdminRole, CallerKeyNumber, Definition, DefinitionId, DefinitionKind,
    DefinitionNumber, JsonText, KeyNumber, MaskedSecret, NanoDollars, ProviderConfig, Rare, Rates,
    Resource, ResourceId, Revision, Sealed,
};
use serde_json::{Value, json};

use super::{Difference, FieldChange, diff, fields, shown, shown_event};
use crate::Command;
use crate::command::{Change, PatchKey};
use crate::decide::tests::definition::{put, remove, replace};
use crate::decide::tests::given::{Given, START, add, given, level, map, number, secret, set};

use crate::decide::tests::people::{
    add_account, admin, bounded, edit, grant, key_of, patch_account, rotate, rotate_owner,
};

fn last(given: &Given) -> Vec<Difference> {
    let before = given.at(given.last() - 1);
    diff(before.as_deref(), given.owner())
}

/// What the last record changed, as it is shown.
fn told(given: &Given) -> Vec<(String, String, Value, Value)> {
    let mut told = Vec::new();
    for difference in last(given) {
        for change in fields(&difference) {
            let FieldChange {
                field,
                before,
                after,
            } = change;
            told.push((difference.resource.to_string(), field, before, after));
        }
    }
    told
}

fn one(resource: &str, field: &str, before: Value, after: Value) -> (String, String, Value, Value) {
    (resource.to_owned(), field.to_owned(), before, after)
}

#[test]
fn a_change_is_told_by_its_fields() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_account(2, 1, |p| {
        p.suspended = Some(true);
        p.rates = Some(Rates(1_250_000));
        p.hard_limit = Change::Set(NanoDollars(100_500_000_000));
        p.allow_models = edit("gpt-*");
        p.allow_levels = edit("1 2");
    }));
    let expected = [
        one("account/2", "allow_levels", Value::Null, json!([1, 2])),
        one("account/2", "allow_models", Value::Null, json!(["gpt-*"])),
        one("account/2", "hard_limit", Value::Null, json!(100.5)),
        one("account/2", "rates", json!(1), json!(1.25)),
        one("account/2", "suspended", Value::Null, json!(true)),
    ];
    assert_eq!(told(&given), expected);
}

#[test]
fn configuration_is_told_by_its_keys() {
    let mut given = given();
    given.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("a", "b".to_owned())]));
        patch.set.email_pass = Some(secret());
    }));
    let expected = [
        one(
            "config",
            "EMAIL_PASS",
            Value::Null,
            json!("sk-\u{2026}1234"),
        ),
        one("config", "MODEL_MAPPER", Value::Null, json!({"a": "b"})),
    ];
    assert_eq!(told(&given), expected);
}

fn anew(byte: u8) -> MaskedSecret {
    MaskedSecret {
        sealed: Sealed(vec![byte; 40]),
        mask: "...".to_owned(),
    }
}

/// A short secret's mask tells nothing, so it does not tell that it changed either.
#[test]
fn a_secret_given_anew_says_so_where_its_mask_is_the_same() {
    let mut given = given();
    let password = |byte| set(|patch| patch.set.email_pass = Some(anew(byte)));
    given.done(&password(1));
    given.done(&password(2));
    let expected = one(
        "config",
        "EMAIL_PASS",
        json!("..."),
        json!("... (given anew)"),
    );
    assert_eq!(told(&given), [expected]);
    given.done(&password(2));
    assert_eq!(told(&given), [], "it is the very same");
    given.done(&set(|patch| patch.set.email_pass = Some(secret())));
    let expected = one(
        "config",
        "EMAIL_PASS",
        json!("..."),
        json!("sk-\u{2026}1234"),
    );
    assert_eq!(told(&given), [expected], "the mask tells it");
    let at = given.owner().resource(ResourceId::Config).expect("there");
    assert_eq!(shown(&at)["EMAIL_PASS"], "sk-\u{2026}1234");
}

#[test]
fn a_secret_deep_inside_a_key_says_so_too() {
    let given = given().and(&add(1, "https://llm.example.com", 1));
    let key = given.owner().keys[&number(1)].as_ref().clone();
    let vertex = |byte| {
        let mut key = key.clone();
        key.config = ProviderConfig::Vertex {
            base_url: None,
            project_id: "p".to_owned(),
            location: "l".to_owned(),
            client_email: "e".to_owned(),
            private_key: anew(byte),
            token_uri: None,
        };
        Some(Resource::Key(Box::new(key)))
    };
    let difference = Difference {
        resource: ResourceId::Key(number(1)),
        before: vertex(1),
        after: vertex(2),
    };
    let changes = fields(&difference);
    let [change] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(change.field, "config");
    let told = change.after.to_string();
    assert!(told.contains("... (given anew)"), "{told}");
    assert!(!change.before.to_string().contains("anew"));
}

#[test]
fn a_definition_s_secret_says_so_where_its_value_holds_the_mask() {
    let definition = |byte| {
        let one = Definition {
            id: DefinitionId(uuid::Uuid::nil()),
            kind: DefinitionKind::McpServer,
            number: DefinitionNumber(1),
            name: "tools".to_owned(),
            value: JsonText(r#"{"name": "tools", "auth": {"token": "..."}}"#.to_owned()),
            secrets: std::collections::BTreeMap::from([("/auth/token".to_owned(), anew(byte))])
                .into(),
            refers: Rare::default(),
            created_at: START,
            updated_at: START,
            revision: Revision::ZERO,
        };
        Some(Resource::Definition(Box::new(one)))
    };
    let difference = Difference {
        resource: ResourceId::Definition(DefinitionKind::McpServer, DefinitionNumber(1)),
        before: definition(1),
        after: definition(2),
    };
    let expected = FieldChange {
        field: "auth".to_owned(),
        before: json!({"token": "..."}),
        after: json!({"token": "... (given anew)"}),
    };
    assert_eq!(fields(&difference), [expected]);
}

#[test]
fn times_and_money_are_read_as_such() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&grant(2, 1, 2_500_000_000, Some(1)));
    let credit = json!([{
        "amount": 2.5,
        "granted_at": "2025-01-01T00:00:00.000Z",
        "expires_at": "2025-01-02T00:00:00.000Z",
    }]);
    assert_eq!(
        told(&given),
        [one("account/2", "credits", Value::Null, credit)]
    );
    given.done(&rotate(key_of(2, 1), 10, 60));
    let previous = json!({"until": "2025-01-01T00:01:00.000Z"});
    let expected = [
        one(
            "caller_key/1",
            "mask",
            json!("sk-\u{2026}9"),
            json!("sk-\u{2026}10"),
        ),
        one("caller_key/1", "previous", Value::Null, previous),
    ];
    assert_eq!(told(&given), expected);
}

#[test]
fn secrets_are_masked_and_hashes_left_out() {
    let mut given = given()
        .and(&add(1, "https://llm.example.com", 1))
        .and(&admin("ops", AdminRole::Operator, 20));
    let ops = given
        .owner()
        .resource(ResourceId::AdminKey(foldgate_proto::AdminKeyNumber(1)));
    let ops = shown(&ops.expect("issued"));
    assert_eq!(ops["role"], "operator");
    assert_eq!(ops.get("hash"), None);
    let key = given
        .owner()
        .resource(ResourceId::Key(KeyNumber(1)))
        .expect("added");
    let key = shown(&key);
    assert_eq!(key["secret"], "sk-\u{2026}1234");
    assert_eq!(key["created_at"], "2025-01-01T00:00:00.000Z");
    assert_eq!(key.get("secret_revision"), None);
    given.done(&rotate_owner(2));
    let masks = one(
        "owner",
        "key_mask",
        json!("sk-\u{2026}"),
        json!("sk-\u{2026}2"),
    );
    assert_eq!(told(&given), [masks]);
}

/// Patterns are an owner's words: none is taken for a field's name.
#[test]
fn patterns_are_shown_as_they_are_written() {
    let words = ["hash", "revision", "created_at", "rates", "mask", "sealed"];
    let mapper: std::collections::BTreeMap<String, String> = words
        .iter()
        .map(|w| ((*w).to_owned(), "x".to_owned()))
        .collect();
    let levels: std::collections::BTreeMap<String, _> =
        words.iter().map(|w| ((*w).to_owned(), level(5))).collect();
    let mut given = given();
    given.done(&set(|patch| {
        patch.set.model_mapper = Some(mapper.clone());
        patch.set.level_mapper = Some(levels.clone());
    }));
    let expected = [
        one("config", "LEVEL_MAPPER", Value::Null, json!(levels)),
        one("config", "MODEL_MAPPER", Value::Null, json!(mapper)),
    ];
    assert_eq!(told(&given), expected);
    let other: std::collections::BTreeMap<String, String> = words
        .iter()
        .map(|w| {
            (
                (*w).to_owned(),
                if *w == "sealed" { "y" } else { "x" }.to_owned(),
            )
        })
        .collect();
    given.done(&set(|patch| patch.set.model_mapper = Some(other.clone())));
    let changed = one("config", "MODEL_MAPPER", json!(mapper), json!(other));
    assert_eq!(told(&given), [changed]);
    let own = mapper.clone();
    given.done(&bounded("team", 1, 9, |p| p.model_mapper = Some(own)));
    let account = given
        .owner()
        .resource(ResourceId::Account(AccountNumber(2)));
    assert_eq!(
        shown(&account.expect("added"))["model_mapper"],
        json!(mapper)
    );
    let completed = foldgate_proto::Resource::Completed(levels.clone());
    assert_eq!(shown(&completed), json!(levels));
}

#[test]
fn stamps_alone_are_no_difference() {
    let mut given = given().and(&add(1, "https://llm.example.com", 1));
    given.now = given.now.after(std::time::Duration::from_secs(5));
    given.done(&Command::PatchKey(PatchKey {
        number: number(1),
        secret: Some(secret()),
        ..PatchKey::default()
    }));
    let key = &given.owner().keys[&number(1)];
    assert_eq!(key.secret_revision, key.revision, "it was set again");
    assert_eq!(last(&given), []);
}

#[test]
fn a_first_record_is_told_from_nothing() {
    let all = last(&given());
    assert!(all.iter().all(|difference| difference.before.is_none()));
    assert!(
        all.iter()
            .any(|difference| difference.resource == ResourceId::Owner)
    );
}

#[test]
fn what_goes_is_told_with_what_it_was() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&Command::RevokeCallerKey(key_of(2, 1)));
    let gone = &last(&given)[0];
    assert_eq!(gone.resource, ResourceId::CallerKey(CallerKeyNumber(1)));
    assert_eq!(gone.after, None);
    let told = told(&given);
    assert!(told.contains(&one("caller_key/1", "name", json!("default"), Value::Null)));
}

#[test]
fn definitions_are_told_in_their_own_words() {
    let exporter = |headers: Value, rate: f64| {
        json!({ "kind": "otlp_http", "name": "o", "endpoint": "https://o.example.com",
            "headers": headers, "sample_rate": rate })
    };
    let kind = DefinitionKind::ObservabilityExporter;
    let first = exporter(json!({ "at": "\u{2026}1", "hash": "\u{2026}2" }), 0.5);
    let mut given = given().and(&put(kind, 1, &first));
    let made = told(&given);
    let find = |field: &str| {
        let change = made.iter().find(|(_, name, _, _)| name == field);
        change.map(|(resource, _, _, after)| (resource.as_str(), after.clone()))
    };
    let it = "observability_exporter/1";
    assert_eq!(find("headers"), Some((it, first["headers"].clone())));
    assert_eq!(find("sample_rate"), Some((it, json!(0.5))));
    assert_eq!(find("number"), Some((it, json!(1))));
    for hidden in ["value", "secrets", "refers", "revision"] {
        assert_eq!(find(hidden), None, "{hidden}");
    }

    let second = exporter(json!({ "at": "\u{2026}3" }), 0.5);
    let edit = replace(&given, kind, 1, &second);
    let events = given.done(&Command::PutDefinition(Box::new(edit)));
    let headers = one(
        it,
        "headers",
        first["headers"].clone(),
        second["headers"].clone(),
    );
    assert_eq!(told(&given), [headers]);
    let shown = shown_event(&events[0]);
    let put = &shown["ObservabilityExporterPut"];
    assert_eq!(
        (&put["number"], &put["value"]["headers"]),
        (&json!(1), &second["headers"])
    );
    assert!(!shown.to_string().contains("sealed"), "{shown}");

    let undone = given.done(&given.undo(given.last()));
    let told = shown_event(&undone[0]).to_string();
    assert!(
        !told.contains("sealed") && !told.contains("secrets"),
        "{told}"
    );
    let back = &shown_event(&undone[0])["RecordUndone"]["changes"][0]["value"]["definition"];
    assert_eq!(back["headers"], first["headers"], "{told}");
    let back = given
        .owner()
        .resource(last(&given)[0].resource)
        .expect("it is there");
    assert_eq!(super::shown(&back)["headers"], first["headers"]);
    let events = given.done(&remove(kind, 1));
    assert!(
        shown_event(&events[0])
            .get("ObservabilityExporterRemoved")
            .is_some()
    );
}
