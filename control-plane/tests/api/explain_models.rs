//! `GET /admin/v1/explain` of Models: which won, its legs, and what is stored only.

use std::collections::BTreeMap;

use foldgate_domain::Command;
use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::{PatchAccount, ProfileEdit, PutDefinition};
use foldgate_proto::{
    AccountNumber, Actor, DefinitionId, DefinitionKind, Generation, KeyNumber, SleepCause,
    SleepReport, Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::history_world::{account, submit};
use crate::node::{Node, SOON, eventually};

async fn run(node: &Node, command: Command) {
    let settled = submit(node, node.owner, Actor::owner("root"), command).await;
    node.replica
        .wait_for(settled.revision(), SOON)
        .await
        .unwrap();
}

async fn model(node: &Node, value: Value) {
    let Value::Object(value) = value else {
        panic!("a Model is an object");
    };
    let put = PutDefinition {
        kind: DefinitionKind::Model,
        id: DefinitionId(Uuid::new_v4()),
        number: None,
        value,
        secrets: BTreeMap::new(),
    };
    run(node, Command::PutDefinition(Box::new(put))).await;
}

async fn explain(node: &Node, query: &str) -> Value {
    node.get(&format!("/admin/v1/explain?{query}")).await.ok()
}

/// Two Levels with a key each, a Model for each, and one for the first key alone.
async fn world() -> Node {
    let node = Node::start().await;
    for level in [1, 2] {
        node.add_key(level, "http://127.0.0.1:9").await;
    }
    let config = json!({"MODEL_MAPPER": "sm*=other", "LEVEL_MAPPER": "*=1", "SWITCH_OVER": "1=2"});
    node.put("/x-config", &config).await.ok();
    let key = node.replica.state().owner(node.owner).unwrap().keys[&KeyNumber(2)].id;
    let cheap = json!({
        "display_name": "cheap", "model_name": "cheap-up", "level": 1, "retries": 2,
        "timeout": 9000, "cost": {"input_per_1k": 0.1, "output_per_1k": 0.2},
        "cooldown": {"enabled": true, "default_seconds": 7, "trigger_on_transport": false},
        "rate_limit": {"rpm": 60, "concurrency": 3},
    });
    model(&node, cheap).await;
    let dear = json!({"display_name": "dear", "model_name": "dear-up", "provider_key_id": key.0,
        "cost": {"input_per_1k": 9.0, "output_per_1k": 9.0}, "auto_prompt_caching": {"enabled": true}});
    model(&node, dear).await;
    node
}

#[tokio::test]
async fn a_direct_model_is_told_with_its_keys_and_terms() {
    let node = world().await;
    let way = explain(&node, "model=cheap").await;
    assert_eq!(
        (&way["kind"], &way["routed"]),
        (&json!("direct"), &json!(true))
    );
    assert_eq!(way["winner"]["model"], "cheap");
    assert_eq!(way["upstream_model"], "cheap-up");
    assert_eq!((&way["level"], &way["levels"]), (&Value::Null, &json!([])));
    let leg = &way["legs"][0];
    assert_eq!(leg["state"], "awake");
    assert_eq!(
        (&leg["retries"], &leg["timeout"], &leg["concurrency"]),
        (&json!(2), &json!(9000), &json!(3))
    );
    assert_eq!(
        leg["cooldown"],
        json!({
            "default_seconds": 7, "max_seconds": 600, "honor_retry_after": true,
            "trigger_on_timeout": true, "trigger_on_transport": false,
            "trigger_statuses": [401, 408, 429, 500, 502, 503, 504],
        })
    );
    let levels = leg["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 2, "with what it switches over to");
    assert_eq!(levels[0]["keys"][0]["state"], "awake");
    assert_eq!(way["not_enforced"], json!([]));
    assert_eq!(way["models_not_understood"], json!([]));
}

#[tokio::test]
async fn a_model_that_routes_is_told_leg_by_leg() {
    let node = world().await;
    let smart = json!({"display_name": "smart", "allowed_cidrs": ["10.0.0.0/8"], "routing": {
        "strategy": "least_cost", "max_fallbacks": 1, "fallback_on_statuses": [400],
        "targets": [
            {"model": "dear", "tags": ["default"], "weight": 3},
            {"model": "cheap", "priority": 0},
        ],
    }});
    model(&node, smart).await;
    let way = explain(&node, "model=smart").await;
    // sm* of MODEL_MAPPER does not apply to what is a Model.
    assert_eq!(way["steps"][1]["to"], Value::Null);
    assert_eq!(
        (&way["kind"], &way["upstream_model"]),
        (&json!("routing"), &Value::Null)
    );
    let winner = &way["winner"];
    assert_eq!(
        (&winner["strategy"], &winner["order_is_fixed"]),
        (&json!("least_cost"), &json!(true))
    );
    assert_eq!(
        (&winner["max_fallbacks"], &winner["fallback_on_statuses"]),
        (&json!(1), &json!([400]))
    );
    assert_eq!(winner["allowed_cidrs"], json!(["10.0.0.0/8"]));
    let names: Vec<&str> = way["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| leg["model"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["cheap", "dear"], "the cheapest first");
    let dear = &way["legs"][1];
    assert_eq!(
        (&dear["tags"], &dear["weight"]),
        (&json!(["default"]), &json!(3))
    );
    assert_eq!(
        (&dear["one_key"], &dear["levels"][0]["keys"][0]["id"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(
        way["not_enforced"],
        json!([{"model": "dear", "fields": ["auto_prompt_caching"]}])
    );
    let plain = explain(&node, "model=smooth").await;
    assert_eq!(
        (&plain["kind"], &plain["level"]),
        (&json!("level"), &json!(1))
    );
    assert_eq!(plain["steps"][1]["pattern"], "sm*");
}

#[tokio::test]
async fn what_is_hashed_is_told_where_something_is() {
    let node = world().await;
    let hashed = |name: &str, on: Option<Value>| {
        let mut routing = json!({"strategy": "consistent_hash", "targets": [{"model": "cheap"}]});
        if let Some(on) = on {
            routing["hash_on"] = on;
        }
        json!({"display_name": name, "routing": routing})
    };
    let on = json!([{"type": "header", "name": "x-user"}, {"type": "client_ip"}]);
    model(&node, hashed("sticky", Some(on.clone()))).await;
    model(&node, hashed("plain-hash", None)).await;
    let told = explain(&node, "model=sticky").await["winner"].clone();
    assert_eq!(
        (&told["hash_on"], &told["order_is_fixed"]),
        (&on, &json!(false))
    );
    let told = explain(&node, "model=plain-hash").await["winner"].clone();
    assert_eq!(told["hash_on"], json!([{"type": "api_key"}]));
    let both = json!({"targets": [{"model": "cheap"}]});
    model(&node, json!({"display_name": "both", "routing": both})).await;
    let told = explain(&node, "model=both").await["winner"].clone();
    assert_eq!(told.get("hash_on"), None);
}

#[tokio::test]
async fn a_leg_in_cooldown_says_until_when_and_one_that_is_not_allowed_that() {
    let node = world().await;
    let both = json!({"targets": [{"model": "cheap"}, {"model": "dear"}]});
    model(&node, json!({"display_name": "both", "routing": both})).await;
    let root = node.replica.state().owner(node.owner).unwrap().account.0;
    let ann = account(
        &node,
        (Actor::owner("root"), root),
        "ann1",
        "sk-ann-key-0123456789",
    )
    .await;
    let patch = PatchAccount {
        number: AccountNumber(ann),
        parent: AccountNumber(root),
        profile: ProfileEdit {
            allow_levels: Some(ListEdit::parse("1").unwrap()),
            ..ProfileEdit::default()
        },
        credit: None,
    };
    run(&node, Command::PatchAccount(Box::new(patch))).await;
    let states = |way: &Value| -> Vec<String> {
        let legs = way["legs"].as_array().unwrap().iter();
        legs.map(|leg| leg["state"].as_str().unwrap().to_owned())
            .collect()
    };
    let own = explain(&node, "model=both&account=ann1").await;
    assert_eq!(states(&own), ["awake", "not_allowed"]);
    assert_eq!(own["routed"], true);
    let dear = explain(&node, "model=dear&account=ann1").await;
    assert_eq!(dear["refused"]["code"], "allow_levels");
    assert_eq!(states(&dear), ["not_allowed"]);
    let key = node.replica.state().owner(node.owner).unwrap().keys[&KeyNumber(2)].clone();
    let until = Timestamp(chrono::Utc::now().timestamp_millis() + 600_000);
    node.reports.publish_sleep(SleepReport {
        owner: node.owner,
        key: key.id,
        model: Some("dear-up".to_owned()),
        generation: Generation {
            secret: key.secret_revision,
            wake: 0,
        },
        until,
        cause: SleepCause::UpstreamError,
        status: Some(503),
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: Timestamp(0),
        node: "data-1".to_owned(),
        region: "eu".to_owned(),
    });
    let way = eventually("the cooldown is folded", async || {
        let way = explain(&node, "model=both").await;
        (states(&way) == ["awake", "asleep"]).then_some(way)
    })
    .await;
    assert_eq!(way["legs"][1]["until"], until.to_string());
    let shown = &way["legs"][1]["levels"][0]["keys"][0];
    assert_eq!(shown["for_model"], "dear-up");
}

#[tokio::test]
async fn a_wildcard_is_told_with_what_its_stars_stand_for() {
    let node = world().await;
    let wild = json!({"display_name": "acme/*", "model_name": "vendor/*", "level": 1});
    model(&node, wild).await;
    let way = explain(&node, "model=acme/big").await;
    assert_eq!(
        (&way["winner"]["model"], &way["upstream_model"]),
        (&json!("acme/*"), &json!("vendor/big"))
    );
}
