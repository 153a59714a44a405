//! `/x-news` and `/dashboard/news`.

use serde_json::{Value, json};

use crate::node::Node;

fn item(title: &str) -> Value {
    json!({"title": title, "content": "scheduled for tomorrow 2:00-4:00 AM"})
}

fn titles(items: &Value) -> Vec<&str> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn system_news_is_published_listed_and_taken_back() {
    let node = Node::start().await;
    let posted = node
        .post("/x-news", &item("System Maintenance Notice"))
        .await
        .ok();
    let news = &posted["news"];
    assert_eq!(
        *news,
        json!({
            "id": 1,
            "title": "System Maintenance Notice",
            "content": "scheduled for tomorrow 2:00-4:00 AM",
            "created_at": news["created_at"],
            "expires_at": news["expires_at"],
        })
    );
    let listed = node.get("/dashboard/news").await.ok();
    assert_eq!(
        listed,
        json!({"success": true, "system_news": [news], "user_news": []})
    );
    let deleted = node.delete_with("/x-news", &json!({"id": 1})).await.ok();
    assert_eq!(
        (&deleted["success"], &deleted["id"]),
        (&json!(true), &json!(1))
    );
    let listed = node.get("/dashboard/news").await.ok();
    assert_eq!(listed["system_news"], json!([]));
}

#[tokio::test]
async fn targets_by_number_name_mail_and_path() {
    let node = Node::start().await;
    for (path, target) in [
        ("42", "42"),
        ("alice", "alice"),
        ("alice%40example.com", "alice@example.com"),
        (".1.42.", ".1.42."),
    ] {
        let posted = node
            .post(&format!("/x-news/{path}"), &item(target))
            .await
            .ok();
        assert_eq!(posted["news"]["target"], target);
        assert!(
            posted["warnings"].to_string().contains(target),
            "nobody is meant: {posted}"
        );
    }
    let to_self = node.post("/x-news/1", &item("self")).await.ok();
    assert!(to_self.get("warnings").is_none(), "{to_self}");
    let listed = node.get("/dashboard/news").await.ok();
    let expected = ["self", ".1.42.", "alice@example.com", "alice", "42"];
    assert_eq!(titles(&listed["user_news"]), expected);
    assert_eq!(listed["system_news"], json!([]));
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    let node = Node::start().await;
    let longest = json!({"title": "通".repeat(100), "content": "知".repeat(1000)});
    node.post("/x-news", &longest).await.ok();
    let cases = [
        ("title", json!({"content": "c"})),
        ("content", json!({"title": "t"})),
        ("title", json!({"title": " ", "content": "c"})),
        ("title", json!({"title": "通".repeat(101), "content": "c"})),
        (
            "content",
            json!({"title": "t", "content": "知".repeat(1001)}),
        ),
        ("title", json!({"title": 1, "content": "c"})),
        ("days", json!({"title": "t", "content": "c", "days": 0})),
        ("days", json!({"title": "t", "content": "c", "days": "7"})),
        (
            "days",
            json!({"title": "t", "content": "c", "days": 99_999_999_999_u64}),
        ),
        (
            "priority",
            json!({"title": "t", "content": "c", "priority": 1}),
        ),
    ];
    for (param, body) in cases {
        let error = node
            .post("/x-news", &body)
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{body}");
    }
    for path in [
        "/x-news/.1.x.",
        "/x-news/.1",
        "/x-news/99999999999999999999",
    ] {
        let error = node
            .post(path, &item("t"))
            .await
            .refused(400, "invalid_field");
        assert_eq!(error["param"], "target", "{path}");
    }
}

#[tokio::test]
async fn expiry_is_by_kind_or_by_days() {
    let node = Node::start().await;
    let lifetime = async |path: &str, days: Option<u32>| {
        let mut body = item("t");
        if let Some(days) = days {
            body["days"] = json!(days);
        }
        let news = node.post(path, &body).await.ok()["news"].clone();
        let at = |field: &str| {
            let text = news[field].as_str().unwrap();
            chrono::DateTime::parse_from_rfc3339(text).unwrap()
        };
        (at("expires_at") - at("created_at")).num_days()
    };
    assert_eq!(lifetime("/x-news", None).await, 7);
    assert_eq!(lifetime("/x-news/1", None).await, 32);
    assert_eq!(lifetime("/x-news", Some(1)).await, 1);
    assert_eq!(lifetime("/x-news/1", Some(3)).await, 3);
}

#[tokio::test]
async fn at_most_eight_are_shown_the_newest_first_and_all_on_request() {
    let node = Node::start().await;
    for number in 1..=10 {
        node.post("/x-news", &item(&format!("n{number}")))
            .await
            .ok();
    }
    let listed = node.get("/dashboard/news").await.ok();
    let shown = titles(&listed["system_news"]);
    assert_eq!(shown, ["n10", "n9", "n8", "n7", "n6", "n5", "n4", "n3"]);
    let all = node.get("/dashboard/news?all=true").await.ok();
    assert_eq!(all["system_news"].as_array().unwrap().len(), 10);
    assert_eq!(all["system_news"][0]["expired"], false);
    node.get("/dashboard/news?all=x")
        .await
        .refused(400, "invalid_field");
}

#[tokio::test]
async fn deleting_what_is_not_there_is_refused() {
    let node = Node::start().await;
    node.delete_with("/x-news", &json!({"id": 9}))
        .await
        .refused(404, "news_not_found");
    node.delete("/x-news/9")
        .await
        .refused(404, "news_not_found");
    node.delete("/x-news/alice")
        .await
        .refused(400, "invalid_field");
    for body in [json!({}), json!({"id": "1"}), json!({"id": 1, "all": true})] {
        node.delete_with("/x-news", &body)
            .await
            .refused(400, "invalid_field");
    }
    node.post("/x-news", &item("t")).await.ok();
    node.delete("/x-news/1").await.ok();
}
