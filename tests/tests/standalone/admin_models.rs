//! `/admin/v1/models` as a script would use it, and that a restart keeps it all.

use foldgate_tests::client::finish;
use foldgate_tests::{Admin, Client, Settings};
use http::Method;
use serde_json::{Value, json};

const MODELS: &str = "/admin/v1/models";

fn direct(name: &str) -> Value {
    json!({"display_name": name, "model_name": "gpt-4o", "level": 1})
}

/// Every name, page by page, following the links.
async fn names(admin: &Client, mut at: String) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let page = admin.get(&at).await;
        let entries = page.ok();
        let entries = entries.as_array().expect("an array");
        let name = |entry: &Value| entry["value"]["display_name"].as_str().map(str::to_owned);
        seen.extend(entries.iter().map(|entry| name(entry).expect("a name")));
        let Some(link) = page.header("link") else {
            return seen;
        };
        let target = link.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        target.expect("a link").0.clone_into(&mut at);
        assert!(seen.len() < 1000, "no end");
    }
}

async fn make(admin: &Admin, body: &Value) -> Value {
    admin.post(MODELS, body).await.ok()
}

#[tokio::test]
async fn models_are_kept_over_a_restart() {
    let mut foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    admin.add_key(1, "http://127.0.0.1:9").await;
    let mut entries = Vec::new();
    for number in 0..5 {
        entries.push(make(&admin, &direct(&format!("m{number}"))).await);
    }
    let path = |entry: &Value| format!("{MODELS}/{}", entry["id"].as_str().expect("an id"));
    let body = json!({
        "display_name": "any",
        "routing": {"strategy": "round_robin", "targets": [{"model": "M1"}, {"model": "m2", "weight": 2}]},
    });
    let lead = make(&admin, &body).await;
    entries.push(lead.clone());
    let changed = admin.put(&path(&entries[0]), &direct("m0-new")).await;
    entries[0] = changed.ok();
    let gone = admin.delete(&path(&entries[3]), None).await.ok();
    assert_eq!(gone, json!({"deleted": true, "id": entries[3]["id"]}));
    entries.remove(3);

    foldgate.restart().await;
    let admin = foldgate.admin();
    let listed = admin.get(MODELS).await;
    assert_eq!(listed.header("x-total-count"), Some("5"));
    assert_eq!(listed.ok(), Value::Array(entries.clone()));
    let paged = names(&admin, format!("{MODELS}?limit=2")).await;
    assert_eq!(paged, ["m0-new", "m1", "m2", "m4", "any"]);
    // ETags hold over it, and so do names and references.
    let tag = changed.header("etag").expect("an ETag").to_owned();
    let put = admin.request(Method::PUT, &path(&entries[0]));
    let put = put.header("if-match", tag).json(&direct("m0-newer"));
    finish("PUT", put).await.ok();
    let taken = admin.post(MODELS, &direct("M0-NEWER")).await.refusal(409);
    assert_eq!(taken.code.as_deref(), Some("taken"));
    let referred = admin.delete(&path(&entries[1]), None).await;
    assert_eq!(referred.refusal(409).code.as_deref(), Some("referred"));
    assert!(
        referred
            .text()
            .contains(lead["id"].as_str().expect("an id"))
    );
    // What is gone comes back from the history.
    let removal = admin.get("/admin/v1/history?kind=ModelRemoved").await.ok();
    let undo = format!("/admin/v1/history/{}/undo", removal["items"][0]["revision"]);
    admin.post(&undo, &json!({})).await.ok();
    let back = format!("{MODELS}/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&back).await.ok()["value"], direct("m3"));
    assert!(foldgate.stop().await.success());
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_while_others_are_served() {
    let foldgate = Settings::standalone().start().await;
    let admin = foldgate.admin();
    // Some two megabytes: many pieces, more than sockets hold.
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..120 {
        let admin = admin.clone();
        posts.spawn(async move {
            let ranges: Vec<String> = (0..1000)
                .map(|n| format!("10.{number}.{}.{}/32", n / 250, n % 250))
                .collect();
            let mut body = direct(&format!("m{number}"));
            body["allowed_cidrs"] = json!(ranges);
            admin.post(MODELS, &body).await.ok();
        });
    }
    while let Some(post) = posts.join_next().await {
        post.expect("a post ends");
    }
    let mut response = admin
        .request(Method::GET, MODELS)
        .send()
        .await
        .expect("a head");
    let mut text = Vec::new();
    let mut pieces = 0;
    while let Some(piece) = response.chunk().await.expect("the list goes on") {
        text.extend_from_slice(&piece);
        pieces += 1;
        // Others are served meanwhile.
        if pieces % 10 == 0 {
            assert_eq!(admin.get("/x-conf").await.status, 200);
        }
    }
    assert!(text.len() > 2_000_000, "{}", text.len());
    let entries: Value = serde_json::from_slice(&text).expect("JSON to its end");
    let mut all: Vec<&str> = entries
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|entry| entry["value"]["display_name"].as_str())
        .collect();
    assert_eq!(all.len(), 120);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 120);
}
