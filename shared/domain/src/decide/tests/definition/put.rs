//! Definitions put, replaced and removed; names, bounds and warnings.

use std::sync::Arc;

use foldgate_proto::DefinitionKind::{A2aAgent, Guardrail, GuardrailAttachment, McpServer, Model};
use foldgate_proto::{
    Change, Definition, DefinitionId, DefinitionKind, DefinitionNumber, Event, JsonText, Rare,
    Resource, ResourceId, Revision, Timestamp,
};
use serde_json::json;

use super::super::given::{Given, OWNER};
use super::{agent, field, id, model, put, remove, replace, stands};
use crate::decide::MAX_DEFINITIONS;
use crate::definition::tests::values::{good, keyword, stocked};
use crate::definition::{MAX_VALUE_BYTES, Registered};
use crate::state::tests::check_whole;
use crate::{Command, Kind, Rejection, Table};

#[test]
fn each_kind_is_put_replaced_and_removed() {
    for (n, (kind, value)) in (100..).zip(good()) {
        let mut given = stocked();
        let events = given.done(&put(kind, n, &value));
        let [Event::DefinitionPut(made)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((made.id, made.kind, made.number.0), (id(n), kind, 4));
        let names = Registered::of(kind)
            .expect("registered")
            .check(value.as_object().expect("an object"), given.owner());
        assert_eq!(
            made.name,
            names.map(|checked| checked.name).unwrap_or_default()
        );
        let found = given.owner().definition(kind, id(n)).expect("folded");
        assert_eq!(
            (found.revision, &*found.secrets),
            (given.state.revision, &made.secrets)
        );

        let same = replace(&given, kind, 4, &value);
        let unchanged = given.when(&Command::PutDefinition(Box::new(same.clone())));
        assert_eq!(unchanged.map(|d| d.events), Ok(Vec::new()), "{value}");

        let mut other = same;
        let (name, changed) = match kind {
            DefinitionKind::Model => ("allowed_cidrs", json!(["192.0.2.0/24"])),
            DefinitionKind::RateLimitPolicy => (
                "schedules",
                json!([{ "timezone": "UTC",
                "days_of_week": ["wed"], "start_time": "10:00", "end_time": "11:00" }]),
            ),
            _ => {
                let enabled = value.get("enabled") != Some(&json!(false));
                ("enabled", json!(!enabled))
            }
        };
        other.value.insert(name.to_owned(), changed.clone());
        given.done(&Command::PutDefinition(Box::new(other)));
        assert_eq!(stands(&given, kind, 4)[name], changed, "{value}");

        given.done(&remove(kind, 4));
        assert_eq!(given.owner().definition(kind, id(n)), None);
        let refused = given.refused(&remove(kind, 4));
        assert_eq!(refused, Rejection::NoSuchDefinition(kind));
        given.done(&put(kind, n, &value));
        assert_eq!(
            given.owner().last_definition.0,
            5,
            "numbers are not given out twice"
        );
        check_whole(given.owner());
    }
}

#[test]
fn what_is_not_there_cannot_be_replaced() {
    let given = stocked();
    let mut stray = replace(&given, Model, 1, &model("m"));
    stray.id = id(77);
    let refused = given.refused(&Command::PutDefinition(Box::new(stray.clone())));
    assert_eq!(refused, Rejection::NoSuchDefinition(Model));
    stray.number = Some(DefinitionNumber(9));
    let refused = given.refused(&Command::PutDefinition(Box::new(stray.clone())));
    assert_eq!(refused, Rejection::NoSuchDefinition(Model));
    stray.number = None;
    stray.id = id(1);
    let refused = given.refused(&Command::PutDefinition(Box::new(stray)));
    assert_eq!(refused, Rejection::KeyIdTaken);
}

#[test]
fn names_are_unique_within_their_kind_whatever_their_case() {
    let given =
        stocked()
            .and(&put(A2aAgent, 4, &agent("tools")))
            .and(&put(A2aAgent, 5, &agent("other")));
    for name in ["tools", "TOOLS", "Tools"] {
        let refused = given.refused(&put(A2aAgent, 6, &agent(name)));
        let expected = Rejection::Taken {
            field: "name",
            value: name.to_owned(),
        };
        assert_eq!(refused, expected);
    }
    let refused = given.refused(&put(Model, 6, &model("GPT-4o")));
    assert_eq!(field(&refused), (Kind::Conflict, Some("display_name")));
    let taken = Command::PutDefinition(Box::new(replace(&given, A2aAgent, 5, &agent("TOOLS"))));
    assert_eq!(
        field(&given.refused(&taken)),
        (Kind::Conflict, Some("name"))
    );
    let own = replace(&given, A2aAgent, 5, &agent("OTHER"));
    let given = given.clone().and(&Command::PutDefinition(Box::new(own)));
    assert_eq!(stands(&given, A2aAgent, 5)["name"], "OTHER");
}

#[test]
fn a_guardrail_is_attached_to_a_place_once() {
    let at = |scope: &str, to: Option<DefinitionId>, priority: i32| {
        json!({ "guardrail_id": id(2), "scope_type": scope, "scope_id": to,
            "priority": priority })
    };
    let tied = |n| Rejection::Tied {
        kind: GuardrailAttachment,
        id: id(n),
    };
    let mut given = stocked().and(&put(GuardrailAttachment, 4, &at("env", None, 1)));
    let model = given
        .owner()
        .definitions_of(Model)
        .next()
        .expect("stocked")
        .id;
    for priority in [1, 2] {
        let again = put(GuardrailAttachment, 5, &at("env", None, priority));
        assert_eq!(given.refused(&again), tied(4));
    }
    // Of one guardrail there may be several, each to another place.
    given.done(&put(GuardrailAttachment, 5, &at("model", Some(model), 1)));
    let again = put(GuardrailAttachment, 6, &at("model", Some(model), 1));
    assert_eq!(given.refused(&again), tied(5));
    let moved = replace(&given, GuardrailAttachment, 5, &at("env", None, 1));
    let moved = Command::PutDefinition(Box::new(moved));
    assert_eq!(given.refused(&moved), tied(4));
    // What stays where it is may change otherwise, and what went leaves room.
    let weighed = replace(&given, GuardrailAttachment, 4, &at("env", None, 7));
    given.done(&Command::PutDefinition(Box::new(weighed)));
    given.done(&remove(GuardrailAttachment, 4));
    given.done(&put(GuardrailAttachment, 6, &at("env", None, 1)));
    assert_eq!(given.owner().definitions_of(GuardrailAttachment).count(), 2);
    let back = given.refused(&given.undo(given.last() - 1));
    assert!(back.to_string().contains("does the same"), "{back}");
}

#[test]
fn values_and_their_number_are_bounded() {
    let long = |bytes: usize| {
        let text = "x".repeat(bytes);
        json!({ "name": "s", "url": "https://s.example.com", "type": "openapi",
            "spec": { "openapi": "3.1.0", "x": text } })
    };
    let mut given = stocked();
    given.done(&put(McpServer, 4, &long(MAX_VALUE_BYTES - 200)));
    let refused = given.refused(&put(McpServer, 5, &long(MAX_VALUE_BYTES)));
    let said = refused.to_string();
    assert!(
        said.ends_with(&format!("bytes as text, more than {MAX_VALUE_BYTES}")),
        "{said}"
    );

    let mut given = stocked();
    let mut owner = given.owner().clone();
    let one = owner
        .definitions_of(Model)
        .next()
        .map(Arc::clone)
        .expect("stocked");
    for n in 0..MAX_DEFINITIONS as u64 - 1 {
        let number = DefinitionNumber(100 + n);
        let id = id(100 + u128::from(n));
        let other = Definition {
            number,
            id,
            name: format!("m{n}"),
            ..(*one).clone()
        };
        owner.put_back(
            Revision::ZERO,
            &Change {
                resource: ResourceId::Definition(Model, number),
                value: Some(Resource::Definition(Box::new(other))),
            },
        );
    }
    given.state.owners.insert(OWNER, Arc::new(owner));
    let refused = given.refused(&put(Model, 5, &model("more")));
    let expected = Rejection::TooMany {
        what: "definitions of this kind",
        limit: MAX_DEFINITIONS,
    };
    assert_eq!(refused, expected);
    given.done(&put(A2aAgent, 5, &agent("another-kind")));
    given.done(&remove(Model, 100));
    given.done(&put(Model, 6, &model("more")));
}

#[test]
fn whoever_routes_to_a_wildcard_can_fill_it() {
    let wild = |name: &str, upstream: &str| {
        let mut value = model(name);
        value["model_name"] = json!(upstream);
        value
    };
    let leading = |name: &str| {
        let routing = json!({"targets": [{"model": "w*"}]});
        json!({"display_name": name, "routing": routing})
    };
    let mut given = stocked();
    given.done(&put(Model, 5, &wild("w*", "x-*")));
    let refused = given.refused(&put(Model, 6, &leading("lead"))).to_string();
    assert!(refused.contains("routing.targets[0].model"), "{refused}");
    given.done(&put(Model, 6, &leading("lead-*")));
    given.done(&put(Model, 7, &wild("v*", "fixed")));
    // Nor does a target come to have one that its referrers cannot fill.
    let number = |given: &Given, name: &str| {
        let found = given.owner().definition_named(Model, name);
        found.expect("it is there").number.0
    };
    let more = number(&given, "w*");
    let more = replace(&given, Model, more, &wild("w**", "x-**"));
    let refused = given
        .refused(&Command::PutDefinition(Box::new(more)))
        .to_string();
    assert!(refused.contains("model_name: has more *"), "{refused}");
}

#[test]
fn answers_warn_of_what_is_not_acted_upon() {
    let given = stocked();
    let warned = |command: &Command| -> Vec<String> {
        let decision = given.when(command).expect("legal");
        decision.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warned(&put(Guardrail, 9, &keyword("g"))),
        ["the guardrail is stored but not yet acted upon"]
    );
    assert_eq!(
        warned(&put(A2aAgent, 9, &agent("a"))),
        ["the A2A agent is stored but not yet acted upon"]
    );
    let mut empty = model("m");
    empty["level"] = json!(7);
    empty["rate_limit"] = json!({ "rpm": 1, "concurrency": 2 });
    assert_eq!(
        warned(&put(Model, 9, &empty)),
        ["the model \"m\" leads to Level 7, which has no usable key"]
    );
    assert_eq!(warned(&put(Model, 9, &model("m"))), Vec::<String>::new());
}

#[test]
fn a_name_that_is_not_seen_as_it_is_may_stay() {
    const OLD: &str = "m\u{200b}";
    let mut given = stocked();
    let mut owner = given.owner().clone();
    let number = DefinitionNumber(9);
    let old = Definition {
        number,
        id: id(9),
        kind: Model,
        name: OLD.to_owned(),
        value: JsonText(model(OLD).to_string()),
        secrets: Rare::default(),
        refers: Rare::default(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        revision: Revision(1),
    };
    owner.put_back(
        Revision(1),
        &Change {
            resource: ResourceId::Definition(Model, number),
            value: Some(Resource::Definition(Box::new(old))),
        },
    );
    given.state.owners.insert(OWNER, Arc::new(owner));
    let table = Table::new(&given.state);
    let table = table.owner(OWNER).expect("claimed");
    assert!(table.resolve(OLD).is_ok(), "it is understood");
    let mut other = model(OLD);
    for retries in [1, 2] {
        other["retries"] = json!(retries);
        let put = replace(&given, Model, 9, &other);
        given.done(&Command::PutDefinition(Box::new(put)));
    }
    given.done(&given.undo(given.last()));
    let now = stands(&given, Model, 9);
    assert_eq!(
        (&now["display_name"], &now["retries"]),
        (&json!(OLD), &json!(1))
    );
    // Nobody comes by such a name any more.
    let refused = given.refused(&put(Model, 10, &model("m\u{ad}")));
    assert_eq!(field(&refused), (Kind::Invalid, Some("display_name")));
    given.done(&Command::PutDefinition(Box::new(replace(
        &given,
        Model,
        9,
        &model("m"),
    ))));
    let back = Command::PutDefinition(Box::new(replace(&given, Model, 9, &other)));
    assert_eq!(
        field(&given.refused(&back)),
        (Kind::Invalid, Some("display_name"))
    );
}
