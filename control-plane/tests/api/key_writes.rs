//! Adding, changing, removing and waking keys.

use foldgate_proto::{Event, KeyNumber};
use foldgate_vault::SealContext;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::node::{Node, SECRET, new_key};

const OPENAI: &str = "https://api.openai.com";

#[tokio::test]
async fn required_fields_are_named() {
    let node = Node::start().await;
    for field in ["SecretKey", "Level", "Provider"] {
        let mut body = new_key(1, OPENAI);
        body.as_object_mut().unwrap().remove(field);
        let error = node
            .post("/x-keys", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], field);
        body[field] = Value::Null;
        let error = node
            .post("/x-keys", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], field);
    }
    assert_eq!(node.records().await.len(), 1);
}

#[tokio::test]
async fn each_bad_value_is_refused_by_name() {
    let node = Node::start().await;
    let own = node.base.clone();
    let own_name = node.base.replace("127.0.0.1", "localhost");
    let cases = [
        ("SecretKey", json!("sk-nineteen-chars-x")),
        ("SecretKey", json!(format!("{SECRET} x"))),
        ("SecretKey", json!(format!("{SECRET}\n"))),
        ("SecretKey", json!("ü".repeat(20))),
        ("SecretKey", json!("x".repeat(4097))),
        ("SecretKey", json!(12_345_678_901_234_567_890_u64)),
        ("Level", json!("1")),
        ("Level", json!(1.5)),
        ("Level", json!(-1)),
        ("Level", json!(10_000)),
        ("Level", json!(true)),
        ("Status", json!("true")),
        ("Status", json!(1)),
        ("Name", json!(5)),
        ("Name", json!("x".repeat(129))),
        ("Provider", json!("api.openai.com")),
        ("Provider", json!("ftp://api.openai.com")),
        ("Provider", json!("https://user:pw@api.openai.com")),
        ("Provider", json!("https://api.openai.com/?a=b")),
        ("Provider", json!("http://169.254.169.254")),
        ("Provider", json!(own)),
        ("Provider", json!(own_name)),
        ("Provider", json!(7)),
        ("Config", json!("standard")),
        ("Config", json!([])),
        ("Levle", json!(1)),
    ];
    for (field, value) in cases {
        let mut body = new_key(1, OPENAI);
        body[field] = value.clone();
        let error = node
            .post("/x-keys", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], field, "{value}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
    assert_eq!(node.records().await.len(), 1);
}

#[tokio::test]
async fn a_secret_is_sealed_before_the_log_sees_it() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    assert!(!node.log_text().await.contains(SECRET));
    let state = node.replica.state();
    let owner = state.owner(node.owner).unwrap();
    let key = owner.keys.get(&KeyNumber(1)).unwrap();
    let mut context = SealContext {
        owner: node.owner,
        resource: key.id.0,
        field: "secret",
    };
    let opened = node.vault.open(&context, &key.secret.sealed).unwrap();
    assert_eq!(opened.expose_secret(), SECRET);
    context.resource = node.owner.0;
    assert!(node.vault.open(&context, &key.secret.sealed).is_err());
}

#[tokio::test]
async fn a_known_provider_completes_the_level_mapper_as_an_event_of_its_own() {
    let node = Node::start().await;
    let added = node.post("/x-keys", &new_key(1, OPENAI)).await.ok();
    assert!(added.get("warnings").is_none(), "{added}");
    let record = node.records().await.pop().unwrap();
    let kinds: Vec<&str> = record.events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["KeyAdded", "LevelMapperCompleted"]);
    let conf = node.get("/x-conf").await.ok();
    assert_eq!(conf["LevelMapper"]["gpt*"], 1);
}

#[tokio::test]
async fn a_key_no_pattern_leads_to_is_warned_of() {
    let node = Node::start().await;
    let added = node
        .post("/x-keys", &new_key(5, "http://127.0.0.1:9"))
        .await
        .ok();
    let warnings = added["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().unwrap().contains("Level 5"), "{added}");
    assert_eq!(added["key"]["Name"], "127.0.0.1");
}

#[tokio::test]
async fn put_and_post_change_what_they_name() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let changed = node
        .put("/x-keys/1", &json!({"Level": 2, "Status": true}))
        .await
        .ok();
    assert_eq!(changed["success"], true);
    assert_eq!(changed["key"]["Level"], 2);
    assert_eq!(changed["key"]["Provider"], OPENAI);
    let changed = node
        .post("/x-keys/1", &json!({"Name": "n", "Status": false}))
        .await
        .ok();
    assert_eq!(changed["key"]["Name"], "n");
    assert_eq!(changed["key"]["Level"], 2);
    assert_eq!(changed["key"]["Status"], false);
    assert_eq!(changed["key"]["Disabled"]["By"], "owner:root");
    let listed = node.get("/x-keys/1").await.ok();
    assert_eq!(listed["keys"][0], changed["key"]);
}

#[tokio::test]
async fn what_get_shows_may_be_put_back() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    node.put("/x-keys/1", &json!({"Status": false})).await.ok();
    let before = node.get("/x-keys/1").await.ok()["keys"][0].clone();
    let revision = node.records().await.len();
    let put = node.put("/x-keys/1", &before).await.ok();
    assert_eq!(put["key"], before);
    assert_eq!(
        node.records().await.len(),
        revision,
        "nothing changed, nothing is written"
    );

    let mut renamed = before.clone();
    renamed["Name"] = json!("other");
    let put = node.put("/x-keys/1", &renamed).await.ok();
    assert_eq!(put["key"]["Name"], "other");
    assert_eq!(
        put["key"]["Disabled"], before["Disabled"],
        "its reason stays"
    );
    assert_eq!(put["key"]["SecretKey"], before["SecretKey"]);
    let state = node.replica.state();
    let key = state
        .owner(node.owner)
        .unwrap()
        .keys
        .get(&KeyNumber(1))
        .unwrap();
    assert_eq!(
        key.secret_revision.0, 2,
        "a masked secret is an unchanged one"
    );
}

#[tokio::test]
async fn a_new_secret_is_a_new_life() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let body = json!({"SecretKey": "sk-another-secret-of-enough-length-9999"});
    let put = node.put("/x-keys/1", &body).await.ok();
    assert!(put["key"]["SecretKey"].as_str().unwrap().ends_with("9999"));
    let state = node.replica.state();
    let key = state
        .owner(node.owner)
        .unwrap()
        .keys
        .get(&KeyNumber(1))
        .unwrap();
    assert_eq!(key.secret_revision.0, 3);
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    node.put("/x-keys/1", &json!({}))
        .await
        .refused(400, "nothing_to_change");
    node.put("/x-keys/9", &json!({"Level": 1}))
        .await
        .refused(404, "key_not_found");
    node.put("/x-keys/L1", &json!({"Level": 1}))
        .await
        .refused(400, "invalid_field");
    let cases = [
        ("ID", json!({"ID": 2, "Level": 1})),
        ("Name", json!({"Name": ""})),
        ("Level", json!({"Level": "2"})),
        ("SecretKey", json!({"SecretKey": "short"})),
        ("Provider", json!({"Provider": node.base})),
        ("Nmae", json!({"Nmae": "x"})),
    ];
    for (field, body) in cases {
        let error = node
            .put("/x-keys/1", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], field);
    }
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_its_number_is_not_used_again() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let deleted = node.delete("/x-keys/1").await.ok();
    assert_eq!(deleted["success"], true);
    assert_eq!(deleted["id"], 1);
    node.delete("/x-keys/1").await.refused(404, "key_not_found");
    node.get("/x-keys/1").await.refused(404, "key_not_found");
    assert_eq!(node.add_key(1, OPENAI).await, 2);
}

#[tokio::test]
async fn a_woken_key_no_longer_sleeps() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let report = crate::reports::sleep(&node, 1, Some("gpt-4o"));
    node.reports.publish_sleep(report);
    let asleep = async || {
        let conf = node.get("/x-conf").await.ok();
        conf["SleepingKeys"].as_array().unwrap().len()
    };
    crate::node::eventually("asleep", async || (asleep().await == 1).then_some(())).await;
    let mut heard = node.reports.subscribe();
    let woken = node.post("/x-keys/1/wake", &json!({})).await.ok();
    assert_eq!(woken["key"]["ID"], 1);
    assert_eq!(asleep().await, 0);
    let mut told = 0;
    while let Ok(foldgate_log::Report::Sleep(report)) = heard.try_recv() {
        assert_eq!(report.cause, foldgate_proto::SleepCause::Awake);
        told += 1;
    }
    assert_eq!(told, 2, "the key and its model");
    node.post("/x-keys/7/wake", &json!({}))
        .await
        .refused(404, "key_not_found");
}
