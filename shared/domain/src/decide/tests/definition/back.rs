//! Definitions taken back: undone field by field, restored, and what does not fit.

use foldgate_proto::DefinitionKind::{
    A2aAgent, CachePolicy, Guardrail, GuardrailAttachment, Model, ObservabilityExporter,
};
use foldgate_proto::{DefinitionKind, DefinitionNumber, ResourceId};
use serde_json::{Value, json};

use super::super::given::Given;
use super::super::people::{key_of, remove_account};
use super::{agent, id, model, otlp, put, remove, replace, stands};
use crate::definition::tests::values::{keyword, stocked};
use crate::history::diff;
use crate::{Command, Kind, Rejection};

fn changed(mut given: Given, kind: DefinitionKind, number: u64, value: &Value) -> Given {
    let put = replace(&given, kind, number, value);
    given.done(&Command::PutDefinition(Box::new(put)));
    given
}

fn resource(kind: DefinitionKind, number: u64) -> ResourceId {
    ResourceId::Definition(kind, DefinitionNumber(number))
}

fn agent_with(timeout: u64, url: &str) -> Value {
    json!({ "name": "a", "url": url, "timeout_ms": timeout })
}

#[test]
fn an_undo_takes_back_one_field_and_leaves_the_others() {
    let given = stocked().and(&put(A2aAgent, 4, &agent_with(1, "https://one.example.com")));
    let given = changed(
        given,
        A2aAgent,
        4,
        &agent_with(2, "https://one.example.com"),
    );
    let changed_at = given.last();
    let mut given = changed(
        given,
        A2aAgent,
        4,
        &agent_with(2, "https://two.example.com"),
    );
    given.done(&given.undo(changed_at));
    let now = stands(&given, A2aAgent, 4);
    assert_eq!(
        (&now["timeout_ms"], &now["url"]),
        (&json!(1), &json!("https://two.example.com"))
    );
    assert_eq!(
        given.owner().definitions[&(A2aAgent, DefinitionNumber(4))]
            .revision
            .0,
        given.last()
    );

    let given = changed(
        given,
        A2aAgent,
        4,
        &agent_with(3, "https://two.example.com"),
    );
    let refused = given.refused(&given.undo(changed_at));
    assert!(
        refused
            .to_string()
            .contains("a2a_agent/4.timeout_ms has changed since"),
        "{refused}"
    );
}

#[test]
fn a_name_that_comes_back_is_found_again() {
    let given = stocked().and(&put(A2aAgent, 4, &agent("old")));
    let given = changed(given, A2aAgent, 4, &agent("new"));
    let renamed = given.last();
    let taken = given.clone().and(&put(A2aAgent, 5, &agent("OLD")));
    let refused = taken.refused(&taken.undo(renamed));
    assert_eq!(refused.kind(), Kind::Conflict);
    assert!(
        refused.to_string().contains("\"old\" is taken"),
        "{refused}"
    );
    let mut given = given;
    given.done(&given.undo(renamed));
    assert!(given.owner().definition_named(A2aAgent, "Old").is_some());
    assert!(given.owner().definition_named(A2aAgent, "new").is_none());
}

#[test]
fn secrets_come_back_with_their_masks() {
    let given = stocked().and(&put(ObservabilityExporter, 4, &otlp(&json!({ "a": "…1" }))));
    let before = given.owner().resource(resource(ObservabilityExporter, 4));
    let mut given = changed(
        given,
        ObservabilityExporter,
        4,
        &otlp(&json!({ "b": "…2" })),
    );
    let secrets = |given: &Given| {
        let stands = &given.owner().definitions[&(ObservabilityExporter, DefinitionNumber(4))];
        stands.secrets.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(secrets(&given), ["/headers/b"]);
    given.done(&given.undo(given.last()));
    assert_eq!(secrets(&given), ["/headers/a"]);
    assert_eq!(
        stands(&given, ObservabilityExporter, 4)["headers"],
        json!({ "a": "…1" })
    );
    given.done(&remove(ObservabilityExporter, 4));
    given.done(&given.undo(given.last()));
    let back = given.owner().resource(resource(ObservabilityExporter, 4));
    let value = |of: Option<foldgate_proto::Resource>| match of {
        Some(foldgate_proto::Resource::Definition(d)) => (d.value, d.secrets, d.id),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(back), value(before));
}

#[test]
fn what_goes_or_comes_back_must_fit_its_references() {
    let attach = json!({ "guardrail_id": id(4), "scope_type": "env", "priority": 1 });
    let given = stocked().and(&put(Guardrail, 4, &keyword("g")));
    let made = given.last();
    let given = given.and(&put(GuardrailAttachment, 5, &attach));
    let attached = given.last();
    let refused = given.refused(&given.undo(made));
    let told = "guardrail/4 stays as long as it is referred to, by guardrail attachment 0";
    assert!(refused.to_string().starts_with(told), "{refused}");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, "referred")
    );
    let refused = given.refused(&given.restore(made - 1, Some(resource(Guardrail, 4))));
    assert!(matches!(refused, Rejection::Referred { .. }), "{refused}");

    let mut given = given
        .and(&remove(GuardrailAttachment, 5))
        .and(&remove(Guardrail, 4));
    let one = given.restore(attached, Some(resource(GuardrailAttachment, 5)));
    let refused = given.refused(&one);
    assert!(
        refused.to_string().contains("no guardrail has the id"),
        "{refused}"
    );
    given.done(&given.restore(attached, None));
    let then = given.at(attached).expect("it stood");
    assert!(diff(Some(&then), given.owner()).is_empty());
    let by: Vec<_> = given.owner().referrers_of(resource(Guardrail, 4)).collect();
    assert_eq!(by.len(), 1);
}

#[test]
fn an_account_takes_no_key_along_that_is_spoken_of() {
    let caller = "api_key:00000000-0000-0000-0000-000000000009";
    let given = stocked().and(&put(
        CachePolicy,
        4,
        &json!({ "name": "c", "applies_to": caller }),
    ));
    for command in [remove_account(2, 1), Command::RevokeCallerKey(key_of(2, 1))] {
        let refused = given.refused(&command);
        assert!(
            refused.to_string().contains("by cache policy \"c\""),
            "{refused}"
        );
    }
    // The account's record is the second.
    let refused = given.refused(&given.undo(2));
    assert!(
        refused.to_string().contains("by cache policy \"c\""),
        "{refused}"
    );
}

#[test]
fn targets_do_not_route_whichever_came_first() {
    let routes = |name: &str, to: &str| json!({ "display_name": name, "routing": { "targets": [{ "model": to }] } });
    let given = stocked()
        .and(&put(Model, 4, &model("b")))
        .and(&put(Model, 5, &routes("r", "b")));
    let refused = given.refused(&put(Model, 6, &routes("s", "R")));
    assert_eq!(
        refused.to_string(),
        "routing.targets[0].model: \"r\" routes to others itself"
    );
    let turned = replace(&given, Model, 4, &routes("b", "gpt-4o"));
    let refused = given.refused(&Command::PutDefinition(Box::new(turned)));
    assert_eq!(
        refused.to_string(),
        "routing: is for no target, and \"r\" routes to it"
    );
    let selfish = replace(&given, Model, 1, &routes("gpt-4o", "GPT-4o"));
    let refused = given.refused(&Command::PutDefinition(Box::new(selfish)));
    assert_eq!(refused.to_string(), "it refers to itself");

    // What routed once and is a target today does not route again.
    let given = given.and(&remove(Model, 5));
    let given = changed(given, Model, 4, &routes("b", "gpt-4o"));
    let then = given.last();
    let given = changed(given, Model, 4, &model("b")).and(&put(Model, 7, &routes("t", "b")));
    let refused = given.refused(&given.restore(then, Some(resource(Model, 4))));
    assert!(
        refused
            .to_string()
            .contains("is for no target, and \"t\" routes"),
        "{refused}"
    );
}

/// Who is spoken of by a new name keeps that as well.
#[test]
fn a_renaming_is_not_taken_back_while_the_new_name_is_spoken() {
    let before = stocked();
    let stood = before.last();
    let mut given = changed(before, Model, 1, &model("gpt-5"));
    let renamed = given.last();
    let routes = json!({ "display_name": "r", "routing": { "targets": [{ "model": "gpt-5" }] } });
    given.done(&put(Model, 4, &routes));
    for back in [
        given.undo(renamed),
        given.restore(stood, Some(resource(Model, 1))),
    ] {
        let refused = given.refused(&back).to_string();
        assert!(
            refused.contains("cannot be renamed while it is spoken of"),
            "{refused}"
        );
    }
    // With the one that speaks of it, it goes back.
    assert!(given.when(&given.restore(stood, None)).is_ok());
    given.done(&remove(Model, 4));
    given.done(&given.undo(renamed));
    assert!(given.owner().definition_named(Model, "gpt-4o").is_some());
}
