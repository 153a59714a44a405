//! Bills over HTTP: usage goes in as a node's sender hands it over.

use std::collections::BTreeMap;

use foldgate_log::usage::codec;
use foldgate_proto::{
    AccountNumber, CallerKeyNumber, Measure, NanoDollars, PriceVersion, Quantities, Timestamp,
    UsageBatch, UsageRecord,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::node::Node;

/// 2026-11-20T12:00:00Z
const DAY: i64 = 1_795_176_000_000;

pub(crate) fn used(node: &Node, account: u64, model: &str, cost: i64) -> UsageRecord {
    UsageRecord {
        id: Uuid::new_v4(),
        owner: node.owner,
        account: AccountNumber(account),
        caller_key: None,
        provider_key: None,
        level: None,
        endpoint: "chat/completions".to_owned(),
        requested: model.to_owned(),
        model: model.to_owned(),
        upstream: None,
        quantities: Quantities {
            input: 100,
            cached: 10,
            output: 20,
            reasoning: 5,
            ..Quantities::default()
        },
        image_size: None,
        measure: Measure::Reported,
        cost: NanoDollars(cost),
        unpriced: false,
        factor: foldgate_proto::Rates::ONE,
        prices: PriceVersion::default(),
        status: 200,
        at: Timestamp(DAY),
        took_ms: 1,
        first_byte_ms: None,
    }
}

/// Hands a batch over, as a sender does; it is folded when this returns.
pub(crate) async fn hand_over(node: &Node, number: u64, records: Vec<UsageRecord>) {
    let batch = UsageBatch {
        node: "dp".to_owned(),
        region: "east".to_owned(),
        spool: Uuid::from_u128(5),
        number,
        records,
    };
    let bytes = codec::encode(&batch).unwrap().into();
    let to = (batch.spool, number);
    node.usage.deliver(("east", "dp"), to, bytes).await.unwrap();
}

async fn root(node: &Node) -> u64 {
    node.get("/dashboard/status").await.ok()["id"]
        .as_u64()
        .unwrap()
}

async fn text(node: &Node, key: &str, path: &str, accept: Option<&str>) -> (String, String) {
    let mut request = node.with(key).request(Method::GET, path);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap();
    (kind.to_owned(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_owner_sees_its_own_use_by_day_and_model() {
    let node = Node::start().await;
    let root = root(&node).await;
    let mut second = used(&node, root, "claude", 2_500_000_000);
    second.at = Timestamp(DAY + 86_400_000);
    let records = vec![
        used(&node, root, "gpt-4o", 1),
        used(&node, root, "gpt-4o", 2),
        second,
    ];
    hand_over(&node, 1, records.clone()).await;
    // Its sender died before it heard that it had arrived.
    hand_over(&node, 1, records).await;
    let bill = node
        .get("/dashboard/bill?start=2026-11-19&end=2026-11-22")
        .await
        .ok();
    assert_eq!(
        (&bill["start"], &bill["end"]),
        (&json!("2026-11-19"), &json!("2026-11-22"))
    );
    assert_eq!(bill["complete_since"], Value::Null);
    let days = bill["data"].as_array().unwrap();
    assert_eq!(days.len(), 2);
    let first = &days[0];
    assert_eq!(first["date"], "2026-11-20");
    assert_eq!(first["aggregation_timestamp"], (DAY - 43_200_000) / 1000);
    assert_eq!(first["n_requests"], 2);
    assert_eq!(first["n_context_tokens_total"], 220);
    assert_eq!(first["n_generated_tokens_total"], 50);
    assert_eq!(first["n_cached_tokens_total"], 20);
    let model = &first["usage_details"]["gpt-4o"];
    assert_eq!(
        (&model["requests"], &model["cost_nano_usd"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(
        (&model["prompt"], &model["completion"]),
        (&json!(220), &json!(50))
    );
    assert_eq!(model["cost"].to_string(), "3e-9");
    assert_eq!(
        model["quantities"],
        json!({"input": 200, "cached": 20, "output": 40, "reasoning": 10})
    );
    assert_eq!(days[1]["usage_details"]["claude"]["cost"], json!(2.5));
    assert_eq!(bill["total_usage"]["requests"], 3);
    assert_eq!(bill["total_usage"]["cost_nano_usd"], 2_500_000_003_u64);
    let one = node.get("/dashboard/bill?date=2026-11-21").await.ok();
    assert_eq!(one["total_usage"]["requests"], 1);
    let today = node.get("/dashboard/bill").await.ok();
    assert_eq!(today["data"], json!([]));
    assert_eq!(today["total_usage"]["cost"], 0);
}

#[tokio::test]
async fn an_account_sees_itself_and_those_below_it_and_nobody_else() {
    let node = Node::start().await;
    let (team, team_key) = node.add_user("team", &json!({})).await;
    let (other, other_key) = node.add_user("other", &json!({})).await;
    let (child, child_key) = node.with(&team_key).add_user("child", &json!({})).await;
    let root = root(&node).await;
    let records = [(root, 1), (team, 10), (child, 100), (other, 1_000)];
    let records = records.map(|(account, cost)| used(&node, account, "gpt-4o", cost));
    hand_over(&node, 1, records.to_vec()).await;
    let cost = async |key: &str, path: &str| {
        let bill = node.with(key).get(path).await.ok();
        bill["total_usage"]["cost_nano_usd"].as_u64().unwrap()
    };
    let range = "start=2026-11-01&end=2026-11-30";
    for (key, own, below) in [
        (&team_key, 10, 100),
        (&child_key, 100, 0),
        (&other_key, 1_000, 0),
    ] {
        assert_eq!(cost(key, &format!("/dashboard/bill?{range}")).await, own);
        assert_eq!(cost(key, &format!("/x-bill?{range}")).await, below);
    }
    for (user, wanted) in [
        (team.to_string(), 110),
        ("TEAM".to_owned(), 110),
        (format!(".{root}.{team}."), 110),
        (child.to_string(), 100),
    ] {
        let bill = node.get(&format!("/x-bill?{range}&user={user}")).await.ok();
        assert_eq!(bill["total_usage"]["cost_nano_usd"], wanted, "{user}");
    }
    let all = node.get(&format!("/x-bill?{range}")).await.ok();
    assert_eq!(all["total_usage"]["cost_nano_usd"], 1_110);
    let users = all["usage_users"].as_array().unwrap();
    let names: Vec<_> = users
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["other", "child", "team"]);
    let share = &users[0]["usage_analysis"];
    assert_eq!(
        (&share["request_percentage"], &share["cost_percentage"]),
        (&json!(33.33), &json!(90.09))
    );

    // An admin key of whichever role reads what the owner reads.
    let auditor = node.add_admin_key("auditor").await;
    assert_eq!(cost(&auditor, &format!("/x-bill?{range}")).await, 1_110);
    // Who is elsewhere, and who is nowhere, are told apart by nobody.
    for user in [
        other.to_string(),
        "nobody".to_owned(),
        root.to_string(),
        team.to_string(),
    ] {
        let refused = node
            .with(&team_key)
            .get(&format!("/x-bill?user={user}"))
            .await;
        refused.refused(404, "account_not_found");
    }
    // What was used stays when the account goes.
    node.delete(&format!("/x-users/{other}")).await.ok();
    let all = node.get(&format!("/x-bill?{range}")).await.ok();
    assert_eq!(all["total_usage"]["cost_nano_usd"], 1_110);
    assert_eq!(all["usage_users"][0]["name"], Value::Null);
}

#[tokio::test]
async fn use_is_told_by_caller_key() {
    let node = Node::start().await;
    let root = root(&node).await;
    let mut with_key = used(&node, root, "gpt-4o", 5);
    with_key.caller_key = Some(CallerKeyNumber(77));
    hand_over(&node, 1, vec![with_key, used(&node, root, "gpt-4o", 3)]).await;
    let bill = node.get("/dashboard/bill?date=2026-11-20").await.ok();
    let keys = bill["usage_keys"].as_array().unwrap().iter();
    let costs: BTreeMap<_, _> = keys
        .map(|key| (key["id"].to_string(), key["cost_nano_usd"].clone()))
        .collect();
    let wanted = [("77".to_owned(), json!(5)), ("null".to_owned(), json!(3))];
    assert_eq!(costs, BTreeMap::from(wanted));
}

#[tokio::test]
async fn bills_come_as_csv_where_that_is_asked_for() {
    let node = Node::start().await;
    let (team, key) = node
        .add_user("team, \"x\"", &json!({"Email": "x@example.com"}))
        .await;
    let record = used(&node, team, "=cmd", 1_500_000);
    hand_over(&node, 1, vec![record]).await;
    let wanted = format!(
        "2026-11-20,{team},\"team, \"\"x\"\"\",'=cmd,1,0,0,0,110,25,0.0015,1500000,\
         100,10,0,0,0,0,0,20,5,0,0,0,0,0,0\r\n"
    );
    for (path, accept) in [
        ("/dashboard/bill?date=2026-11-20&format=csv", None),
        ("/dashboard/bill?date=2026-11-20", Some("text/csv")),
        (
            "/dashboard/bill?date=2026-11-20",
            Some("text/html, Text/CSV;q=0.5"),
        ),
    ] {
        let (kind, text) = text(&node, &key, path, accept).await;
        assert_eq!(kind, "text/csv; charset=utf-8");
        let (head, lines) = text.split_once("\r\n").unwrap();
        assert!(head.starts_with("date,account_id,account,model,requests"));
        assert_eq!(lines, wanted);
    }
    let owner = crate::node::OWNER_KEY;
    let (_, of_all) = text(&node, owner, "/x-bill?date=2026-11-20&format=csv", None).await;
    assert!(of_all.ends_with(&wanted));
    let path = "/dashboard/bill?date=2026-11-20&format=json";
    assert_eq!(
        text(&node, &key, path, Some("text/csv")).await.0,
        "application/json"
    );
}

/// Nobody is to take for free what has no price.
#[tokio::test]
async fn calls_without_a_price_are_told_apart_in_every_row() {
    let node = Node::start().await;
    let root = root(&node).await;
    let today = foldgate_proto::Timestamp::from(chrono::Utc::now());
    let record = |model: &str, cost, unpriced| UsageRecord {
        unpriced,
        at: today,
        ..used(&node, root, model, cost)
    };
    let records = vec![
        record("house", 0, true),
        record("house", 0, true),
        record("house", 5, false),
        record("moderation", 0, false),
    ];
    hand_over(&node, 1, records).await;
    let bill = node.get("/dashboard/bill?days=2").await.ok();
    assert_eq!(bill["total_usage"]["unpriced"], 2);
    let day = &bill["data"][0];
    assert_eq!(day["n_unpriced"], 2);
    assert_eq!(day["usage_details"]["house"]["unpriced"], 2);
    assert_eq!(day["usage_details"]["moderation"]["unpriced"], 0);
    assert_eq!(bill["usage_keys"][0]["unpriced"], 2);
    for path in ["/dashboard/live", "/dashboard/info"] {
        let usage = node.get(path).await.ok()["usage"].clone();
        for span in ["month", "total"] {
            assert_eq!(usage[span]["unpriced"], 2, "{path} {span}");
        }
    }
    let path = "/dashboard/bill?days=2&format=csv";
    let (_, csv) = text(&node, crate::node::OWNER_KEY, path, None).await;
    let (head, lines) = csv.split_once("\r\n").unwrap();
    let column = head.split(',').position(|name| name == "unpriced").unwrap();
    let house = lines.lines().find(|line| line.contains(",house,")).unwrap();
    assert_eq!(house.split(',').nth(column), Some("2"));
}

#[tokio::test]
async fn what_a_bill_cannot_be_of_is_refused_by_name() {
    let node = Node::start().await;
    for path in ["/dashboard/bill", "/x-bill"] {
        for (query, param) in [
            ("date=2026-02-30", "date"),
            ("start=2026-01-02&end=2026-01-01", "end"),
            ("days=0", "days"),
            ("days=2&date=2026-01-01", "date"),
            ("format=xml", "format"),
            ("month=11", "month"),
            ("date=2026-01-01&date=2026-01-01", "date"),
        ] {
            let refused = node.get(&format!("{path}?{query}")).await;
            let error = refused.refused(400, "invalid_field");
            assert_eq!(error["param"], param, "{query}");
        }
    }
    let refused = node.get("/dashboard/bill?user=1").await;
    refused.refused(400, "invalid_field");
}

#[tokio::test]
async fn the_dashboard_tells_of_today_and_this_month() {
    let node = Node::start().await;
    let root = root(&node).await;
    let mut now = used(&node, root, "gpt-4o", 4);
    now.at = chrono_now();
    hand_over(&node, 1, vec![now, used(&node, root, "gpt-4o", 3)]).await;
    for path in ["/dashboard/info", "/dashboard/live"] {
        let body = node.get(path).await.ok();
        assert_eq!(body["usage"]["today"]["cost_nano_usd"], 4, "{path}");
        assert_eq!(body["usage"]["total"]["cost_nano_usd"], 7, "{path}");
        let month = body["usage"]["month"]["cost_nano_usd"].as_u64().unwrap();
        assert!((4..=7).contains(&month), "{path}");
        assert_eq!(body["user"]["id"], root);
    }
    node.stop().await;
}

fn chrono_now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(i64::try_from(now.unwrap().as_millis()).unwrap())
}
