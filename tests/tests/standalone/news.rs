//! `/x-news` and `/dashboard/news`.

use foldgate_tests::admin::list;
use foldgate_tests::{Admin, Settings};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

async fn publish(admin: &Admin, path: &str, body: &Value) -> Value {
    let answer = admin.post(path, body).await.ok();
    assert_eq!(answer["success"], true);
    assert!(answer["news"]["id"].is_u64(), "{answer}");
    answer["news"].clone()
}

/// Seconds from creation to expiry.
fn lifetime(item: &Value) -> i64 {
    let seconds = |name: &str| {
        let text = item[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {item}"));
        timestamp(text)
    };
    seconds("expires_at") - seconds("created_at")
}

/// Seconds since 1970 of `2025-01-01T00:00:00Z`, by the civil-days formula.
fn timestamp(text: &str) -> i64 {
    let numbers: Vec<i64> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect();
    let [year, month, day, hour, minute, second, ..] = numbers[..] else {
        panic!("no time: {text}")
    };
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    days * DAY + hour * 3600 + minute * 60 + second
}

#[tokio::test]
async fn news_is_published_listed_and_taken_back() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let body = json!({"title": "Maintenance", "content": "Tomorrow, 2 to 4."});
    let item = publish(&admin, "/x-news", &body).await;
    assert_eq!(lifetime(&item), 7 * DAY);
    let news = admin.get("/dashboard/news").await.ok();
    assert_eq!(news["success"], true);
    let shown = &list(&news["system_news"])[0];
    assert_eq!(shown["title"], "Maintenance");
    assert_eq!(shown["content"], "Tomorrow, 2 to 4.");
    assert_eq!(shown["id"], item["id"]);
    assert!(list(&news["user_news"]).is_empty());
    admin
        .delete("/x-news", Some(&json!({"id": item["id"]})))
        .await
        .ok();
    let news = admin.get("/dashboard/news").await.ok();
    assert!(list(&news["system_news"]).is_empty());
    admin
        .delete("/x-news", Some(&json!({"id": item["id"]})))
        .await
        .refusal(404);
    admin.delete("/x-news", Some(&json!({}))).await.refusal(400);
}

#[tokio::test]
async fn news_can_be_targeted_and_given_another_life() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let body = json!({"title": "Balance", "content": "Below $10."});
    for target in ["42", "alice", "alice%40example.com", ".1.42."] {
        let item = publish(&admin, &format!("/x-news/{target}"), &body).await;
        assert_eq!(lifetime(&item), 32 * DAY, "{target}");
    }
    let short = json!({"title": "t", "content": "c", "days": 3});
    let item = publish(&admin, "/x-news", &short).await;
    assert_eq!(lifetime(&item), 3 * DAY);
    for days in [json!(0), json!(-1), json!("3"), json!(1_000_000)] {
        let body = json!({"title": "t", "content": "c", "days": days});
        let error = admin.post("/x-news", &body).await.refusal(400);
        assert_eq!(error.param.as_deref(), Some("days"));
    }
    admin.get("/dashboard/news?all=true").await.ok();
}

#[tokio::test]
async fn limits_count_characters() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    let body = |title: usize, content: usize| json!({"title": "消".repeat(title), "content": "息".repeat(content)});
    publish(&admin, "/x-news", &body(100, 1000)).await;
    for (body, param) in [
        (body(101, 1), "title"),
        (body(0, 1), "title"),
        (body(1, 1001), "content"),
        (body(1, 0), "content"),
        (json!({"content": "c"}), "title"),
        (json!({"title": "t"}), "content"),
        (json!({"title": 5, "content": "c"}), "title"),
        (json!({"title": "t", "content": "c", "extra": 1}), "extra"),
    ] {
        let error = admin.post("/x-news", &body).await.refusal(400);
        assert_eq!(error.param.as_deref(), Some(param), "{}", error.message);
    }
}
