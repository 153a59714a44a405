//! What stays: what is referred to, names by which it is, and secrets.

use foldgate_proto::DefinitionKind::{
    CachePolicy, Guardrail, GuardrailAttachment, McpServer, Model, ObservabilityExporter,
    RateLimitPolicy,
};
use foldgate_proto::{DefinitionId, KeyNumber, MaskedSecret, Sealed};
use serde_json::{Value, json};

use super::super::given::{Given, given};
use super::super::people::{add_account, key_of, remove_account};
use super::{id, model, otlp, put, remove, replace};
use crate::command::SecretEdit;
use crate::definition::tests::values::{keyword, stocked};
use crate::{Command, Kind, Rejection};

#[test]
fn who_is_referred_to_by_name_keeps_it() {
    let routes = json!({ "display_name": "r", "routing": { "targets": [{ "model": "gpt-4o" }] } });
    let given = stocked().and(&put(Model, 4, &routes));
    let rename = |given: &Given, name: &str| {
        Command::PutDefinition(Box::new(replace(given, Model, 1, &model(name))))
    };
    let refused = given.refused(&rename(&given, "gpt-5"));
    assert_eq!(
        refused.to_string(),
        "model/1 cannot be renamed while it is spoken of by its name, by model \"r\""
    );
    assert_eq!(refused.kind(), Kind::Conflict);
    let case = rename(&given, "GPT-4O");
    let mut given = given.and(&case);
    given.done(&remove(Model, 4));
    given.done(&rename(&given, "gpt-5"));
    assert!(given.owner().definition_named(Model, "Gpt-5").is_some());
    assert!(given.owner().definition_named(Model, "gpt-4o").is_none());

    // Who speaks of it by its id alone does not mind; a limit on its name does.
    let mut given = stocked();
    let leads = |target: Value| json!({ "display_name": "r", "routing": { "targets": [target] } });
    let both = leads(json!({ "model_id": id(1), "model": "GPT-4o" }));
    given.done(&put(Model, 4, &both));
    given.refused(&rename(&given, "gpt-5"));
    given.done(&Command::PutDefinition(Box::new(replace(
        &given,
        Model,
        4,
        &leads(json!({ "model_id": id(1) })),
    ))));
    let limit = |model: &str| {
        json!({ "name": "p", "scope": "model", "scope_ref": model, "window": "day",
            "max_tokens": 5 })
    };
    given.done(&put(RateLimitPolicy, 5, &limit(&id(1).to_string())));
    let attached = json!({ "guardrail_id": id(2), "scope_type": "model", "scope_id": id(1),
        "priority": 1 });
    given.done(&put(GuardrailAttachment, 7, &attached));
    given.done(&rename(&given, "gpt-5"));
    given.done(&put(RateLimitPolicy, 8, &limit_named(limit("Gpt-5"))));
    let refused = given.refused(&rename(&given, "gpt-6"));
    let told = "model/1 cannot be renamed while it is spoken of by its name, by rate limit \
                policy \"q\"";
    assert_eq!(refused.to_string(), told);

    // A guardrail is attached by its id: it may be called anything.
    let attached = json!({ "guardrail_id": id(2), "scope_type": "env", "priority": 1 });
    given.done(&put(GuardrailAttachment, 9, &attached));
    let renamed = replace(&given, Guardrail, 2, &keyword("renamed"));
    given.done(&Command::PutDefinition(Box::new(renamed)));
}

#[test]
fn who_is_named_by_a_cache_policy_stays_as_well() {
    let cache = |applies_to: &str| json!({ "name": "c", "applies_to": applies_to });
    let number = |given: &Given, kind, n| {
        let found = given.owner().definition(kind, id(n));
        found.expect("it is there").number.0
    };
    let remove_model = |given: &Given| remove(Model, number(given, Model, 1));
    let rename = |given: &Given| {
        let number = number(given, Model, 1);
        Command::PutDefinition(Box::new(replace(given, Model, number, &model("gpt-5"))))
    };
    // Made before the Model was, which then took the name.
    let before = given()
        .and(&put(CachePolicy, 9, &cache("model:GPT-4o")))
        .and(&put(Model, 1, &model("gpt-4o")));
    let meaning = json!({ "name": "c",
        "semantic": { "embedding_model": "gpt-4o", "threshold": 0.5 } });
    for mut given in [
        before,
        stocked().and(&put(CachePolicy, 9, &cache("model:gpt-4o"))),
        stocked().and(&put(CachePolicy, 9, &meaning)),
    ] {
        let refused = given.refused(&remove_model(&given)).to_string();
        let said = "stays as long as it is referred to, by cache policy \"c\"";
        assert!(refused.ends_with(said), "{refused}");
        let refused = given.refused(&rename(&given));
        assert!(matches!(refused, Rejection::Named { .. }), "{refused}");
        let policy = number(&given, CachePolicy, 9);
        given.done(&remove(CachePolicy, policy));
        given.done(&rename(&given));
        given.done(&remove_model(&given));
    }
    // A state in which nobody had the name comes back.
    let mut given = stocked().and(&put(CachePolicy, 9, &cache("model:gpt-5")));
    let stood = given.last();
    given.done(&rename(&given));
    given.refused(&remove_model(&given));
    given.done(&given.restore(stood, None));
    given.done(&rename(&given));
    given.done(&given.undo(given.last()));
    // An id is the Model's, whatever it is called.
    let by_id = format!("model:{}", id(1));
    let mut given = stocked().and(&put(CachePolicy, 9, &cache(&by_id)));
    given.done(&rename(&given));
    let refused = given.refused(&remove_model(&given));
    assert!(matches!(refused, Rejection::Referred { by, .. } if by.len() == 1));
    // Another Model's name is nobody's business.
    let given = stocked().and(&put(CachePolicy, 9, &cache("model:gpt-4")));
    given.and(&remove(Model, 1));
}

fn limit_named(mut limit: Value) -> Value {
    limit["name"] = json!("q");
    limit
}

#[test]
fn what_is_referred_to_stays_and_all_referrers_are_named() {
    let account = "00000000-0000-0000-0000-0000000001fd";
    let caller = "00000000-0000-0000-0000-000000000009";
    let attach = |scope: &str, to: Value| json!({ "guardrail_id": id(2), "scope_type": scope, "scope_id": to, "priority": 1 });
    let given = stocked()
        .and(&add_account("crew", 1, 10))
        .and(&put(
            Model,
            4,
            &json!({ "display_name": "m", "model_name": "x",
            "provider_key_id": "00000000-0000-0000-0000-0000000003e9" }),
        ))
        .and(&put(
            GuardrailAttachment,
            5,
            &attach("team", json!(account)),
        ))
        .and(&put(
            GuardrailAttachment,
            6,
            &attach("mcp_server", json!(id(3))),
        ))
        .and(&put(
            CachePolicy,
            7,
            &json!({ "name": "c",
            "applies_to": format!("api_key:{caller}") }),
        ))
        .and(&put(
            RateLimitPolicy,
            8,
            &json!({ "name": "p", "scope": "model",
            "scope_ref": "gpt-4o", "window": "day", "max_tokens": 5 }),
        ));
    let cases = [
        (Command::RemoveKey(KeyNumber(1)), "key/1", vec![4]),
        (remove_account(2, 1), "account/2", vec![5]),
        (
            Command::RevokeCallerKey(key_of(2, 1)),
            "caller_key/1",
            vec![7],
        ),
        (remove(Guardrail, 2), "guardrail/2", vec![5, 6]),
        (remove(McpServer, 3), "mcp_server/3", vec![6]),
        (remove(Model, 1), "model/1", vec![8]),
    ];
    for (command, what, expected) in cases {
        let refused = given.refused(&command);
        let Rejection::Referred { resource, by } = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(resource.to_string(), what);
        let by: Vec<DefinitionId> = by.iter().map(|referrer| referrer.id).collect();
        assert_eq!(by, expected.into_iter().map(id).collect::<Vec<_>>());
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Conflict, "referred")
        );
    }
    let mut given = given;
    for (kind, number) in [(CachePolicy, 7), (GuardrailAttachment, 5)] {
        given.done(&remove(kind, number));
    }
    given.done(&remove_account(2, 1));
    given.done(&remove_account(3, 1));
}

#[test]
fn secrets_are_set_kept_by_their_masks_and_taken_away() {
    let mut given = stocked();
    given.done(&put(
        ObservabilityExporter,
        4,
        &otlp(&json!({ "a": "…1", "x~b": "…2" })),
    ));
    let secrets = |given: &Given| {
        let stands = given.owner().definition(ObservabilityExporter, id(4));
        (*stands.expect("it is there").secrets).clone()
    };
    let before = secrets(&given);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        ["/headers/a", "/headers/x~0b"]
    );

    let mut kept = replace(
        &given,
        ObservabilityExporter,
        4,
        &otlp(&json!({ "x~b": "…2" })),
    );
    kept.secrets = [("/headers/x~0b".to_owned(), SecretEdit::Keep)].into();
    let events = given.done(&Command::PutDefinition(Box::new(kept.clone())));
    assert_eq!(events.len(), 1);
    assert_eq!(secrets(&given)["/headers/x~0b"], before["/headers/x~0b"]);
    assert_eq!(secrets(&given).len(), 1);
    let again = given.when(&Command::PutDefinition(Box::new(kept.clone())));
    assert_eq!(again.map(|d| d.events), Ok(Vec::new()));

    let mut fresh = kept.clone();
    let sealed = MaskedSecret {
        sealed: Sealed(vec![7]),
        mask: "…2".to_owned(),
    };
    fresh.secrets = [("/headers/x~0b".to_owned(), SecretEdit::Set(sealed.clone()))].into();
    given.done(&Command::PutDefinition(Box::new(fresh)));
    assert_eq!(secrets(&given)["/headers/x~0b"], sealed);

    for (pointer, headers) in [
        ("/headers/x~0b", json!({ "x~b": "…other" })),
        ("/headers/a", json!({ "a": "…1" })),
        ("/nowhere", json!({ "x~b": "…2" })),
    ] {
        let mut stray = replace(&given, ObservabilityExporter, 4, &otlp(&headers));
        stray.secrets = [(pointer.to_owned(), SecretEdit::Keep)].into();
        let refused = given.refused(&Command::PutDefinition(Box::new(stray)));
        assert_eq!(refused.kind(), Kind::Invalid);
        assert!(
            refused.to_string().contains("the mask of no secret"),
            "{refused}"
        );
    }
    let mut new = replace(
        &given,
        ObservabilityExporter,
        4,
        &otlp(&json!({ "x~b": "…2" })),
    );
    new.secrets = [("/headers/x~0b".to_owned(), SecretEdit::Keep)].into();
    (new.number, new.id) = (None, id(5));
    new.value.insert("name".to_owned(), json!("new"));
    let refused = given.refused(&Command::PutDefinition(Box::new(new)));
    assert!(
        refused
            .to_string()
            .starts_with("headers.x~0b: this is the mask"),
        "{refused}"
    );
}
