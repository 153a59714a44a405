//! `GET /admin/v1/explain`: the way of a request, and why.

use std::collections::BTreeMap;

use foldgate_domain::Command;
use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::{Change, LimitPatch, PatchAccount, ProfileEdit};
use foldgate_proto::{AccountNumber, Actor, Generation, Level, SleepCause, SleepReport, Timestamp};
use serde_json::{Value, json};

use crate::history_world::{account, submit};
use crate::node::{Node, SOON, eventually};

async fn explain(node: &Node, query: &str) -> Value {
    node.get(&format!("/admin/v1/explain?{query}")).await.ok()
}

#[tokio::test]
async fn each_mapping_names_its_winner_and_its_losers() {
    let node = Node::start().await;
    for level in [1, 2] {
        node.add_key(level, "http://127.0.0.1:9").await;
    }
    let config = json!({
        "MODEL_MAPPER": "gpt*=small, gpt-4*=large, *=small",
        "LEVEL_MAPPER": "la*=1, large=2, *=1",
        "SWITCH_OVER": "2=1, 1=2",
    });
    node.put("/x-config", &config).await.ok();
    let way = explain(&node, "model=gpt-4o").await;
    let steps = &way["steps"];
    assert_eq!(steps[0]["step"], "account_mapper");
    assert_eq!(steps[0]["to"], Value::Null);
    assert_eq!(steps[1]["pattern"], "gpt-4*");
    assert_eq!(steps[1]["to"], "large");
    let losing = [("gpt*", "small"), ("*", "small")];
    let losing = losing.map(|(pattern, to)| json!({"pattern": pattern, "to": to}));
    assert_eq!(steps[1]["losing"], json!(losing));
    assert_eq!(
        (&steps[2]["pattern"], &steps[2]["to"]),
        (&json!("large"), &json!(2))
    );
    assert_eq!(steps[2]["layer"], "owner");
    assert_eq!(
        (&way["level"], &way["switch_over"]),
        (&json!(2), &json!([1]))
    );
    assert_eq!(
        (&way["upstream_model"], &way["routed"]),
        (&json!("large"), &json!(true))
    );
    // It says what the table does.
    let table = node.replica.table();
    let route = table.owner(node.owner).unwrap().resolve("gpt-4o").unwrap();
    assert_eq!(way["level"], route.level().unwrap().get());
    assert_eq!(way["upstream_model"], route.model);
    assert_eq!(way["price"]["model"], "large");
    assert_eq!(way["price"]["priced"], false);
    assert_eq!(way["limits"]["enforced"], true);
}

#[tokio::test]
async fn the_price_says_who_set_what() {
    let node = Node::start().await;
    let pricing = json!({"ChatPricing": {"gpt-4*": {"InputText": 3}}}).to_string();
    let written = node
        .put("/x-config", &json!({"PRICING": pricing, "FACTOR": 1.15}))
        .await
        .ok();
    assert!(!written["warnings"].to_string().contains("PRICING"));
    let way = explain(&node, "model=gpt-4o").await;
    let price = &way["price"];
    assert_eq!(
        (&price["priced"], &price["rates"]),
        (&json!(true), &json!("1"))
    );
    assert_eq!(price["factor"], "1.15");
    assert_eq!(
        price["version"]["pricing"],
        node.replica.status().revision.0
    );
    let fields = price["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    let (read, written) = (field("InputText"), field("OutputText"));
    assert_eq!(
        (&read["usd"], &read["layer"]),
        (&json!("3"), &json!("owner"))
    );
    assert_eq!(read["row"], "gpt-4*");
    assert_eq!(
        (&written["usd"], &written["layer"]),
        (&json!("10"), &json!("shipped"))
    );
}

#[tokio::test]
async fn each_leg_of_a_model_that_routes_has_its_own_price() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    for (name, upstream) in [("small", "gpt-4o-mini"), ("own", "nobody-s-model")] {
        let model = json!({"display_name": name, "model_name": upstream, "level": 1});
        node.post("/admin/v1/models", &model).await.ok();
    }
    let targets = json!([{"model": "small"}, {"model": "own"}]);
    let routing = json!({"strategy": "failover", "targets": targets});
    let routes = json!({"display_name": "routes", "routing": routing});
    node.post("/admin/v1/models", &routes).await.ok();
    let way = explain(&node, "model=routes").await;
    assert_eq!(way["price"], Value::Null, "which one depends on the leg");
    for (place, name, priced) in [(0, "gpt-4o-mini", true), (1, "nobody-s-model", false)] {
        let leg = &way["legs"][place];
        assert_eq!(leg["price"]["model"], name);
        assert_eq!(leg["price"]["priced"], priced, "{leg}");
        assert_eq!(leg["price"]["fields"] == json!([]), !priced);
    }
    // As the leg's Model by itself.
    let direct = explain(&node, "model=small").await;
    assert_eq!(direct["price"], way["legs"][0]["price"]);
    assert_eq!(direct["price"], direct["legs"][0]["price"]);
}

#[tokio::test]
async fn each_key_says_why_it_serves_or_not() {
    let node = Node::start().await;
    for _ in 0..3 {
        node.add_key(1, "http://127.0.0.1:9").await;
    }
    node.put("/x-config", &json!({"LEVEL_MAPPER": "m=1"}))
        .await
        .ok();
    node.put("/x-keys/2", &json!({"Status": false})).await.ok();
    let azure = json!({
        "SecretKey": "azure-secret-0123456789-abcdef", "Level": 1,
        "Provider": "https://me.openai.azure.com",
        "Config": {"provider_type": "azure", "model_mapping": {"gpt-4o": "deployed"},
                   "api_versions": {"chat": "2025-01-01-preview"}},
    });
    node.post("/x-keys", &azure).await.ok();
    let state = node.replica.state();
    let key = state
        .owner(node.owner)
        .unwrap()
        .keys
        .values()
        .nth(2)
        .unwrap()
        .clone();
    let soon = Timestamp(chrono::Utc::now().timestamp_millis() + 600_000);
    let sleep = |model: Option<&str>, at: u64| SleepReport {
        owner: node.owner,
        key: key.id,
        model: model.map(str::to_owned),
        generation: Generation {
            secret: key.secret_revision,
            wake: at,
        },
        until: soon,
        cause: SleepCause::RateLimit,
        status: Some(429),
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: Timestamp(0),
        node: "data-1".to_owned(),
        region: "eu".to_owned(),
    };
    let states = async || {
        let way = explain(&node, "model=m").await;
        let keys = way["levels"][0]["keys"].as_array().unwrap().clone();
        let state = |key: &Value| key["state"].as_str().unwrap().to_owned();
        (keys.iter().map(state).collect::<Vec<_>>(), keys)
    };
    // Asleep for another model only.
    node.reports.publish_sleep(sleep(Some("other"), 0));
    node.reports.publish_sleep(sleep(Some("m"), 0));
    let keys = eventually("the sleep is folded", async || {
        let (states, keys) = states().await;
        (states == ["awake", "disabled", "asleep", "skipped"]).then_some(keys)
    })
    .await;
    assert_eq!(keys[2]["until"], soon.to_string());
    assert_eq!(keys[2]["cause"], "rate_limit");
    assert_eq!(keys[2]["for_model"], "m");
    assert!(keys[1]["reason"].is_string() && keys[3]["reason"].is_string());
}

#[tokio::test]
async fn an_account_s_own_mapper_and_lists_are_told() {
    let node = Node::start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    node.put("/x-config", &json!({"LEVEL_MAPPER": "small=1, large=2"}))
        .await
        .ok();
    let root = node.replica.state().owner(node.owner).unwrap().account.0;
    let owner = || Actor::owner("root");
    let ann = account(&node, (owner(), root), "ann1", "sk-ann-key-0123456789").await;
    let profile = ProfileEdit {
        model_mapper: Some(BTreeMap::from([("fast".to_owned(), "small".to_owned())])),
        allow_models: Some(ListEdit::parse("fast small large").unwrap()),
        allow_levels: Some(ListEdit::parse("1").unwrap()),
        limits: LimitPatch {
            rpm: Change::Set(60),
            ..LimitPatch::default()
        },
        ..ProfileEdit::default()
    };
    let patch = PatchAccount {
        number: AccountNumber(ann),
        parent: AccountNumber(root),
        profile,
        credit: None,
    };
    let settled = submit(
        &node,
        node.owner,
        owner(),
        Command::PatchAccount(Box::new(patch)),
    );
    let revision = settled.await.revision();
    node.replica.wait_for(revision, SOON).await.unwrap();
    for named in [
        ann.to_string(),
        "ANN1".to_owned(),
        "ann1@example.com".to_owned(),
        format!(".{root}.{ann}."),
    ] {
        let way = explain(&node, &format!("model=fast&account={named}")).await;
        assert_eq!(way["account"]["id"], ann, "{named}");
        assert_eq!(way["steps"][0]["pattern"], "fast");
        assert_eq!(way["upstream_model"], "small");
        assert_eq!(way["routed"], true);
        assert_eq!(way["limits"]["limits"][0]["of"], format!("account/{ann}"));
        assert_eq!(way["limits"]["limits"][0]["limit"]["rpm"], 60);
    }
    let large = explain(&node, "model=large&account=ann1").await;
    assert_eq!(large["refused"]["code"], "allow_levels");
    assert_eq!(large["levels"][0]["allowed"], false);
    assert_eq!(large["level"], json!(Level::new(2).unwrap()));
    let other = explain(&node, "model=other&account=ann1").await;
    assert_eq!(other["refused"]["code"], "allow_models");
    assert_eq!(other["allow_models"][0]["allowed"], false);
    let own = explain(&node, "model=fast").await;
    assert_eq!(own["account"]["id"], root);
    assert_eq!(own["refused"]["code"], "model_not_found");
    for (query, status, param) in [
        ("", 400, "model"),
        ("model=", 400, "model"),
        ("model=m&account=nobody", 404, "account"),
        ("model=m&account=999", 404, "account"),
        ("model=m&odd=1", 400, "odd"),
    ] {
        let refused = node.get(&format!("/admin/v1/explain?{query}")).await;
        assert_eq!(refused.status.as_u16(), status, "{query}");
        assert_eq!(refused.error()["param"], param, "{query}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_is_said_to_be_no_account() {
    let node = Node::start().await;
    for account in ["99", "nobody", "nobody@example.com", ".1.99."] {
        let path = format!("/admin/v1/explain?model=m&account={account}");
        let error = node.get(&path).await.refused(404, "account_not_found");
        assert_eq!(error["param"], "account");
    }
}
