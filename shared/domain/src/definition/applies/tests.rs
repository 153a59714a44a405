use foldgate_proto::DefinitionKind;
use foldgate_proto::{DefinitionId, JsonText, KeyTerms};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, Rule, Served, counting, member};
use crate::command::Change;
use crate::decide::tests::definition::put;
use crate::decide::tests::people::{key_of, patch_key_of};
use crate::definition::tests::values::{owner, stocked};
use crate::definition::{
    CachePolicy, Defined, GuardrailAttachment, RateLimitPolicy, Registered, read,
};
use crate::{Caller, Destination, Table, Whose};

// See `stocked`.
const KEY: Uuid = Uuid::from_u128(0x9);
const TEAM: Uuid = Uuid::from_u128(0x01fd);
const MODEL: Uuid = Uuid::from_u128(0x1389);
const NOBODY: Uuid = Uuid::from_u128(0xffff);

const NONE: Call<'static> = Call {
    names: &["asked"],
    models: &[],
    provider: None,
    teams: &[],
    api_key: None,
    member: None,
};

const SERVED: &[Served<'static>] = &[
    Served {
        id: DefinitionId(Uuid::from_u128(0x2000)),
        name: "lead",
    },
    Served {
        id: DefinitionId(MODEL),
        name: "gpt-4o",
    },
];

/// A call of a member of the team, by a Model that leads to another.
const FULL: Call<'static> = Call {
    names: &["asked", "mapped", "lead"],
    models: SERVED,
    provider: Some("openai"),
    teams: &[Uuid::from_u128(0x7), TEAM],
    api_key: Some(KEY),
    member: Some("ann"),
};

/// A value that is legal where [`owner`] is.
fn legal<T: Defined>(value: Value) -> T {
    let map = value.as_object().expect("an object");
    let line = Registered::of(T::KIND).expect("registered");
    line.check(map, &owner()).expect("legal");
    read(value).expect("legal")
}

fn attached(scope: &str, id: Option<Uuid>) -> GuardrailAttachment {
    legal(json!({
        "guardrail_id": Uuid::from_u128(0x138a), "scope_type": scope, "scope_id": id, "priority": 1,
    }))
}

fn cached(applies_to: &str) -> CachePolicy {
    legal(json!({ "name": "c", "applies_to": applies_to }))
}

fn scoped(scope: &str, named: &str) -> Rule {
    let policy: RateLimitPolicy = legal(json!({
        "name": "p", "scope": scope, "scope_ref": named, "window": "minute", "max_requests": 1,
    }));
    Rule::limit(&policy, &owner()).expect("understood")
}

fn meeting(conditions: &Value) -> Rule {
    let policy = legal(json!({ "name": "p", "limits": { "rpm": 1 }, "conditions": conditions }));
    Rule::limit(&policy, &owner()).expect("understood")
}

#[test]
fn an_attachment_is_about_the_calls_of_its_scope() {
    let rule = |scope, id| Rule::attachment(&attached(scope, id)).expect("about calls");
    assert!(rule("env", None).applies(&NONE));
    for (scope, id) in [("model", MODEL), ("api_key", KEY), ("team", TEAM)] {
        let rule = rule(scope, Some(id));
        assert!(rule.applies(&FULL), "{scope}");
        assert!(!rule.applies(&NONE), "{scope}");
    }
    // The Model's other neighbours and keys are not meant.
    let only_lead = Call {
        models: &SERVED[..1],
        ..FULL
    };
    assert!(!rule("model", Some(MODEL)).applies(&only_lead));
    let other_key = Call {
        api_key: Some(NOBODY),
        ..FULL
    };
    assert!(!rule("api_key", Some(KEY)).applies(&other_key));
}

#[test]
fn what_is_off_or_for_tools_is_about_no_call() {
    let tools = attached("mcp_server", Some(Uuid::from_u128(0x138b)));
    assert!(Rule::attachment(&tools).is_none());
    let mut off = attached("env", None);
    off.enabled = false;
    assert!(Rule::attachment(&off).is_none());
    let mut off = cached("all");
    off.enabled = false;
    assert!(Rule::cache(&off).is_none());
}

#[test]
fn a_cache_policy_names_a_model_as_callers_do() {
    let about = |applies_to: &str, call| Rule::cache(&cached(applies_to)).unwrap().applies(call);
    assert!(about("all", &NONE));
    for name in ["asked", "mapped", "lead"] {
        assert!(about(&format!("model:{name}"), &FULL), "{name}");
    }
    // Nobody asked for the target; and names are models' names, not patterns.
    for name in ["gpt-4o", "ask*", "ASKED"] {
        assert!(!about(&format!("model:{name}"), &FULL), "{name}");
    }
    // Nor by its id.
    assert!(!about(&format!("model:{MODEL}"), &FULL));
    let asked = Call {
        models: &SERVED[1..],
        ..NONE
    };
    assert!(about(&format!("model:{MODEL}"), &asked));
    assert!(about(&format!("api_key:{KEY}"), &FULL));
    assert!(!about(&format!("api_key:{KEY}"), &NONE));
}

#[test]
fn a_plain_policy_is_about_what_its_scope_ref_names() {
    let model = MODEL.to_string();
    let (key, team) = (KEY.to_string(), TEAM.to_string());
    for (scope, named) in [
        ("api_key", key.as_str()),
        ("team", &team),
        ("member", "ann"),
        ("team_member", &team),
    ] {
        let rule = scoped(scope, named);
        assert!(rule.applies(&FULL), "{scope} {named}");
        assert!(!rule.applies(&NONE), "{scope} {named}");
    }
    // A Model's limits are those of calls that name it.
    let named = Call {
        models: &SERVED[1..],
        ..FULL
    };
    for model in [model.as_str(), "GPT-4o"] {
        assert!(scoped("model", model).applies(&named), "{model}");
        assert!(!scoped("model", model).applies(&FULL), "{model}");
    }
    let nameless = Call {
        member: None,
        ..FULL
    };
    assert!(scoped("team", &team).applies(&nameless));
    assert!(!scoped("team_member", &team).applies(&nameless));
    assert!(!scoped("member", "bob").applies(&FULL));
}

#[test]
fn comparisons_hold_of_what_a_call_has() {
    let (key, team, model) = (KEY.to_string(), TEAM.to_string(), MODEL.to_string());
    let held = [
        json!([{ "dimension": "team", "operator": "==", "value": team }]),
        json!([{ "dimension": "api_key", "operator": "in", "value": [key] }]),
        json!([{ "dimension": "model", "operator": "==", "value": model }]),
        json!([{ "dimension": "member", "operator": "in", "value": ["bob", "ann"] }]),
        json!([{ "dimension": "model_name", "operator": "==", "value": "gpt-4o" }]),
        json!([{ "dimension": "model_name", "operator": "~~", "value": "^map" }]),
        json!([{ "dimension": "provider", "operator": "~*", "value": "^OPEN" }]),
    ];
    for conditions in held {
        assert!(meeting(&conditions).applies(&FULL), "{conditions}");
        assert!(!meeting(&conditions).applies(&NONE), "{conditions}");
        let mut turned = conditions.clone();
        turned[0]["negate"] = json!(true);
        assert!(!meeting(&turned).applies(&FULL), "{turned}");
        assert!(meeting(&turned).applies(&NONE), "{turned}");
    }
    // Of several Models and accounts none is unequal but all.
    for (dimension, value) in [("team", &team), ("model", &model)] {
        let unequal = json!([{ "dimension": dimension, "operator": "~=", "value": value }]);
        assert!(!meeting(&unequal).applies(&FULL));
        assert!(meeting(&unequal).applies(&NONE));
    }
    let case = json!([{ "dimension": "provider", "operator": "~~", "value": "^OPEN" }]);
    assert!(!meeting(&case).applies(&FULL));
    assert!(meeting(&json!([])).applies(&NONE), "no condition is met");
}

#[test]
fn groups_hold_as_their_logic_says() {
    let named = |name: &str| json!({ "dimension": "member", "operator": "==", "value": name });
    let group = |logic: &str, negate: bool, children: Value| json!([{ "logic": logic, "negate": negate, "children": children }]);
    let both = json!([named("ann"), named("bob")]);
    for (conditions, holds) in [
        (group("or", false, both.clone()), true),
        (group("and", false, both.clone()), false),
        (group("or", true, both.clone()), false),
        (group("and", true, both.clone()), true),
        (both, false),
        (
            group("and", false, group("or", false, json!([named("ann")]))),
            true,
        ),
    ] {
        assert_eq!(meeting(&conditions).applies(&FULL), holds, "{conditions}");
    }
}

#[test]
fn of_one_guardrails_attachments_the_greatest_priority_counts() {
    let of = |guardrail: u128, priority: i32| GuardrailAttachment {
        guardrail_id: Uuid::from_u128(guardrail),
        priority,
        ..attached("env", None)
    };
    let all = [of(1, 5), of(2, i32::MIN), of(1, 7), of(1, 7), of(1, -1)];
    let all: Vec<&GuardrailAttachment> = all.iter().collect();
    assert_eq!(counting(&all), [false, true, true, false, false]);
    assert_eq!(counting(&[]), [false; 0]);
}

#[test]
fn a_member_is_who_the_key_says_uses_it() {
    let with = |more: Option<&str>| {
        let terms = KeyTerms {
            more: more.map(|more| JsonText(more.to_owned())),
            ..KeyTerms::default()
        };
        member(&terms)
    };
    assert_eq!(with(None), None);
    assert_eq!(with(Some(r#"{"allowed_tools":[]}"#)), None);
    assert_eq!(with(Some("not JSON")), None);
    assert_eq!(
        with(Some(r#"{"user_id":"ann","user_name":"A"}"#)),
        Some("ann".to_owned())
    );
}

/// Whatever is legal is understood.
#[test]
fn every_good_value_has_its_rule() {
    for (kind, value) in crate::definition::tests::values::good() {
        let rule = match kind {
            DefinitionKind::RateLimitPolicy => Rule::limit(&legal(value.clone()), &owner()),
            DefinitionKind::CachePolicy => {
                let policy: CachePolicy = legal(value.clone());
                let on = CachePolicy {
                    enabled: true,
                    ..policy
                };
                Rule::cache(&on)
            }
            _ => continue,
        };
        assert!(rule.is_some(), "{kind} {value}");
    }
}

/// What is enforced and what is told of it are two readings of one policy.
#[test]
fn limits_are_told_as_they_are_enforced() {
    let (key, team, model) = (KEY.to_string(), TEAM.to_string(), MODEL.to_string());
    let scopes = [
        ("api_key", key.as_str()),
        ("model", &model),
        ("model", "gpt-4o"),
        ("team", &team),
        ("member", "ann"),
        ("team_member", &team),
    ];
    let mut given = stocked();
    for (at, (scope, named)) in (1_u64..).zip(scopes) {
        let policy = json!({
            "name": format!("p{at}"), "scope": scope, "scope_ref": named, "window": "hour",
            "max_requests": at,
        });
        given = given.and(&put(
            DefinitionKind::RateLimitPolicy,
            u128::from(10 + at),
            &policy,
        ));
    }
    let lead = json!({ "display_name": "lead", "routing": { "targets": [{ "model": "gpt-4o" }] } });
    given = given.and(&put(DefinitionKind::Model, 30, &lead));
    given.done(&patch_key_of(key_of(2, 1), |patch| {
        patch.terms.more = Change::Set(JsonText(r#"{"user_id":"ann"}"#.to_owned()));
    }));
    let state = &given.state;
    let table = Table::new(state);
    let owner = given.owner();
    let table = table.owner(owner.id).expect("claimed");
    let key = owner.caller_keys.values().next().expect("one");
    let member = member(&key.terms);
    assert!(member.is_some());
    for (account, presented) in [(owner.account, None), (key.account, Some(key.number))] {
        for model in ["gpt-4o", "lead"] {
            let caller = Caller {
                owner: owner.id,
                account,
                key: presented,
                expires_at: None,
            };
            let access = table.access(&caller, given.now).expect("in good standing");
            let route = table.resolve(model).expect("a Model");
            let limits = access.limits(model, &route).into_iter();
            let limits = limits.filter(|limit| limit.whose == Whose::Policy);
            let mut enforced: Vec<u64> = limits.map(|limit| limit.rule.limit).collect();
            enforced.sort_unstable();
            let Destination::Model(named) = route.to else {
                panic!("{model} is a Model");
            };
            let teams: Vec<Uuid> = owner.lineage(account).map(|a| a.id.0).collect();
            let call = Call {
                models: &[Served {
                    id: named.id,
                    name: model,
                }],
                teams: &teams,
                api_key: presented.map(|_| key.id.0),
                member: member.as_deref().filter(|_| presented.is_some()),
                ..NONE
            };
            let told = owner.definitions_of(DefinitionKind::RateLimitPolicy);
            let told = told.filter_map(|definition| {
                let policy: RateLimitPolicy = crate::definition::stored(&definition.value)?;
                let rule = Rule::limit(&policy, owner)?;
                rule.applies(&call).then_some(policy.max_requests?)
            });
            assert_eq!(told.collect::<Vec<_>>(), enforced, "{model} {presented:?}");
        }
    }
}
