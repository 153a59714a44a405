//! Who may do what, asked of both control planes: every route with every sort of
//! key, and what owner, account, operator and auditor are shown of themselves.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, eventually};
use http::Method;
use serde_json::{Value, json};

use super::people::World;
use super::reads::{get_at, shown_once};

/// What a caller is told who may not call a route.
const DENIED: [&str; 2] = ["owner_only", "role_not_allowed"];

/// A route as the API's own document has it: method, path, and who may call it.
pub(crate) async fn routes(admin: &Admin) -> Vec<(Method, String, String)> {
    let document = admin.get("/admin/openapi.json").await.ok();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let text = operation["description"].as_str().unwrap_or_default();
            let Some((_, who)) = text.split_once("May be called by ") else {
                continue;
            };
            let method = method.to_uppercase().parse().expect("a method");
            let who = who.trim_end_matches('.').to_owned();
            routes.push((method, path.clone(), who));
        }
    }
    assert!(routes.len() > 60, "{routes:?}");
    routes
}

/// A path with this in the place of every parameter.
pub(crate) fn filled(path: &str, with: &str) -> String {
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            with
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A status and its JSON. What is no JSON is not read: a stream does not end.
pub(crate) async fn told(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type");
    if kind.is_none_or(|kind| kind != "application/json") {
        return (status, Value::Null);
    }
    let body = response.json().await;
    (status, body.expect("JSON"))
}

#[tokio::test]
async fn every_route_lets_in_the_same_callers_on_both_control_planes() {
    let world = World::start().await;
    let (_, account) = world.account("team-a", &json!({})).await;
    let mut callers = vec![("accounts", account)];
    for role in ["owner", "operator", "auditor"] {
        let key = world.admin_key(&format!("an {role}"), role).await;
        world.known(&key).await;
        callers.push((role, key));
    }
    let before = world.newest().await;
    for (number, (method, path, who)) in routes(&world.controls[1]).await.into_iter().enumerate() {
        let mut target = filled(&path, "1");
        if method != Method::GET {
            // Whoever is let in must not change what the next one meets.
            target.push_str("?dry_run=true");
        }
        let control = &world.fleet.controls[number % 2];
        for (caller, key) in &callers {
            let admin = control.admin_with(key);
            let request = admin.request(method.clone(), &target).json(&json!({}));
            let (status, body) = told(request).await;
            let error = body.get("error").unwrap_or(&body);
            let code = error["code"].as_str().unwrap_or_default();
            let may = *caller == "owner" || who.contains(caller) || who.contains("everybody");
            let what = format!("{caller} {method} {path}: {status} {body}");
            assert_eq!(DENIED.contains(&code), !may, "{what}");
            assert_eq!(
                DENIED.contains(&code),
                status == 403 && code != "first_owner_only",
                "{what}"
            );
            assert!(status < 500 && status != 401, "{what}");
        }
    }
    assert_eq!(world.newest().await, before, "the walk wrote nothing");
}

#[tokio::test]
async fn operators_route_and_auditors_read() {
    let world = World::start().await;
    let (user, _) = world.account("team-a", &json!({"CreditGranted": 5})).await;
    let operator = world.known(&world.admin_key("ops", "operator").await).await;
    let auditor = world
        .known(&world.admin_key("books", "auditor").await)
        .await;
    let routing = json!({"MODEL_MAPPER": "a=b", "SWITCH_OVER": "1=2"});
    let last = operator
        .put("/x-config?wait=fleet", &routing)
        .await
        .revision();
    let news = json!({"title": "t", "content": "c"});
    operator.post("/x-news", &news).await.ok();
    assert_eq!(
        world.chats(foldgate_tests::foldgate::OWNER_KEY, "a").await,
        [200; 3]
    );
    let account = format!("/x-users/{}", user["ID"]);
    let change = |body: Value| (Method::PUT, account.clone(), body);
    let key = json!({"SecretKey": foldgate_tests::admin::CANARY, "Level": 1, "Provider": "https://llm.example.com"});
    let denied = [
        (Method::POST, "/x-keys".to_owned(), key),
        (Method::DELETE, "/x-keys/1".to_owned(), json!({})),
        (
            Method::PUT,
            "/x-config".to_owned(),
            json!({"EMAIL_PASS": "secret-of-mail"}),
        ),
        change(json!({"CreditGranted": 5})),
        change(json!({"Rates": 2})),
        (
            Method::POST,
            format!("/admin/v1/state/restore?at={last}"),
            json!({}),
        ),
        (
            Method::POST,
            format!("/admin/v1/history/{last}/undo"),
            json!({}),
        ),
        (
            Method::POST,
            "/admin/v1/admin_keys".to_owned(),
            json!({"name": "x", "role": "owner"}),
        ),
    ];
    let before = world.newest().await;
    for (method, path, body) in &denied {
        for caller in [&operator, &auditor] {
            let answer = caller.send(method.clone(), path, Some(body)).await;
            let code = answer.refusal(403).code;
            assert_eq!(code.as_deref(), Some("role_not_allowed"), "{path}");
        }
    }
    for (path, body) in [("/x-config", &routing), ("/x-news", &news)] {
        let method = if path == "/x-news" {
            Method::POST
        } else {
            Method::PUT
        };
        auditor.send(method, path, Some(body)).await.refusal(403);
    }
    assert_eq!(world.newest().await, before, "none of it was written");
    for path in [
        "/x-keys",
        "/x-config",
        "/x-conf",
        "/x-users",
        "/x-dna",
        "/admin/v1/history",
        "/admin/v1/state",
        "/admin/v1/access_log",
        "/admin/v1/explain?model=a",
        "/dashboard/info",
    ] {
        for reader in [&operator, &auditor] {
            let shown = reader.get(path).await;
            assert!(
                !shown
                    .ok()
                    .to_string()
                    .contains(foldgate_tests::admin::CANARY),
                "{path}"
            );
        }
    }
}

/// A time of an answer.
#[track_caller]
fn time(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    let text = value.as_str().unwrap_or_default();
    let time = chrono::DateTime::parse_from_rfc3339(text);
    time.unwrap_or_else(|error| panic!("no time ({error}): {value}"))
}

#[tokio::test]
async fn the_owner_sees_itself_and_all_that_was_done() {
    let world = World::start().await;
    let (_, key) = world
        .account("team-a", &json!({"CreditGranted": 25, "Days": 30}))
        .await;
    let [one, other] = &world.controls;
    let there = world.known(&key).await;
    let body = json!({"Name": "bot-1", "Email": "bot-1@example.com"});
    let made = there.post("/x-users", &body).await;
    let (child, child_key) = (made.ok()["user"].clone(), shown_once(&made.ok()["key"]));
    let mapper = json!({"MODEL_MAPPER": "fast=gpt-4o-mini"});
    let last = other.config(&mapper).await.revision();
    for control in [one, other] {
        let status = get_at(control, "/dashboard/status", last).await.ok();
        let told = ["name", "admin", "manage"].map(|field| status[field].clone());
        assert_eq!(told, [json!("owner"), json!(true), json!(true)], "{status}");
        let info = control.get("/dashboard/info").await.ok();
        assert_eq!(info["user"]["parent_id"], Value::Null, "{info}");
        assert_eq!(
            info["limits"]["rpm"],
            Value::Null,
            "nothing bounds it: {info}"
        );
        assert_eq!(info["acl"]["allow_models"], Value::Null, "{info}");
        let conf = control.get("/dashboard/conf").await.ok();
        assert_eq!(conf["OwnerModelMapper"]["fast"], "gpt-4o-mini", "{conf}");
        let logs = control.get("/dashboard/logs?size=100").await.ok();
        let rows = foldgate_tests::admin::list(&logs["logs"]);
        assert_eq!(logs["total"], json!(rows.len()), "{logs}");
        let added: Vec<&Value> = rows
            .iter()
            .filter(|row| row["action"] == "add_user")
            .collect();
        assert_eq!(added.len(), 2, "{logs}");
        assert_eq!(added[0]["target_id"], child["ID"], "newest first: {logs}");
        let of_child = format!("/dashboard/logs?action=add_user&target_id={}", child["ID"]);
        assert_eq!(control.get(&of_child).await.ok()["total"], 1);
        let second = control.get("/dashboard/logs?size=1&page=2").await.ok();
        assert_eq!(second["logs"][0], rows[1], "{second}");
        assert_eq!(second["has_more"], json!(rows.len() > 2));
        // What the account was given, and for how long.
        let user = control.get("/x-users/team-a").await.ok()["user"].clone();
        assert_eq!(user["Balance"], 25, "{user}");
        let credit = &user["Credits"][0];
        assert_eq!(credit["Amount"], 25, "{user}");
        let [from, until] = ["GrantedAt", "ExpiresAt"].map(|field| time(&credit[field]));
        assert_eq!(until - from, chrono::Duration::days(30), "{user}");
    }
    // The child is told of itself alone, the team of the child too.
    let child = world.known(&child_key).await;
    let rows = async |admin: &Admin, total: usize| {
        eventually("the log is told", SOON, async || {
            let logs = get_at(admin, "/dashboard/logs", last).await.ok();
            if logs["total"] == json!(total) {
                Ok(())
            } else {
                Err(logs.to_string())
            }
        })
        .await;
    };
    rows(&child, 1).await;
    rows(&there, 2).await;
}
